"""Receptive fields: which pixels of the image a unit of a network sees."""
