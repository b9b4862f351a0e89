"""People: accounts, roles, sign-in, invitations, what is forgotten on request."""
