"""Convolutions in NumPy and torch."""
