"""The transposed convolution lab of chapter 8."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from convlib._checks import require_one_of
from convlib._checks import shown as quoted
from convlib._dispatch import Array
from convlib.conv import conv_matrix
from convlib.conv_transpose import conv_transpose2d
from convlib.labs._lab import Lab, by, html_table, listed, module, plural, shown, style
from convlib.labs.convolution import Rows, numbers, pair
from convlib.shapes import (
    Ints,
    as_tuple,
    conv_input_sizes,
    conv_output_size,
    effective_kernel_size,
    transposed_layout,
)
from convlib.windows import pad

FUNCTION = "transposed_convolution"
VIEWS = ("scatter", "gather", "matrix", "overlap")
# where the sliders end
LARGEST = {"image": 4, "kernel": 4, "stride": 4, "padding": 3, "output_padding": 3, "dilation": 3}
LARGEST_NUMBER = 1e6
AXES = ("rows", "columns")
LONGEST_MATRIX = 64  # rows that are written out where no script runs
MINUS = "\N{MINUS SIGN}"
MEANING = {
    "scatter": "Every pixel of the input lays a copy of the kernel, times itself, onto the output. The "
    "copies start a stride apart; where they overlap, they add up.",
    "gather": "The same as an ordinary convolution of stride 1: zeros between the pixels and around them, "
    "and the kernel turned by 180 degrees.",
    "matrix": "The convolution with this kernel is a matrix C. This layer multiplies by the same matrix "
    "turned over: y = Cᵀ x.",
    "overlap": "How many copies reach each pixel of the output? Where neighbours differ, uniform grey "
    "becomes a pattern.",
}


class TransposedConvolutionLab(Lab):
    """Four ways to see the transposed convolution of an image; made by `transposed_convolution`.

    Attributes
    ----------
    image, kernel : list of list of float
    stride, padding, output_padding, dilation : list of two int
        For rows and columns.
    view : {"scatter", "gather", "matrix", "overlap"}
    position : list of two int
        The chosen pixel: of the input in the view "scatter", else of the output.
    """

    _esm, _css = module("transposed_convolution"), style("transposed_convolution")
    name = "transposed_convolution"
    title = "Transposed convolution"
    image, kernel = numbers(), numbers()
    stride, padding, output_padding, dilation = pair(2), pair(0), pair(0), pair(1)
    view = traitlets.Enum(VIEWS, VIEWS[0]).tag(sync=True, state=True)
    position = pair(0)

    def __repr__(self) -> str:
        """The view, the sizes and settings."""
        settings = ", ".join(
            f"{what.replace('_', ' ')} {list(getattr(self, what))}"
            for what in ("stride", "padding", "output_padding", "dilation")
        )
        return f"{self.title}: {self.view}, input {by(self._input)}, kernel {by(self._kernel)}, {settings}"

    # --- what convlib computes ---

    @property
    def output(self) -> Array:
        """The output, computed by `conv_transpose2d`."""
        return self._transposed(np.array(self.image), np.array(self.kernel))

    @property
    def matrix(self) -> Array:
        """The transposed matrix of the convolution: a row for each output pixel, a column for each pixel."""
        return self._matrix_of(np.array(self.kernel))

    @property
    def overlap(self) -> Array:
        """How many copies of the kernel reach each pixel of the output."""
        return self._transposed(np.ones(self._input), np.ones(self._kernel)).astype(int)

    @property
    def even(self) -> Array:
        """What the kernel makes of an input of ones."""
        return self._transposed(np.ones(self._input), np.array(self.kernel))

    @property
    def spread(self) -> Array:
        """The input with zeros between its pixels and around them: a convolution of stride 1 with the kernel
        turned by 180 degrees makes the output of it."""
        spread = np.zeros([(n - 1) * s + 1 for n, s in zip(self._input, self.stride, strict=True)])
        down, across = self.stride
        spread[::down, ::across] = self.image
        return pad(spread, [zeros for axis in reversed(self._zeros) for zeros in axis])

    @property
    def laid(self) -> Array:
        """The copies up to the chosen pixel of the input, added up; padding has not yet been cut off."""
        given = np.array(self.image)
        before = np.arange(given.size).reshape(given.shape) <= np.ravel_multi_index(
            self._present, self._input
        )
        return self._canvas(np.where(before, given, 0))

    def _transposed(self, image: Array, kernel: Array) -> Array:
        options = tuple(self.stride), tuple(self.padding), tuple(self.output_padding), 1, tuple(self.dilation)
        return np.asarray(conv_transpose2d(image[None], kernel[None, None], None, *options)[0])

    def _canvas(self, image: Array) -> Array:
        options = tuple(self.stride), 0, tuple(self.output_padding), 1, tuple(self.dilation)
        return np.asarray(conv_transpose2d(image[None], np.array(self.kernel)[None, None], None, *options)[0])

    def _matrix_of(self, kernel: Array) -> Array:
        settings = [tuple(one) for one in (self.stride, self.padding, self.dilation)]
        matrix = conv_matrix(kernel[None, None], (1, *self._output), *settings)
        # an output padding beyond the stride makes room for windows that this layer does not have
        windows = conv_output_size(self._output, self._kernel, *settings)
        first = matrix.reshape(*windows, -1)[: self._input[0], : self._input[1]]  # type: ignore[misc]
        return first.reshape(math.prod(self._input), -1).T

    @property
    def problem(self) -> str:
        """Why there is no output, in a sentence; empty where there is one."""
        for axis, word in enumerate(AXES):
            n, k, s, p, e, d = self._axis(axis)
            if e >= max(s, d):
                many = "there is only one" if s == 1 else f"there are {s}"
                return (
                    f"Output padding {e} is too much for the {word}: it must be smaller than the stride "
                    f"({s}) or the dilation ({d}). It chooses among the sizes that a convolution with "
                    f"stride {s} takes to {plural(n, word[:-1])}, and {many}."
                )
            span = (n - 1) * s + effective_kernel_size(k, d) + e
            if span <= 2 * p:
                return (
                    f"Padding {p} leaves nothing: it takes away {plural(p, word[:-1])} on either side, and "
                    f"the copies span {span}."
                )
        return ""

    # --- sizes and places ---

    def _axis(self, axis: int) -> tuple[int, ...]:
        """n, k, s, p, output padding and d along an axis."""
        settings = (self.stride, self.padding, self.output_padding, self.dilation)
        return self._input[axis], self._kernel[axis], *(one[axis] for one in settings)

    @property
    def _input(self) -> tuple[int, ...]:
        return np.shape(self.image)

    @property
    def _kernel(self) -> tuple[int, ...]:
        return np.shape(self.kernel)

    @property
    def _output(self) -> tuple[int, ...]:
        return transposed_layout(
            self._input, self._kernel, self.stride, self.padding, self.output_padding, self.dilation, FUNCTION
        )[2]

    @property
    def _present(self) -> tuple[int, int]:
        places = self._input if self.view == "scatter" else self._output
        i, j = (max(0, min(at, n - 1)) for at, n in zip(self.position, places, strict=True))
        return i, j

    @property
    def _zeros(self) -> list[tuple[int, int]]:
        """Zeros before and behind the spread input, for rows and columns; negative where they cut off."""
        zeros = []
        for axis in range(2):
            _, k, _, p, e, d = self._axis(axis)
            before = effective_kernel_size(k, d) - 1 - p
            zeros.append((before, before + e))
        return zeros

    def _landing(self) -> Iterator[tuple[int, int]]:
        """Where on the output the taps of the chosen pixel's copy land; some may be outside."""
        (i, j), (down, across) = self._present, self.stride
        for u, v in np.ndindex(*self._kernel):
            yield (
                i * down + u * self.dilation[0] - self.padding[0],
                j * across + v * self.dilation[1] - self.padding[1],
            )

    def _readers(self) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        """The pixels whose copies reach the chosen pixel of the output, each with the tap that does."""
        a, e = self._present
        taps = np.arange(1.0, np.size(self.kernel) + 1).reshape(self._kernel)
        row = self._matrix_of(taps)[a * self._output[1] + e].astype(int) - 1
        width = self._input[1]
        return [
            ((at // width, at % width), (tap // self._kernel[1], tap % self._kernel[1]))
            for at, tap in enumerate(row.tolist())
            if tap >= 0
        ]

    def _phases(self) -> tuple[list[list[int]], Array]:
        """Far from the edges, over a stride: copies along rows and along columns, and sums of weights."""
        reach = [effective_kernel_size(k, d) - 1 for k, d in zip(self._kernel, self.dilation, strict=True)]
        steps = [-(-far // s) for far, s in zip(reach, self.stride, strict=True)]  # no edge reaches further
        ones = np.ones((1, *(many + 2 for many in steps)))
        options = tuple(self.stride), 0, 0, 1, tuple(self.dilation)
        inside = tuple(slice(many * s, (many + 1) * s) for many, s in zip(steps, self.stride, strict=True))

        def met(kernel: Array) -> Array:
            return np.asarray(conv_transpose2d(ones, kernel[None, None], None, *options)[0][inside])

        counts = []
        for axis in range(2):
            line = [1, 1]
            line[axis] = self._kernel[axis]
            # across the line only one pixel of a stride is reached: the most of them is the count
            counts.append(met(np.ones(line)).max(1 - axis).astype(int).tolist())
        return counts, met(np.array(self.kernel))

    # --- in words, the same as in the live view ---

    def point_in_words(self) -> str:
        """What becomes of the chosen pixel, or how it is made."""
        if self.view == "scatter":
            return self._copy_in_words()
        (a, e), readers, value = self._present, self._readers(), _text(self.output[self._present])
        if self.view == "overlap":
            pixels = [f"({i}, {j})" for (i, j), _ in readers]
            if not pixels:
                return "no copy reaches it"
            word = "copy reaches it, from pixel" if len(pixels) == 1 else "copies reach it, from pixels"
            return f"{len(pixels)} {word} {listed(pixels)}"
        terms = [f"{_in_sum(self.kernel[u][v])} · {_in_sum(self.image[i][j])}" for (i, j), (u, v) in readers]
        total = f"{' + '.join(terms)} = {value}"
        if self.view == "gather":
            taps = math.prod(self._kernel)
            others = taps - len(readers)
            if not readers:
                return f"{'the only tap meets a zero' if taps == 1 else f'all {taps} taps meet zeros'}: 0"
            rest = "the other tap meets a zero" if others == 1 else f"the other {others} taps meet zeros"
        else:
            others, width = math.prod(self._input) - len(readers), self._output[1]
            row = f"row {a}·{width} + {e} = {a * width + e} of Cᵀ times x: "
            if not readers:
                return row + ("its only entry" if others == 1 else f"all its {others} entries") + " must be 0"
            total = row + total
            rest = f"its other {'entry' if others == 1 else f'{others} entries'} must be 0"
        return f"{total}; {rest}" if others else total

    def _copy_in_words(self) -> str:
        landing = list(self._landing())
        height, width = self._output
        cut = sum(not (0 <= r < height and 0 <= c < width) for r, c in landing)
        starts = [
            f"{at}·{s} {MINUS} {p} = {shown(at * s - p)}"
            for at, s, p in zip(self._present, self.stride, self.padding, strict=True)
        ]
        i, j = self._present
        words = (
            f"{_in_sum(self.image[i][j])} · kernel, with its first tap at row {starts[0]}, column {starts[1]}"
        )
        if not cut:
            return words
        lost = f"{cut} of its {len(landing)} numbers {'is' if cut == 1 else 'are'}"
        if cut == len(landing):
            lost = "its only number is" if cut == 1 else f"all its {cut} numbers are"
        return f"{words}; {lost} cut off by the padding"

    def whole_in_words(self) -> str:
        """What can be said about the whole, in this view."""
        taps, pixels, outputs = map(math.prod, (self._kernel, self._input, self._output))
        real = int(self.overlap.sum())
        if self.view == "scatter":
            cut = pixels * taps - real
            lost = f", of which {cut} {'is' if cut == 1 else 'are'} cut off by the padding" if cut else ""
            copies = plural(pixels, "copy", "copies")
            return f"{copies} of {plural(taps, 'number')}: {plural(pixels * taps, 'multiply-add')}{lost}."
        if self.view == "gather":
            made = (
                f"{plural(outputs, 'window')} of {plural(taps, 'tap')}: "
                f"{plural(outputs * taps, 'multiply-add')}"
            )
            if real == outputs * taps:
                return f"{made}; all meet a pixel of the input."
            verb = "meets" if real == 1 else "meet"
            return f"{made}; {real} of them {verb} a pixel of the input, the others a zero."
        if self.view == "overlap":
            return self._overlap_in_words()
        beyond = any(e >= s for e, s in zip(self.output_padding, self.stride, strict=True))
        more = ", without the windows that are more than the pixels here" if beyond else ""
        others = ", the others must be 0" if real < pixels * outputs else ""
        return (
            f"C is the convolution from {by(self._output)} to {by(self._input)} with the same kernel and "
            f"settings{more}: {plural(pixels, 'row')}, one for each window. Cᵀ has "
            f"{plural(outputs, 'row')}, one for each pixel of the output; {real} of its "
            f"{pixels * outputs:,} entries {'is a weight' if real == 1 else 'are weights'}{others}."
        )

    def _overlap_in_words(self) -> str:
        counts, sums = self._phases()
        uneven = sum(len(set(along)) > 1 for along in counts)
        products = sorted({one * other for one in counts[0] for other in counts[1]})
        pattern = ("No pattern", "Stripes", "A checkerboard")[uneven]
        each = (
            f"{listed(products, 'or')} copies" if len(products) > 1 else plural(products[0], "copy", "copies")
        )
        lines = []
        for axis, word in enumerate(AXES):
            _, k, s, _, _, d = self._axis(axis)
            along = counts[axis]
            turns = f"{listed(along)} by turns" if len(set(along)) > 1 else along[0]
            dilated = f", dilation {d}" if d > 1 else ""
            lines.append(f"along the {word} {turns} (kernel {k}, stride {s}{dilated})")
        least, most = float(sums.min()), float(sums.max())
        same = most - least < 1e-9
        grey = "An"
        if uneven and same:
            grey = "But this kernel evens it out: an"
        elif not uneven and not same:
            grey = "But this kernel is uneven itself: an"
        becomes = f"{_text(least)} everywhere" if same else f"{_text(least)} to {_text(most)}"
        return (
            f"{pattern}: far from the edges each pixel gets {each}, {', '.join(lines)}. "
            f"{grey} input of ones becomes {becomes} there."
        )

    def size_in_words(self, axis: int) -> str:
        """The size formula along an axis, filled in, and where a convolution would go from there."""
        n, k, s, p, e, d = self._axis(axis)
        one, reach = AXES[axis][:-1], d * (k - 1)
        size = (n - 1) * s - 2 * p + reach + e + 1
        formula = (
            f"({n} {MINUS} 1)·{s} {MINUS} 2·{p} + {d}·({k} {MINUS} 1) + {e} + 1 = "
            f"{(n - 1) * s} {MINUS} {2 * p} + {reach} + {e} + 1 = {shown(size)}"
        )
        if self.problem:
            return formula
        back = f"{formula}; a convolution with the same settings takes"
        if e >= s:
            return f"{back} {plural(size, one)} to {conv_output_size(size, k, s, p, d)}, not to {n}"
        came: Any = conv_input_sizes(n, k, s, p, d)
        *sizes, last = came
        return f"{back} {'' if sizes else 'only '}{listed([*sizes, plural(last, one)])} to {n}"

    # --- without a script ---

    def still(self) -> Iterator[str]:
        """The arrays as tables, the chosen pixel in words and the size formula."""
        formulas = [f"<p>{word.capitalize()}: {self.size_in_words(at)}</p>" for at, word in enumerate(AXES)]
        yield f"<p>{MEANING[self.view]}</p>"
        if self.problem:
            yield from (f"<p>{self.problem}</p>", *formulas)
            return
        scatter, (i, j) = self.view == "scatter", self._present
        readers = [] if scatter else self._readers()
        yield _table(
            f"Input {by(self._input)}", self.image, [(i, j)] if scatter else [pixel for pixel, _ in readers]
        )
        yield _table(f"Kernel {by(self._kernel)}", self.kernel, [tap for _, tap in readers])
        yield from {
            "scatter": self._still_scatter,
            "gather": self._still_gather,
            "matrix": self._still_matrix,
            "overlap": self._still_overlap,
        }[str(self.view)]()
        landing = list(self._landing()) if scatter else [(i, j)]
        yield _table(f"Output {by(self._output)}", self.output, landing)
        head = f"{'Pixel' if scatter else 'Output'} row {i}, column {j}"
        yield f"<p>{head}: {self.point_in_words()}</p>"
        yield f"<p>{self.whole_in_words()}</p>"
        yield from formulas

    def _still_scatter(self) -> Iterator[str]:
        i, j = self._present
        pixel = self.image[i][j]
        yield _table(f"The copy: {_in_sum(pixel)} · kernel", pixel * np.array(self.kernel))
        down, across = self.padding
        height, width = self._output
        laid = self.laid
        cells = [[_text(value) for value in row] for row in laid]
        for r, c in self._landing():
            cells[r + down][c + across] = f"<strong>{cells[r + down][c + across]}</strong>"
        for r, c in np.ndindex(*laid.shape):
            if not (0 <= r - down < height and 0 <= c - across < width):
                cells[r][c] = f"<del>{cells[r][c]}</del>"
        cut = "; struck out: cut off by the padding" if any(self.padding) else ""
        place, count = i * self._input[1] + j + 1, math.prod(self._input)
        copies = f"Copies 1 to {place}" if place > 1 else "Copy 1"
        yield html_table(f"{copies} of {count}; bold: where the copy lands{cut}", cells)

    def _still_gather(self) -> Iterator[str]:
        yield _table("Kernel, turned by 180 degrees", np.array(self.kernel)[::-1, ::-1])
        spread = self.spread
        window = [
            range(at, at + effective_kernel_size(k, d), d)
            for at, k, d in zip(self._present, self._kernel, self.dilation, strict=True)
        ]
        taps = [(r, c) for r in window[0] for c in window[1]]
        yield _table(f"Input, spread out to {by(spread.shape)}; bold: the window", spread, taps)

    def _still_matrix(self) -> Iterator[str]:
        (a, e), width = self._present, self._output[1]
        present, kept = a * width + e, self._matrix_of(np.ones(self._kernel)) != 0
        entries = [
            [_text(one) if is_tap else "" for one, is_tap in zip(*row, strict=True)]
            for row in zip(self.matrix, kept, strict=True)
        ]
        rows = [[f"({at // width}, {at % width})", *row] for at, row in enumerate(entries)]
        rows[present] = [f"<strong>{cell}</strong>" if cell else "" for cell in rows[present]]
        title = "Cᵀ; empty: must be 0"
        if len(rows) > LONGEST_MATRIX:
            title, rows = f"Row {present} of the {len(rows)} rows of Cᵀ; empty: must be 0", [rows[present]]
        pixels = [f"({i}, {j})" for i, j in np.ndindex(*self._input)]
        yield html_table(title, rows, ["output", *pixels])

    def _still_overlap(self) -> Iterator[str]:
        yield _table("Copies that reach each pixel of the output", self.overlap, [self._present])
        yield _table("What an input of ones becomes", self.even, [self._present])


def transposed_convolution(
    image: ArrayLike | None = None,
    kernel: ArrayLike | None = None,
    stride: Ints = 2,
    padding: Ints = 0,
    output_padding: Ints = 0,
    dilation: Ints = 1,
    view: str = "scatter",
    position: Ints = (0, 0),
) -> TransposedConvolutionLab:
    """A live lab: copies laid down, zeros inserted, a matrix turned over, and how the copies overlap.

    In the book it works in the page itself; in a running notebook its state and Python's are the same.

    Parameters
    ----------
    image, kernel : array of shape (H, W), optional
        At most 4 × 4 each, of numbers up to a million; 3 × 3 of counted numbers and 3 × 3 ones where none are
        given.
    stride, padding, output_padding, dilation : int or tuple of int
        For rows and columns, as in `convlib.conv_transpose2d`; at most 4, 3, 3 and 3.
    view : {"scatter", "gather", "matrix", "overlap"}
        A pixel of the input and the copy that it lays; a window over the input with inserted zeros; the
        matrix of the convolution, transposed; or how many copies reach each pixel of the output.
    position : int or tuple of int
        Row and column of the chosen pixel: of the input for "scatter", else of the output.

    Returns
    -------
    TransposedConvolutionLab
        Shows itself when it is the last line of a cell. `output`, `matrix`, `overlap` and `even` are computed
        by `convlib`.

    Raises
    ------
    ValueError
        Numbers that are not finite, an unknown view, a size or setting that the lab cannot show, an output
        padding that is too large, a padding that leaves nothing, or a position outside.
    TypeError
        Settings that are not integers.

    See Also
    --------
    convlib.conv_transpose2d : what it shows. Chapter 8.

    Examples
    --------
    >>> lab = transposed_convolution([[1, 2, 3]], [[1, 10]], stride=1)
    >>> lab.output  # 1*1, 1*10 + 2*1, 2*10 + 3*1, 3*10
    array([[ 1., 12., 23., 30.]])
    >>> lab.matrix
    array([[ 1.,  0.,  0.],
           [10.,  1.,  0.],
           [ 0., 10.,  1.],
           [ 0.,  0., 10.]])
    >>> lab.overlap
    array([[1, 2, 2, 1]])
    """
    require_one_of(FUNCTION, "view", view, VIEWS)
    settings = {
        what: as_tuple(value, 2, what, at_least=least, function=FUNCTION)
        for what, value, least in (
            ("stride", stride, 1),
            ("padding", padding, 0),
            ("output_padding", output_padding, 0),
            ("dilation", dilation, 1),
        )
    }
    at = as_tuple(position, 2, "position", at_least=0, function=FUNCTION)
    pixels = _made("image", np.arange(1, 10).reshape(3, 3) if image is None else image)
    weights = _made("kernel", np.ones((3, 3)) if kernel is None else kernel)
    for what, values in (*settings.items(), ("image", np.shape(pixels)), ("kernel", np.shape(weights))):
        if max(values) > LARGEST[what]:
            raise ValueError(f"{FUNCTION}: {what} can be at most {LARGEST[what]} here, got {quoted(values)}")
    layout, _, output = transposed_layout(np.shape(pixels), np.shape(weights), **settings, function=FUNCTION)
    places, whose = (layout.positions, "input") if view == "scatter" else (output, "output")
    if any(one >= n for one, n in zip(at, places, strict=True)):
        raise ValueError(f"{FUNCTION}: position {at} is outside of the {whose}, which is {by(places)}")
    return TransposedConvolutionLab(
        image=pixels,
        kernel=weights,
        view=view,
        position=list(at),
        **{what: list(values) for what, values in settings.items()},
    )


def _made(what: str, given: ArrayLike) -> Rows:
    try:
        array = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            f"{FUNCTION}: {what} must be a table of finite numbers, got {quoted(given)}"
        ) from None
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        raise ValueError(f"{FUNCTION}: {what} must be a table of finite numbers, got shape {array.shape}")
    if np.abs(array).max() > LARGEST_NUMBER:
        got = quoted(float(array.flat[np.abs(array).argmax()]))
        raise ValueError(f"{FUNCTION}: {what} can hold numbers up to a million here, got {got}")
    return array.tolist()  # type: ignore[no-any-return]


# --- pieces of sentences ---


def _text(value: float) -> str:
    """What adds up to 0 but for many roundings is 0."""
    return shown(0.0 if abs(value) < 1e-9 else float(value))


def _in_sum(value: float) -> str:
    return f"({shown(value)})" if value < 0 else shown(value)


def _table(caption: str, values: ArrayLike, bold: Iterable[tuple[int, int]] = ()) -> str:
    rows = np.asarray(values, dtype=float)
    cells = [[_text(value) for value in row] for row in rows]
    for r, c in bold:
        if 0 <= r < rows.shape[0] and 0 <= c < rows.shape[1]:
            cells[r][c] = f"<strong>{cells[r][c]}</strong>"
    return html_table(caption, cells)
