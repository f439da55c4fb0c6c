"""The convolution explorer of chapters 2 and 3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from convlib._checks import require_one_of
from convlib._dispatch import Array
from convlib.conv import conv2d, conv2d_input
from convlib.labs._lab import Lab, html_table, module, shown, style
from convlib.shapes import Ints, as_tuple
from convlib.windows import pad, pad_backward

FUNCTION = "explore_convolution"
MODES = ("zeros", "reflect", "replicate", "circular")  # as in torch.nn.Conv2d
LARGEST = {"image": 12, "kernel": 7, "stride": 4, "padding": 4, "dilation": 4}  # where the sliders end
Rows = list[list[float]]


def numbers() -> Any:
    return traitlets.List(traitlets.List(traitlets.Float())).tag(sync=True, state=True)


def pair(value: int) -> Any:
    two = traitlets.List(traitlets.Int(), default_value=[value, value], minlen=2, maxlen=2)
    return two.tag(sync=True, state=True)


class ConvolutionExplorer(Lab):
    """An image, a kernel, and the windows of their convolution; made by `explore_convolution`.

    Attributes
    ----------
    image, kernel : list of list of float
    stride, padding, dilation, position : list of two int
        For rows and columns; the position is the output number whose sum is written out.
    padding_mode : str
    """

    _esm, _css = module("convolution"), style("convolution")
    name = "convolution"
    title = "Convolution explorer"
    image, kernel = numbers(), numbers()
    stride, padding, dilation, position = pair(1), pair(0), pair(1), pair(0)
    padding_mode = traitlets.Enum(MODES, "zeros").tag(sync=True, state=True)

    def __repr__(self) -> str:
        """The sizes and settings."""
        image, kernel = (" × ".join(map(str, np.shape(one))) for one in (self.image, self.kernel))
        settings = (
            f"stride {self.stride}, padding {self.padding} {self.padding_mode}, dilation {self.dilation}"
        )
        return f"{self.title}: image {image}, kernel {kernel}, {settings}"

    @property
    def padded(self) -> Array:
        """The image with its padding."""
        return pad(np.array(self.image)[None], self._sides, self._mode)[0]

    @property
    def output(self) -> Array:
        """The output for the present state, computed by `convlib`."""
        image, kernel = self.padded[None], np.array(self.kernel)[None, None]
        return conv2d(image, kernel, stride=tuple(self.stride), dilation=tuple(self.dilation))[0]

    @property
    def uses(self) -> Array:
        """In how many windows each pixel lies, in the image or as its copy in the padding."""
        # What a kernel of ones sends back from an output of ones.
        shape, ones = (1, *self.padded.shape), np.ones((1, 1, *np.shape(self.kernel)))
        grad = np.ones((1, *self.output.shape))
        used = conv2d_input(shape, ones, grad, tuple(self.stride), dilation=tuple(self.dilation))
        return pad_backward(used, (1, *np.shape(self.image)), self._sides, self._mode)[0].astype(int)

    @property
    def _mode(self) -> str:
        return "constant" if self.padding_mode == "zeros" else str(self.padding_mode)

    @property
    def _sides(self) -> tuple[int, ...]:
        down, across = self.padding
        return across, across, down, down

    def _taps(self, i: int, j: int) -> tuple[range, range]:
        """Rows and columns of the padded image that the window of output (i, j) reads."""
        rows, columns = (
            range(at * s, at * s + k * d, d)
            for at, s, k, d in zip((i, j), self.stride, np.shape(self.kernel), self.dilation, strict=True)
        )
        return rows, columns

    def still(self) -> Iterator[str]:
        """The arrays as tables, one sum and the size formula."""
        output, uses, padded = self.output, self.uses, self.padded
        i, j = (min(at, n - 1) for at, n in zip(self.position, output.shape, strict=True))
        rows, columns = self._taps(i, j)
        cells = [[shown(value) for value in row] for row in padded]
        for r, c in np.ndindex(*padded.shape):
            if r in rows and c in columns:
                cells[r][c] = f"<strong>{cells[r][c]}</strong>"
        for (r, c), count in np.ndenumerate(uses):
            at = r + self.padding[0], c + self.padding[1]
            if not count:
                cells[at[0]][at[1]] = f"<del>{cells[at[0]][at[1]]}</del>"
        size = "{} × {}".format
        around = f", padded to {size(*padded.shape)}" if any(self.padding) else ""
        unused = "; struck out: pixels in no window" if not uses.all() else ""
        yield html_table(f"Image {size(*uses.shape)}{around}; bold: the window{unused}", cells)
        kernel = np.array(self.kernel)
        yield html_table(f"Kernel {size(*kernel.shape)}", [map(shown, row) for row in kernel])
        answer = [[shown(value) for value in row] for row in output]
        answer[i][j] = f"<strong>{answer[i][j]}</strong>"
        yield html_table(f"Output {size(*output.shape)}", answer)
        products = [
            " · ".join(f"({shown(one)})" if one < 0 else shown(one) for one in two)
            for two in zip(kernel.flat, padded[np.ix_(rows, columns)].flat, strict=True)
        ]
        yield f"<p>Row {i}, column {j}: {' + '.join(products)} = {shown(output[i, j])}</p>"
        for what, *axis in zip(
            ("Rows", "Columns"),
            uses.shape,
            kernel.shape,
            self.stride,
            self.padding,
            self.dilation,
            output.shape,
            strict=True,
        ):
            n, k, s, p, d, count = axis
            room = n + 2 * p - d * (k - 1) - 1
            yield (
                f"<p>{what}: ⌊({n} + 2·{p} − {d}·({k} − 1) − 1) / {s}⌋ + 1 = ⌊{room} / {s}⌋ + 1 = {count}</p>"
            )


def explore_convolution(
    image: ArrayLike | None = None,
    kernel: ArrayLike | None = None,
    *,
    input_size: Ints = (5, 6),
    kernel_size: Ints = 3,
    stride: Ints = 1,
    padding: Ints = 0,
    dilation: Ints = 1,
    padding_mode: str = "zeros",
) -> ConvolutionExplorer:
    """A live lab: walk through the windows of a convolution and change everything about it.

    In the book it works in the page itself; in a running notebook its state and Python's are the same.

    Parameters
    ----------
    image, kernel : array of shape (H, W), optional
        The numbers to begin with; small whole ones are made where none are given.
    input_size, kernel_size : int or tuple of int
        Where no numbers are given: how many to make. At most 12 and 7.
    stride, padding, dilation : int or tuple of int
        For rows and columns; each at most 4.
    padding_mode : {"zeros", "reflect", "replicate", "circular"}
        What lies outside, as in `torch.nn.Conv2d`.

    Returns
    -------
    ConvolutionExplorer
        Shows itself when it is the last line of a cell. Its `output` is computed by `conv2d`.

    Raises
    ------
    ValueError
        Numbers that are not finite, a size or setting that the lab cannot show, or no room for a window.

    See Also
    --------
    convlib.conv2d : what it shows. Chapters 2 and 3.

    Examples
    --------
    >>> lab = explore_convolution([[1, 2, 0, 1], [0, 1, 3, 1], [2, 1, 0, 0]], [[1, 0], [-1, 2]])
    >>> lab.output
    array([[ 3.,  7., -1.],
           [ 0.,  0.,  3.]])
    >>> lab.stride = [1, 2]
    >>> lab.output
    array([[ 3., -1.],
           [ 0.,  3.]])
    """
    require_one_of(FUNCTION, "padding_mode", padding_mode, MODES)
    settings = {
        "stride": list(as_tuple(stride, 2, "stride", function=FUNCTION)),
        "padding": list(as_tuple(padding, 2, "padding", at_least=0, function=FUNCTION)),
        "dilation": list(as_tuple(dilation, 2, "dilation", function=FUNCTION)),
    }
    pixels = _made(as_tuple(input_size, 2, "input_size", function=FUNCTION), "image", image)
    weights = _made(as_tuple(kernel_size, 2, "kernel_size", function=FUNCTION), "kernel", kernel)
    for what, values in (*settings.items(), ("image", np.shape(pixels)), ("kernel", np.shape(weights))):
        if max(values) > LARGEST[what]:
            raise ValueError(f"{FUNCTION}: {what} can be at most {LARGEST[what]} here, got {tuple(values)}")
    lab = ConvolutionExplorer(image=pixels, kernel=weights, padding_mode=padding_mode, **settings)
    try:
        lab.output  # noqa: B018  (the sizes fit, or it says why not)
    except ValueError as error:
        lab.close()
        raise ValueError(f"{FUNCTION}: {str(error).partition(': ')[2]}") from None
    return lab


def _made(size: Sequence[int], what: str, given: ArrayLike | None) -> Rows:
    if given is None:
        rows, columns = np.indices(size)
        # The same in the live view, for the cells that appear when a size grows.
        made = (
            (2 * rows + 3 * columns + rows * columns) % 4
            if what == "image"
            else (rows + 2 * columns + 2) % 3 - 1
        )
        return made.astype(float).tolist()  # type: ignore[no-any-return]
    try:
        array = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{FUNCTION}: {what} must be a table of finite numbers, got {given!r}") from None
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        raise ValueError(f"{FUNCTION}: {what} must be a table of finite numbers, got shape {array.shape}")
    return array.tolist()  # type: ignore[no-any-return]
