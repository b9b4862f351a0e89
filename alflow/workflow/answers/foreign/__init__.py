"""Answers that other tools wrote: one file for each, and one table of all (`table.READERS`)."""
