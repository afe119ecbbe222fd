"""Converts a network with litert-torch, in its environment: name, output path."""

import sys

import litert_torch

import networks

name, path = sys.argv[1:]
litert_torch.convert(*networks.build(name)).export(path)
