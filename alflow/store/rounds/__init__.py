"""Rows of rounds, candidates and evaluations."""
