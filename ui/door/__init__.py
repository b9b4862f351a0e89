"""The door: authentication, authorisation, and the forms before the pages."""
