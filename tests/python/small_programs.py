"""A catalogue of small programs with the inputs that they run on, by what they test.

    @program(arange(2, 3))
    def transposed_write(x): …
"""

import torch

torch.manual_seed(0)


def arange(*sizes, dtype=torch.float32):
    count = 1
    for size in sizes:
        count *= size
    return torch.arange(count, dtype=dtype).reshape(sizes)


# Programs of one input, by what they test. Every one runs on arange(4, 6) unless it says otherwise.
PROGRAMS = {}


def program(*inputs):
    def register(function):
        PROGRAMS[function.__name__] = (function, inputs or (arange(4, 6),))
        return function

    return register
