"""Keeping an installation alive: what is wrong with it, whether it answers, and its figures for a monitor."""
