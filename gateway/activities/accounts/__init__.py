"""People and their sign-in sessions: registering, guests, passwords, bearer tokens."""
