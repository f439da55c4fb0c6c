"""The filters lab of chapter 11: a kernel, a photograph, and what the one makes of the other."""

from __future__ import annotations

import functools
import math
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Context
from struct import pack
from typing import Any, NamedTuple
from zlib import adler32, crc32

import numpy as np
import traitlets
from numpy.typing import ArrayLike, NDArray

from convlib import filters as kernels
from convlib._checks import as_real, require_one_of
from convlib._checks import shown as quoted
from convlib._dispatch import Array
from convlib.filtering import PADDING_MODES, Way, filter2d, filter_way, frequency_response
from convlib.labs._lab import Lab, by, html_table, listed, module, plural, shown, style
from convlib.labs.convolution import Rows, numbers, pair
from convlib.photographs import photograph
from convlib.shapes import Ints, as_integer, as_tuple

FUNCTION = "filters"
SIDE = 96  # rows and columns of a picture
# For each photograph: its name, how much it is shrunk, and the first row and column of what is shown.
PHOTOGRAPHS = {
    "cat": ("chelsea", 3, 2, 38),
    "photographer": ("camera", 4, 0, 32),
    "astronaut": ("astronaut", 4, 0, 16),
    "coffee": ("coffee", 4, 2, 24),
}
PICTURES = (*PHOTOGRAPHS, "rings")
OWN = "your own"
# The functions of convlib.filters, and which of their arguments can be set.
PRESETS: dict[str, tuple[str, ...]] = {
    "identity": (),
    "box": ("size",),
    "binomial": ("size",),
    "gaussian": ("sigma",),
    "motion_blur": ("length", "angle"),
    "prewitt": ("axis",),
    "sobel": ("axis",),
    "scharr": ("axis",),
    "roberts": ("diagonal",),
    "laplacian": ("neighbors",),
    "laplacian_of_gaussian": ("sigma",),
    "difference_of_gaussians": ("sigma", "ratio"),
    "sharpen": ("amount", "neighbors"),
    "unsharp": ("sigma", "amount"),
    "emboss": ("x", "y"),
    "gabor": ("wavelength", "angle", "phase"),
}
# Least, most, the step of the slider, and the number to begin with.
RANGES: dict[str, tuple[float, float, float, float]] = {
    "size": (1, 15, 1, 5),
    "sigma": (0.3, 3, 0.1, 1),
    "ratio": (1.1, 2, 0.1, 1.6),
    "length": (1, 21, 1, 9),
    "angle": (0, 180, 15, 0),
    "wavelength": (2, 10, 0.5, 4),
    "phase": (0, 345, 15, 0),
    "amount": (0, 3, 0.25, 1),
    "x": (-2, 2, 0.25, 1),
    "y": (-2, 2, 0.25, 1),
}
WHOLE = ("size",)
CHOICES: dict[str, tuple[float | str, ...]] = {
    "axis": ("x", "y"),
    "diagonal": ("down", "up"),
    "neighbors": (4, 8),
}
Settings = dict[str, float | str]
DEFAULTS: Settings = {name: ends[3] for name, ends in RANGES.items()}
DEFAULTS |= {name: values[0] for name, values in CHOICES.items()}
VIEWS = ("signed", "picture")
EDITED = 7  # rows and columns: kernels up to this size stand as numbers
LARGEST = 49  # the difference of Gaussians where both of its settings are at their ends
BIAS = 1
TIMES = 4
FREQUENCIES = 64
MIDDLE = FREQUENCIES // 2  # where the frequency is 0; the finest waves stand at 0
MOST_WRITTEN = 9
SAME = 1e-9
LITTLE = 0.1
# Blue through white to orange, as in convlib.draw.
STOPS = (0x0B4F8A, 0x6FA8D6, 0xFFFFFF, 0xF2A65E, 0xB4540A)
BEYOND = {
    "reflect": "the picture is mirrored",
    "replicate": "the last pixel is repeated",
    "circular": "the other side follows",
    "zeros": "zeros lie",
}
WAVES = ("constant area", "finest upright stripes", "finest lying stripes", "finest checkerboard")


