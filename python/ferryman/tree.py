"""The report in the terminal: modules and ops as a tree, coloured by how exact they are."""

from __future__ import annotations

import dataclasses

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from .compare import Difference
from .report import Node, Report

_CLOSE = 0.1  # of the tolerance: more than that is still right, but worth a look


@dataclasses.dataclass
class Module:
    """A module of the user's model with what happened inside, in order of first use."""

    path: str
    type: str
    children: dict[str, Module] = dataclasses.field(default_factory=dict)
    items: list[Module | Node] = dataclasses.field(default_factory=list)

    def differences(self) -> list[Difference]:
        found = []
        for item in self.items:
            if isinstance(item, Module):
                found += item.differences()
            elif item.difference is not None:
                found.append(item.difference)
        return found


def show(report: Report, console: Console | None = None) -> None:
    console = console or Console()
    console.print(_tree(build(report)))
    console.print(_legend())
    for line in summary(report):
        console.print(line, highlight=False, markup=False)


def build(report: Report) -> Module:
    """The tree of modules from the nodes' module paths ("layer1.0.conv")."""
    root = Module("", report.model)
    for node in report.nodes.values():
        module = root
        parts = [p for p in node.trace.location["module_path"].split(".") if p]
        for depth, part in enumerate(parts):
            if part not in module.children:
                child = module.children[part] = Module(".".join(parts[: depth + 1]), "")
                module.items.append(child)
            module = module.children[part]
        module.type = node.trace.location["module_type"].rsplit(".", 1)[-1] or module.type
        module.items.append(node)
    return root


def _tree(module: Module) -> Tree:
    tree = Tree(_module_line(module), guide_style=_style(_worst(module.differences())))
    for item in module.items:
        if isinstance(item, Module):
            tree.children.append(_tree(item))
        else:
            tree.add(_node_line(item))
    return tree


def _module_line(module: Module) -> Text:
    worst = _worst(module.differences())
    name = module.path.rsplit(".", 1)[-1]
    line = Text()
    if name:
        line.append(f"{name}: " if module.type else name, style=_style(worst))
    line.append(module.type, style=f"bold {_style(worst)}")
    if worst is not None:
        line.append(f"  {worst.worst:.1e}", style="dim")
    return line


def _node_line(node: Node) -> Text:
    trace, difference = node.trace, node.difference
    line = Text(node.op, style=_style(difference))
    line.append(f"  {trace.type}", style="dim")
    if trace.ops:
        line.append(f"  {' '.join(trace.ops)}", style="cyan")
    elif trace.fused_into:
        line.append(f"  in {trace.fused_into}", style="dim cyan")
    if difference is None:
        return line
    line.append(f"  {difference.worst:.1e}", style=_style(difference))
    if not difference.ok:
        line.append(f" ({difference.relative:.2%})", style="reverse red")
        where = trace.location
        if where["file"]:  # the form that terminals and editors make a link of
            line.append(f'\n  File "{where["file"]}", line {where["line"]}', style="dim")
    return line


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
        ("green", "green"), " same numbers   ",
        ("yellow", "yellow"), " within the tolerance   ",
        ("red", "red"), " different   ",
        ("grey", "bright_black"), " not a value of the file",
    )  # fmt: skip


def summary(report: Report) -> list[str]:
    """The totals, a line each."""
    native = report.native
    ops = sum(native.ops.values())
    lines = [f"{native.file_bytes / 1e6:.2f} MB, {ops} operators"]
    bound = "the least possible" if native.optimal else f"bound {native.lower_bound}"
    lines.append(
        f"{len(native.transposes)} transposes kept, {native.bytes_moved} bytes moved ({bound})"
    )
    lines += [f"  {t.bytes} bytes: {t.reason}" for t in native.transposes]
    lines += [f"remark: {remark['what']}" for remark in native.remarks]
    if report.checks is None:
        lines.append("not verified")
    else:
        lines.append(_verified(report))
    lines.append(", ".join(f"{name} {s:.3f} s" for name, s in report.seconds.items()))
    return lines


def _verified(report: Report) -> str:
    checks = report.checks
    wrong = [name for name, d in checks.nodes.items() if not d.ok]
    outputs = ", ".join(
        f"{kernels} {worst.worst:.1e} ({worst.relative:.1e} relative)"
        for kernels, by_name in checks.outputs.items()
        if (worst := _worst(list(by_name.values()))) is not None
    )
    verdict = f"{len(wrong)} of them differ" if wrong else "all the same"
    return (
        f"{len(checks.nodes)} values compared on {checks.samples} inputs, {verdict}; "
        f"worst output: {outputs}"
    )
