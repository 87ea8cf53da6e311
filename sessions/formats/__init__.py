"""Between the bytes of other systems, and of our own archives, and one neutral document. One module a format.

Pure functions: no models, no disk but the file that is given. A reader takes a seekable binary
file and yields documents and faults, one conversation at a time.
"""
