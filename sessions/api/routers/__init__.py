"""Routes: each translates a request, calls an operation or a read, and answers."""
