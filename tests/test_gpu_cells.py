"""The cells of chapter 15 that run only where there is a GPU run: here a processor plays its part.

That shows that they run, and nothing about their numbers: what a GPU computes is not seen here.
"""

import time
from pathlib import Path

import nbformat
import pytest
import torch

NOTEBOOK = Path(__file__).resolve().parents[1] / "book/15-fast-convolution.ipynb"
NEEDED = (
    "import statistics", "class Layer", "layers = {", "def right_bits",
    "def gpu_seconds", "def on_gpu", "def cudnn",
)  # fmt: skip
SMALLER = {
    '"cuda"': '"cpu"',
    "images=32": "images=2",
    "images=8": "images=1",
    "n, large = 8192": "n, large = 64",
    "2**28": "2**10",
}


class Event:
    def __init__(self, enable_timing: bool) -> None:
        assert enable_timing

    def record(self) -> None:
        self.at = time.perf_counter()

    def elapsed_time(self, end: "Event") -> float:
        return 1000 * (end.at - self.at)


def sources() -> list[str]:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def test_the_cells_for_a_gpu_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a processor")
    room: dict[str, object] = {}
    for source in sources():
        if not source.startswith("exercises") and any(part in source for part in NEEDED):
            for old, new in SMALLER.items():
                source = source.replace(old, new)
            exec(source, room)
    layers = room["layers"]
    assert isinstance(layers, dict)
    room["layers"] = {name: layer._replace(side=8) for name, layer in layers.items()}
    capsys.readouterr()
    printed = []
    for source in filter(lambda source: "cuda.is_available" in source, sources()):
        for old, new in SMALLER.items():
            source = source.replace(old, new)
        exec(source, room)
        printed.append(capsys.readouterr().out)
    measuring, corners, formats, choices, algorithms = printed
    assert "by events: " in measuring and "GPU a processor" in measuring.replace("\n", " ")
    assert corners.count("corner at") == 2
    assert formats.count("right digits") == 3 * 4 * 2
    assert choices.count("after trying") == 3
    assert algorithms.count("cuDNN: ") == algorithms.count("winograd_4x4: ") == 2


def test_without_a_gpu_they_say_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    room = {"torch": torch, "no_gpu": "no device"}
    for source in filter(lambda source: "cuda.is_available" in source, sources()):
        exec(source, room)
    assert capsys.readouterr().out == "no device\n" * 5
