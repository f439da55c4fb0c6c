"""The structure lab of chapter 1: one matrix that loses its freedom."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import traitlets

from convlib._checks import require_flag, require_one_of
from convlib._checks import shown as quoted
from convlib._dispatch import Array
from convlib.conv import conv_matrix
from convlib.labs._lab import Lab, html_table, in_bytes, module, plural, shown, style
from convlib.labs.convolution import Rows, numbers, pair
from convlib.shapes import Ints, as_integer, as_tuple
from convlib.windows import pad

FUNCTION = "structure"
KINDS = ("fully connected", "locally connected", "convolution")
SIDES = {"line": (4, 16), "picture": (3, 6), "kernel": (1, 5)}  # where the sliders begin and end
# name, image (channels, rows, columns), kernel, maps
LAYERS = {
    "digits": ("28×28×1 → 16 maps, k5", (1, 28, 28), (5, 5), (16, 24, 24)),
    "small": ("32×32×3 → 32 maps, k3", (3, 32, 32), (3, 3), (32, 30, 30)),
    "vgg": ("224×224×3 → 64 maps, k3 p1 (VGG-16)", (3, 224, 224), (3, 3), (64, 224, 224)),
}
Sizes = Sequence[int]


class StructureLab(Lab):
    """A layer as one matrix, from a line or a small picture to its outputs; made by `structure`.

    Attributes
    ----------
    kind : {"fully connected", "locally connected", "convolution"}
    image, kernel : list of list of float
        A line is a picture of one row, with a kernel of one row.
    wrap : bool
        The windows go on around the end.
    selected : list of two int
        Row and column of the marked entry of the matrix.
    shift : list of two int
        How far the input is moved, down and to the right.
    layer : {"digits", "small", "vgg"}
        The real layer whose weights are counted.
    """

    _esm, _css = module("structure"), style("structure")
    name = "structure"
    title = "The structure of a layer"
    kind = traitlets.Enum(KINDS, KINDS[0]).tag(sync=True, state=True)
    image, kernel = numbers(), numbers()
    wrap = traitlets.Bool(False).tag(sync=True, state=True)
    selected, shift = pair(0), pair(0)
    layer = traitlets.Enum(tuple(LAYERS), "vgg").tag(sync=True, state=True)

    def __repr__(self) -> str:
        """The kind and the sizes."""
        ends = "windows around the end" if self.wrap else "windows inside only"
        return f"{self.title}: {self.kind}, {self._size_in_words()}, {ends}"

    @property
    def problem(self) -> str:
        """Why there is no matrix, in a sentence; empty where there is one."""
        for axis, word in enumerate(("rows", "columns")):
            n, k = np.shape(self.image)[axis], np.shape(self.kernel)[axis]
            if k > n:
                unit = "pixels, the line" if self._is_line else f"{word}, the picture"
                return f"No window fits: the kernel spans {k} {unit} has {n}."
        return ""

    @property
    def matrix(self) -> Array:
        """One row for each output, one column for each pixel; the convolution's is made by `conv_matrix`."""
        if self.kind == "convolution":
            return self._matrix_of(np.array(self.kernel))
        free = np.ones_like(self._taps) if self.kind == "fully connected" else self._taps >= 0
        return _fresh_weights(self._taps.shape) * free

    @property
    def output(self) -> Array:
        """The layer's answer to the image."""
        return self._answer(np.array(self.image))

    @property
    def free_weights(self) -> int:
        """How many numbers of the matrix can be chosen."""
        return int(self.counts[self.kind])

    @property
    def counts(self) -> dict[str, int]:
        """The free weights of each structure, for these sizes."""
        taps = self._taps
        used = np.unique(taps[taps >= 0]).size
        return dict(zip(KINDS, (taps.size, int((taps >= 0).sum()), used), strict=True))

    @property
    def _is_line(self) -> bool:
        return len(self.image) == 1

    @property
    def _output_shape(self) -> tuple[int, ...]:
        sizes = zip(np.shape(self.image), np.shape(self.kernel), strict=True)
        return tuple(n if self.wrap else n - k + 1 for n, k in sizes)

    def _matrix_of(self, kernel: Array) -> Array:
        if self.problem:
            raise ValueError(f"{FUNCTION}: {self.problem}")
        down, across = (k - 1 if self.wrap else 0 for k in kernel.shape)
        height, width = np.shape(self.image)
        # What stands behind the end is the beginning again: that step, too, is a matrix.
        unit_images = np.eye(height * width).reshape(-1, 1, height, width)
        continued = pad(unit_images, (0, across, 0, down), "circular" if self.wrap else "constant")
        matrix = conv_matrix(kernel[None, None], (1, height + down, width + across))
        return matrix @ continued.reshape(height * width, -1).T

    @property
    def _taps(self) -> Array:
        """Through which tap of the kernel an output sees a pixel; -1 for none."""
        counted = np.arange(1.0, np.size(self.kernel) + 1).reshape(np.shape(self.kernel))
        return self._matrix_of(counted).astype(int) - 1

    def _answer(self, image: Array) -> Array:
        return (self.matrix @ image.ravel()).reshape(self._output_shape)

    def _size_in_words(self) -> str:
        size, k = (np.shape(one) for one in (self.image, self.kernel))
        if self._is_line:
            return f"line of {size[1]} pixels, kernel of {k[1]}"
        return f"picture {size[0]} × {size[1]}, kernel {k[0]} × {k[1]}"

    def _entry(self) -> tuple[int, int]:
        i, j = (min(at, n - 1) for at, n in zip(self.selected, self._taps.shape, strict=True))
        return i, j

    def _place(self, at: int, shape: Sizes) -> str:
        inside = ", ".join(str(one) for one in np.unravel_index(at, tuple(shape)))
        return str(at) if self._is_line else f"({inside})"

    def entry_in_words(self) -> str:
        """What the marked entry of the matrix is."""
        i, j = self._entry()
        tap, value = self._taps[i, j], shown(self.matrix[i, j])
        pixel, target = self._place(j, np.shape(self.image)), self._place(i, self._output_shape)
        head = f"Row {i}, column {j}"
        own = f"{head}: {value}, a weight of its own, used once:"
        where = f"pixel {pixel} in the window of output {target}"
        if self.kind == "fully connected":
            return f"{own} from pixel {pixel} to output {target}."
        if tap < 0:
            return f"{head} must be 0: pixel {pixel} is outside of the window of output {target}."
        if self.kind == "locally connected":
            return f"{own} {where}."
        name = self._place(tap, np.shape(self.kernel)).strip("()")
        places = plural(math.prod(self._output_shape), "place")
        return f"{head}: w[{name}] = {value}, {where}. The same weight stands at {places}, one in each row."

    def moved_in_words(self) -> str:
        """Whether the output moves along with the input."""
        if not any(self.shift):
            return "Move the input, and see whether the output moves along."
        image = np.array(self.image)
        before, after = self.output, self._answer(np.roll(image, self.shift, (0, 1)))
        room = np.full(image.shape, np.nan)  # outputs that do not exist have nowhere to move to
        room[tuple(map(slice, before.shape))] = before
        expected = np.roll(room, self.shift, (0, 1))[tuple(map(slice, before.shape))]
        old = ~np.isnan(expected)
        difference = np.abs(after - expected)[old]
        close = difference <= 1e-9 * max(1, np.abs(before).max(), np.abs(after).max())
        compared, agree, new = old.sum(), close.sum(), (~old).sum()
        meeting = "the ends" if self._is_line else "opposite sides"
        news = (
            f" {plural(new, 'window')} now {'lies' if new == 1 else 'lie'} across the seam where {meeting} "
            "meet: there is no earlier output to compare."
        )
        news = news if new else ""
        if not compared:
            return f"No output can be compared.{news}"
        return (
            f"The output {'has' if agree == compared else 'has not'} moved along (largest difference "
            f"{shown(max(difference[~close], default=0.0))}): {agree} of {plural(compared, 'output')} "
            f"{'agrees' if agree == 1 else 'agree'}.{news}"
        )

    def still(self) -> Iterator[str]:
        """The matrix between its input and its output, the marked entry, and the counts."""
        if self.problem:
            yield f"<p>{self.problem}</p>"
            return
        image, matrix, output, taps = np.array(self.image), self.matrix, self.output, self._taps
        yield f"<p>{self.kind.capitalize()}: {self._size_in_words()}.</p>"
        if not self._is_line:
            yield html_table("Input", [map(shown, row) for row in image])
        if self.kind == "convolution":
            yield html_table("Kernel", [map(shown, row) for row in self.kernel])
        cells = [[shown(weight) for weight in row] for row in matrix]
        if self.kind != "fully connected":
            cells = [
                [cell if tap >= 0 else "" for cell, tap in zip(row, line, strict=True)]
                for row, line in zip(cells, taps, strict=True)
            ]
        i, j = self._entry()
        shared = taps == taps[i, j] if self.kind == "convolution" and taps[i, j] >= 0 else np.zeros_like(taps)
        for r, c in {(i, j), *((r, c) for r, c in np.argwhere(shared).tolist())}:
            cells[r][c] = f"<strong>{cells[r][c]}</strong>"
        rows = [[f"output {self._place(at, output.shape)}", *row] for at, row in enumerate(cells)]
        pixels = [f"{self._place(at, image.shape)}" for at in range(image.size)]
        empty = "" if self.kind == "fully connected" else "; empty: must be 0"
        yield html_table(f"The matrix{empty}; bold: the marked weight", rows, ["pixel", *pixels])
        if self._is_line:
            yield html_table("Input", [map(shown, image.flat)])
        yield html_table("Output", [map(shown, row) for row in output])
        yield f"<p>{self.entry_in_words()}</p>"
        if any(self.shift):
            yield f"<p>{self.moved_in_words()}</p>"
        title, *real = LAYERS[self.layer]
        theirs = layer_counts(*real)
        yield html_table(
            "Weights to learn; biases not counted, 4 bytes each",
            [
                [kind, f"{self.counts[kind]:,}", f"{theirs[kind]:,}", in_bytes(4 * theirs[kind])]
                for kind in KINDS
            ],
            ["", "here", title, "memory"],
        )


