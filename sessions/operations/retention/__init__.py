"""Retention: what is archived, moved to the trash and purged by itself, seen before it is done."""
