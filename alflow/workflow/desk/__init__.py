"""The desk: what to show next, answers, checks, the grid, guidelines."""
