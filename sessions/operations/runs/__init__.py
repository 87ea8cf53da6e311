"""The progress of an agent's run, one noun a file. Every write here counts as the run's heartbeat."""
