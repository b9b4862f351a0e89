"""Widgets of our own, on Streamlit's Components v2: HTML, CSS and ES modules, no build step (see `modules`)."""
