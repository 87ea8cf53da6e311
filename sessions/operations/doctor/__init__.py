"""Comparing what is kept twice: rows, directories, tombstones, counters and the search's index."""
