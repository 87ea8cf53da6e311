"""Believable sessions, made up: what `manage.py generate` fills a database with. Touches no database."""
