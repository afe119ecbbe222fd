"""Modules that nobody should have to convert, and that somebody will try: a table of kinds.

model, args = STRANGE["raises"]
"""

import contextlib
import threading
import time
import weakref

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

STRANGE = {}
X = torch.ones(2, 3) * 0.5


def strange(name, *args):
    def add(model):
        if isinstance(model, type):
            torch.manual_seed(0)
            model = model().eval()
        STRANGE[name] = (model, args or (X,))
        return model

    return add


def each(**functions):
    for name, function in functions.items():
        strange(name.replace("_", " "))(function)


D = torch.distributions


def raising(error):
    def forward(x):
        raise error

    return forward


class Slotted:
    __slots__ = ("value",)


class Recursive(nn.Module):
    def forward(self, x):
        return self(x)


each(
    raises_a_key_error=lambda x: {}[x.shape],
    raises_an_assertion=raising(AssertionError()),
    raises_stop_iteration=raising(StopIteration()),
    raises_a_warning=raising(UserWarning("careful")),
    raises_not_implemented=raising(NotImplementedError),
    raises_a_generator_exit_like=raising(BufferError("no")),
    wrong_shapes=lambda x: x @ x,
    too_many_dimensions=lambda x: x.reshape([1] * 70),
    gives_nothing=lambda x: None,
    gives_a_number=lambda x: 3,
    gives_a_set=lambda x: {x},
    gives_a_generator=lambda x: (y for y in x),
    gives_an_object=lambda x: Slotted(),
    gives_a_dtype=lambda x: (x, x.dtype),
    gives_a_numpy_array=lambda x: x.numpy(),
    gives_a_function=lambda x: lambda: x,
    gives_a_sparse_tensor=lambda x: x.to_sparse(),
    gives_a_nested_tensor=lambda x: torch.nested.nested_tensor([x, x[:1]]),
    gives_a_distribution=lambda x: D.Normal(x, 1.0),
    gives_a_meta_tensor=lambda x: x.to("meta"),
    gives_a_weak_reference=lambda x: weakref.ref(x),
    gives_itself_in_a_list=lambda x: (lambda items: items.append(items) or items)([x]),
    draws_a_category=lambda x: D.Categorical(logits=x).sample(),
    draws_a_category_at_once=lambda x: D.OneHotCategorical(probs=x).rsample(),
    draws_from_a_mixture=lambda x: D.MixtureSameFamily(
        D.Categorical(logits=x), D.Normal(x, 1.0)
    ).sample(),
    gumbel=lambda x: F.gumbel_softmax(x),
    reads_values=lambda x: [float(v) for v in x.flatten()],
    compares_tensors=lambda x: x * 2 if x.max() > x.min() else x,
    size_by_value=lambda x: torch.zeros(int(x.sum())),
    goes_through_numpy=lambda x: torch.from_numpy(np.sin(x.numpy())),
    goes_through_lists=lambda x: torch.tensor(x.tolist()),
    reads_memory=lambda x: x + x.data_ptr() % 7,
    reads_storage=lambda x: torch.tensor(list(x.untyped_storage()[:4])),
    pickles=lambda x: torch.save(x, contextlib.nullcontext()),
    starts_a_thread=lambda x: (threading.Thread(target=lambda: x + 1).start(), x)[1],
    reads_the_clock=lambda x: x + time.time(),
    calls_a_jit_function=lambda x: torch.jit.trace(torch.sin, (x,))(x),
    compiles=lambda x: torch.compile(torch.sin, backend="eager")(x),
    exports=lambda x: torch.export.export(nn.Linear(3, 3), (x,)).module()(x),
    without_gradients_to_take=lambda x: torch.autograd.grad(x.sum(), x)[0],
    jacobian_of_a_branch=lambda x: torch.func.jacrev(lambda y: y if y.sum() > 0 else -y)(x),
    vmap_of_a_branch=lambda x: torch.func.vmap(lambda y: y * 2 if y.sum() > 0 else y)(x),
    checkpointed=lambda x: torch.utils.checkpoint.checkpoint(torch.sin, x, use_reentrant=False),
    quantises=lambda x: torch.quantize_per_tensor(x, 0.1, 0, torch.qint8).int_repr(),
    resizes_in_place=lambda x: (x + 1).resize_(4),
    takes_another_memory=lambda x: (x + 1).set_(torch.zeros(3)),
    sets_data=lambda x: setattr(y := x + 1, "data", x * 2) or y,
    deletes_an_axis=lambda x: x[:, :0],
    complex_numbers=lambda x: torch.view_as_real(torch.fft.fft(x)),
    linear_algebra=lambda x: torch.linalg.eig(x @ x.T),
    of_another_device=lambda x: x.to("cuda"),
    prints=lambda x: (print(x), x * 2)[1],
    names_its_axes=lambda x: x.rename("a", "b"),
    sorts_by_python=lambda x: torch.stack(sorted(x, key=lambda row: float(row.sum()))),
)
strange("calls itself")(Recursive)
strange("takes a dict of other keys", {1: X, None: X})(lambda items: items[1] + items[None])
strange("takes an object", Slotted())(lambda item: item)
strange("takes nothing", 3)(lambda number: torch.ones(number))


@strange("is no function")
class NotCallable(nn.Module):
    forward = None


@strange("has no forward")
class WithoutForward(nn.Module):
    pass


@strange("changes its class")
class ChangesClass(nn.Module):
    def forward(self, x):
        self.__class__ = nn.Identity
        return x


@strange("adds a module")
class AddsModule(nn.Module):
    def forward(self, x):
        self.later = nn.Linear(3, 3)
        return self.later(x)


@strange("deletes a weight")
class DeletesWeight(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        y = x * self.weight
        del self.weight
        return y


@strange("refuses to be looked at")
class Refuses(nn.Module):
    def __getattr__(self, name):
        if name == "secret":
            raise ValueError("do not look")
        return super().__getattr__(name)

    def forward(self, x):
        return x + self.secret


@strange("a function of autograd")
class OfAutograd(nn.Module):
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            raise RuntimeError("no way back")

    def forward(self, x):
        return self.Double.apply(x)
