"""The dilated convolution lab of chapter 9."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
import traitlets

from convlib._checks import require_flag
from convlib._checks import shown as quoted
from convlib._dispatch import Array
from convlib.conv import conv1d_input
from convlib.labs._lab import Lab, html_table, module, plural, shown, style
from convlib.shapes import as_integer, as_sizes, effective_kernel_size

FUNCTION = "dilated_convolution"
LIMITS = {"kernel_size": (2, 5), "layers": (1, 6), "dilations": (1, 16)}  # where the sliders begin and end
MARGIN = 4  # pixels beside the receptive field
SPACE = "\N{NO-BREAK SPACE}"  # where no line may end
MOST_WRITTEN = 40
LARGEST_MAP = 31  # of text, without a script


class DilatedConvolutionLab(Lab):
    """A stack of dilated convolutions of stride 1 over a line of pixels; made by `dilated_convolution`.

    Attributes
    ----------
    kernel_size : int
        The taps of every layer, 2 to 5.
    dilations : list of int
        One for each layer, the first at the input.
    causal : bool
        All padding goes before the line, so that no unit reads what comes after it.
    position : int or None
        The output unit whose taps are followed down to the input; None for the one in the middle of what it
        reads, or at its end where the stack is causal.
    neighbour : bool
        The unit beside it is drawn as well.
    """

    _esm, _css = module(FUNCTION), style(FUNCTION)
    name = FUNCTION
    title = "Dilated convolution"
    kernel_size = traitlets.Int(3, min=2, max=5).tag(sync=True, state=True)
    dilations = traitlets.List(traitlets.Int(min=1, max=16), default_value=[1, 2, 4], minlen=1, maxlen=6).tag(
        sync=True, state=True
    )
    causal, neighbour = (traitlets.Bool(False).tag(sync=True, state=True) for _ in range(2))
    position = traitlets.Int(None, allow_none=True).tag(sync=True, state=True)

    def __repr__(self) -> str:
        """The settings and the receptive field."""
        causal = "causal, " if self.causal else ""
        field = f"receptive field {self.receptive_field}"
        return f"{self.title}: kernel {self.kernel_size}, dilations {self.dilations}, {causal}{field}"

    # --- what convlib computes ---

    @property
    def extents(self) -> list[int]:
        """Pixels from the first tap of each layer's kernel to its last."""
        return [effective_kernel_size(self.kernel_size, d) for d in self.dilations]

    @property
    def receptive_fields(self) -> list[int]:
        """Pixels from the first to the last that a unit of each layer can see."""
        return [1 + added for added in itertools.accumulate(extent - 1 for extent in self.extents)]

    @property
    def receptive_field(self) -> int:
        """The receptive field of the whole stack."""
        return self.receptive_fields[-1]

    @property
    def size(self) -> int:
        """Pixels of the line, and units of every layer."""
        return self.receptive_field + 2 * MARGIN

    @property
    def ways(self) -> Array:
        """On how many ways through the taps the chosen unit reaches each pixel of the line."""
        return self._ways_from(self._unit)

    @property
    def coverage(self) -> Array:
        """The same for each pixel of the receptive field, away from the ends of the line."""
        return self._ways_from(self._home)[MARGIN:-MARGIN]

    @property
    def holes(self) -> int:
        """Pixels of the receptive field that are never read."""
        return int((self.coverage == 0).sum())

    def _ways_from(self, unit: int) -> Array:
        # What kernels of ones send back from this unit alone: 1 for each way.
        taps = np.ones((1, 1, self.kernel_size))
        sent = np.zeros((1, self.size))
        sent[0, unit] = 1
        for d, extent in zip(reversed(self.dilations), reversed(self.extents), strict=True):
            if self.causal:
                before = extent - 1
                padded = conv1d_input((1, self.size + before), taps, sent, dilation=d)
                sent = padded[:, before:]
            else:
                sent = conv1d_input((1, self.size), taps, sent, padding="same", dilation=d)
        return np.asarray(sent[0]).astype(int)

    @property
    def _home(self) -> int:
        """The unit whose taps all lie inside, with the margin on either side."""
        return MARGIN + sum(extent - 1 if self.causal else (extent - 1) // 2 for extent in self.extents)

    @property
    def _unit(self) -> int:
        return self._home if self.position is None else min(max(self.position, 0), self.size - 1)

    @property
    def _beside(self) -> int:
        return self._unit + (1 if self._unit < self.size - 1 else -1)

    @property
    def comparison(self) -> dict[str, tuple[int, int, int]]:
        """Layers, weights along a line and weights in a picture, of what has the same receptive field."""
        k, count, field = self.kernel_size, len(self.dilations), self.receptive_field
        dense = sum(self.dilations)
        return {
            "this stack": (count, count * k, count * k**2),
            f"dense layers, kernel {k}": (dense, dense * k, dense * k**2),
            f"one dense kernel of {field}": (1, field, field**2),
        }

    # --- in words, the same as in the live view ---

    def field_in_words(self) -> str:
        """The receptive field as a sum."""
        terms = " + ".join(map(str, self.dilations))
        total = f"({terms})" if len(self.dilations) > 1 else terms
        return (
            f"Receptive field: 1 + ({self.kernel_size} \N{MINUS SIGN} 1) · {total} = "
            f"{self.receptive_field} pixels."
        )

    def weights_in_words(self) -> str:
        """What does not change with the dilation."""
        k = self.kernel_size
        return f"Every layer has {k} weights along a line and {k * k} in a picture, whatever its dilation."

    @property
    def _caption(self) -> str:
        return (
            f"What sees {self.receptive_field} pixels: layers, and weights along a line and in a picture "
            "(one channel, no bias)"
        )

    def verdict_in_words(self) -> str:
        """How many pixels of the receptive field are read."""
        field, holes = self.receptive_field, self.holes
        if not holes:
            return f"No holes: all {field} pixels are read."
        return f"{plural(holes, 'hole')}: {field - holes} of {field} pixels are read."

    def reason_in_words(self) -> str:
        """Why there are holes, or none. In which order the dilations stand does not matter."""
        smaller = 1  # the receptive field of the dilations before this one, in order of size
        bounds = []
        for d in sorted(self.dilations):
            bounds.append((d, smaller))
            smaller += (self.kernel_size - 1) * d
        too_large = [(d, reached) for d, reached in bounds if d > reached]
        if not too_large:
            steps = ", ".join(f"{d}{SPACE}≤{SPACE}{reached}" for d, reached in bounds)
            return (
                "In order of size, no dilation is larger than the receptive field of the smaller ones: "
                f"{steps}."
            )
        common = math.gcd(*self.dilations)
        if common > 1:
            most = f"at most every {_ordinal(common)} pixel is read"
            return f"Every dilation is a multiple of {common}: {most}."
        d, reached = too_large[0]
        if reached == 1:
            return "No dilation is 1: the pixel beside the first is not reached."
        return (
            f"Dilation {d} is larger than {reached}, the receptive field of the smaller ones: what lies "
            "between its taps is not filled."
        )

    def unit_in_words(self) -> str:
        """Where the ways from the chosen unit end."""
        unit, count = self._unit, len(self.dilations)
        total, arrived = self.kernel_size**count, int(self.ways.sum())
        power = f"{self.kernel_size}{_raised(count)} = " if count > 1 else ""
        ways = f"{power}{total:,} ways down from unit {unit}"
        read = np.flatnonzero(self.ways)
        ends = (
            f"one pixel, {read[0]}" if read.size == 1 else f"{read.size} pixels, from {read[0]} to {read[-1]}"
        )
        if arrived == total:
            return f"All {ways} end at {ends}."
        verb = "ends" if arrived == 1 else "end"
        lost = f"{total - arrived:,} in the zeros of the padding"
        return f"{arrived:,} of the {ways} {verb} at {ends}, and {lost}."

    def neighbour_in_words(self) -> str:
        """What the unit beside the chosen one shares with it."""
        own, other = self.ways > 0, self._ways_from(self._beside) > 0
        shared = int((own & other).sum())
        return (
            f"The neighbour, unit {self._beside}, reads {plural(int(other.sum()), 'pixel')} and shares "
            f"{shared or 'none'} with unit {self._unit}."
        )

    def ways_in_words(self) -> str:
        """The ways to each pixel, from the first that is read to the last."""
        read = np.flatnonzero(self.ways)
        first, last = read[0], read[-1]
        numbers = [f"{count:,}" for count in self.ways[first : last + 1].tolist()]
        if len(numbers) > MOST_WRITTEN:
            numbers = [*numbers[:8], "…", *numbers[-8:]]
        which = f"pixel {first}" if first == last else f"pixels {first} to {last}"
        return f"Ways to {which}: {', '.join(numbers)}."

    def picture_in_words(self) -> str:
        """How much of the square receptive field in a picture is read."""
        field, read = self.receptive_field, self.receptive_field - self.holes
        share = shown(100 * read**2 / field**2)
        return (
            f"In a picture, with the same dilations along both axes: {read} · {read} = {read**2:,} of "
            f"{field} · {field} = {field**2:,} pixels are read ({share}{SPACE}%)."
        )

    def still(self) -> Iterator[str]:
        """The layers as a table, the sentences, the map of a picture and the weights."""
        k = self.kernel_size
        yield (
            f"<p>{plural(len(self.dilations), 'layer')} with a kernel of {k}{', causal' * self.causal}, "
            f"on a line of {self.size} pixels.</p>"
        )
        rows = enumerate(zip(self.dilations, self.extents, self.receptive_fields, strict=True), 1)
        yield html_table(
            "Layer 1 is at the input",
            [[f"{at}", *map(str, row)] for at, row in rows],
            ["layer", "dilation d", "kernel spans", "unit sees"],
        )
        yield f"<p>{self.field_in_words()}</p>"
        yield f"<p><strong>{self.verdict_in_words()}</strong> {self.reason_in_words()}</p>"
        yield f"<p>{self.unit_in_words()}</p>"
        yield f"<p>{self.ways_in_words()}</p>"
        yield f"<p>{self.neighbour_in_words()}</p>"
        yield f"<p>{self.picture_in_words()}</p>"
        if self.receptive_field <= LARGEST_MAP:
            read = self.coverage > 0
            lines = "\n".join(" ".join("■" if one else "·" for one in row) for row in np.outer(read, read))
            label = "map of the receptive field in a picture; square: read, dot: never read"
            yield f'<pre role="img" aria-label="{label}">{lines}</pre>'
        yield f"<p>{self.weights_in_words()}</p>"
        yield html_table(
            self._caption,
            [[name, *(f"{count:,}" for count in counts)] for name, counts in self.comparison.items()],
            ["", "layers", "line", "picture"],
        )


def dilated_convolution(
    kernel_size: int = 3,
    dilations: Sequence[int] = (1, 2, 4),
    causal: bool = False,
    position: int | None = None,
    *,
    neighbour: bool = False,
) -> DilatedConvolutionLab:
    """A live lab: a stack of dilated convolutions, and the pixels that one of its outputs reads.

    All layers have stride 1 and as many units as the line has pixels. In the book it works in the page
    itself; in a running notebook its state and Python's are the same.

    Parameters
    ----------
    kernel_size : int
        The taps of every layer, 2 to 5.
    dilations : sequence of int
        One for each of 1 to 6 layers, the first at the input; 1 to 16 each.
    causal : bool
        Nothing after a unit is read: all padding goes before the line.
    position : int, optional
        The output unit to begin with. The line has 8 pixels more than the receptive field, and without a
        position the unit is chosen whose receptive field leaves 4 on either side.
    neighbour : bool
        The unit beside it is drawn as well.

    Returns
    -------
    DilatedConvolutionLab
        Shows itself when it is the last line of a cell. `ways`, `receptive_field` and `holes` are Python's.

    Raises
    ------
    ValueError
        A kernel, a stack, a dilation or a position that the lab cannot show.
    TypeError
        Numbers that are not integers, or flags that are neither True nor False.

    See Also
    --------
    convlib.conv1d, convlib.effective_kernel_size : a layer, and what its kernel spans. Chapter 9.

    Examples
    --------
    >>> lab = dilated_convolution(kernel_size=2, dilations=(1, 2, 4), causal=True)
    >>> lab.extents, lab.receptive_fields
    ([2, 3, 5], [2, 4, 8])
    >>> lab.ways  # 4 pixels before, 8 that are read on one way each, and 4 of the future
    array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
    >>> lab.dilations = [2, 2]
    >>> lab.coverage, lab.holes  # every other pixel
    (array([1, 0, 2, 0, 1]), 2)
    """
    k = as_integer(kernel_size, "kernel_size", FUNCTION)
    stack = as_sizes(dilations, "dilations", FUNCTION, at_least=1)
    require_flag(FUNCTION, "causal", causal)
    require_flag(FUNCTION, "neighbour", neighbour)
    unit = None if position is None else as_integer(position, "position", FUNCTION, at_least=0)
    least, most = LIMITS["kernel_size"]
    if not least <= k <= most:
        raise ValueError(f"{FUNCTION}: kernel_size must be between {least} and {most}, got {quoted(k)}")
    least, most = LIMITS["layers"]
    if not least <= len(stack) <= most:
        raise ValueError(
            f"{FUNCTION}: dilations must be one for each of {least} to {most} layers, got {quoted(stack)}"
        )
    most = LIMITS["dilations"][1]
    if max(stack) > most:
        raise ValueError(f"{FUNCTION}: dilations can be at most {most} here, got {quoted(stack)}")
    size = 1 + sum(effective_kernel_size(k, d) - 1 for d in stack) + 2 * MARGIN
    if unit is not None and unit >= size:
        raise ValueError(
            f"{FUNCTION}: position must be below {size}, the units of this line, got {quoted(unit)}"
        )
    return DilatedConvolutionLab(
        kernel_size=k, dilations=list(stack), causal=causal, position=unit, neighbour=neighbour
    )


# --- pieces of sentences ---


def _raised(power: int) -> str:
    return "⁰¹²³⁴⁵⁶"[power]


def _ordinal(number: int) -> str:
    ending = {2: "nd", 3: "rd"}.get(number, "th")
    return f"{number}{ending}"
