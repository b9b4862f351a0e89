"""Rows of back-tests."""
