"""The only writers of domain rows: one mutation, one function, for every front door alike."""
