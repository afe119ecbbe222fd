"""python -m ferryman verify: a file against the archive it came from."""

import json

import pytest
import torch

import hand_made
from ferryman.verify_command import main


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(hand_made.module(), hand_made.args()), path)
    return path


def write_file(tmp_path, spoil=None):
    path = tmp_path / "model.tflite"
    hand_made.write(path, hand_made.module(), spoil)
    return path


def test_same_numbers_exit_with_0(archive, tmp_path, capsys):
    assert main(["verify", str(archive), str(write_file(tmp_path))]) == 0
    assert capsys.readouterr().out.count("the same, worst difference") == 4


def test_other_numbers_exit_with_1(archive, tmp_path, capsys):
    file = write_file(tmp_path, spoil="mul")
    assert main(["verify", str(archive), str(file), "--json"]) == 1
    outputs = json.loads(capsys.readouterr().out)["outputs"]
    assert sorted(d["ok"] for by_name in outputs.values() for d in by_name.values()) == [
        False, False, True, True,
    ]  # fmt: skip


@pytest.mark.parametrize("broken", ["archive", "file"])
def test_unreadable_input_exits_with_2(archive, tmp_path, capsys, broken):
    file = write_file(tmp_path)
    {"archive": archive, "file": file}[broken].write_bytes(b"PK\x03\x04 nothing")
    assert main(["verify", str(archive), str(file)]) == 2
    assert "cannot" in capsys.readouterr().err


def test_file_of_another_program_exits_with_2(tmp_path, capsys):
    path = tmp_path / "other.pt2"
    torch.export.save(torch.export.export(torch.nn.ReLU(), (torch.zeros(2),)), path)
    assert main(["verify", str(path), str(write_file(tmp_path))]) == 2
    assert "shape" in capsys.readouterr().err
