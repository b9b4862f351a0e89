"""The fitted model as files of other programs: one file for each format, and one table of all (`table.FORMATS`)."""
