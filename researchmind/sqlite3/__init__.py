"""Django's SQLite backend, with a patience of our own."""
