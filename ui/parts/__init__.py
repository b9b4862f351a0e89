"""Shared by pages: the frame, the session, cards, charts, texts for empty pages."""
