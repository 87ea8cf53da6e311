"""Research sessions: the application. In this package `session` is ours; Django's is `request.session`."""
