"""The open door: conversions that users write for ops, functions and modules (docs/converters.md).

registry.py says which there are, subjects.py what one stands for, calls.py which calls of a model
they take, run.py how the body of one is run and what it has to keep.
"""
