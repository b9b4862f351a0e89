"""Answers: their quality, disputes, history, and taking them along."""
