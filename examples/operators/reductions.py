"""36 reductions: sums, means, deviations, extremes and their places, any and all.

Over everything, one axis and several, with and without keepdim; whole numbers and bools come out
as such, and the nested structure of the results is kept.

python -m examples.operators.reductions
"""

import torch

from examples.carry import carry, claim

AXES = [{"dim": 1}, {"dim": -1, "keepdim": True}]
SEVERAL = [{"dim": (0, 2)}, {"dim": (1, 2), "keepdim": True}]


def of_all_axes(x):
    functions = (torch.mean, torch.sum, torch.std, torch.var, torch.min, torch.max)
    yield from (function(x) for function in functions)
    yield from (torch.argmin(x), torch.argmax(x), torch.any(x > 0), torch.all(x > -9))


def of_axes(x):
    for axes in AXES:
        yield from (torch.min(x, **axes), torch.max(x, **axes))  # values and places
        yield from (torch.argmin(x, **axes), torch.argmax(x, **axes))
        yield from (torch.any(x > 1, **axes), torch.all(x < 1, **axes))
    for axes in (*AXES[:1], *SEVERAL):
        for function in (torch.mean, torch.sum, torch.std):
            yield function(x, **axes)
    yield from (torch.amin(x, (0, 1)), torch.amax(x, (0, 1), keepdim=True))
    yield from (torch.amin(x, 2), x.cumsum(1), x.prod(1))


def reductions(x):
    """x: [2, 3, 4]."""
    return {"of all axes": tuple(of_all_axes(x)), "of axes": list(of_axes(x))}


if __name__ == "__main__":
    torch.manual_seed(0)
    count = sum(map(len, reductions(torch.randn(2, 3, 4)).values()))
    claim("36 reductions", count == 36)
    model = carry(reductions, [(torch.randn(2, 3, 4),) for _ in range(3)])
    print(", ".join(port.name for port in model.outputs))
