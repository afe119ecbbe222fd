"""Modules that take derivatives of what they compute: for each a model and inputs for it.

model, args = DERIVATIVES["forces of an energy"]
"""

import torch
import torch.nn.functional as F
from torch import nn

DERIVATIVES = {}


def derivative(name, *shapes):
    def add(model):
        generator = torch.Generator().manual_seed(len(DERIVATIVES))
        args = tuple(torch.rand(shape, generator=generator) * 2 - 0.9 for shape in shapes)
        DERIVATIVES[name] = (model, args)
        return model

    return add


class Slope(nn.Module):
    """The slope of the sum of squares, as forces are taken."""

    def __init__(self, layer, *, enable_grad=True, order=1):
        super().__init__()
        self.layer, self.enable_grad, self.order = layer, enable_grad, order

    def forward(self, x):
        with torch.set_grad_enabled(self.enable_grad or torch.is_grad_enabled()):
            x = x.detach().requires_grad_(True)
            y = x
            for order in range(self.order):
                square = (self.layer(x) if order == 0 else y).square().sum()
                y = torch.autograd.grad(square, x, create_graph=order + 1 < self.order)[0]
            return y


def slope(layer, **options):
    torch.manual_seed(0)
    return Slope(layer() if isinstance(layer, type) else layer, **options).eval()


MLP = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 8), nn.SiLU(), nn.Linear(8, 1))
IMAGE = (2, 4, 6, 6)

for name, layer, shape in (
    ("softmax", nn.Softmax(-1), (3, 5)),
    ("log softmax", nn.LogSoftmax(-1), (3, 5)),
    ("sigmoid", nn.Sigmoid(), (3, 5)),
    ("relu", nn.ReLU(), (3, 5)),
    ("gelu", nn.GELU(), (3, 5)),
    ("elu", nn.ELU(), (3, 5)),
    ("softplus", nn.Softplus(), (3, 5)),
    ("layer norm", nn.LayerNorm(5), (3, 5)),
    ("group norm", nn.GroupNorm(2, 4), IMAGE),
    ("batch norm", nn.BatchNorm2d(4), IMAGE),
    ("conv", nn.Conv2d(4, 6, 3, stride=2, padding=1), IMAGE),
    ("conv of groups", nn.Conv2d(4, 4, 3, groups=4, dilation=2, padding=2), IMAGE),
    ("conv1d that leaves a rest", nn.Conv1d(2, 3, 2, stride=3), (1, 2, 10)),
    ("transposed conv", nn.ConvTranspose2d(4, 2, 3, stride=2, output_padding=1), IMAGE),
    ("max pool", nn.MaxPool2d(3, 2, 1), IMAGE),
    ("average pool", nn.AvgPool2d(3, 2, 1), IMAGE),
    ("adaptive pool", nn.AdaptiveAvgPool2d((3, 2)), IMAGE),
    ("nearest", nn.Upsample(scale_factor=2), IMAGE),
    ("bilinear", nn.Upsample(scale_factor=2, mode="bilinear"), IMAGE),
    ("replicated border", nn.ReplicationPad2d((1, 2, 0, 1)), IMAGE),
    ("attention", nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (2, 3, 8)),
):
    derivative(name, shape)(slope(layer))

derivative("forces of an energy", (4, 3))(slope(MLP))
derivative("forces, where gradients are on anyway", (4, 3))(slope(MLP, enable_grad=False))
derivative("second derivative", (4, 3))(slope(MLP, order=2))
derivative("second derivative of a conv", IMAGE)(slope(nn.Conv2d(4, 3, 3), order=2))


@derivative("distances", (5, 3))
def of_distances(x):
    with torch.enable_grad():
        x = x.detach().requires_grad_(True)
        distances = torch.cdist(x, x) + torch.eye(5)
        return torch.autograd.grad((1 / distances).sum(), x)[0]


@derivative("two inputs", (3, 4), (3, 4))
def of_two_inputs(x, y):
    with torch.enable_grad():
        x, y = x.detach().requires_grad_(True), y.detach().requires_grad_(True)
        return torch.autograd.grad((x.exp() * y.sigmoid()).sum(), (x, y))


@derivative("vjp with weights", (3, 4), (3, 4))
def with_weights(x, v):
    with torch.enable_grad():
        x = x.detach().requires_grad_(True)
        return torch.autograd.grad(x.tanh(), x, grad_outputs=v)[0]


@derivative("backward", (3, 4))
def by_backward(x):
    with torch.enable_grad():
        x = x.detach().requires_grad_(True)
        x.tanh().square().sum().backward()
        return x.grad


class Laplacian(nn.Module):
    """Second derivatives one by one, as physics-informed networks take them."""

    def __init__(self):
        super().__init__()
        self.net = MLP

    def forward(self, x):
        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            first = torch.autograd.grad(self.net(x).sum(), x, create_graph=True)[0]
            rows = [
                torch.autograd.grad(first[:, i].sum(), x, retain_graph=True)[0][:, i]
                for i in range(3)
            ]
        return torch.stack(rows, 1).sum(1)


derivative("laplacian", (4, 3))(Laplacian().eval())

T, A = torch.func, torch.autograd.functional


def energy(x):
    return (x.tanh() * x.exp()).sum()


for name, function in (
    ("func.grad", lambda x: T.grad(energy)(x)),
    ("func.grad_and_value", lambda x: T.grad_and_value(energy)(x)),
    ("func.vjp", lambda x: T.vjp(torch.sigmoid, x)[1](x)[0]),
    ("func.jvp", lambda x: T.jvp(torch.tanh, (x,), (x,))),
    ("func.jacrev", lambda x: T.jacrev(torch.tanh)(x)),
    ("func.jacfwd", lambda x: T.jacfwd(F.softplus)(x)),
    ("func.hessian", lambda x: T.hessian(energy)(x)),
    ("func.vmap of grad", lambda x: T.vmap(T.grad(energy))(x.reshape(2, 2))),
    ("func.vmap of jacrev", lambda x: T.vmap(T.jacrev(torch.exp))(x.reshape(2, 2))),
    ("func.grad of grad", lambda x: T.grad(lambda y: T.grad(energy)(y).square().sum())(x)),
    ("func.grad of two", lambda x: T.grad(lambda a, b: energy(a * b), argnums=(0, 1))(x, x + 1)),
    ("func.linearize", lambda x: T.linearize(torch.sin, x)[1](x)),
    ("functional.jacobian", lambda x: A.jacobian(torch.tanh, x)),
    ("functional.hessian", lambda x: A.hessian(energy, x)),
    ("functional.vjp", lambda x: A.vjp(torch.tanh, x, x)[1]),
    ("functional.jvp", lambda x: A.jvp(torch.tanh, x, x)[1]),
    ("functional.hvp", lambda x: A.hvp(energy, x, x)[1]),
):
    derivative(name, (4,))(function)


@derivative("func.functional_call", (3,))
class OfWeights(nn.Module):
    """How much each weight matters to a sample."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x):
        def loss(weights):
            return torch.func.functional_call(self.layer, weights, (x,)).tanh().sum()

        return torch.func.grad(loss)(dict(self.layer.named_parameters()))


DERIVATIVES["func.functional_call"] = (OfWeights().eval(), (torch.ones(3),))
