"""Modules of PyTorch that order channels as TensorFlow does."""
