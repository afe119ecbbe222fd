"""What happened in a conversion, for people and for machines.

model.report.show()                 # the tree in the terminal
model.report.to_json()
model.report.nodes["conv2d"].difference
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from . import frozen
from .bodies import BodyOutline, inside
from .body_runs import BodyRuns
from .compare import Difference
from .control import rewritten
from .control.record import Rewritten
from .conversions.replacing import Remark
from .frozen import Frozen
from .native_contract import BodyTrace, NativeReport, NodeTrace, Size
from .verify import Checks


@dataclasses.dataclass(frozen=True)
class Node:
    """One value of the exported graph: where it comes from, what it became, how exact it is."""

    trace: NodeTrace
    difference: Difference | None  # None: not compared
    body: str = ""  # the path of the branch or loop that it is in: "true_graph_0"
    converter: str = ""  # the user's own that it comes from: "hardsigmoid (model.py:12)"

    @property
    def name(self) -> str:
        """ "true_graph_0/conv2d" inside of a body."""
        return inside(self.body, self.trace.node)

    @property
    def op(self) -> str:
        """ "conv2d" of "aten.conv2d.default"."""
        parts = self.trace.target.split(".")
        return parts[1] if len(parts) > 1 else self.trace.target

    @property
    def place(self) -> str:
        """ "features.0.conv (model.py:12), node conv2d_1"."""
        where = self.trace.location
        place = where["module_path"] or where["module_type"].rsplit(".", 1)[-1]
        if where["file"]:
            place += f" ({where['file']}:{where['line']})"
        return f"{place.strip()}, node {self.name}".removeprefix(", ")


@dataclasses.dataclass(frozen=True)
class Report:
    native: NativeReport
    checks: Checks | None  # None: not verified
    seconds: dict[str, float]  # of each stage, in order; those of the core among them
    model: str  # the class that was converted, or the archive's name
    modules: dict[str, str] = dataclasses.field(default_factory=dict)  # class by module path
    frozen: tuple[Frozen, ...] = ()  # values of inputs that the program has for constants
    rewritten: tuple[Rewritten, ...] = ()  # statements of Python that are graphs of their own
    bodies: dict[str, BodyOutline] = dataclasses.field(default_factory=dict)  # of the program
    fixed_batch: str = ""  # why the batch is the example's, where the target would have it free
    converters: dict[str, str] = dataclasses.field(default_factory=dict)  # by name of the node
    of_converters: Sequence[Remark] = ()

    @property
    def sizes(self) -> tuple[Size, ...]:
        """Those that are free, each with its range and the example's number."""
        return self.native.sizes

    @property
    def nodes(self) -> dict[str, Node]:
        """In the order of the program; what is inside of a branch or loop before its results."""
        return {node.name: node for node in self._nodes_of("", self.native.nodes, {})}

    def _nodes_of(
        self, body: str, traces: Iterable[NodeTrace], around: dict[str, Any]
    ) -> Iterator[Node]:
        """around: the location of what runs the body; torch tells no modules inside."""
        differences = self.checks.nodes if self.checks else {}
        for trace in traces:
            if not trace.location["module_type"] and not trace.location["module_path"]:
                modules = {key: around.get(key, "") for key in ("module_path", "module_type")}
                trace = dataclasses.replace(trace, location=trace.location | modules)
            name = inside(body, trace.node)
            for inner in self.bodies_before(name):
                yield from self._nodes_of(inner.path, self._traces_of(inner.path), trace.location)
            yield Node(trace, differences.get(name), body, self.converters.get(name, ""))

    def bodies_before(self, name: str) -> list[BodyOutline]:
        """Those of the operator whose first result has the name."""
        return [body for body in self.bodies.values() if name == body.results[0]]

    def _traces_of(self, path: str) -> tuple[NodeTrace, ...]:
        body = self._body_trace(path)
        return body.nodes if body else ()

    def _body_trace(self, path: str) -> BodyTrace | None:
        """None where it is written out in the graph around it."""
        return next((body for body in self.native.bodies if body.name == path), None)

    @property
    def runs(self) -> dict[str, BodyRuns]:
        """Of each body, how often the inputs that were tried ran it."""
        return self.checks.bodies if self.checks else {}

    @property
    def remarks(self) -> list[dict[str, Any]]:
        """What the core remarks, values that were frozen, and those that took more than the
        tolerance to judge: each with "what", "why" and "places"."""
        return [
            *self.native.remarks,
            *self._batch_remarks(),
            *self._converter_remarks(),
            *self._frozen_remarks(),
            *self._rewritten_remarks(),
            *self._untaken_remarks(),
            *self._unrun_remarks(),
            *self._rounding_remarks(),
            *self._decision_remarks(),
        ]

    def _batch_remarks(self) -> list[dict[str, Any]]:
        what = "the batch is that of the example, and no other"
        return [_remark(what, self.fixed_batch, "batch", [])] if self.fixed_batch else []

    def _converter_remarks(self) -> list[dict[str, Any]]:
        return [_remark(r.what, r.why, r.subject, list(r.places)) for r in self.of_converters]

    def _frozen_remarks(self) -> list[dict[str, Any]]:
        places = [dataclasses.asdict(value) for value in self.frozen]
        return [_remark(frozen.WHAT, frozen.WHY, "frozen", places)] if places else []

    def _rewritten_remarks(self) -> list[dict[str, Any]]:
        remarks = []
        for what, why, of_errors in (
            (rewritten.WHAT, rewritten.WHY, False),
            (rewritten.NOT_RAISED, rewritten.NOT_RAISED_WHY, True),
        ):
            found = [s for s in self.rewritten if s.is_of_errors is of_errors]
            places = [dataclasses.asdict(statement) for statement in found]
            remarks += [_remark(what, why, "rewritten", places)] if places else []
        return remarks

    def _untaken_remarks(self) -> list[dict[str, Any]]:
        places = self.checks.untaken if self.checks else []
        what = "ways of branches and loops that no input which was tried takes"
        why = "what is computed there was compared with nothing; ferryman.Verify(inputs=[…]) can"
        return [_remark(what, why, "untaken", places)] if places else []

    def _unrun_remarks(self) -> list[dict[str, Any]]:
        names = self.checks.unrun if self.checks else []
        what = "not run: LiteRT here has no kernel for custom operator "
        why = (
            "what it gives was computed in PyTorch, by the kernel of the converter; all that comes "
            "before and after it was run on LiteRT and compared"
        )
        return [_remark(f"{what}'{name}'", why, "custom", []) for name in names]

    def _decision_remarks(self) -> list[dict[str, Any]]:
        nodes = self.nodes
        decided = self.checks.decided if self.checks else ()
        places = [nodes[name].trace.location for name in decided if name in nodes]
        what = "rounding decides: values lie so close to an edge that either side of it is right"
        why = "the file takes the other one than PyTorch; what follows was compared with PyTorch so"
        return [_remark(what, why, "decision", places)] if places else []

    def _rounding_remarks(self) -> list[dict[str, Any]]:
        places = [
            {
                **node.trace.location,
                "error": node.difference.error,
                "torch_error": node.difference.torch_error,
            }
            for node in self.nodes.values()
            if node.difference is not None and node.difference.is_rounding
        ]
        places += [
            {"output": name, "error": d.error, "torch_error": d.torch_error}
            for name, d in self._differing_outputs()
            if d.is_rounding
        ]
        if not places:
            return []
        worst = max(places, key=lambda place: place["error"])
        what = "beyond the tolerance, but no further from the exact value than rounding explains"
        why = (
            f"against float64 the file is at most {worst['error']:.1e} off, PyTorch "
            f"{worst['torch_error']:.1e} at the same place, of the largest value"
        )
        return [_remark(what, why, "rounding", places)]

    def _differing_outputs(self) -> list[tuple[str, Difference]]:
        checked = self.checks.outputs.values() if self.checks else ()
        return [item for by_name in checked for item in by_name.items()]

    def show(self, console=None) -> None:
        """Prints the tree of modules and ops with the worst difference of each, and the totals."""
        from .tree import show

        show(self, console)

    def to_json(self) -> str:
        """What the core tells, and what Python knows beside it; docs/report.md."""
        content = dataclasses.asdict(self.native) | {
            "model": self.model,
            "modules": self.modules,
            "verified": self.checks is not None,
            "samples": self.checks.samples if self.checks else 0,
            "checked_sizes": self.checks.sizes if self.checks else [],
            "training": [dataclasses.asdict(step) for step in self.checks.training]
            if self.checks
            else [],
            "seconds": self.seconds,
            "outputs": self._outputs(),
            "nodes": [_node_to_json(node) for node in self.nodes_in("")],
            "bodies": [self._body_to_json(body) for body in self.bodies.values()],
            "remarks": self.remarks,
        }
        return json.dumps(content, indent=1, allow_nan=False)

    def nodes_in(self, path: str) -> list[Node]:
        """Those of a body; of the program itself, for ""."""
        return [node for node in self.nodes.values() if node.body == path]

    def _body_to_json(self, body: BodyOutline) -> dict[str, Any]:
        runs = self.runs.get(body.path)
        traced = self._body_trace(body.path)
        return {
            "name": body.path,
            "inputs": [dataclasses.asdict(port) for port in traced.inputs] if traced else [],
            "of": body.caller,
            "kind": body.kind,
            "results": list(body.results),
            "runs": dataclasses.asdict(runs) if runs else None,
            "nodes": [_node_to_json(node) for node in self.nodes_in(body.path)],
        }

    def _outputs(self) -> list[dict[str, Any]]:
        """One entry for each output, with its difference for each kind of kernels."""
        checked = self.checks.outputs if self.checks else {}
        return [
            dataclasses.asdict(port)
            | {
                "differences": {
                    kernels: _difference_to_json(by_name[port.name])
                    for kernels, by_name in checked.items()
                },
            }
            for port in self.native.outputs
        ]


def _remark(what: str, why: str, subject: str, places: list[dict[str, Any]]) -> dict[str, Any]:
    """As the core writes its own."""
    return {
        "severity": "remark", "code": "", "name": "remark", "what": what, "why": why, "hint": "",
        "subject": subject, "places": places,
    }  # fmt: skip


def _node_to_json(node: Node) -> dict[str, Any]:
    difference = _difference_to_json(node.difference) if node.difference else None
    added = {"name": node.name, "difference": difference, "converter": node.converter}
    return dataclasses.asdict(node.trace) | added


def _difference_to_json(difference: Difference) -> dict[str, Any]:
    # JSON has no infinities; as text they stay what they are.
    return {
        key: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in dataclasses.asdict(difference).items()
    }
