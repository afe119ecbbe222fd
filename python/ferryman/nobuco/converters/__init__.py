"""Helpers that nobuco's converters use."""
