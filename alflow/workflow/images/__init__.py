"""Images: their sources, imports, renditions and embeddings."""