def layer_counts(image: Sizes, kernel: Sizes, maps: Sizes) -> dict[str, int]:
    """Weights of each structure, from an image (channels, rows, columns) to maps (the same).

    Examples
    --------
    >>> layer_counts((3, 4, 4), (2, 2), (5, 3, 3))  # 45 * 48, 45 * 12, 5 * 12
    {'fully connected': 2160, 'locally connected': 540, 'convolution': 60}
    """
    window = image[0] * math.prod(kernel)
    counts = math.prod(maps) * math.prod(image), math.prod(maps) * window, maps[0] * window
    return dict(zip(KINDS, counts, strict=True))


def structure(
    kind: str = "fully connected", size: Ints = 8, kernel_size: int = 3, wrap: bool = False
) -> StructureLab:
    """A live lab: a layer as one matrix that is fully connected, locally connected or a convolution.

    In the book it works in the page itself; in a running notebook its state and Python's are the same.

    Parameters
    ----------
    kind : {"fully connected", "locally connected", "convolution"}
        Every entry is a weight of its own; entries outside of the windows are 0; all windows share a kernel.
    size : int or tuple of int
        Pixels of a line, 4 to 16, or rows and columns of a picture, 3 to 6 each.
    kernel_size : int
        1 to 5, for a picture along both axes.
    wrap : bool
        Windows go on around the end, so that there are as many outputs as pixels and the matrix is square.

    Returns
    -------
    StructureLab
        Shows itself when it is the last line of a cell. `matrix`, `output` and `free_weights` are Python's.

    Raises
    ------
    ValueError
        An unknown kind, sizes that the lab cannot show, or no room for a window.
    TypeError
        Sizes that are not integers, or a `wrap` that is neither True nor False.

    See Also
    --------
    convlib.conv_matrix : the matrix of any convolution. Chapter 1.

    Examples
    --------
    >>> lab = structure("convolution", size=4, kernel_size=2)
    >>> lab.kernel = [[1, 10]]
    >>> lab.matrix
    array([[ 1., 10.,  0.,  0.],
           [ 0.,  1., 10.,  0.],
           [ 0.,  0.,  1., 10.]])
    >>> lab.image = [[1, 2, 3, 4]]
    >>> lab.output  # 1*1 + 2*10, ...
    array([[21., 32., 43.]])
    >>> lab.free_weights
    2
    >>> lab.wrap = True
    >>> lab.matrix[-1]  # the last window goes on at the beginning
    array([10.,  0.,  0.,  1.])
    """
    require_one_of(FUNCTION, "kind", kind, KINDS)
    require_flag(FUNCTION, "wrap", wrap)
    what = "picture" if isinstance(size, tuple | list) and len(size) > 1 else "line"
    given = as_tuple(size, 2 if what == "picture" else 1, "size", function=FUNCTION)
    k = as_integer(kernel_size, "kernel_size", FUNCTION)
    for name, values, of, unit in (
        ("size", given, what, " for the sides of a picture" if what == "picture" else " for a line"),
        ("kernel_size", (k,), "kernel", ""),
    ):
        least, most = SIDES[of]
        if not all(least <= value <= most for value in values):
            got = quoted(values if len(values) > 1 else values[0])
            raise ValueError(f"{FUNCTION}: {name} must be between {least} and {most}{unit}, got {got}")
    lab = StructureLab(
        kind=kind,
        image=_fresh_pixels((1, *given) if what == "line" else given),
        kernel=_fresh_taps((1 if what == "line" else k, k)),
        wrap=wrap,
    )
    if lab.problem:
        lab.close()
        raise ValueError(f"{FUNCTION}: {lab.problem[0].lower()}{lab.problem[1:-1]}")
    return lab


# The numbers to begin with are the same in the live view.


def _seeded(i: Array, j: Array) -> Array:
    start = (1009 * i + j + 7) ** 2 % 1000003
    return start**2 % 1000003


def _without_zero(digit: Array) -> Array:
    return np.where(digit < 5, digit - 5, digit - 4).astype(float)


def _fresh_weights(shape: Sizes) -> Array:
    i, j = np.indices(tuple(shape), dtype=np.int64)
    return _without_zero(_seeded(i + 1, j) % 10)


def _fresh_taps(shape: Sizes) -> Rows:
    u, v = np.indices(tuple(shape))
    return _without_zero((7 * (3 * u + v) + 8) % 10).tolist()  # type: ignore[no-any-return]


def _fresh_pixels(shape: Sizes) -> Rows:
    r, c = np.indices(tuple(shape), dtype=np.int64)
    return (_seeded(r + 40, c) % 5).astype(float).tolist()  # type: ignore[no-any-return]
