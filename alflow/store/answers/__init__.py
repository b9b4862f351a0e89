"""Rows that tell what answers were worth: votes, decisions, history."""
