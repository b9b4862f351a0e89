"""Data sets in the layouts of other tools: one file for each, and one table of all (`table.FORMATS`)."""
