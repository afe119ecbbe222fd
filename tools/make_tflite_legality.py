#!/usr/bin/env python3
"""Makes src/targets/tflite/runtime/legality_table.inc from data/tflite_runtime.json.

    tools/make_tflite_legality.py            rewrites the table
    tools/make_tflite_legality.py --check    fails if the table is not up to date

The data says, per operator, which element types and ranks the runtime was seen to accept, refuse,
compute wrongly or crash on, with its own kernels and through the XNNPACK delegate. A type or rank
that is in no list was not tried.
"""
import json
import pathlib
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "data" / "tflite_runtime.json"
TABLE = ROOT / "src" / "targets" / "tflite" / "runtime" / "legality_table.inc"

VERDICTS = {"accepted": "kAccepted", "refused": "kRefused", "wrong": "kWrong", "crash": "kCrash"}
DELEGATION = {
    "runs": "kDelegated", "not taken": "kNotTaken", "wrong": "kWrongly", "fails": "kFails"
}  # fmt: skip


def op_constant(name):
    """CONV_2D -> Op::kConv2d"""
    words = [w.lower() if w[0].isdigit() else w.capitalize() for w in name.split("_")]
    return "Op::k" + "".join(words)


def type_set(names):
    constants = ["k" + name.capitalize() for name in names]
    return "types(" + ", ".join(constants) + ")"


def rank_set(ranks):
    return "ranks(" + ", ".join(str(rank) for rank in ranks) + ")"


def wrapped(text):
    return textwrap.fill(text, width=100, initial_indent="    ", subsequent_indent="     ",
                         break_long_words=False, break_on_hyphens=False)


def op_row(entry):
    low, high = entry["versions"]
    fields = [f".op = {op_constant(entry['op'])}"]
    fields += [f".min_version = {low}", f".max_version = {high}"]
    for key in (*VERDICTS, "xnnpack", "results"):
        if key in entry:
            fields.append(f".{key} = {type_set(entry[key])}")
    for key in ("ranks", "ranks_refused", "ranks_xnnpack"):
        if key in entry:
            fields.append(f".{key} = {rank_set(entry[key])}")
    if "two_sided_broadcast_rank" in entry:
        fields.append(f".two_sided_broadcast_rank = {entry['two_sided_broadcast_rank']}")
    return wrapped("{" + ", ".join(fields) + "},")


def combination_row(entry, combination):
    label, verdict, delegation = combination
    return wrapped(f'{{{op_constant(entry["op"])}, "{label}", Verdict::{VERDICTS[verdict]}, '
                   f"Delegation::{DELEGATION[delegation]}}},")


def table_text(data):
    entries = sorted(data["operators"], key=lambda entry: entry["code"])
    lines = ["// Made by tools/make_tflite_legality.py; do not edit.",
             f"// Measured on {data['runtime']}.",
             "constexpr OpFacts kOps[] = {"]
    lines += [op_row(entry) for entry in entries]
    lines += ["};", "", "constexpr CombinationFacts kCombinations[] = {"]
    for entry in entries:
        lines += [combination_row(entry, c) for c in entry.get("combinations", [])]
    lines += ["};", ""]
    return "\n".join(lines)


def main():
    text = table_text(json.loads(DATA.read_text()))
    if "--check" not in sys.argv[1:]:
        TABLE.write_text(text)
    elif TABLE.read_text() != text:
        sys.exit(f"{TABLE.relative_to(ROOT)} is not up to date: run {sys.argv[0]}")


if __name__ == "__main__":
    main()
