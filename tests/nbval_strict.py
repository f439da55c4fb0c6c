"""nbval made strict: one thread, no cell that was never run, and figures compared by their pixels.

A plugin (pyproject.toml names it) and not a conftest.py, so that it is there for every path given to pytest.
"""

import io
import os
from base64 import b64decode
from collections.abc import Generator, Iterator

import pytest
from nbformat import NotebookNode
from nbval.plugin import IPyNbCell, IPyNbFile
from notebooks import ONE_THREAD

os.environ.update(ONE_THREAD)  # before anything imports NumPy; kernels inherit it

import numpy as np
from PIL import Image

# Antialiasing may differ by rounding; a line that moved by one pixel is far beyond this.
LARGEST_DIFFERENCE = 16  # of 255
LARGEST_SHARE = 0.001
PIXELS = ("image/png", "image/jpeg")  # nbval compares SVG as the text it is


def difference(stored: str, fresh: str) -> str | None:
    """What a reader could see of the difference between two pictures in base64; None if nothing."""
    pictures = [Image.open(io.BytesIO(b64decode(picture))).convert("RGBA") for picture in (stored, fresh)]
    if pictures[0].size != pictures[1].size:
        (width, height), (new_width, new_height) = (picture.size for picture in pictures)
        return f"stored with {width} x {height} pixels, now {new_width} x {new_height}"
    old, new = (np.asarray(picture, dtype=int) for picture in pictures)
    distance = abs(old - new).max(axis=2)
    seen = np.count_nonzero(distance > LARGEST_DIFFERENCE)
    if seen <= LARGEST_SHARE * distance.size:
        return None
    row, column = np.unravel_index(distance.argmax(), distance.shape)
    return (
        f"{seen} of {distance.size} pixels ({seen / distance.size:.2%}) differ by more than "
        f"{LARGEST_DIFFERENCE}/255, most at row {row}, column {column}: by {distance.max()}/255"
    )


def pictures(outputs: list[NotebookNode], mime: str) -> list[str]:
    return [output.data[mime] for output in outputs if mime in output.get("data", {})]


class StrictCell(IPyNbCell):
    def runtest(self) -> None:
        # nbval runs such a cell and compares nothing.
        if self.cell.execution_count is None:
            self.raise_cell_error("The stored cell was never run: run tools/notebooks.py on the notebook")
        super().runtest()

    def compare_outputs(self, test, ref, skip_compare=None) -> bool:  # type: ignore[no-untyped-def]
        self.comparison_traceback: list[str] = []
        # Figures first: when they fail, the text about them often does, and says less.
        for mime in PIXELS:
            stored, fresh = (pictures(outputs, mime) for outputs in (ref, test))
            if len(stored) != len(fresh):
                self.comparison_traceback.append(f"{mime}: {len(stored)} figures stored, now {len(fresh)}")
                return False
            for number, pair in enumerate(zip(stored, fresh, strict=True), start=1):
                if found := difference(*pair):
                    self.comparison_traceback.append(f"{mime}: figure {number} of the cell: {found}")
                    return False
        return super().compare_outputs(test, ref, skip_compare)


class StrictFile(IPyNbFile):
    def collect(self) -> Iterator[StrictCell]:
        for item in super().collect():
            yield StrictCell.from_parent(
                self, name=item.name, cell_num=item.cell_num, cell=item.cell, options=item.options
            )


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    parent: pytest.Collector,
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    collectors = yield
    return [
        StrictFile.from_parent(parent, path=found.path) if isinstance(found, IPyNbFile) else found
        for found in collectors
    ]
