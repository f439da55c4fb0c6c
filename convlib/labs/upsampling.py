"""The upsampling lab of chapter 7."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from convlib._checks import require_flag, require_one_of
from convlib._checks import shown as quoted
from convlib._dispatch import Array
from convlib.labs._lab import Lab, by, html_table, listed, module, plural, shown, style
from convlib.labs.convolution import Rows, numbers, pair
from convlib.resize import interpolate, resize_matrix
from convlib.shapes import Ints, as_tuple

FUNCTION = "upsampling"
MODES = ("nearest", "nearest-exact", "bilinear", "bicubic", "area")
SMOOTH = ("bilinear", "bicubic")  # the modes with a kernel, and so with options
SIDES = {"image": (2, 6), "size": (1, 12)}  # where the sliders begin and end
AXES = ("rows", "columns")
MOST_WRITTEN = 16
EDGE = [[0.0, 0.0, 1.0, 1.0]] * 4


class UpsamplingLab(Lab):
    """An image at another size, and where each number of it comes from; made by `upsampling`.

    Attributes
    ----------
    image : list of list of float
    size : list of two int
        Rows and columns of the output.
    mode : {"nearest", "nearest-exact", "bilinear", "bicubic", "area"}
    align_corners, antialias : bool
        Only bilinear and bicubic look at them.
    position : list of two int
        The output pixel whose weights are shown.
    """

    _esm, _css = module("upsampling"), style("upsampling")
    name = "upsampling"
    title = "Upsampling"
    image = numbers()
    size = pair(8)
    mode = traitlets.Enum(MODES, MODES[0]).tag(sync=True, state=True)
    align_corners = traitlets.Bool(False).tag(sync=True, state=True)
    antialias = traitlets.Bool(False).tag(sync=True, state=True)
    position = pair(0)

    def __repr__(self) -> str:
        """The mode, its options and the sizes."""
        options = [word for word, on in (("align_corners", self._corners), ("antialias", self._wide)) if on]
        return ", ".join(
            [f"{self.title}: {self.mode}", *options, f"image {by(self._shape)}", f"output {by(self.size)}"]
        )

    # --- what convlib computes ---

    @property
    def output(self) -> Array:
        """The image at its new size."""
        image = np.array(self.image)[None, None]
        size = tuple(self.size)
        corners = bool(self.align_corners) if self._smooth else None
        resized = interpolate(image, size, None, str(self.mode), corners, antialias=self._wide)
        return np.asarray(resized[0, 0])

    @property
    def matrices(self) -> tuple[Array, Array]:
        """The weights along each axis: output = rows @ image @ columns.T."""
        corners = bool(self.align_corners) if self._smooth else None
        rows, columns = (
            resize_matrix(n, m, None, str(self.mode), corners, self._wide)
            for n, m in zip(self._shape, self.size, strict=True)
        )
        return rows, columns

    @property
    def weights(self) -> Array:
        """The weight of each pixel of the image in the chosen output pixel."""
        return np.outer(*self._lines)

    @property
    def unread(self) -> Array:
        """True for the pixels that no output pixel was made of."""
        down, across = (matrix.any(axis=0) for matrix in self.matrices)
        return ~np.logical_and.outer(down, across)

    # --- where things lie ---

    @property
    def _shape(self) -> tuple[int, ...]:
        return np.shape(self.image)

    @property
    def _smooth(self) -> bool:
        return self.mode in SMOOTH

    @property
    def _corners(self) -> bool:
        return self._smooth and bool(self.align_corners)

    @property
    def _wide(self) -> bool:
        return self._smooth and bool(self.antialias)

    @property
    def _present(self) -> tuple[int, int]:
        i, j = (min(at, m - 1) for at, m in zip(self.position, self.size, strict=True))
        return i, j

    @property
    def _lines(self) -> tuple[Array, Array]:
        """The weights along each axis for the chosen output pixel."""
        (rows, columns), (i, j) = self.matrices, self._present
        return _settled(rows[i]), _settled(columns[j])

    def _scale(self, axis: int) -> float:
        n, m = self._shape[axis], int(self.size[axis])
        if self._corners:
            return (n - 1) / (m - 1) if m > 1 else 0.0
        return n / m

    def _place(self, axis: int, i: int) -> float:
        """Where an output pixel looks, counted from the centre of the first pixel of the image."""
        scale = self._scale(axis)
        if self._corners and not self._wide:
            return i * scale
        return (i + (0 if self.mode == "nearest" else 0.5)) * scale - 0.5

    @property
    def _mixed(self) -> Array:
        """The rows of the image as the chosen row of the output mixes them."""
        weights = self.matrices[0][self._present[0]]
        mixed = np.zeros(self._shape[1])
        for weight, row in zip(weights, np.array(self.image), strict=True):
            mixed += weight * row
        return self._whole(mixed)

    def _whole(self, values: Array) -> Array:
        """What adds up to 0 but for roundings is 0."""
        return _settled(values, float(np.abs(self.image).max()))

    # --- in words, the same as in the live view ---

    def mode_in_words(self) -> str:
        """What the mode does."""
        slope = "−0.5" if self._wide else "−0.75"
        does = {
            "nearest": "every output pixel copies the pixel under its top left corner",
            "nearest-exact": "every output pixel copies the pixel under its centre",
            "bilinear": "along each axis the 2 pixels around its place count, the nearer the more",
            "bicubic": "along each axis the 4 pixels around its place count, the outer 2 with negative "
            f"weights (a = {slope})",
            "area": "every output pixel is the plain mean of all pixels that it touches, however little",
        }[self.mode]
        words = [f"{self.mode}: {does}."]
        if self._corners and self._wide:
            words.append(
                "With both options the step is that of align_corners, but the half pixel stays, as in torch: "
                "the corners are not aligned."
            )
        elif self._corners:
            words.append("Pixels are points: the first and the last of both images lie on each other.")
        elif self._smooth:
            words.append("Pixels are squares: both images begin and end at the same edges.")
        if self._wide and any(self._scale(axis) > 1 for axis in (0, 1)):
            words.append(
                "Where output pixels lie more than one pixel apart, antialias makes the kernel as much "
                "wider, and every pixel counts."
            )
        elif self._wide:
            words.append("Output pixels lie at most one pixel apart, so antialias makes nothing wider.")
        return " ".join(words)

    def place_in_words(self, axis: int) -> str:
        """Where the chosen output pixel lies along an axis, and which weights that gives."""
        n, m, i = self._shape[axis], self.size[axis], self._present[axis]
        word, weights = AXES[axis], self._lines[axis]
        one = word[:-1]
        head = f"Output {one} {i}"
        read = np.flatnonzero(weights).tolist()
        if self.mode in ("nearest", "nearest-exact"):
            inside = f"{i}" if self.mode == "nearest" else f"({i} + ½)"
            return f"{head} reads {one} ⌊{inside} · {n}/{m}⌋ = {read[0]}."
        if self.mode == "area":
            start, end = shown(i * n / m), shown((i + 1) * n / m)
            touched = (
                f"{one} {read[0]} alone" if len(read) == 1 else f"{word} {listed(read)}, 1/{len(read)} each"
            )
            return f"{head} reaches from {start} to {end}, measured from the edge, and touches {touched}."
        if m == 1 and self._corners:
            lies = f"The only output {one} lies at {shown(self._place(axis, i))}"
        elif self._corners:
            step = f"({n} − 1)/({m} − 1)"
            sum_ = f"({i} + ½) · {step} − ½" if self._wide else f"{i} · {step}"
            lies = f"{head} lies at {sum_} = {shown(self._place(axis, i))}"
        else:
            lies = f"{head} lies at ({i} + ½) · {n}/{m} − ½ = {shown(self._place(axis, i))}"
        parts = [f"{shown(float(weights[at]))} of {one} {at}" for at in read]
        return f"{lies}: {listed(parts)}{self._note(axis)}."

    def _note(self, axis: int) -> str:
        n, place, word = self._shape[axis], self._place(axis, self._present[axis]), AXES[axis]
        if self._wide:
            scale = self._scale(axis)
            return f"; the kernel is {shown(scale)} times as wide" if scale > 1 else ""
        if place == int(place):  # a whole place needs no neighbours
            return ""
        reach = 2 if self.mode == "bicubic" else 1
        first = int(np.floor(place)) + 1 - reach
        outside = [0] * (first < 0) + [n - 1] * (first + 2 * reach > n)
        if len(outside) == 2:
            return f"; beyond the edges {word} 0 and {n - 1} count again"
        return f"; beyond the edge {word[:-1]} {outside[0]} counts again" if outside else ""

    def sum_in_words(self) -> str:
        """How the chosen output pixel is made."""
        weights, image = self.weights, np.array(self.image)
        value = shown(float(self._whole(self.output)[self._present]))
        read = np.argwhere(weights).tolist()
        if self.mode == "area" and len(read) > 1:
            terms = [_in_sum(image[r, c]) for r, c in read]
            return f"({' + '.join(_shortened(terms))}) / {len(read)} = {value}"
        terms = [f"{_in_sum(weights[r, c])} · {_in_sum(image[r, c])}" for r, c in read]
        return f"{' + '.join(_shortened(terms))} = {value}"

    def reading_in_words(self) -> str:
        """How many pixels count, for the chosen output pixel and for all of them."""
        weights, unread = self.weights, int(self.unread.sum())
        read, below = int((weights != 0).sum()), int((weights < 0).sum())
        words = f"The output pixel reads {read} of {weights.size} pixels"
        if below:
            words += f", {below} with a negative weight"
        words += f"; the weights add up to {shown(round(float(weights.sum()), 9))}."
        if unread:
            is_ = "is" if unread == 1 else "are"
            return f"{words} {plural(unread, 'pixel')} {is_} read by no output pixel at all."
        return f"{words} Every pixel is read by some output pixel."

    def range_in_words(self) -> str:
        """The smallest and the largest number before and after."""
        image, output = np.array(self.image), self._whole(self.output)
        (low, high), (least, most) = ((float(one.min()), float(one.max())) for one in (image, output))
        image_reaches = f"The image reaches from {shown(low)} to {shown(high)}"
        words = f"{image_reaches}, the output from {shown(least)} to {shown(most)}"
        dust = 1e-12 * float(np.abs(image).max())
        over = [f"{shown(low - least)} below"] * (low - least > dust)
        over += [f"{shown(most - high)} above"] * (most - high > dust)
        return f"{words}: it overshoots by {listed(over)}." if over else f"{words}: no overshoot."

    def strip_in_words(self) -> str:
        """The present row of the output, and the row of the image that it is made of."""
        i = self._present[0]
        mixed, row = (", ".join(map(shown, one)) for one in (self._mixed, self._whole(self.output)[i]))
        places = ", ".join(shown(self._place(1, j)) for j in range(self.size[1]))
        reads = {
            "nearest": f"The output reads at the left edges of its columns, {places},",
            "area": f"The columns of the output have their centres at {places}",
        }.get(str(self.mode), f"The output reads at {places}")
        last = self._shape[1] - 1
        hold = "hold" if self.mode == "area" else "holds"
        return (
            f"Row {i}: the columns of the image, at 0 to {last}, hold {mixed} here. {reads} and {hold} {row}."
        )

    def still(self) -> Iterator[str]:
        """The image, the weights and the output as tables, and all of it in words."""
        i, j = self._present
        weights, (down, across) = self.weights, self._lines
        yield f"<p>{self.mode_in_words()}</p>"
        image = [[shown(value) for value in row] for row in self.image]
        for r, c in np.argwhere(weights).tolist():
            image[r][c] = f"<strong>{image[r][c]}</strong>"
        for r, c in np.argwhere(self.unread).tolist():
            image[r][c] = f"<del>{image[r][c]}</del>"
        unread = "; struck out: read by no output pixel" if self.unread.any() else ""
        yield html_table(f"Image {by(self._shape)}; bold: read by the chosen output pixel{unread}", image)
        cells = [["", *map(shown, across)]]
        cells += [[shown(down[r]), *map(shown, row)] for r, row in enumerate(weights)]
        yield html_table("Weights: of its row (left) times of its column (above)", cells)
        output = [[shown(value) for value in row] for row in self._whole(self.output)]
        output[i][j] = f"<strong>{output[i][j]}</strong>"
        yield html_table(f"Output {by(self.size)}; bold: the chosen pixel", output)
        yield f"<p>Row {i}, column {j}: {self.sum_in_words()}</p>"
        yield f"<p>{self.reading_in_words()}</p>"
        yield f"<p>{self.range_in_words()}</p>"
        yield from (f"<p>{self.place_in_words(axis)}</p>" for axis in (0, 1))
        yield f"<p>{self.strip_in_words()}</p>"


def upsampling(
    image: ArrayLike | None = None,
    size: Ints | None = None,
    mode: str = "nearest",
    align_corners: bool = False,
    position: Ints = (0, 0),
    antialias: bool = False,
) -> UpsamplingLab:
    """A live lab: an image at another size, and the weights that make each number of it.

    In the book it works in the page itself; in a running notebook its state and Python's are the same.

    Parameters
    ----------
    image : array of shape (H, W), optional
        The numbers to begin with, 2 × 2 to 6 × 6; where none are given, 4 × 4 with an edge from 0 to 1.
    size : int or tuple of int, optional
        Rows and columns of the output, 1 to 12 each; twice the image unless it is given.
    mode : {"nearest", "nearest-exact", "bilinear", "bicubic", "area"}
    align_corners : bool
        For bilinear and bicubic: the centres of the corner pixels stay where they are.
    position : int or tuple of int
        Row and column of the output pixel whose weights are shown.
    antialias : bool
        For bilinear and bicubic: where the image shrinks, stretch the kernel.

    Returns
    -------
    UpsamplingLab
        Shows itself when it is the last line of a cell. `output` is computed by `convlib.interpolate`,
        `matrices` and `weights` by `convlib.resize_matrix`.

    Raises
    ------
    ValueError
        Numbers that are not finite, an unknown mode, an option that has no meaning for the mode, sizes that
        the lab cannot show, or a position outside of the output.
    TypeError
        Sizes or positions that are not integers, or flags that are neither True nor False.

    See Also
    --------
    convlib.interpolate, convlib.resize_matrix : what it shows. Chapter 7.

    Examples
    --------
    >>> lab = upsampling([[0, 4], [0, 4]], size=(2, 4), mode="bilinear", position=(0, 1))
    >>> lab.output  # at -0.25 (the edge), 0.25, 0.75 and 1.25 (the edge)
    array([[0., 1., 3., 4.],
           [0., 1., 3., 4.]])
    >>> lab.weights
    array([[0.75, 0.25],
           [0.  , 0.  ]])
    >>> lab.align_corners = True
    >>> lab.output[0].round(4)  # at 0, 1/3, 2/3 and 1
    array([0.    , 1.3333, 2.6667, 4.    ])
    """
    require_one_of(FUNCTION, "mode", mode, MODES)
    flags = {"align_corners": align_corners, "antialias": antialias}
    for name, value in flags.items():
        require_flag(FUNCTION, name, value)
        if value and mode not in SMOOTH:
            raise ValueError(f"{FUNCTION}: {name} is for modes 'bilinear' and 'bicubic', got {mode!r}")
    pixels = _made(image)
    shape = np.shape(pixels)
    sizes = tuple(2 * n for n in shape) if size is None else as_tuple(size, 2, "size", function=FUNCTION)
    if max(sizes) > SIDES["size"][1]:
        raise ValueError(f"{FUNCTION}: size can be at most {SIDES['size'][1]} here, got {quoted(sizes)}")
    at = as_tuple(position, 2, "position", at_least=0, function=FUNCTION)
    if any(one >= m for one, m in zip(at, sizes, strict=True)):
        raise ValueError(f"{FUNCTION}: position must be a pixel of the output {sizes}, got {quoted(at)}")
    return UpsamplingLab(image=pixels, size=list(sizes), mode=mode, position=list(at), **flags)


def _made(given: ArrayLike | None) -> Rows:
    if given is None:
        return EDGE
    try:
        array = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            f"{FUNCTION}: image must be a table of finite numbers, got {quoted(given)}"
        ) from None
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        raise ValueError(f"{FUNCTION}: image must be a table of finite numbers, got shape {array.shape}")
    least, most = SIDES["image"]
    if not all(least <= n <= most for n in array.shape):
        raise ValueError(
            f"{FUNCTION}: image must have {least} to {most} rows and columns here, got shape {array.shape}"
        )
    return array.tolist()  # type: ignore[no-any-return]


# --- pieces of sentences ---


def _in_sum(value: float) -> str:
    return f"({shown(value)})" if value < 0 else shown(value)


def _shortened(words: list[str]) -> list[str]:
    """The first and the last of many."""
    return [*words[:3], "…", words[-1]] if len(words) > MOST_WRITTEN else words


def _settled(values: Array, unit: float = 1.0) -> Array:
    return np.where(np.abs(values) < 1e-12 * unit, 0, values)
