"""The lab "Thing name": how many windows fit into a row."""

from __future__ import annotations

from collections.abc import Iterator

import traitlets

from convlib.labs._lab import Lab, html_table, module, plural, style
from convlib.shapes import as_integer, conv_output_size

PIXELS, KERNEL, LARGEST = 12, 3, 6


class ThingNameLab(Lab):
    """A row of 12 pixels and a window of 3.

    Attributes
    ----------
    stride : int
        Pixels from one window to the next.
    """

    _esm, _css = module("thing_name"), style("thing_name")
    name = "thing_name"
    title = "Thing name"
    stride = traitlets.Int(1, min=1, max=LARGEST).tag(sync=True, state=True)

    def __repr__(self) -> str:
        """The number, in words."""
        return f"{self.title}: {self.in_words()}"

    @property
    def windows(self) -> int:
        """How many fit."""
        count = conv_output_size(PIXELS, KERNEL, self.stride)
        assert isinstance(count, int)  # a tuple only where sizes are tuples
        return count

    def in_words(self) -> str:
        """The number in a sentence, which the page says, too."""
        windows = plural(self.windows, "window")
        return f"Stride {self.stride}: {windows} of {KERNEL} pixels in a row of {PIXELS}."

    def still(self) -> Iterator[str]:
        """The same for readers without scripts, with a table of the windows."""
        first_pixels = [str(i * self.stride) for i in range(self.windows)]
        yield html_table("Where each window begins", [first_pixels])
        yield f"<p>{self.in_words()}</p>"


def thing_name(stride: int = 1) -> ThingNameLab:
    """A live lab: how many windows fit into a row.

    Parameters
    ----------
    stride : int
        1 to 6.

    Returns
    -------
    ThingNameLab
        Shows itself when it is the last line of a cell. `windows` is Python's.

    Raises
    ------
    ValueError
        A stride that the slider does not have.
    TypeError
        A stride that is no integer.

    Examples
    --------
    >>> thing_name(stride=2).windows  # they begin at 0, 2, 4, 6 and 8
    5
    """
    number = as_integer(stride, "stride", "thing_name")
    if number > LARGEST:
        raise ValueError(f"thing_name: stride can be at most {LARGEST} here, got {number}")
    return ThingNameLab(stride=number)
