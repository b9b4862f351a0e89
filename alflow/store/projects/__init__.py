"""Rows of projects and classes, and of failing runs."""
