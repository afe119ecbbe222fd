"""The architecture's one-way street, checked on the sources and on a tree that breaks it."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import check_house  # noqa: E402
import check_includes  # noqa: E402


def test_sources_include_downwards_only():
    assert check_includes.check_tree(ROOT) == []


def test_upward_and_sideways_includes_are_found(tmp_path):
    sources = {
        "src/ir/graph.h": '#include "ops/all.h"\n',
        "src/ir/graph_test.cc": '#include "ops/all.h"\n',
        "src/layout/plan.cc": '#include "ir/graph.h"\n#include "passes/fold/fold.h"\n',
        "src/driver/convert.cc": '#include "layout/plan.h"\n#include "../cli/main.h"\n',
        "src/extra/file.cc": "",
        "src/cli/main.cc": '#include "python/module.h"\n',
        "python/native/module.cc": '#include "cli/main.h"\n#include "driver/convert.h"\n',
    }
    for name, text in sources.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = [line.removeprefix(f"{tmp_path}/") for line in check_includes.check_tree(tmp_path)]
    assert found == [
        'src/cli/main.cc:1: "python/module.h": cli must not include python',
        'src/driver/convert.cc:2: "../cli/main.h": relative path: write it from src/',
        "src/extra/file.cc: folder 'extra' has no level in tools/check_includes.py",
        'src/ir/graph.h:1: "ops/all.h": ir must not include ops',
        'src/layout/plan.cc:2: "passes/fold/fold.h": layout must not include passes',
    ]


def test_layers_know_of_each_other_what_they_may():
    assert check_house.check_tree(ROOT) == []


def test_what_layers_may_not_know_is_found(tmp_path):
    sources = {
        "src/ops/spatial/conv.cc": '// as TFLite has it\nconst char* why = "TFLite lacks it";\n',
        "src/passes/fold.cc": "if (target == kTflite) return;\n",
        "src/layout/model.cc": "if (op.is(ops::kConv)) return;  // ops::kMatmul\n",
        "src/layout/model_test.cc": "EXPECT_TRUE(op.is(ops::kConv));\n",
        "src/ops/op_axes.cc": "return op.is(ops::kGather);\n",
    }
    sources |= {f"src/ir/file_{i}.h": "" for i in range(41)}
    for name, text in sources.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = [line.removeprefix(f"{tmp_path}/") for line in check_house.check_tree(tmp_path)]
    assert [line.partition(" ")[0] for line in found] == [
        "src/passes/fold.cc:1:", "src/layout/model.cc:1:", "src/ops/op_axes.cc:1:", "src/ir:1:",
    ]  # fmt: skip
