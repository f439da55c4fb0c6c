"""Fewer multiplications: a tile of outputs from the values of polynomials (Winograd's minimal filtering).

A row of m outputs of a kernel of k taps needs m*k multiplications in the definition, and m+k-1 here. Seen
as polynomials, the transposed operation multiplies two of them, and a product of degree m+k-2 is known once
its values at m+k-1 points are known, one of which may be infinity. With the matrices of those evaluations,
for tiles of a*a pixels, a = m+k-1,

    output tile  =  A^T [ (G w G^T) * (B^T x B^T^T) ] A

and the sum over the channels is taken in between, so that a*a matrix products of tiles with kernels remain.
The transforms are matrix products themselves, with the Kronecker products of the matrices, for all tiles at
once.

Cost: (a/m)^2 / k^2 of the multiply-adds, a quarter for F(4x4, 3x3), and the transforms: a^4 for each
channel and tile of the input, a^2 m^2 for each of the output, a^2 k^2 for each slice of a kernel. Those of
the kernels are paid once where the weights are prepared.

Error: it grows with the tile, because the matrices weigh large numbers against each other. Points near 0
keep it down; see `points`. NaN and infinity spread over the whole tile.

Lavin and Gray, Fast algorithms for convolutional neural networks (2016); Barabasz, Anderson, Soodhalter and
Gregg, Error analysis and improving the accuracy of Winograd convolution (2020).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from convlib._dispatch import Array
from convlib.algorithms.problem import MEBIBYTE, MOVE, Problem, reach, scratch
from convlib.algorithms.sharing import for_each, parts, share
from convlib.shapes import Layout

FEW = 64  # tiles; of fewer the products are slower than their kernels are read
HALF = math.sqrt(0.5)
# Pairs about 0 whose products are 1: they keep the numbers in the matrices small.
POINTS = {3: (0, 1, -1), 5: (0, HALF, -HALF, 2 * HALF, -2 * HALF), 7: (0, 0.5, -0.5, 1, -1, 2, -2)}


@functools.cache
def matrices(m: int, k: int) -> tuple[Array, Array, Array]:
    """A^T (m, a), G (a, k) and B^T (a, a) for one axis: ``A^T ((G w) * (B^T x))`` are m correlations.

    Examples
    --------
    >>> A, G, B = matrices(2, 3)
    >>> x, w = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 0.0, -1.0])
    >>> A @ ((G @ w) * (B @ x))  # 1 - 3 and 2 - 4
    array([-2., -2.])
    """
    finite = np.array(POINTS[m + k - 2], dtype=float)
    a = len(finite) + 1

    def values(count: int) -> Array:
        """Of a polynomial of so many coefficients at all points; at infinity it is the last coefficient."""
        return np.vstack([finite[:, None] ** np.arange(count), np.arange(count) == count - 1])

    scale = [math.prod(p - q for q in finite if q != p) for p in finite]
    to_outputs, to_kernel = values(m).T, values(k) / np.array([*scale, 1])[:, None]
    # Interpolation, transposed: row i holds the product of all (x - q), q another point, row a that of all.
    to_tiles = np.zeros((a, a))
    for i, p in enumerate(finite):
        to_tiles[i, : a - 1] = np.poly([q for q in finite if q != p])[::-1]
    to_tiles[-1] = np.poly(finite)[::-1]
    return to_outputs, to_kernel, to_tiles


@functools.cache
def squares(m: int, k: int, dtype: Any) -> tuple[Array, Array, Array]:
    """The same for both axes at once: (m*m, a*a), (a*a, k*k) and (a*a, a*a)."""
    return tuple(np.kron(one, one).astype(dtype) for one in matrices(m, k))  # type: ignore[return-value]


class Winograd:
    """F(m x m, k x k): tiles of m*m outputs."""

    def __init__(self, m: int) -> None:
        self.m = m

    def why_not(self, problem: Problem) -> str:
        """Why it cannot be used, or nothing."""
        kernel, stride, *_ = problem.layout
        if kernel not in ((3, 3), (5, 5)):
            return "its kernels are of 3x3 or 5x5 pixels"
        if stride != (1, 1):
            return "its stride is 1"
        return "it knows no groups" if problem.groups > 1 else ""

    def cost(self, problem: Problem, prepared: bool) -> float:
        """In multiply-adds: of the products, the transforms, and of what is moved between them."""
        k, a2, tiles = problem.layout.kernel[0], self._values_of(problem), self._tiles(problem)
        kernels = a2 * problem.channels * problem.outputs
        transforms = tiles * a2 * (a2 * problem.channels + self.m**2 * problem.outputs)
        before = 0 if prepared else kernels * (k * k + 3 * MOVE)
        return tiles * kernels + transforms + MOVE * self.moved(problem) + before

    def moved(self, problem: Problem) -> float:
        """Numbers of the tiles on their way, and of the kernels, which are read anew for each block."""
        m2, a2, tiles = self.m**2, self._values_of(problem), self._tiles(problem)
        blocks = tiles / max(1, min(tiles, _most(problem, a2)))
        inside, outside = problem.channels * (1.5 * a2 + m2), problem.outputs * (0.5 * a2 + m2)
        return tiles * (inside + outside) + blocks * a2 * problem.channels * problem.outputs

    def _values_of(self, problem: Problem) -> int:
        """Of one tile of one channel."""
        return (self.m + problem.layout.kernel[0] - 1) ** 2

    def _tiles(self, problem: Problem) -> int:
        layout = problem.layout
        each = (-(-n // (self.m * d)) for n, d in zip(layout.positions, layout.dilation, strict=True))
        return problem.images * math.prod(layout.dilation) * math.prod(each)

    def prepare(self, weight: Array, problem: Problem) -> Array:
        """The values of every kernel: c aa o, from small products that stay in the cache."""
        k = problem.layout.kernel[0]
        _, to_kernel, _ = squares(self.m, k, weight.dtype)
        taps = weight.reshape(problem.outputs, problem.channels, k * k)
        return np.matmul(to_kernel, taps.transpose(1, 2, 0))

    def run(self, input: Array, kernels: Array, problem: Problem) -> Array:
        """Block by block of tiles, each phase of a dilation by itself."""
        layout = problem.layout
        if layout.dilation != (1, 1):
            return self._by_phases(input, kernels, problem)
        a, dtype = self.m + layout.kernel[0] - 1, input.dtype
        to_outputs, _, to_tiles = squares(self.m, layout.kernel[0], dtype)
        output = np.empty(problem.output_shape, dtype)

        def block(images: slice, tile: list[int], shape: tuple[int, int]) -> None:
            values = self._values(
                input[images], _before(tile, self.m, layout), shape, to_tiles, "winograd second"
            )
            sums = scratch("winograd first", (a * a, values.shape[1], problem.outputs), dtype)
            np.matmul(values, kernels.swapaxes(0, 1), out=sums)
            answer = scratch("winograd second", (values.shape[1] * problem.outputs, self.m**2), dtype)
            np.matmul(sums.reshape(a * a, -1).T, to_outputs.T, out=answer)
            tiles = answer.reshape(-1, *shape, problem.outputs, self.m, self.m)
            _lay(tiles, output[images], [at * self.m for at in tile])

        for_each(block, self._blocks(problem), self.moved(problem))
        return output

    def weight_gradient(self, input: Array, grad: Array, problem: Problem) -> Array:
        """The transposed transforms: tiles of the gradient meet the tiles of the image that they came from.

        Without a dilation.
        """
        k, dtype = problem.layout.kernel[0], input.dtype
        to_outputs, to_kernel, to_tiles = squares(self.m, k, dtype)
        total = np.zeros((len(to_tiles), problem.outputs, problem.channels), dtype)
        product = np.empty_like(total)
        for images, tile, shape in self._blocks(problem):
            values = self._values(
                input[images], _before(tile, self.m, problem.layout), shape, to_tiles, "winograd second"
            )
            corner = [at * self.m for at in tile]
            sums = self._values(grad[images], corner, shape, to_outputs.T, "winograd third")
            total += np.matmul(sums.swapaxes(1, 2), values, out=product)  # aa o c  =  aa o t  @  aa t c
        gradient = to_kernel.T @ total.reshape(len(total), -1)
        return gradient.reshape(k, k, problem.outputs, problem.channels).transpose(2, 3, 0, 1)

    def _blocks(self, problem: Problem) -> Iterator[tuple[slice, list[int], tuple[int, int]]]:
        """Images, the first tile and the number of tiles along both axes; see `_most`."""
        tiles = [-(-count // self.m) for count in problem.layout.positions]
        most = _most(problem, self._values_of(problem))
        total = problem.images * math.prod(tiles)
        most = share(total, most, parts(self.moved(problem)) if total >= 2 * FEW else 1)
        columns = min(tiles[1], most)
        rows = min(tiles[0], most // columns)
        together = max(1, most // math.prod(tiles))
        for n, *tile in itertools.product(
            *map(range, (0, 0, 0), (problem.images, *tiles), (together, rows, columns))
        ):
            shape = (min(rows, tiles[0] - tile[0]), min(columns, tiles[1] - tile[1]))
            yield slice(n, n + together), tile, shape

    def _values(
        self,
        images: Array,
        starts: list[int],
        tiles: tuple[int, int],
        transform: Array,
        name: str,
    ) -> Array:
        """Tiles, each of them transformed: aa t c."""
        rows, columns = tiles
        a = math.isqrt(transform.shape[1])
        strip = _strip(images, starts, ((rows - 1) * self.m + a, (columns - 1) * self.m + a))
        q, *_, channels = strip.shape
        b, h, w, c = strip.strides
        strides = (h, w, b, self.m * h, self.m * w, c)
        windows = np.ndarray((a, a, q, rows, columns, channels), strip.dtype, strip, 0, strides)
        apart = scratch("winograd first", (a * a, q * rows * columns * channels), strip.dtype)
        np.copyto(apart.reshape(windows.shape), windows)
        values = scratch(name, (len(transform), apart.shape[1]), strip.dtype)
        return np.matmul(transform, apart, out=values).reshape(len(transform), -1, channels)

    def _by_phases(self, input: Array, kernels: Array, problem: Problem) -> Array:
        """Pixels a dilation apart never meet the others: each such image is convolved without a dilation."""
        layout = problem.layout
        output = np.empty(problem.output_shape, input.dtype)

        def one(*phase: int) -> None:
            here: tuple[Any, ...] = (
                ...,
                *(slice(at, None, d) for at, d in zip(phase, layout.dilation, strict=True)),
            )
            positions = output[here].shape[2:]
            if 0 in positions:
                return
            # The first pixel of this phase, and how much padding of this phase lies before it.
            before = [
                -((at - side) // d)
                for at, d, (side, _) in zip(phase, layout.dilation, layout.padding, strict=True)
            ]
            start = [
                at - side + p * d
                for at, d, p, (side, _) in zip(phase, layout.dilation, before, layout.padding, strict=True)
            ]
            pixels = input[(..., *(slice(at, None, d) for at, d in zip(start, layout.dilation, strict=True)))]
            size = pixels.shape[2:]
            k = layout.kernel[0]
            after = [count + k - 1 - n - p for count, n, p in zip(positions, size, before, strict=True)]
            inner = layout._replace(
                dilation=(1, 1), padding=tuple(zip(before, after, strict=True)), positions=positions,
                padded=tuple(count + k - 1 for count in positions),
            )  # fmt: skip
            output[here] = self.run(pixels, kernels, problem._replace(size=size, layout=inner))

        for_each(one, itertools.product(*map(range, layout.dilation)), self.moved(problem))
        return output


def _before(tile: list[int], m: int, layout: Layout) -> list[int]:
    """Where the first pixels of a tile lie in the image, below 0 for the padding."""
    return [at * m - before for at, (before, _) in zip(tile, layout.padding, strict=True)]


def _most(problem: Problem, values: int) -> int:
    """Tiles at a time: so many that their values fill a cache of 1 MiB, or 64, but never more than 4 MiB."""
    one = values * max(problem.channels, problem.outputs) * problem.itemsize
    return min(max(MEBIBYTE // one, 64), 4 * MEBIBYTE // one)


def _strip(images: Array, starts: list[int], shape: tuple[int, int]) -> Array:
    """The padded pixels of a block of tiles, channels last, so that a tile is moved in long pieces."""
    q, channels, *size = images.shape
    strip = scratch("winograd strip", (q, *shape, channels), images.dtype)
    spans = [reach(n, at, 1, count) for n, at, count in zip(size, starts, shape, strict=True)]
    target: tuple[Any, ...] = (slice(None), *(there for there, _ in spans))
    pixels: tuple[Any, ...] = (..., *(here for _, here in spans))
    if strip[target].size < strip.size:
        strip[...] = 0
    seen = images[pixels]
    if (
        seen.strides[1] % 1024 == 0
    ):  # pixels of all channels would share a few lines of the cache: move them apart
        height, width = seen.shape[2:]
        apart = scratch("winograd first", (q, channels, height * width + 16), images.dtype)
        apart = apart[..., : height * width].reshape(seen.shape)
        apart[...] = seen
        seen = apart
    strip[target] = seen.transpose(0, 2, 3, 1)
    return strip


def _lay(tiles: Array, output: Array, corner: list[int]) -> None:
    """Tiles (q, rows, columns, o, m, m) side by side into images, a row of a tile as one number."""
    q, rows, columns, outputs, m, _ = tiles.shape
    unit = np.dtype("c16" if m * tiles.itemsize % 16 == 0 else "c8")
    here = output[:, :, corner[0] : corner[0] + rows * m, corner[1] : corner[1] + columns * m]
    whole = (
        here.shape[2:] == (rows * m, columns * m) and output.shape[3] * output.itemsize % unit.itemsize == 0
    )
    side = here if whole else scratch("winograd first", (q, outputs, rows * m, columns * m), tiles.dtype)
    laid = side.view(unit).reshape(q, outputs, rows, m, columns, -1) if not whole else None
    packed = tiles.view(unit).transpose(0, 3, 1, 4, 2, 5)  # q o rows m columns units
    if laid is None:
        b, o, h, _ = here.strides
        laid = np.lib.stride_tricks.as_strided(
            here[..., : unit.itemsize // tiles.itemsize].view(unit), packed.shape,
            (b, o, m * h, h, m * tiles.itemsize, unit.itemsize),
        )  # fmt: skip
    np.copyto(laid, packed)
    if not whole:
        here[...] = side[:, :, : here.shape[2], : here.shape[3]]


F = {"2": Winograd(2), "4": Winograd(4)}
