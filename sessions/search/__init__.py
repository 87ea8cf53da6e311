"""Search: one query language over SQLite's FTS5 and PostgreSQL's tsvector (docs/decisions/0010-search.md)."""
