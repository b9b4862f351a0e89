"""Rows of answers, and the queue that deals images to those who answer."""
