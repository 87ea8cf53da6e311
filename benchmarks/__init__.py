"""Benchmarks: scripts that print figures, as ratios measured in one run. They assert nothing."""
