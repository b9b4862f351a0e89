"""The face of alflow in Python, for a notebook: it takes and gives NumPy, pandas and torch, and writes nothing."""
