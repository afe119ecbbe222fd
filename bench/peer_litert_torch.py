"""Converts a model of the zoo with litert-torch, in its environment: name, output path."""

import sys

import litert_torch

from models import zoo

name, path = sys.argv[1:]
litert_torch.convert(zoo.build(name), zoo.example_inputs(name)).export(path)
