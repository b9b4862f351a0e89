"""Projects, their classes and their settings."""
