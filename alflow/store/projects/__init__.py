"""Rows of projects and classes, and why a project's runs fail."""
