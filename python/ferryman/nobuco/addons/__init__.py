"""Modules that become one operator of TensorFlow."""
