"""Rows of answers, and the queue that assigns images to annotators."""
