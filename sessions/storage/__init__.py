"""The outside world: directories today, vectors and model servers beside them. Knows no model."""
