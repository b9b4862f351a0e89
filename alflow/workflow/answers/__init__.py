"""Answers: their quality, disputes, history and export."""
