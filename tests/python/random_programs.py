"""Random programs of views and in-place writes, reproducible from a seed.

    program = random_program(seed)
    program(x)          # a function of one tensor; runs eagerly and exports
    print(program)      # its source
"""

from __future__ import annotations

import random

import torch

# One line of a program: an expression over earlier tensors, and for writes no result.
Step = tuple[str, str]  # (name or "", source)


class RandomProgram:
    def __init__(self, steps: list[Step], results: list[str]):
        body = [f"{name} = {source}" if name else source for name, source in steps]
        lines = [*body, f"return ({', '.join(results)},)"]
        self.source = "def program(x):\n" + "".join(f"    {line}\n" for line in lines)
        scope = {"torch": torch}
        exec(self.source, scope)
        self.function = scope["program"]

    def __call__(self, x):
        return self.function(x)

    def __str__(self):
        return self.source


def random_program(seed: int, num_steps: int = 12) -> tuple[RandomProgram, torch.Tensor]:
    """The program and an input for it."""
    return _Generator(random.Random(seed), num_steps).generate()


def _is_injective(t: torch.Tensor) -> bool:
    """No two indices are the same memory."""
    storage = torch.arange(t.untyped_storage().nbytes() // t.element_size())
    places = storage.as_strided(t.shape, t.stride(), t.storage_offset())
    return len(places.unique()) == t.numel()


class _Generator:
    """Builds a program by running it: a step that torch refuses is not taken."""

    def __init__(self, choose: random.Random, num_steps: int):
        self.choose = choose
        self.num_steps = num_steps
        self.tensors: dict[str, torch.Tensor] = {}
        self.steps: list[Step] = []

    def generate(self) -> tuple[RandomProgram, torch.Tensor]:
        sizes = [self.choose.choice([1, 2, 3, 4, 6]) for _ in range(self.choose.randint(1, 4))]
        x = torch.arange(1, 1 + torch.Size(sizes).numel(), dtype=torch.float32).reshape(sizes)
        if self.choose.random() < 0.3 and x.dim() > 1:
            x = x.transpose(0, -1)
        self.tensors["x"] = x.clone()
        if self.choose.random() < 0.7:
            self._take("y0", "x.clone()")
        while len(self.steps) < self.num_steps:
            steps = [self._view, self._view, self._write, self._write, self._compute]
            self.choose.choice(steps)()
        names = list(self.tensors)
        results = self.choose.sample(names, min(len(names), 4))
        return RandomProgram(self.steps, results), x

    def _take(self, name: str, source: str) -> bool:
        """Runs one step; keeps it if torch accepts it."""
        scope = {**self.tensors, "torch": torch}
        try:
            if name:
                result = eval(source, scope)
                if not isinstance(result, torch.Tensor) or result.numel() > 4000:
                    return False
                self.tensors[name] = result
            else:
                exec(source, scope)
        except (RuntimeError, IndexError, ValueError, TypeError):
            return False
        self.steps.append((name, source))
        return True

    def _any(self) -> tuple[str, torch.Tensor]:
        names = list(self.tensors)
        # Mostly the newest ones: chains, not stars.
        name = names[-1 - min(int(self.choose.expovariate(0.4)), len(names) - 1)]
        return name, self.tensors[name]

    def _fresh_name(self) -> str:
        return f"t{len(self.steps)}"

    def _dim(self, t: torch.Tensor) -> int:
        return self.choose.randrange(-t.dim(), t.dim()) if t.dim() else 0

    def _slice(self, size: int) -> str:
        start = self.choose.randint(-size, size)
        stop = self.choose.choice(["", self.choose.randint(-size, size + 1)])
        return f"{self.choose.choice(['', start])}:{stop}:{self.choose.choice([1, 1, 2, 3])}"

    def _index(self, t: torch.Tensor) -> str:
        parts = []
        for size in t.shape[: self.choose.randint(0, t.dim())]:
            kind = self.choose.random()
            if kind < 0.5:
                parts.append(self._slice(size))
            elif kind < 0.8 and size:
                parts.append(str(self.choose.randrange(-size, size)))
            else:
                parts.append(self.choose.choice([":", "None, :"]))
        return ", ".join(parts) or "..."

    def _shape(self, t: torch.Tensor) -> list[int]:
        """Another shape of as many elements."""
        factors, left = [], t.numel()
        for prime in (2, 2, 2, 3, 3):
            if left % prime == 0 and left > 1 and self.choose.random() < 0.7:
                factors.append(prime)
                left //= prime
        shape = [left, *factors]
        self.choose.shuffle(shape)
        while len(shape) > 1 and self.choose.random() < 0.5:
            shape[-2:] = [shape[-2] * shape[-1]]
        return shape

    def _view(self) -> None:
        name, t = self._any()
        dim, other = self._dim(t), self._dim(t)
        size = t.shape[dim] if t.dim() else 1
        perm = list(range(t.dim()))
        self.choose.shuffle(perm)
        source = self.choose.choice(
            [
                f"{name}[{self._index(t)}]",
                f"{name}[{self._index(t)}]",
                f"{name}.view({self._shape(t)})",
                f"{name}.reshape({self._shape(t)})",
                f"{name}.reshape({self._shape(t)})",
                f"{name}.permute({perm})",
                f"{name}.transpose({dim}, {other})",
                f"{name}.movedim({dim}, {other})",
                f"{name}.unsqueeze({dim})",
                f"{name}.squeeze()",
                f"{name}.squeeze({dim})",
                f"{name}.flatten()",
                f"{name}.flatten({min(dim, other)}, {max(dim, other)})",
                f"{name}.narrow({dim}, {self.choose.randint(0, max(size - 1, 0))}, 1)",
                f"{name}.select({dim}, {self.choose.randrange(max(size, 1))})",
                f"{name}.chunk({self.choose.randint(1, 3)}, {dim})[{self.choose.randint(0, 2)}]",
                f"{name}.split({self.choose.randint(1, 3)}, {dim})[{self.choose.randint(0, 2)}]",
                f"{name}.unbind({dim})[{self.choose.randint(0, 2)}]",
                f"{name}.diagonal({self.choose.randint(-1, 1)}, {dim}, {other})",
                f"{name}.unfold({dim}, {self.choose.randint(1, 3)}, {self.choose.randint(1, 3)})",
                f"{name}.expand(2, {', '.join(['-1'] * t.dim())})",
                f"{name}.contiguous()",
                f"{name}.detach()",
                f"{name}.mT",
                f"{name}.unflatten({dim}, (-1, {self.choose.choice([1, 2, 3])}))",
                f"{name}.as_strided({list(t.shape)}, {list(t.contiguous().stride())})",
            ]
        )
        self._take(self._fresh_name(), source)

    def _operand(self, t: torch.Tensor) -> str:
        """A number, or something that broadcasts to t and does not share its memory."""
        fitting = [
            other
            for other, value in self.tensors.items()
            if value.dim() <= t.dim()
            and all(a in (1, b) for a, b in zip(reversed(value.shape), reversed(t.shape)))
        ]
        number = str(self.choose.choice([-2, -1, 0, 0.5, 1, 3]))
        if not fitting or self.choose.random() < 0.4:
            return number
        other = self.choose.choice(fitting)
        shares = self.tensors[other].untyped_storage().data_ptr() == t.untyped_storage().data_ptr()
        return f"{other}.clone()" if shares else other

    def _write(self) -> None:
        name, t = self._any()
        if not _is_injective(t):
            return  # torch lets some of these pass; their results depend on the order of writes
        index = self._index(t)
        try:
            part = eval(f"t[{index}]", {"t": t})
        except (RuntimeError, IndexError):
            return
        operand, part_operand = self._operand(t), self._operand(part)
        tensor_operand = operand if not operand[-1].isdigit() else f"torch.tensor({operand})"
        # torch.export cannot take a mask without axes.
        mask = f"{name} < {self.choose.randint(-3, 9)}" if t.dim() else "..."
        source = self.choose.choice(
            [
                f"{name}.add_({operand})",
                f"{name}.sub_({operand})",
                f"{name}.mul_({self.choose.choice([-1, 0.5, 2])})",
                f"{name}.clamp_(-50, 50)",
                f"{name}.neg_()",
                f"{name}.relu_()",
                f"{name}.fill_({self.choose.randint(-5, 5)})",
                f"{name}.zero_()",
                f"{name}.copy_({tensor_operand})",
                f"{name}[{index}] = {part_operand}",
                f"{name}[{index}] = {part_operand}",
                f"{name}[{index}] += {part_operand}",
                f"{name}[{index}].sub_({part_operand})",
                f"{name}.masked_fill_({name} > {self.choose.randint(-3, 9)}, 7)",
                f"{name}[{mask}] = 2",
                f"torch.add({name}.clone(), 1, out={name})",
            ]
        )
        self._take("", source)

    def _compute(self) -> None:
        name, t = self._any()
        source = self.choose.choice(
            [
                f"{name} + {self._operand(t)}",
                f"{name} * 0.5",
                f"{name}.relu()",
                f"{name}.sum()",
                f"{name}.clone()",
                f"{name}.contiguous()",
                f"torch.zeros_like({name})",
                f"{name}.to(torch.float32)",
            ]
        )
        self._take(self._fresh_name(), source)
