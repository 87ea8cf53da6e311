"""Django's PostgreSQL backend, which notices a server that doesn't answer."""
