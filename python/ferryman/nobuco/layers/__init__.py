"""Layers that nobuco's scripts name."""
