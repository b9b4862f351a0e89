"""Rows about answers: votes, decisions, history."""
