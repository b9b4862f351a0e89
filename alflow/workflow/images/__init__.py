"""Images: where they come from, what an import did, renditions, embeddings."""