class Peak(NamedTuple):
    """The wave that grows most."""

    right: float  # in cycles per pixel
    down: float
    times: float  # how many times it comes back
    alike: int  # how many of the waves grow as much


class FiltersLab(Lab):
    """A kernel on a picture, its sum, its frequency response and its rank; made by `filters`.

    Attributes
    ----------
    preset : str
        A function of `convlib.filters`, or "your own".
    settings : dict
        The arguments of the presets, all of them: another preset finds the same sigma. What is not given
        stands at its default.
    weights : list of list of float
        The kernel where the preset is "your own".
    bias : float
    times : int
        How often the kernel is applied, 1 to 4.
    padding_mode : {"reflect", "replicate", "circular", "zeros"}
    picture : {"cat", "photographer", "astronaut", "coffee", "rings"}
    view : {"signed", "picture"}
        Blue through white to orange about 0, or black to white from 0 to 1.
    position : list of two int
        Row and column of the pixel whose sum is written out.
    photographs : dict of str
        For each photograph 96 rows of 96 greys, a byte each, in base64.
    """

    _esm, _css = module("filters"), style("filters")
    name = "filters"
    title = "Filters lab"
    preset = traitlets.Enum((*PRESETS, OWN), "sobel").tag(sync=True, state=True)
    settings = traitlets.Dict(default_value=DEFAULTS).tag(sync=True, state=True)
    weights = numbers()
    bias = traitlets.Float(0).tag(sync=True, state=True)
    times = traitlets.Int(1).tag(sync=True, state=True)
    padding_mode = traitlets.Enum(PADDING_MODES, PADDING_MODES[0]).tag(sync=True, state=True)
    picture = traitlets.Enum(PICTURES, PICTURES[0]).tag(sync=True, state=True)
    view = traitlets.Enum(VIEWS, VIEWS[0]).tag(sync=True, state=True)
    position = pair(0)
    photographs = traitlets.Dict().tag(sync=True, state=True)

    def __repr__(self) -> str:
        """The kernel, the picture and how the one is applied to the other."""
        return f"{self.title}: {self.state_in_words()}"

    @traitlets.default("photographs")
    def _all_photographs(self) -> dict[str, str]:
        return {name: _in_base64(*source) for name, source in PHOTOGRAPHS.items()}

    @traitlets.default("weights")
    def _unchanging(self) -> Rows:
        return kernels.identity().tolist()  # type: ignore[no-any-return]

    @traitlets.validate("settings")
    def _checked_settings(self, proposal: Any) -> Settings:
        return DEFAULTS | {name: _setting(name, value) for name, value in proposal.value.items()}

    @traitlets.validate("weights")
    def _checked_weights(self, proposal: Any) -> Rows:
        return _made(proposal.value)

    @traitlets.validate("bias")
    def _checked_bias(self, proposal: Any) -> float:
        return _between("bias", proposal.value, -BIAS, BIAS)

    @traitlets.validate("times")
    def _checked_times(self, proposal: Any) -> int:
        return int(_between("times", proposal.value, 1, TIMES))

    @traitlets.validate("position")
    def _checked_position(self, proposal: Any) -> list[int]:
        return _place(proposal.value)

    @traitlets.validate("photographs")
    def _checked_photographs(self, proposal: Any) -> dict[str, str]:
        for name in PHOTOGRAPHS:
            try:
                count = len(b64decode(proposal.value[name], validate=True))
            except (Base64Error, KeyError, TypeError, ValueError):
                count = -1
            if count != SIDE * SIDE:
                raise ValueError(
                    f"{FUNCTION}: photographs must hold {SIDE * SIDE} bytes in base64 for {name!r}"
                )
        return dict(proposal.value)

    # --- what convlib computes ---

    @property
    def kernel(self) -> Array:
        """The kernel as it is applied."""
        if self.preset == OWN:
            return np.array(self.weights)
        make: Callable[..., Array] = getattr(kernels, self.preset)
        return make(**{name: self.settings[name] for name in PRESETS[self.preset]})

    @property
    def image(self) -> Array:
        """The picture, 96 × 96 greys from 0 to 1."""
        if self.picture == "rings":  # r / 96 cycles a pixel at the distance r: 1/2 in the middle of each edge
            y, x = np.indices((SIDE, SIDE)) - SIDE // 2
            return np.rint(127 + 126 * np.cos(np.pi * (x**2 + y**2) / SIDE)) / 255
        greys = np.frombuffer(b64decode(self.photographs[self.picture]), np.uint8)
        return greys.reshape(SIDE, SIDE) / 255

    @property
    def last_input(self) -> Array:
        """What the kernel is applied to for the last time; the picture itself where that is the only time."""
        image = self.image
        for _ in range(self.times - 1):
            image = filter2d(image, self.kernel, self.bias, self.padding_mode)
        return image

    @property
    def output(self) -> Array:
        """The result."""
        return filter2d(self.last_input, self.kernel, self.bias, self.padding_mode)

    @property
    def clipped(self) -> tuple[int, int]:
        """How many pixels of the result lie below 0, and how many above 1."""
        output = self.output
        return int((output < -SAME).sum()), int((output > 1 + SAME).sum())

    @property
    def response(self) -> NDArray[np.complex128]:
        """What the kernel makes of waves, 64 × 64 of them: 0 cycles per pixel in the middle."""
        return frequency_response(self.kernel, FREQUENCIES)

    @property
    def on_waves(self) -> dict[str, float]:
        """How many times a constant area and the finest waves come back."""
        real, places = self.response.real, (MIDDLE, 0)
        values = [real[down, right] for down in places for right in places]
        return {name: _tidy(value) for name, value in zip(WAVES, values, strict=True)}

    @property
    def peak(self) -> Peak:
        """The wave that grows most; of several the longest."""
        strength = np.abs(self.response)
        best = np.argwhere(strength >= strength.max() * (1 - SAME))
        at = (best - MIDDLE) / FREQUENCIES
        down, right = at[(at**2).sum(1).argmin()]
        if right < 0 or (right == 0 and down < 0):  # the same wave
            right, down = -right, -down
        return Peak(float(right), float(down), _tidy(strength.max()), len(best))

    @property
    def way(self) -> Way:
        """The rank of the kernel, and the cheaper way of applying it."""
        return filter_way(self.kernel)

    @property
    def column_and_row(self) -> tuple[Array, Array] | None:
        """For a kernel of rank 1: one of its rows, and how many times of it each row is."""
        if self.way.rank != 1:
            return None
        kernel = self.kernel
        largest = np.abs(kernel).max(1)
        first = np.where(largest > 0, largest, np.inf).argmin()  # 1 2 1 times -1 0 1, where numbers are whole
        for at in (first, largest.argmax()):
            row = kernel[at]
            pivot = np.abs(row).argmax()
            column = kernel[:, pivot] / row[pivot]
            if np.abs(column - np.rint(column)).max() < SAME:
                break
        return column, row

    @property
    def _total(self) -> float:
        return _tidy(float(self.kernel.sum()))

    def _taps(self) -> list[tuple[float, float, bool]]:
        """Each weight that counts with the pixel under it, and whether that lies beyond the border."""
        kernel, image = self.kernel, self.last_input
        taps, least = [], SAME * np.abs(kernel).max()
        for (u, v), weight in np.ndenumerate(kernel):
            if abs(weight) <= least:  # for a wave, what should be 0 is not quite
                continue
            at = [i + o - (k - 1) // 2 for i, o, k in zip(self.position, (u, v), kernel.shape, strict=True)]
            inside = all(0 <= i < SIDE for i in at)
            seen = [_seen_at(i, self.padding_mode) for i in at]
            grey = 0.0 if None in seen else _tidy(image[seen[0], seen[1]])
            taps.append((float(weight), grey, not inside))
        return taps

    # --- in words, the same as in the live view ---

    def state_in_words(self) -> str:
        """The kernel, the picture, and how the one is applied to the other."""
        given = [f"{name} {_word(self.settings[name])}" for name in PRESETS.get(self.preset, ())]
        kernel = ", ".join([in_words(self.preset), *given])
        often = f", {self.times} times" if self.times > 1 else ""
        bias = f", bias {shown(self.bias)}" if self.bias else ""
        return (
            f"{kernel}, {by(self.kernel.shape)}{bias}, on {self.picture}, border {self.padding_mode}{often}"
        )

    def sum_in_words(self) -> str:
        """What the weights add up to, and what that means for flat areas."""
        total, kernel = self._total, self.kernel
        if not kernel.any():
            words = "All weights are 0: nothing of the picture is left."
        else:
            times = f"comes out {shown(abs(total))} times as bright"
            does = (
                "keeps its brightness"
                if abs(total) == 1
                else times
                if total
                else "becomes 0, and only differences are left"
            )
            turned = ", with the sign turned" if total < 0 else ""
            each = " each time" if self.times > 1 and total not in (0, 1) else ""
            words = f"The weights add up to {shown(total)}: a flat area {does}{turned}{each}."
        return f"{words} The bias adds {shown(self.bias)} everywhere." if self.bias else words

    def flip_in_words(self) -> str:
        """What becomes of the kernel where it is flipped."""
        kernel = self.kernel
        flipped, unit = kernel[::-1, ::-1], SAME * np.abs(kernel).max()
        if np.abs(flipped - kernel).max() <= unit:
            return "Flipped, the kernel is the same."
        if np.abs(flipped + kernel).max() <= unit:
            return "Flipped, the kernel changes its sign, and so does the result without its bias."
        return "Flipped, it is another kernel."

    def result_in_words(self) -> str:
        """From where to where the result reaches, and what the view makes of it."""
        output = self.output
        low, high = _tidy(float(output.min())), _tidy(float(output.max()))
        reaches = (
            f"reaches from {shown(low)} to {shown(high)}" if low < high else f"is {shown(low)} everywhere"
        )
        words = f"The result {reaches}."
        if self.view == "signed":
            limit = shown(max(abs(low), abs(high)))
            return f"{words} White is 0, the darkest orange {limit}, the darkest blue \N{MINUS SIGN}{limit}."
        below, above = self.clipped
        if not below + above:
            return f"{words} No pixel is clipped."
        ends = [f"{below:,} below 0"] * (below > 0) + [f"{above:,} above 1"] * (above > 0)
        are = "is" if below + above == 1 else "are"
        return f"{words} {below + above:,} of {SIDE**2:,} pixels {are} clipped: {listed(ends)}."

    def pixel_in_words(self) -> str:
        """The sum that makes the chosen pixel."""
        i, j = self.position
        taps = self._taps()
        many = len(taps) > MOST_WRITTEN
        written = sorted(taps, key=lambda tap: -abs(_tidy(tap[0])))[:3] if many else taps
        terms = [f"{_in_sum(weight)} · {_in_sum(grey)}" for weight, grey, _ in written] or ["0"]
        if many:
            terms.append(f"… ({len(taps)} terms)")
        if self.bias:
            terms.append(f"{_in_sum(self.bias)} (bias)")
        made = ""
        if self.times > 1:
            made = (
                f", from what {'applying it once' if self.times == 2 else f'{self.times - 1} times'} has made"
            )
        value = shown(_tidy(float(self.output[i, j])))
        words = f"Row {i}, column {j}{made}: {' + '.join(terms)} = {value}."
        beyond = sum(outside for *_, outside in taps)
        if not beyond:
            return words
        lies = "lies" if beyond == 1 else "lie"
        where = f"{beyond} {lies} beyond the border, where {BEYOND[self.padding_mode]}"
        return f"{words} Of {plural(len(taps), 'pixel')} {where}."

    def frequency_in_words(self) -> str:
        """Which waves pass, and which grows most."""
        words, often = self._factor_in_words(), self.times
        if often == 1 or not self.peak.times:
            return words
        return f"{words} Applied {often} times, each factor counts to the power of {often}."

    def _factor_in_words(self) -> str:
        strength, (right, down, times, alike) = np.abs(self.response), self.peak
        if not times:
            return "No wave passes."
        if strength.min() >= strength.max() * (1 - SAME):
            return f"All waves come back with factor {shown(times)}."
        factor = f"he largest factor is {shown(times)}, for"
        still, *others = self.on_waves.values()
        constant, finest = abs(still) / times, max(map(abs, others)) / times
        if constant >= 1 - SAME:
            if alike == 1:
                return f"A low-pass: t{factor} a constant area; finer waves are weaker."
            return f"T{factor} a constant area, and as large for other waves."
        if abs(right) == abs(down) == 0.5:
            wave = "the finest checkerboard"
        else:
            lean = "upright" if not down else "lying" if not right else "slanting"
            wave = f"{lean} stripes {shown(1 / math.hypot(right, down))} pixels apart"
        place = f"({shown(right)} cycles per pixel to the right, {shown(down)} down)"
        if max(constant, finest) < LITTLE:
            return f"A band-pass: t{factor} {wave} {place}; coarser and finer waves are weaker."
        if constant <= SAME and finest >= 1 - SAME:
            return f"A high-pass: t{factor} {wave} {place}; a constant area is removed."
        return f"T{factor} {wave} {place}; for a constant area it is {shown(still)}."

    def rank_in_words(self) -> str:
        """How many passes the kernel is made of, and what each way costs."""
        (height, width), (separable, rank, _) = self.kernel.shape, self.way
        window = f"{height} · {width} = {plural(height * width, 'multiply-add')} a pixel"
        if not rank:
            return f"Rank 0: all weights are 0. The window takes {window}."
        cost = rank * (height + width)
        if rank == 1:
            head = f"Rank 1: separable. A pass down and a pass across take {height} + {width} = {cost}"
        else:
            head = (
                f"Rank {rank}: a sum of {rank} separable kernels. "
                f"Their {2 * rank} passes take {rank} · ({height} + {width}) = {cost}"
            )
        cheaper = "passes are" if separable else "window is"
        same = "both are alike" if cost == height * width else f"the {cheaper} cheaper"
        return f"{head}, the window {window}: {same}."

    def column_and_row_in_words(self) -> str:
        """The column and the row that make a kernel of rank 1; empty for others, and for large ones."""
        both = self.column_and_row
        if both is None or max(map(len, both)) > MOST_WRITTEN:
            return ""
        column, row = (", ".join(shown(_tidy(float(value))) for value in one) for one in both)
        return f"Column ({column}) times row ({row})."

    def _look(self) -> NDArray[np.uint8]:
        """The result as bytes: places in the signed palette, or greys."""
        output = self.output
        if self.view == "picture":
            return _bytes_of(255 * np.clip(output, 0, 1))
        return _bytes_of(127 + 127 * output / (np.abs(output).max() or 1))

    def still(self) -> Iterator[str]:
        """The picture, the kernel and the result, the waves in a table, and all of it in words."""
        kernel = self.kernel
        yield f"<p>{self.state_in_words()}.</p>"
        yield _image(_bytes_of(255 * self.image), f"the picture: {self.picture}, {SIDE} × {SIDE} pixels")
        palette = signed_palette() if self.view == "signed" else None
        yield _image(self._look(), f"the result. {self.result_in_words()}", palette)
        if max(kernel.shape) <= EDITED:
            yield html_table(
                f"Kernel {by(kernel.shape)}", [[_in_cell(one, row) for one in row] for row in kernel]
            )
        else:
            row = ", ".join(shown(_tidy(one)) for one in kernel[(len(kernel) - 1) // 2])
            yield f"<p>Kernel {by(kernel.shape)}; the row through the middle: {row}.</p>"
        for words in (
            self.sum_in_words(),
            self.flip_in_words(),
            self.result_in_words(),
            self.pixel_in_words(),
        ):
            yield f"<p>{words}</p>"
        waves = [[name, shown(times)] for name, times in self.on_waves.items()]
        yield html_table("What the kernel makes of waves", waves, ["wave", "factor"])
        yield f"<p>{self.frequency_in_words()}</p>"
        yield f"<p>{' '.join(filter(None, (self.rank_in_words(), self.column_and_row_in_words())))}</p>"


def filters(
    kernel: str | ArrayLike = "sobel",
    picture: str = "cat",
    *,
    bias: float = 0,
    times: int = 1,
    padding_mode: str = "reflect",
    view: str | None = None,
    position: Ints = (36, 24),
    **settings: float | str,
) -> FiltersLab:
    """A live lab: choose or write a kernel, and see what it makes of a photograph.

    In the book it works in the page itself; in a running notebook its state and Python's are the same.

    Parameters
    ----------
    kernel : str or array of shape (k, k)
        The name of a function of `convlib.filters`, or weights of your own, at most 49 rows and columns.
    picture : {"cat", "photographer", "astronaut", "coffee", "rings"}
        96 × 96 greys. The rings are waves of all directions and lengths, finer and finer from the middle on.
    bias : float
        Added to every pixel of the result, from -1 to 1.
    times : int
        How often the kernel is applied, 1 to 4.
    padding_mode : {"reflect", "replicate", "circular", "zeros"}
        What lies beyond the border.
    view : {"signed", "picture"}, optional
        Blue through white to orange about 0, or black to white from 0 to 1. Without it a kernel whose weights
        add up to 1 gives a picture, any other a signed one.
    position : int or tuple of int
        Row and column of the pixel whose sum is written out.
    **settings
        Arguments of the function in `convlib.filters`, such as ``sigma=2``; those that the lab has.

    Returns
    -------
    FiltersLab
        Shows itself when it is the last line of a cell. `output` is computed by `convlib.filtering.filter2d`,
        `response` by `frequency_response` and `way` by `filter_way` of the same module.

    Raises
    ------
    ValueError
        An unknown word, a setting that the kernel does not have, numbers that the lab cannot show.
    TypeError
        A number that is none.

    See Also
    --------
    convlib.filtering.filter2d : what it shows. Chapter 11.

    Examples
    --------
    >>> lab = filters("gaussian", sigma=0.5)
    >>> lab.kernel.shape, lab.sum_in_words()
    ((5, 5), 'The weights add up to 1: a flat area keeps its brightness.')
    >>> lab.preset = "sobel"
    >>> lab.way
    Way(separable=True, rank=1, multiply_adds=6)
    """
    for name, value, words in (
        ("picture", picture, PICTURES),
        ("padding_mode", padding_mode, PADDING_MODES),
        ("view", view, VIEWS),
    ):
        if value is not None or name != "view":
            require_one_of(FUNCTION, name, value, words)
    preset, weights = OWN, None
    if isinstance(kernel, str):
        require_one_of(FUNCTION, "kernel", kernel, tuple(PRESETS))
        preset = kernel
    else:
        weights = _made(kernel)
    for name in settings:
        if name not in PRESETS.get(preset, ()):
            has = listed(PRESETS.get(preset, ()) or ("no settings",))
            raise ValueError(f"{FUNCTION}: {preset} has no {name} here; it has {has}")
    lab = FiltersLab(
        preset=preset,
        settings={name: _setting(name, value) for name, value in settings.items()},
        bias=_between("bias", bias, -BIAS, BIAS),
        times=int(_between("times", as_integer(times, "times", FUNCTION), 1, TIMES)),
        padding_mode=padding_mode,
        picture=picture,
        position=_place(as_tuple(position, 2, "position", at_least=0, function=FUNCTION)),
        **({} if weights is None else {"weights": weights}),
    )
    lab.view = view or ("picture" if lab._total == 1 else "signed")
    return lab


def in_words(name: str) -> str:
    """A function of convlib.filters as it is spoken of.

    Examples
    --------
    >>> in_words("difference_of_gaussians")
    'difference of Gaussians'
    """
    words = name.replace("_", " ")
    return re.sub(
        "gaussian|prewitt|sobel|scharr|roberts|laplacian|gabor", lambda who: who[0].capitalize(), words
    )


def signed_palette() -> NDArray[np.uint8]:
    """255 colours, blue through white to orange; white stands in the middle, at 127."""
    stops = np.array([list(stop.to_bytes(3)) for stop in STOPS])
    places = np.linspace(0, len(STOPS) - 1, 255)
    mixed = [np.interp(places, np.arange(len(STOPS)), channel) for channel in stops.T]
    return _bytes_of(np.stack(mixed, 1))


# --- checks ---


def _made(given: ArrayLike) -> Rows:
    """Rows of finite numbers, few enough for the picture."""
    try:
        array = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            f"{FUNCTION}: kernel must be a table of finite numbers, got {quoted(given)}"
        ) from None
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        raise ValueError(f"{FUNCTION}: kernel must be a table of finite numbers, got shape {array.shape}")
    if max(array.shape) > LARGEST:
        raise ValueError(
            f"{FUNCTION}: kernel can have at most {LARGEST} rows and columns here, got shape {array.shape}"
        )
    return array.tolist()  # type: ignore[no-any-return]


def _setting(name: str, value: Any) -> float | str:
    if name in CHOICES:
        values = CHOICES[name]
        if value not in values:
            raise ValueError(
                f"{FUNCTION}: {name} must be {listed(map(repr, values), 'or')}, got {quoted(value)}"
            )
        return values[values.index(value)]
    if name not in RANGES:
        raise ValueError(f"{FUNCTION}: no kernel has a setting {quoted(name)}")
    if name in WHOLE:
        value = as_integer(value, name, FUNCTION)
    return _between(name, value, *RANGES[name][:2])


def _between(name: str, value: Any, least: float, most: float) -> float:
    number = as_real(FUNCTION, name, value)
    if not least <= number <= most:
        raise ValueError(f"{FUNCTION}: {name} must be from {least} to {most} here, got {quoted(value)}")
    return number


def _place(position: Sequence[int]) -> list[int]:
    if not all(0 <= at < SIDE for at in position):
        raise ValueError(
            f"{FUNCTION}: position must be a pixel of the {SIDE} × {SIDE} picture, got {position}"
        )
    return list(position)


# --- pieces ---


@functools.cache
def _in_base64(name: str, shrink: int, top: int, left: int) -> str:
    grey = photograph(name, shrink).mean(axis=0)[top : top + SIDE, left : left + SIDE]
    return b64encode(_bytes_of(255 * grey).tobytes()).decode()


def _seen_at(at: int, mode: str) -> int | None:
    """The row or column that stands at a place, which may lie outside; None for a zero."""
    if 0 <= at < SIDE:
        return at
    if mode == "replicate":
        return min(max(at, 0), SIDE - 1)
    if mode == "circular":
        return at % SIDE
    return None if mode == "zeros" else SIDE - 1 - abs(SIDE - 1 - abs(at))


def _tidy(value: float) -> float:
    """Without the roundings that differ from machine to machine."""
    return round(float(value), 9) + 0.0


def _in_sum(value: float) -> str:
    return f"({shown(value)})" if value < 0 else shown(value)


def _word(value: float | str) -> str:
    return value if isinstance(value, str) else shown(value)


def _in_cell(value: float, row: Array) -> str:
    """With two digits where many stand side by side, else three."""
    digits = Context(prec=2 if len(row) > 5 else 3, rounding=ROUND_HALF_UP)
    return shown(float(digits.create_decimal(_tidy(value))))


def _bytes_of(values: Array) -> NDArray[np.uint8]:
    """Rounded to whole numbers; halves the same on every machine, whatever the last digit of a sum is."""
    whole: NDArray[np.uint8] = np.rint(np.round(values, 6)).astype(np.uint8)
    return whole


def _image(pixels: NDArray[np.uint8], alt: str, palette: NDArray[np.uint8] | None = None) -> str:
    """A PNG in the page. It is not compressed, so that its bytes depend on no version of zlib."""
    height, width = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    stream = b"\x78\x01\x01" + pack("<HH", len(rows), len(rows) ^ 0xFFFF) + rows + pack(">I", adler32(rows))
    header = pack(">IIBBBBB", width, height, 8, 0 if palette is None else 3, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", stream), (b"IEND", b"")]
    if palette is not None:
        chunks.insert(1, (b"PLTE", palette.tobytes()))
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        pack(">I", len(data)) + kind + data + pack(">I", crc32(kind + data)) for kind, data in chunks
    )
    source = f"data:image/png;base64,{b64encode(png).decode()}"
    return f'<img src="{source}" alt="{alt}" width="{2 * width}" height="{2 * height}">'
