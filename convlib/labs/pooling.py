"""The pooling lab of chapter 5."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from convlib._checks import require_flag, require_one_of
from convlib._checks import shown as quoted
from convlib._dispatch import Array
from convlib.adaptive_pool import global_avg_pool2d, global_max_pool2d
from convlib.labs._lab import Lab, by, html_table, listed, module, plural, shown, style
from convlib.labs.convolution import Rows, numbers, pair
from convlib.pool import (
    avg_pool2d,
    avg_pool2d_backward,
    lp_pool2d,
    lp_pool2d_backward,
    max_pool2d,
    max_pool2d_backward,
)
from convlib.shapes import Ints, as_integer, as_tuple, pool_layout

FUNCTION = "pooling"
KINDS = ("max", "average", "Lp", "global max", "global average")
TIES = ("first", "shared")
VIEWS = ("values", "indices", "gradient")
UPSTREAM = ("ones", "counted", "own")
LARGEST = {"image": 10, "kernel_size": 4, "stride": 4, "padding": 2, "norm_type": 4}  # where the sliders end
AXES = ("rows", "columns")
MOST_WRITTEN = 16


@dataclass(frozen=True)
class Window:
    """What a window reads, in reading order; a place of the padding has no pixel."""

    read: list[tuple[int, int] | None]
    beyond: int  # places beyond the padded input

    @property
    def pixels(self) -> list[tuple[int, int]]:
        return [at for at in self.read if at]

    @property
    def zeros(self) -> int:
        return self.read.count(None)


class PoolingLab(Lab):
    """An image, the windows that become one number each, and the gradient's way back; made by `pooling`.

    Attributes
    ----------
    image : list of list of float
    kind : {"max", "average", "Lp", "global max", "global average"}
        A global pooling has one window, as large as the image.
    kernel_size, stride, padding : list of two int
        For rows and columns. Lp pooling has no padding, and does not look at it.
    ceil_mode, count_include_pad : bool
    norm_type : int
        The p of Lp pooling.
    ties : {"first", "shared"}
        Which of several equal maxima gets the gradient.
    view : {"values", "indices", "gradient"}
        What is shown below the numbers.
    upstream : {"ones", "counted", "own"}
        The gradient of the output: ones, 1, 2, 3, ... in reading order, or `gradient`.
    gradient : list of list of float
        The reader's own gradient; where it has no number, 1.
    position : list of two int
        The output number that is written out.
    """

    _esm, _css = module("pooling"), style("pooling")
    name = "pooling"
    title = "Pooling"
    image, gradient = numbers(), numbers()
    kind = traitlets.Enum(KINDS, KINDS[0]).tag(sync=True, state=True)
    kernel_size, stride, padding, position = pair(2), pair(2), pair(0), pair(0)
    ceil_mode = traitlets.Bool(False).tag(sync=True, state=True)
    count_include_pad = traitlets.Bool(True).tag(sync=True, state=True)
    norm_type = traitlets.Int(2).tag(sync=True, state=True)
    ties = traitlets.Enum(TIES, TIES[0]).tag(sync=True, state=True)
    view = traitlets.Enum(VIEWS, VIEWS[0]).tag(sync=True, state=True)
    upstream = traitlets.Enum(UPSTREAM, UPSTREAM[0]).tag(sync=True, state=True)

    def __repr__(self) -> str:
        """The kind, the sizes and settings."""
        head = f"{self.title}: {self.kind}, input {' × '.join(map(str, self._size))}"
        if self._is_global:
            return head
        lp = self.kind == "Lp"
        return (
            f"{head}, window {self.kernel_size}, stride {self.stride}, "
            + (f"p {self.norm_type}" if lp else f"padding {self.padding}")
            + (", ceil_mode" if self.ceil_mode else "")
        )

    # --- what convlib computes ---

    @property
    def output(self) -> Array:
        """The pooled image."""
        image = np.array(self.image)[None]
        if self.kind == "max":
            pooled = max_pool2d(image, *self._options[:3], ceil_mode=self._options[3])
        elif self.kind == "average":
            pooled = avg_pool2d(image, *self._options, count_include_pad=self.count_include_pad)
        elif self.kind == "Lp":
            with np.errstate(invalid="ignore"):  # no root of a negative sum
                pooled = lp_pool2d(image, self.norm_type, *self._lp_options)
        else:
            pooled = (global_max_pool2d if self._is_max else global_avg_pool2d)(image)
        return np.asarray(pooled[0])

    @property
    def indices(self) -> Array:
        """Of each maximum its place, row * width + column; of equal ones the first."""
        if not self._is_max:
            raise ValueError(f"{FUNCTION}: only maxima have indices, and this is {self.kind} pooling")
        kernel, stride, padding, ceil_mode = self._options
        image = np.array(self.image)[None]
        _, places = max_pool2d(image, kernel, stride, padding, ceil_mode=ceil_mode, return_indices=True)
        return np.asarray(places[0])

    @property
    def grad_output(self) -> Array:
        """The gradient that comes to the output."""
        shape = self._positions
        if self.upstream == "counted":
            return np.arange(1.0, math.prod(shape) + 1).reshape(shape)
        grad = np.ones(shape)
        if self.upstream == "own":
            for i, row in enumerate(self.gradient[: shape[0]]):
                grad[i, : len(row)] = row[: shape[1]]
        return grad

    @property
    def grad_input(self) -> Array:
        """The gradient that arrives at the input."""
        return self._sent(np.array(self.image), self.grad_output, self._options)

    def _sent(self, image: Array, grad: Array, options: tuple[Any, ...]) -> Array:
        image, grad = image[None], grad[None]
        kernel, stride, padding, up = options
        if self._is_max:
            sent = max_pool2d_backward(
                grad, image, kernel, stride, padding, ceil_mode=up, ties=str(self.ties)
            )
        elif self.kind == "Lp":
            with np.errstate(invalid="ignore", divide="ignore"):
                sent = lp_pool2d_backward(grad, image, self.norm_type, kernel, stride, up)
        else:
            sent = avg_pool2d_backward(grad, image.shape, *options, self.count_include_pad)
        return np.asarray(sent[0])

    @property
    def problem(self) -> str:
        """Why there is no output, in a sentence; empty where there is one."""
        kernel, stride, padding, up = self._options
        for word, n, k, s, p in zip(AXES, self._size, kernel, stride, padding, strict=True):
            if p > k // 2:
                return (
                    f"Padding {p} is too much: it can be at most half of the window, which is {k // 2} for "
                    f"{plural(k, word[:-1])}."
                )
            if n + 2 * p - k <= (-s if up else -1):
                return f"No window fits: it spans {k} {word}, the padded input has {n + 2 * p}."
        return ""

    # --- where the windows lie ---

    @property
    def _is_global(self) -> bool:
        return str(self.kind).startswith("global")

    @property
    def _is_max(self) -> bool:
        return str(self.kind).endswith("max")

    @property
    def _size(self) -> tuple[int, ...]:
        return np.shape(self.image)

    @property
    def _options(self) -> tuple[Any, ...]:
        """Window, stride, padding and ceil_mode, as far as this kind looks at them."""
        if self._is_global:
            return self._size, self._size, (0, 0), False
        padding = (0, 0) if self.kind == "Lp" else tuple(self.padding)
        return tuple(self.kernel_size), tuple(self.stride), padding, self.ceil_mode

    @property
    def _lp_options(self) -> tuple[Any, ...]:
        kernel, stride, _, ceil_mode = self._options
        return kernel, stride, ceil_mode

    @property
    def _positions(self) -> tuple[int, ...]:
        kernel, stride, padding, ceil_mode = self._options
        return pool_layout(self._size, kernel, stride, padding, 1, ceil_mode, FUNCTION).positions

    def _window(self, i: int, j: int) -> Window:
        kernel, stride, padding, _ = self._options
        axes = []
        for at, n, k, s, p in zip((i, j), self._size, kernel, stride, padding, strict=True):
            start = at * s - p
            axes.append([r if 0 <= r < n else None for r in range(start, min(start + k, n + p))])
        places = itertools.product(*axes)
        read = [None if r is None or c is None else (r, c) for r, c in places]
        return Window(read, math.prod(kernel) - len(read))

    @property
    def _present(self) -> tuple[int, int]:
        i, j = (min(at, n - 1) for at, n in zip(self.position, self._positions, strict=True))
        return i, j

    @property
    def _unread(self) -> list[list[int]]:
        """Rows and columns in no window."""
        kernel, stride, padding, _ = self._options
        return [
            [r for r in range(n) if not any(0 <= r + p - i * s < k for i in range(count))]
            for n, k, s, p, count in zip(self._size, kernel, stride, padding, self._positions, strict=True)
        ]

    def _value(self, at: tuple[int, int] | None) -> float:
        return self.image[at[0]][at[1]] if at else 0.0

    @property
    def _powers(self) -> float:
        """The sum of which the present window's norm is a root."""
        powers = np.array(self.image)[None] ** self.norm_type
        return float(lp_pool2d(powers, 1, *self._lp_options)[0][self._present])

    def _winners(self, i: int, j: int) -> list[tuple[int, int]]:
        pixels = self._window(i, j).pixels
        best = max(map(self._value, pixels))
        return [at for at in pixels if self._value(at) == best]

    def _senders(self) -> Array:
        """From how many windows each pixel gets something."""
        senders = np.zeros(self._size, int)
        for i, j in np.ndindex(*self._positions):
            chosen = self._winners(i, j) if self._is_max else self._window(i, j).pixels
            for at in chosen[:1] if self._is_max and self.ties == "first" else chosen:
                senders[at] += 1
        return senders

    # --- in words, the same as in the live view ---

    def window_in_words(self) -> str:
        """How the present window becomes its number."""
        i, j = self._present
        window, value = self._window(i, j), _text(self.output[i, j])
        if self._is_max:
            winners = self._winners(i, j)
            (r, c), width = winners[0], self._size[1]
            read = _shortened([_text(self._value(at)) if at else "\N{MINUS SIGN}∞" for at in window.read])
            place = f"at row {r}, column {c} (flat index {r * width + c})"
            return f"max({', '.join(read)}) = {value}, {place}{_the_first(winners)}"
        if self.kind == "Lp":
            return self._norm_in_words(window, value)
        counted = window.read if self.count_include_pad else window.pixels
        notes = ""
        if window.zeros:
            zeros = plural(window.zeros, "zero")
            notes = (
                f"; {zeros} of the padding counted"
                if self.count_include_pad
                else "; the padding is not counted"
            )
        if window.beyond:
            verb = "counts" if window.beyond == 1 else "count"
            notes += f"; {plural(window.beyond, 'place')} beyond the edge never {verb}"
        terms = _shortened([_in_sum(self._value(at)) for at in counted])
        return f"{_in_brackets(terms)} / {len(counted)} = {value}{notes}"

    def _norm_in_words(self, window: Window, value: str) -> str:
        p, beyond = self.norm_type, window.beyond
        terms = [_in_sum(self._value(at)) + _raised(p) for at in window.pixels]
        whole = " + ".join(terms) if p == 1 and not beyond else _in_brackets(terms)
        notes = ""
        if beyond:
            whole += f" · {len(window.read) + beyond} / {len(window.read)}"
            notes = f"; {plural(beyond, 'place')} beyond the edge, so the sum is scaled up to a whole window"
        if p > 1:
            whole = f"{whole if len(window.pixels) > 1 and not beyond else f'({whole})'}^(1/{p})"
            if self._powers < 0:
                notes += "; the sum is negative, and no root of it is taken"
        return f"{whole} = {value}{notes}"

    def sending_in_words(self) -> str:
        """To whom the present window sends its gradient."""
        i, j = self._present
        window, gradient = self._window(i, j), float(self.grad_output[i, j])
        its = f"Its gradient {_text(gradient)}"
        if self._is_max:
            winners = self._winners(i, j)
            (r, c), many = winners[0], len(winners)
            if self.ties == "first" or many == 1:
                return f"{its} goes to row {r}, column {c}{_the_first(winners)}."
            part = f"{_text(gradient)} / {many} = {_text(gradient / many)}"
            return f"{its} is shared among {many} equal pixels: {part} for each."
        count = len(window.pixels)
        each = "its one pixel" if count == 1 else f"each of its {count} pixels"
        if self.kind == "Lp":
            p, read = self.norm_type, len(window.read)
            if self._powers == 0:
                return "The sum is 0: it sends nothing, as in torch."
            scaled = f" · {read + window.beyond} / {read}" if window.beyond else ""
            # The window by itself, so that no other adds to what it sends.
            rows, columns = (sorted(set(along)) for along in zip(*window.pixels, strict=True))
            cut = np.array(self.image)[np.ix_(rows, columns)]
            kernel = self._options[0]
            sent = [
                _text(one)
                for one in self._sent(cut, np.array([[gradient]]), (kernel, kernel, (0, 0), True)).flat
            ]
            if p == 1:
                part = f": {_text(gradient)}{scaled} = {sent[0]}" if scaled else ""
                return f"{its} goes to {each}{part}."
            ratio = f"(x / {_in_sum(self.output[i, j])}){_raised(p - 1)}"
            return f"Each pixel x gets {_text(gradient)}{scaled} · {ratio}: {', '.join(sent)}."
        divisor = len(window.read if self.count_include_pad else window.pixels)
        lost = (
            f"; what {plural(window.zeros, 'zero')} of the padding would get is lost"
            if window.zeros and self.count_include_pad
            else ""
        )
        part = f"{_text(gradient)} / {divisor} = {_text(gradient / divisor)}"
        return f"{its} is shared evenly: {part} for {each}{lost}."

    def share_in_words(self) -> str:
        """How many pixels get a gradient."""
        arriving, several = _settled(self.grad_input), int((self._senders() > 1).sum())
        reached, count = int((arriving != 0).sum()), arriving.size
        words = [
            f"{reached} of {plural(count, 'pixel')} {'gets' if reached == 1 else 'get'} a gradient other "
            f"than 0 ({_text(100 * reached / count)} %).",
            f"The windows were given {_summed(self.grad_output)}, the pixels get {_summed(arriving)}.",
        ]
        if several:
            verb = "adds" if several == 1 else "add"
            words.append(f"{plural(several, 'pixel')} {verb} up what several windows send.")
        return " ".join(words)

    def size_in_words(self, axis: int) -> str:
        """The size formula along an axis, filled in, and what it leaves out."""
        kernel, stride, padding, up = self._options
        n, k, s, p, word = self._size[axis], kernel[axis], stride[axis], padding[axis], AXES[axis]
        one = word[:-1]
        if self._is_global:
            return f"one window of {f'the only {one}' if n == 1 else f'all {n} {word}'}"
        room = n + 2 * p - k
        laid = (-(-room // s) if up else room // s) + 1
        opened, closed = "⌈⌉" if up else "⌊⌋"
        formula = (
            f"{opened}({n} + 2·{p} \N{MINUS SIGN} {k}) / {s}{closed} + 1 = "
            f"{opened}{shown(room)} / {s}{closed} + 1 = {shown(laid)}"
        )
        if self.problem:
            return formula
        count = self._positions[axis]
        if laid > count:
            formula += (
                f", less 1 = {count}: a window must start inside the input or in the padding before it, and "
                f"the last would start behind {one} {n - 1}"
            )
        beyond = (count - 1) * s + k - n - 2 * p
        if beyond > 0:
            edge = "padded input" if p else "input"
            formula += f"; the last window reaches {plural(beyond, one)} beyond the {edge}"
        unread = self._unread[axis]
        if unread:
            which = f"{one} {unread[0]} is" if len(unread) == 1 else f"{word} {listed(unread)} are"
            formula += f"; {which} in no window"
        return formula

    def still(self) -> Iterator[str]:
        """The arrays as tables, one window in words and the size formula."""
        formulas = [f"<p>{word.capitalize()}: {self.size_in_words(at)}</p>" for at, word in enumerate(AXES)]
        yield f"<p>{self._kind_in_words()}</p>"
        if self.problem:
            yield from (f"<p>{self.problem}</p>", *formulas)
            return
        output, (i, j) = self.output, self._present
        yield self._input_table(i, j)
        yield _table(f"Output {by(output.shape)}", output, [(i, j)])
        yield f"<p>Row {i}, column {j}: {self.window_in_words()}</p>"
        if self.view == "indices" and self._is_max:
            wins = np.bincount(self.indices.ravel(), minlength=math.prod(self._size)).reshape(self._size)
            yield _table("Windows that each pixel wins", wins)
            yield _table("Flat index of each maximum", self.indices, [(i, j)])
        if self.view == "gradient":
            yield _table("Gradient of the output", self.grad_output, [(i, j)])
            yield _table("Gradient at the input", _settled(self.grad_input), self._window(i, j).pixels)
            yield f"<p>{self.sending_in_words()}</p>"
            yield f"<p>{self.share_in_words()}</p>"
        yield from formulas

    def _kind_in_words(self) -> str:
        words = [f"{self.kind[0].upper()}{self.kind[1:]} pooling"]
        if not self._is_global:
            kernel, stride, padding, up = self._options
            words += [f"window {by(kernel)}", f"stride {by(stride)}"]
            words += [f"padding {by(padding)}"] if any(padding) else []
            words += [f"p = {self.norm_type}"] if self.kind == "Lp" else []
            words += ["sizes rounded up"] if up else []
        if self._is_max and self.view == "gradient":
            words += [f"equal maxima: {'the first gets all' if self.ties == 'first' else 'shared'}"]
        return f"{', '.join(words)}."

    def _input_table(self, i: int, j: int) -> str:
        kernel, stride, padding, _ = self._options
        window, unread = self._window(i, j).pixels, self._unread
        chosen = self._winners(i, j)[:1] if self._is_max else []
        outside = "\N{MINUS SIGN}∞" if self._is_max else "0"
        if self.kind == "average" and not self.count_include_pad:
            outside = "<del>0</del>"
        extents = [
            max(n + 2 * p, (count - 1) * s + k)
            for n, k, s, p, count in zip(self._size, kernel, stride, padding, self._positions, strict=True)
        ]
        cells = np.full(extents, "", object)  # what lies beyond the padding stays empty
        cells[tuple(slice(n + 2 * p) for n, p in zip(self._size, padding, strict=True))] = outside
        for at in np.ndindex(*self._size):
            text = _text(self._value(at))
            if at in window:
                text = f"<strong>{text}</strong>"
            if at in chosen:
                text = f"<u>{text}</u>"
            if at[0] in unread[0] or at[1] in unread[1]:
                text = f"<del>{text}</del>"
            cells[at[0] + padding[0], at[1] + padding[1]] = text
        caption = f"Input {by(self._size)}"
        if any(padding):
            caption += f", padded to {by(n + 2 * p for n, p in zip(self._size, padding, strict=True))}"
        caption += "; bold: the window"
        if chosen:
            caption += "; underlined: its maximum"
        if any(unread) or "<del>" in outside:
            reasons = ["in no window"] * bool(any(unread)) + ["not counted"] * ("<del>" in outside)
            caption += f"; struck out: {' or '.join(reasons)}"
        return html_table(caption, cells)


def pooling(
    image: ArrayLike | None = None,
    kind: str = "max",
    *,
    input_size: Ints = 6,
    kernel_size: Ints = 2,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    norm_type: int = 2,
    ties: str = "first",
    view: str = "values",
) -> PoolingLab:
    """A live lab: windows that become one number each, and the gradient on its way back through them.

    In the book it works in the page itself; in a running notebook its state and Python's are the same.

    Parameters
    ----------
    image : array of shape (H, W), optional
        The numbers to begin with; small whole ones are made where none are given.
    kind : {"max", "average", "Lp", "global max", "global average"}
        What a window becomes. A global pooling has one window, the whole image.
    input_size : int or tuple of int
        Where no numbers are given: how many to make. At most 10.
    kernel_size, stride, padding : int or tuple of int
        For rows and columns, at most 4, 4 and 2. The stride is the kernel's size unless it is given; padding
        is at most half of it. Lp and global pooling have no padding.
    ceil_mode : bool
        Pixels left over at the end get one more window.
    count_include_pad : bool
        An average counts the zeros of the padding.
    norm_type : int
        The p of Lp pooling, 1 to 4.
    ties : {"first", "shared"}
        Which of several equal maxima gets the gradient: the first, as with torch's `max_pool2d`, or each the
        same share, as with `amax`.
    view : {"values", "indices", "gradient"}
        What is shown below the numbers: nothing, the places of the maxima, or the gradient.

    Returns
    -------
    PoolingLab
        Shows itself when it is the last line of a cell. `output`, `indices`, `grad_output` and `grad_input`
        are computed by the pooling functions of `convlib`.

    Raises
    ------
    ValueError
        Numbers that are not finite, an unknown word, a size or setting that the lab cannot show, or no room
        for a window.
    TypeError
        Sizes that are not integers, or flags that are neither True nor False.

    See Also
    --------
    convlib.max_pool2d, convlib.avg_pool2d, convlib.lp_pool2d : what it shows. Chapter 5.

    Examples
    --------
    >>> lab = pooling([[1, 5, 2, 2], [3, 3, 0, 4]])
    >>> lab.output
    array([[5., 4.]])
    >>> lab.indices  # row 0, column 1, and row 1, column 3
    array([[1, 7]])
    >>> lab.grad_input
    array([[0., 1., 0., 0.],
           [0., 0., 0., 1.]])
    >>> lab.kind = "average"
    >>> lab.output  # 12 / 4, 8 / 4
    array([[3., 2.]])
    """
    require_one_of(FUNCTION, "kind", kind, KINDS)
    require_one_of(FUNCTION, "ties", ties, TIES)
    require_one_of(FUNCTION, "view", view, VIEWS)
    require_flag(FUNCTION, "ceil_mode", ceil_mode)
    require_flag(FUNCTION, "count_include_pad", count_include_pad)
    kernel = as_tuple(kernel_size, 2, "kernel_size", function=FUNCTION)
    settings = {
        "kernel_size": kernel,
        "stride": kernel if stride is None else as_tuple(stride, 2, "stride", function=FUNCTION),
        "padding": as_tuple(padding, 2, "padding", at_least=0, function=FUNCTION),
    }
    p = as_integer(norm_type, "norm_type", FUNCTION)
    pixels = _made(as_tuple(input_size, 2, "input_size", function=FUNCTION), image)
    for what, values in (*settings.items(), ("norm_type", (p,)), ("image", np.shape(pixels))):
        if max(values) > LARGEST[what]:
            got = quoted(tuple(values) if len(values) > 1 else values[0])
            raise ValueError(f"{FUNCTION}: {what} can be at most {LARGEST[what]} here, got {got}")
    if any(settings["padding"]) and kind not in ("max", "average"):
        raise ValueError(f"{FUNCTION}: {kind} pooling has no padding, got {settings['padding']}")
    lab = PoolingLab(
        image=pixels,
        kind=kind,
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
        norm_type=p,
        ties=ties,
        view=view,
        **{what: list(values) for what, values in settings.items()},
    )
    try:
        lab.output  # noqa: B018  (the sizes fit, or it says why not)
    except ValueError as error:
        lab.close()
        raise ValueError(f"{FUNCTION}: {str(error).partition(': ')[2]}") from None
    return lab


def _made(size: Sequence[int], given: ArrayLike | None) -> Rows:
    if given is None:
        i, j = np.indices(size)
        # The same in the live view, for the cells that appear when a size grows.
        return ((3 * i * i + 7 * j + 2 * i * j + 1) % 10).astype(float).tolist()  # type: ignore[no-any-return]
    try:
        array = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            f"{FUNCTION}: image must be a table of finite numbers, got {quoted(given)}"
        ) from None
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        raise ValueError(f"{FUNCTION}: image must be a table of finite numbers, got shape {array.shape}")
    return array.tolist()  # type: ignore[no-any-return]


# --- pieces of sentences ---


def _text(value: float) -> str:
    return "NaN" if math.isnan(value) else shown(value)


def _raised(power: int) -> str:
    return "" if power == 1 else "⁰¹²³⁴"[power]


def _in_sum(value: float) -> str:
    return f"({_text(value)})" if value < 0 else _text(value)


def _in_brackets(terms: list[str]) -> str:
    return f"({' + '.join(terms)})" if len(terms) > 1 else terms[0]


def _shortened(words: list[str]) -> list[str]:
    """The first and the last of many."""
    return [*words[:3], "…", words[-1]] if len(words) > MOST_WRITTEN else words


def _the_first(winners: Sequence[object]) -> str:
    return f", the first of {len(winners)} equal ones" if len(winners) > 1 else ""


def _settled(values: Array) -> Array:
    """What adds up to 0 but for many roundings is 0."""
    return np.where(np.abs(values) < 1e-9, 0, values)


def _summed(values: Array) -> str:
    """Their sum, without the dust of many roundings."""
    total = float(values.sum())
    return _text(total if math.isnan(total) else round(total, 9))


def _table(caption: str, values: Array, bold: Iterable[tuple[int, int]] = ()) -> str:
    cells = [[_text(value) for value in row] for row in values]
    for r, c in bold:
        cells[r][c] = f"<strong>{cells[r][c]}</strong>"
    return html_table(caption, cells)
