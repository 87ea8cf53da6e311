"""Everything that has to be kept, copied into a directory while the server writes, and back into an empty place."""
