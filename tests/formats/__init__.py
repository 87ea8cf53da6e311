"""Formats: bytes in, documents out, and back."""
