"""Rounds: acquire, fit, evaluate, stop, and what a project waits for."""
