"""Rows of images, and of those that could not be embedded."""
