"""scatter along an axis of four, at places that the caller gives, with all sizes free.

python -m examples.operators.scatter
"""

import torch

from examples.carry import carry, claim

NAMES = dict(enumerate(["batch", "depth", "height", "width"]))


def scatters(x, places, values):
    """All three of one shape; places: int64, below the depth."""
    return (
        x.scatter(1, places, values),
        x.scatter(1, places, 2.0),
        x.scatter_add(1, places, values),
        x.scatter_reduce(1, places, values, reduce="amax"),
    )


def inputs(*shape):
    """Without two values for one place: PyTorch does not say which of them stays."""
    places = torch.rand(shape).argsort(1)
    return torch.randn(shape), places, torch.randn(shape)


if __name__ == "__main__":
    torch.manual_seed(0)
    free = {name: NAMES for name in ("x", "places", "values")}
    several = [inputs(2, 3, 4, 5), inputs(1, 6, 2, 3), inputs(3, 2, 7, 4)]
    model = carry(scatters, several, dynamic_shapes=free)
    claim("four free sizes", {size.name for size in model.report.sizes} == set(NAMES.values()))
