"""The report in the terminal: modules and ops as a tree, coloured by how exact they are."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

from .bodies import BodyOutline
from .body_runs import BodyRuns
from .compare import Difference
from .frozen import describe
from .native_contract import NativeReport
from .report import Node, Report

_CLOSE = 0.1  # of the tolerance: more than that is still right, but worth a look


@dataclasses.dataclass
class Module:
    """A module of the user's model with what happened inside, in order of first use."""

    path: str
    type: str
    children: dict[str, Module] = dataclasses.field(default_factory=dict)
    items: list[Module | Control | Node] = dataclasses.field(default_factory=list)

    def differences(self) -> list[Difference]:
        found = []
        for item in self.items:
            if not isinstance(item, Node):
                found += item.differences()
            elif item.difference is not None:
                found.append(item.difference)
        return found


@dataclasses.dataclass
class Control(Module):
    """A branch or loop: its first result, and its bodies as modules."""

    node: Node | None = None


def show(report: Report, console: Console | None = None) -> None:
    console = console or Console()
    for line in lines(report):
        # A line that is too long goes on in the next one, wherever that is: no part of it is lost.
        console.print(line, soft_wrap=True)
    console.print(_legend())
    for text in summary(report):
        console.print(text, highlight=False, markup=False, soft_wrap=True)


def build(report: Report) -> Module:
    """The tree of modules from the nodes' module paths ("layer1.0.conv"), with what is inside of
    branches and loops below these."""
    nodes = report.nodes.values()
    root = Module("", report.model)
    for node in nodes:
        if node.body:
            continue
        module = _module_of(report, root, node)
        module.type = module.type or node.trace.location["module_type"].rsplit(".", 1)[-1]
        module.items.append(_item(report, node))
    return root


def _module_of(report: Report, root: Module, node: Node) -> Module:
    module = root
    parts = [p for p in node.trace.location["module_path"].split(".") if p]
    for depth, part in enumerate(parts):
        if part not in module.children:
            path = ".".join(parts[: depth + 1])
            child = module.children[part] = Module(path, _module_type(report, path))
            module.items.append(child)
        module = module.children[part]
    return module


def _item(report: Report, node: Node) -> Control | Node:
    bodies = report.bodies_before(node.name)
    if not bodies:
        return node
    control = Control(node.name, node.op, node=node)
    for body in bodies:
        inner = Module(body.name, _describe_runs(body, report.runs.get(body.path)))
        inner.items += [_item(report, n) for n in report.nodes_in(body.path)]
        control.items.append(inner)
    return control


def _describe_runs(body: BodyOutline, runs: BodyRuns | None) -> str:
    """ "3 to 9 iterations, 12 of 14 compared"."""
    if runs is None or body.is_condition:
        return ""
    if runs.fewest < 0:
        return "never reached"
    if body.kind == "cond":
        text = f"taken {_times(runs.runs, 'time')}" if runs.runs else "never taken"
    else:
        least = f"{runs.fewest} to " if runs.fewest != runs.most else ""
        text = least + _times(runs.most, "iteration")
    return f"{text}, {runs.compared} of {runs.runs} compared" if runs.compared < runs.runs else text


