"""Long work, done by the worker: it can be left and found again, and survives the worker that did it."""
