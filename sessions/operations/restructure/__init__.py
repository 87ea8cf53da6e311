"""New sessions out of others: fork, merge, split, and what tells two apart."""
