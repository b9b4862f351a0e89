"""The door: who comes, whether they may, and the forms before the pages."""
