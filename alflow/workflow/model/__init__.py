"""The model of a project: its posterior, its fits, and search through it."""
