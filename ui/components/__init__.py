"""Widgets of our own, on Streamlit's Components v2: HTML, CSS and JavaScript in the page, no build step."""
