"""Rows of people, accounts and sessions."""
