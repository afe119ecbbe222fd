"""Random weights that show mistakes: nothing constant, nothing zero, activations of order one.

A fresh torchvision model hides errors: batch norm is the identity, residual branches end in zeros,
layer scales are 1e-6. And without training the activations of plain stacks fade or explode.
"""

import torch
from torch import nn

_SCALED = (nn.modules.conv._ConvNd, nn.Linear)
_BATCH_NORM = nn.modules.batchnorm._BatchNorm


@torch.no_grad()
def randomise(module, args):
    """Perturbs constant parameters; then, in one forward pass over `args`, scales each layer and
    sets the statistics of each batch norm by what reaches it. Draws from the global generator."""
    module.eval()
    _perturb_constants(module)
    hooks = []
    for layer in module.modules():
        if isinstance(layer, _SCALED):
            hooks.append(layer.register_forward_hook(_ScaleOnce()))
        elif isinstance(layer, _BATCH_NORM):
            hooks.append(layer.register_forward_pre_hook(_set_statistics))
    module(*args)
    for hook in hooks:
        hook.remove()
    return module


def _perturb_constants(module):
    for name, parameter in module.named_parameters():
        if parameter.numel() > 1 and parameter.min() != parameter.max():
            continue
        if name.endswith("bias"):
            parameter.uniform_(-0.2, 0.2)
        else:
            parameter.uniform_(0.6, 1.4)


class _ScaleOnce:
    """Makes a convolution's or linear layer's output of deviation one, at its first call."""

    def __init__(self):
        self.done = False

    def __call__(self, layer, _, output):
        if self.done:
            return output
        self.done = True
        deviation = output.std().clamp_min(1e-6)
        layer.weight /= deviation
        if layer.bias is not None:
            layer.bias /= deviation
        return output / deviation


def _set_statistics(norm, args):
    """Near what the batch norm sees, but off: exact statistics would cancel the layer before it.

    The floor keeps channels that hardly vary from being blown up, layer after layer.
    """
    values = args[0].transpose(0, 1).flatten(1)
    mean, variance = values.mean(1), values.var(1, correction=0)
    variance = variance.clamp_min(0.1 * values.var(correction=0).item())
    norm.running_mean.copy_(mean + 0.2 * variance.sqrt() * torch.randn_like(mean))
    norm.running_var.copy_(variance * torch.empty_like(variance).uniform_(0.7, 1.4))