def _times(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _module_type(report: Report, path: str) -> str:
    # "block@1" is the second call of "block".
    return report.modules.get(path.partition("@")[0], "")


def lines(report: Report) -> list[Text]:
    root = build(report)
    return [_module_line(root), *_item_lines(root, Text())]


def _item_lines(module: Module, indent: Text) -> Iterator[Text]:
    guide = _style(_worst(module.differences()))
    for item in module.items:
        last = item is module.items[-1]
        here = Text.assemble(indent, ("└── " if last else "├── ", guide))
        if isinstance(item, Node):
            yield here + _node_line(item)
            continue
        yield here + (_node_line(item.node) if isinstance(item, Control) else _module_line(item))
        yield from _item_lines(item, Text.assemble(indent, ("    " if last else "│   ", guide)))


def _module_line(module: Module) -> Text:
    worst = _worst(module.differences())
    name = module.path.rsplit(".", 1)[-1]
    line = Text()
    if name:
        line.append(f"{name}: " if module.type else name, style=_style(worst))
    line.append(module.type, style=f"bold {_style(worst)}")
    if worst is not None:
        line.append(f"  {worst.relative:.1e}", style="dim")
    return line


def _node_line(node: Node) -> Text:
    trace, difference = node.trace, node.difference
    line = Text(node.op, style=_style(difference))
    line.append(f"  {trace.type}", style="dim")
    if trace.ops:
        line.append(f"  {' '.join(trace.ops)}", style="cyan")
    if difference is not None:
        line.append(f"  {difference.relative:.1e}", style=_style(difference))
        if not difference.ok:
            line.append(" DIFFERENT", style="reverse red")
        elif difference.is_rounding:
            line.append(f" (PyTorch {difference.torch_error:.1e} from exact)", style="yellow")
    elif trace.fused_into:
        line.append(f"  in {trace.fused_into}", style="dim cyan")
    if node.converter:
        line.append(f"  by {node.converter.partition(' (')[0]}", style="magenta")
    where = trace.location
    if where["file"]:
        link = f" link file://{where['file']}#{where['line']}"
        line.append(f"  {_short(where['file'])}:{where['line']}", style="dim" + link)
    return line


def _short(file: str) -> str:
    """As one would name it: inside the current folder, or inside an installed package."""
    _, packages, inside = file.rpartition("-packages" + os.sep)
    if packages:
        return inside
    relative = os.path.relpath(file) if os.path.isabs(file) else file
    return file if relative.startswith(os.pardir) else relative


def _worst(differences: list[Difference]) -> Difference | None:
    return max(differences, key=lambda difference: difference.used, default=None)


def _style(difference: Difference | None) -> str:
    if difference is None:
        return "bright_black"
    if not difference.ok:
        return "red"
    return "green" if difference.used <= _CLOSE else "yellow"


def _legend() -> Text:
    return Text.assemble(
        "\nDifferences are the worst, relative to the largest value:  ",
        ("green", "green"), " same numbers  ",
        ("yellow", "yellow"), " within the tolerance  ",
        ("red", "red"), " different  ",
        ("grey", "bright_black"), " not a value of the file",
    )  # fmt: skip


def summary(report: Report) -> list[str]:
    """The totals, a line each."""
    native = report.native
    operators = ", ".join(
        f"{count} {name}" for name, count in sorted(native.ops.items(), key=lambda op: -op[1])
    )
    rows = [f"file: {size(native.file_bytes)}, {sum(native.ops.values())} operators: {operators}"]
    if native.runtime.oldest:
        rows.append(f"runtime: {_runtime(native)}")
    rows += _sizes(report)
    proof = (
        "proved to be the least possible"
        if native.layout.optimal and native.layout.bytes_moved == native.layout.lower_bound
        else f"at least {size(native.layout.lower_bound)} are needed"
    )
    moved = size(native.layout.bytes_moved)
    rows.append(f"transposes: {len(native.layout.transposes)}, {moved} moved, {proof}")
    rows += [f"  {size(t.bytes)} at '{t.node}': {t.reason}" for t in native.layout.transposes]
    rows += [_remark(remark) for remark in report.remarks]
    rows += [f"  {line}" for line in describe(report.frozen)]
    rows.append(_verified(report) if report.checks is not None else "check: none was made")
    times = ", ".join(f"{name} {duration(s)}" for name, s in report.seconds.items())
    rows.append(f"time: {times}")
    return rows


def _sizes(report: Report) -> list[str]:
    """ "free sizes: batch 1 or more (2 in the example), length 1 to 512 (7 in the example)"."""
    sizes = [f"{size.name} {size.range} ({size.hint} in the example)" for size in report.sizes]
    return [f"free sizes: {', '.join(sizes)}"] if sizes else []


def _runtime(native: NativeReport) -> str:
    oldest = f"{native.runtime.name} {native.runtime.oldest} or later"
    if not native.runtime.operators:
        return oldest
    return f"{oldest}, for {', '.join(native.runtime.operators)}"


def _remark(remark: dict[str, Any]) -> str:
    count = len(remark["places"])
    places = f" ({count} places)" if count > 1 else ""
    why = f": {remark['why']}" if remark["why"] else ""
    return f"remark: {remark['what']}{places}{why}"


def size(count: int) -> str:
    for unit, scale in (("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.2f} {unit}"
    return f"{count} bytes"


def duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1e3 * seconds:.1f} ms"


def _verified(report: Report) -> str:
    checks = report.checks
    wrong = [name for name, d in checks.nodes.items() if not d.ok]
    outputs = ", ".join(
        f"{worst.relative:.1e} with {kernels}"
        for kernels, by_name in checks.outputs.items()
        if (worst := _worst(list(by_name.values()))) is not None
    )
    verdict = f"{len(wrong)} of them differ" if wrong else "none differs"
    tried = [", ".join(f"{n} = {v}" for n, v in numbers.items()) for numbers in checks.sizes]
    with_sizes = f" with {'; '.join(tried)}" if tried else ""
    return (
        f"check: {len(checks.nodes)} values compared on {checks.samples} inputs{with_sizes}, "
        f"{verdict}; "
        f"worst output: {outputs}"
    )
