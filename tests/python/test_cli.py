"""The program `ferryman`: what it prints and where; exit status 0 done, 1 failed, 2 bad input."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile

import foreign_ops
import pytest
import torch
from command_line import PROGRAM, convert, refused, run, save
from torch import nn

import ferryman
from ferryman.frozen import FrozenValues


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, image):
        x = self.conv(image)
        return {"features": x.relu(), "mean": x.mean((2, 3))}


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(3))

    def forward(self, x):
        self.count.add_(1)
        return x + self.count


class Inverting(nn.Module):
    def forward(self, x):
        y = foreign_ops.invert(x)
        return foreign_ops.invert(y) + foreign_ops.spectrum(x)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    image = torch.randn(1, 3, 8, 8)
    return save(Net(), (image,), tmp_path_factory.mktemp("cli") / "net.pt2")


# convert -----------------------------------------------------------------------------------------


def test_archive_becomes_the_file_that_python_makes(archive, tmp_path):
    done = convert(archive, tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "operators" in done.stdout and "proven to be the fewest" in done.stdout
    same = ferryman.convert(archive, verify=False, progress=False)
    assert (tmp_path / "out" / "model.tflite").read_bytes() == same.path.read_bytes()


def test_names_and_layouts_are_taken(archive, tmp_path):
    done = convert(
        archive, tmp_path, "--input-layout", "image=channels_last", "--output-layout", "any",
        "--input-names", "photo", "--output-names", "a,b", "--json",
    )  # fmt: skip
    report = json.loads(done.stdout)["report"]
    assert [port["name"] for port in report["inputs"]] == ["photo"]
    assert [port["name"] for port in report["outputs"]] == ["a", "b"]
    assert report["layout"]["transposes"] == []


def test_nan_is_fast_or_exact(tmp_path):
    class Largest(torch.nn.Module):
        def forward(self, x):
            return x.argmax(1)

    path = save(Largest(), (torch.randn(2, 4),), tmp_path / "largest.pt2")
    counts = []
    for form in ("fast", "exact"):
        report = json.loads(convert(path, tmp_path, "--nan", form, "--json").stdout)["report"]
        counts.append((report["nan"], report["ops"]["ARG_MAX"]))
    assert counts == [("fast", 1), ("exact", 2)]
    assert refused(run("convert", path, "-o", tmp_path / "x.tflite", "--nan", "odd"), 2, "--nan")


def test_report_is_written_as_json(archive, tmp_path):
    report = tmp_path / "report.json"
    assert convert(archive, tmp_path, "--report", report).returncode == 0
    assert json.loads(report.read_text())["ops"]["CONV_2D"] == 1
    other = tmp_path / "second"
    other.mkdir()
    assert refused(convert(archive, other, "--report", other / "report.html"), 2, ".json")


def test_all_unsupported_ops_are_told_at_once_with_the_users_line(tmp_path):
    path = save(Inverting(), (torch.eye(3),), tmp_path / "net.pt2")
    done = convert(path, tmp_path)
    assert refused(done, 1, "error[E0203]: foreign.invert.default", "(1 more place)",
                   "foreign.spectrum.default", "test_cli.py:", "hint: ")  # fmt: skip
    assert done.stderr.count("error[") == 2


def test_errors_are_data_with_json(tmp_path):
    path = save(Inverting(), (torch.eye(3),), tmp_path / "net.pt2")
    done = convert(path, tmp_path, "--json")
    assert (done.returncode, done.stderr) == (1, "")
    content = json.loads(done.stdout)
    assert content["ok"] is False
    assert [d["subject"] for d in content["diagnostics"]] == [
        "foreign.invert.default", "foreign.spectrum.default",
    ]  # fmt: skip
    assert [len(d["places"]) for d in content["diagnostics"]] == [2, 1]


def test_write_to_a_buffer_is_refused(tmp_path):
    path = save(Counting(), (torch.zeros(3),), tmp_path / "net.pt2")
    assert refused(convert(path, tmp_path), 1, "error[E0205]", "'count'", "--state explicit")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--input-layout", "imag=channels_last"], "the names are: image"),
        (["--input-layout", "nhwc"], "nhwc"),
        (["--output-layout", "mean=channels_last"], "'mean' cannot be channels_last"),
        (["--input-names", "a,b"], "names 2 tensors, where the model has 1"),
        (["--output-names", "a,a"], "'a' twice"),
        (["--disable-pass", "fold_everything"], "the passes are check_state, "),
        (["--disable-pass", "legalise_ops"], "why:  the target has no operators"),
        (["--print-after", "fold_everything"], "there is no pass 'fold_everything'"),
    ],
)
def test_option_that_does_not_fit_is_refused(archive, tmp_path, options, text):
    assert refused(convert(archive, tmp_path, *options), 2, "error[E0403]", text)


def test_output_that_cannot_be_written_is_refused(archive, tmp_path):
    assert refused(run("convert", archive, "-o", tmp_path / "missing" / "m.tflite"), 1,
                   "cannot write", "No such file or directory")  # fmt: skip
    (tmp_path / "folder").mkdir()
    assert refused(run("convert", archive, "-o", tmp_path / "folder"), 1, "cannot write")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def same_files(archive, tmp_path):
    """Other names of the archive: a relative one, links."""
    (tmp_path / "link.pt2").symlink_to(archive)
    (tmp_path / "hard.pt2").hardlink_to(archive)
    folder, name = archive.parent, archive.name
    return [archive, folder / "." / name, tmp_path / "link.pt2", tmp_path / "hard.pt2",
            folder / ".." / folder.name / name]  # fmt: skip


def test_output_that_is_the_input_is_refused(archive, tmp_path):
    before = archive.read_bytes()
    for output in same_files(archive, tmp_path):
        assert refused(run("convert", archive, "-o", output), 2, "error[E0403]", "is the input")
    report = tmp_path / "report.json"
    report.symlink_to(archive)
    done = run("convert", archive, "-o", tmp_path / "m.tflite", "--report", report)
    assert refused(done, 2, "error[E0403]", "is the input")
    done = run("convert", archive, "-o", tmp_path / "m.json", "--report", tmp_path / "." / "m.json")
    assert refused(done, 2, "error[E0403]", "is the output")
    assert archive.read_bytes() == before
    assert not (tmp_path / "m.json").exists() and not (tmp_path / "m.tflite").exists()


def test_standard_output_is_refused(archive, tmp_path):
    assert refused(run("convert", archive, "-o", "-"), 2, "error[E0403]", "standard output")


def test_report_that_cannot_be_written_is_told_before_anything_is_written(archive, tmp_path):
    report = tmp_path / "missing" / "report.json"
    done = run("convert", archive, "-o", tmp_path / "m.tflite", "--report", report)
    assert refused(done, 1, "cannot write", "No such file or directory")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_program_that_is_ended_leaves_nothing_behind(tmp_path, number):
    path = save(nn.Linear(3000, 3000), (torch.zeros(1, 3000),), tmp_path / "net.pt2")
    folder = tmp_path / "out"
    folder.mkdir()
    ended = 0
    for step in range(8):
        program = subprocess.Popen(
            [PROGRAM, "convert", path, "-o", folder / "m.tflite"], stdout=subprocess.DEVNULL
        )
        time.sleep(0.01 * step)
        program.send_signal(number)
        ended += program.wait() == -number
        assert {file.name for file in folder.iterdir()} <= {"m.tflite"}
    assert ended > 0


def test_program_of_the_package_ends_quietly_when_nobody_reads_on():
    start = "import sys; from ferryman.program import main; sys.exit(main(['ops']))"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", start], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b"")


# Files that are no archive of today --------------------------------------------------------------


def test_file_that_is_missing_or_something_else_is_refused(tmp_path):
    assert refused(convert(tmp_path / "none.pt2", tmp_path), 2, "error[E0101]", "none.pt2")
    other = tmp_path / "net.pt2"
    other.write_text("no archive at all, but long enough to look for the end of one\n" * 10)
    assert refused(convert(other, tmp_path), 2, "error[E01")
    other.write_bytes(b"")
    assert refused(convert(other, tmp_path), 2, "error[E01")


def test_truncated_archive_is_refused_wherever_it_ends(archive, tmp_path):
    content = archive.read_bytes()
    broken = tmp_path / "net.pt2"
    for part in range(1, 10):
        broken.write_bytes(content[: len(content) * part // 10])
        assert refused(convert(broken, tmp_path), 2, "error[E01")


def test_flipped_bits_never_crash(archive, tmp_path):
    content = archive.read_bytes()
    broken = tmp_path / "net.pt2"
    refusals = 0
    for step in range(60):
        position = (len(content) * (2 * step + 1)) // 120
        flipped = bytearray(content)
        flipped[position] ^= 1 << (step % 8)
        broken.write_bytes(flipped)
        case = tmp_path / str(step)
        case.mkdir()
        done = convert(broken, case)
        # A flip may lie where nothing reads: in padding, in a name of a frame.
        assert done.returncode in (0, 1, 2), (position, done)
        if done.returncode:
            refusals += 1
            assert done.stderr.startswith("error[E"), done.stderr
    assert refusals > 0


def test_archives_of_before_are_recognised(tmp_path):
    old = tmp_path / "old.pt2"
    with zipfile.ZipFile(old, "w") as file:
        file.writestr("version", "8.5")
        file.writestr("serialized_exported_program.json", "{}")
        file.writestr("serialized_state_dict.json", "{}")
    assert refused(convert(old, tmp_path), 2, "error[E0104]", "torch.export.save")
    script = tmp_path / "script.pt"
    torch.jit.script(nn.Linear(2, 2)).save(script)
    assert refused(convert(script, tmp_path), 2, "TorchScript", "torch.export")
    weights = tmp_path / "weights.pt"
    torch.save(nn.Linear(2, 2).state_dict(), weights)
    assert refused(convert(weights, tmp_path), 2, "error[E01")


# The other commands ------------------------------------------------------------------------------


def test_inspect_shows_both_kinds_of_files(archive, tmp_path):
    convert(archive, tmp_path)
    program, file = run("inspect", archive), run("inspect", tmp_path / "out" / "model.tflite")
    assert program.returncode == file.returncode == 0
    assert "aten.conv2d.default" in program.stdout
    assert "CONV_2D" in file.stdout and "image" in file.stdout
    ops = json.loads(run("inspect", tmp_path / "out" / "model.tflite", "--json").stdout)["ops"]
    assert ops["CONV_2D"] == 1


def test_inspect_refuses_what_it_cannot_read(tmp_path):
    broken = tmp_path / "model.tflite"
    broken.write_bytes(b"\x1c\0\0\0TFL3" + bytes(8))
    assert refused(run("inspect", broken), 2, "error[E01")
    assert refused(run("inspect", tmp_path / "none.pt2"), 2, "error[E0101]")


def test_ops_lists_what_converts():
    done = run("ops")
    assert done.returncode == 0
    assert "aten.conv2d.default" in done.stdout
    assert "aten.conv2d.default" in json.loads(run("ops", "--json").stdout)
    assert refused(run("ops", "--target", "onnx"), 2, "the targets are: tflite")


def test_verify_compares_on_the_runtime(archive, tmp_path):
    convert(archive, tmp_path)
    done = run("verify", archive, tmp_path / "out" / "model.tflite")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the same") == 4


def test_bad_usage_exits_with_2(archive):
    for arguments in ([], ["carry"], ["convert", archive], ["convert", "--fast", archive]):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (2, ""), done
        assert done.stderr != ""
    assert run("--help").returncode == 0


def test_the_package_is_the_same_program():
    """Also by `python -m`, with one version."""
    version = run("--version").stdout.strip()
    assert version == ferryman.__version__ and version.count(".") == 2
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for arguments in (["--version"], ["passes"], ["carry"]):
        done = subprocess.run(
            [sys.executable, "-m", "ferryman", *arguments],
            capture_output=True, text=True, check=False, env=environment,
        )  # fmt: skip
        own = run(*arguments)
        assert (done.returncode, done.stdout) == (own.returncode, own.stdout)


def test_values_that_an_archive_has_frozen_are_told(tmp_path):
    class Branching(nn.Module):
        def forward(self, x):
            return x * (1.0, 2.0, 3.0)[int(x.argmax())]

    archive = tmp_path / "model.pt2"
    with pytest.warns(FrozenValues):
        ferryman.export(Branching().eval(), (torch.ones(3),), archive)
    result = run("convert", archive, "-o", tmp_path / "model.tflite")
    assert result.returncode == 0
    assert result.stderr.startswith("warning: values that depend on the inputs were frozen")
    assert "0 of item in Branching (" in result.stderr
    plain = save(Net(), (torch.randn(1, 3, 8, 8),), tmp_path / "plain.pt2")
    assert run("convert", plain, "-o", tmp_path / "plain.tflite").stderr == ""
