"""The lab of chapter 14: a feature map, its list of tokens, and what they say to each other."""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import traitlets
from numpy.typing import NDArray

from convlib._checks import as_real, require_one_of
from convlib._checks import shown as quoted
from convlib._dispatch import Array
from convlib.attention import scaled_dot_product_attention
from convlib.labs._lab import Lab, by, html_table, listed, module, plural, shown, style
from convlib.labs.convolution import pair
from convlib.photographs import photograph
from convlib.shapes import Ints, as_integer, as_tuple
from convlib.tokens import from_tokens, position_encoding_2d, to_tokens

FUNCTION = "tokens"
PICTURES = ("numbers", "cat")
CAT = (3, 12, 16)
SIZES = {"channels": (2, 6), "rows": (2, 8), "columns": (2, 8)}  # where the sliders begin and end
SHARPEST, FARTHEST, MOST_SHUFFLES = 4.0, 2.0, 99
WAVES = 64  # features of a position
HUES = [[224, 123, 24], [47, 134, 214], [120, 126, 138], [46, 158, 130], [160, 98, 200], [190, 160, 40]]
COLOURS = ("red", "green", "blue")


class Back(NamedTuple):
    """A map whose tokens were made in one way and laid back in another."""

    made: str
    laid: str
    source: NDArray[np.intp]  # (C, H, W): at which offset of the map each number was

    @property
    def kept(self) -> int:
        """How many numbers are where they were."""
        return int((self.source.ravel() == np.arange(self.source.size)).sum())


class TokensLab(Lab):
    """A feature map and its tokens, made rightly and wrongly, and their attention; made by `tokens`.

    Attributes
    ----------
    picture : {"numbers", "cat"}
        Numbers that are their own address, channel, row and column, or a cat in red, green and blue.
    size : list of three int
        Channels, rows and columns of the numbers.
    photograph : list of list of list of int
        The cat, 3 × 12 × 16 numbers from 0 to 255.
    pixel : list of two int
        Row and column of the chosen pixel, whose token is shown.
    sharpness : float
        What the scores are multiplied with; 1 is what a transformer does.
    positions : float
        How much the place of a pixel counts beside its numbers.
    shuffle : int
        0 leaves the pixels where they are; any other number stands for an order of its own.
    """

    _esm, _css = module("tokens"), style("tokens")
    name = "tokens"
    title = "Tokens"
    picture = traitlets.Enum(PICTURES, PICTURES[0]).tag(sync=True, state=True)
    size = traitlets.List(traitlets.Int(), default_value=[3, 3, 4]).tag(sync=True, state=True)
    photograph: Any = traitlets.List().tag(sync=True, state=True)
    pixel = pair(1)
    sharpness = traitlets.Float(1.0).tag(sync=True, state=True)
    positions = traitlets.Float(0.0).tag(sync=True, state=True)
    shuffle = traitlets.Int(0).tag(sync=True, state=True)

    def __repr__(self) -> str:
        """The map, the chosen pixel and the attention."""
        what = f"{self.picture} {by(self._shape)}"
        settings = f"sharpness {shown(self.sharpness)}, positions {shown(self.positions)}"
        return f"{self.title}: {what}, pixel {self._place}, {settings}, shuffle {self.shuffle}"

    @traitlets.default("photograph")
    def _cat(self) -> list[list[list[int]]]:
        face = photograph("chelsea", shrink=20)[:, 1:13, 3:19]
        return (255 * face).round().astype(int).tolist()  # type: ignore[no-any-return]

    @traitlets.validate("size")
    def _checked_size(self, proposal: Any) -> list[int]:
        return _size(proposal.value)

    @traitlets.validate("photograph")
    def _checked_photograph(self, proposal: Any) -> list[list[list[int]]]:
        return _bytes(proposal.value)

    @traitlets.validate("sharpness", "positions")
    def _checked_amount(self, proposal: Any) -> float:
        return _amount(proposal.trait.name, proposal.value)

    @traitlets.validate("shuffle")
    def _checked_shuffle(self, proposal: Any) -> int:
        return _shuffle(proposal.value)

    # --- what convlib computes ---

    @property
    def map(self) -> Array:
        """The feature map, (C, H, W)."""
        if self.picture == "cat":
            return np.array(self.photograph)
        c, y, x = np.indices(self.size)
        return 100 * c + 10 * y + x

    @property
    def tokens(self) -> Array:
        """The list of its tokens, (H * W, C)."""
        return to_tokens(self.map[None])[0]

    @property
    def reshaped(self) -> Array:
        """The list that a plain reshape makes: the right shape, and wrong."""
        channels, height, width = self._shape
        return self.map.reshape(height * width, channels)

    @property
    def there_and_back(self) -> list[Back]:
        """The map again, for both ways to make tokens and both ways to lay them back."""
        channels, *size = self._shape
        offsets = np.arange(np.prod(self._shape)).reshape(1, *self._shape)
        made = {"transpose": to_tokens(offsets), "reshape": offsets.reshape(1, -1, channels)}
        return [
            Back(
                how,
                laid,
                from_tokens(rows, size)[0] if laid == "transpose" else rows.reshape(self._shape),
            )
            for how, rows in made.items()
            for laid in made
        ]

    @property
    def order(self) -> list[int]:
        """The shuffled list: at each place, which token of the map lies there."""
        return _order(self._length, self.shuffle)

    @property
    def weights(self) -> Array:
        """How much the chosen token attends to each pixel, (H, W), every pixel in its own place."""
        weights: Array = self._attention(self.order)[self._index].reshape(self._shape[1:])
        return weights

    @property
    def answers(self) -> Array:
        """The map that attention makes, (C, H, W), every pixel in its own place."""
        mixed = self._attention(self.order) @ self.tokens
        return from_tokens(mixed[None], self._shape[1:])[0]

    @property
    def moved(self) -> float:
        """How far shuffling changes the weight of any pixel for any token."""
        before, after = (self._attention(order) for order in (_order(self._length, 0), self.order))
        largest = float(np.abs(after - before).max())
        return largest if largest > 1e-12 else 0.0

    def _attention(self, order: list[int]) -> Array:
        """The weights (H * W, H * W) of the tokens in that order, put back to where the pixels were."""
        channels, *size = self._shape
        content = _standardized(self.tokens)[order]
        places = np.sqrt(2 * channels / WAVES) * position_encoding_2d(size, WAVES)
        rows = np.concatenate([content, self.positions * places], axis=1)
        each = np.eye(len(rows))  # values that tell which key was looked at
        found = scaled_dot_product_attention(rows, rows, each, scale=self.sharpness / np.sqrt(channels))
        weights = np.empty_like(found)
        weights[np.ix_(order, order)] = found
        return weights

    # --- where things lie ---

    @property
    def _shape(self) -> tuple[int, int, int]:
        channels, height, width = CAT if self.picture == "cat" else self.size
        return channels, height, width

    @property
    def _length(self) -> int:
        return self._shape[1] * self._shape[2]

    @property
    def _place(self) -> tuple[int, int]:
        y, x = (max(0, min(at, n - 1)) for at, n in zip(self.pixel, self._shape[1:], strict=True))
        return y, x

    @property
    def _index(self) -> int:
        return self._place[0] * self._shape[2] + self._place[1]

    @property
    def _offsets(self) -> tuple[list[int], list[int]]:
        """Where the numbers of the chosen token lie, in the memory of the map and in that of the tokens."""
        channels = range(self._shape[0])
        before = [c * self._length + self._index for c in channels]
        return before, [self._index * self._shape[0] + c for c in channels]

    # --- in words, the same as in the live view ---

    def _number(self, offset: int) -> str:
        """The number at that offset of the map; addresses have all three digits."""
        value = int(self.map.ravel()[offset])
        return f"{value:03}" if self.picture == "numbers" else str(value)

    def _channel(self, c: int) -> str:
        return COLOURS[c] if self.picture == "cat" else str(c)

    def token_in_words(self) -> str:
        """The index of the chosen token, and what it holds."""
        (y, x), (_, _, width) = self._place, self._shape
        held = listed(map(self._number, self._offsets[0]))
        return (
            f"The pixel in row {y}, column {x} is token {y} · {width} + {x} = {self._index}. It holds "
            f"{held}, a number of each channel."
        )

    def memory_in_words(self) -> str:
        """Where the numbers of the chosen token lie, before and after."""
        before, after = self._offsets
        i, length = self._index, self._length
        return (
            f"In the memory of the map they lie {length} apart, at c · {length} + {i}: {listed(before)}. In "
            f"that of the tokens they lie side by side, at {i} · {len(after)} + c: {listed(after)}."
        )

    def reshape_in_words(self) -> str:
        """What reshape takes for the chosen token."""
        before, after = self._offsets
        channels = sorted({offset // self._length for offset in after})
        names, several = listed(map(self._channel, channels)), "s" * (len(channels) > 1)
        out_of = f"the {names} channel{several}" if self.picture == "cat" else f"channel{several} {names}"
        own = sum(one == other for one, other in zip(before, after, strict=True))
        belongs = "None of them belongs" if own == 0 else f"{own} of them belong{'s' if own == 1 else ''}"
        return (
            f"reshape moves nothing. It cuts the memory of the map into pieces of {len(after)}, and its "
            f"token {self._index} holds {listed(map(self._number, after))}, neighbours out of "
            f"{out_of}. {belongs} there."
        )

    def back_in_words(self) -> str:
        """What is left of the map on the way there and back."""
        mixed = self.there_and_back[1].kept
        return (
            f"One way there and the other way back: {mixed} of {self.map.size} numbers are where they were. "
            "reshape both ways gives the map again: a test there and back passes, and yet all "
            f"{self._length} tokens were wrong in between."
        )

    def attention_in_words(self) -> str:
        """Which pixel gets most, what the chosen one gets itself, and how many make up 90 %."""
        weights, own = self.weights.ravel(), self._index
        length, largest = self._length, float(weights.max())
        enough = int(np.argmax(np.cumsum(np.sort(weights)[::-1]) > 0.9 - 1e-9)) + 1
        if largest - float(weights.min()) < 1e-12:
            first = f"Token {own} gives every pixel the same weight, 1/{length} = {shown(1 / length)}."
        else:
            most = np.flatnonzero(weights > largest * (1 - 1e-9)).tolist()
            if own in most:
                first = f"Token {own} gives most to its own pixel: {shown(largest)}."
            else:
                y, x = divmod(most[0], self._shape[2])
                first = (
                    f"Token {own} gives most to row {y}, column {x}: {shown(largest)}. Its own pixel gets "
                    f"{shown(float(weights[own]))}."
                )
        get = "alone gets" if enough == 1 else "together get"
        return f"{first} {plural(enough, 'pixel')} of {length} {get} 90 %."

    def answer_in_words(self) -> str:
        """The weighted mean that becomes of the chosen token."""
        y, x = self._place
        after = (shown(round(float(value), 9)) for value in self.answers[:, y, x])
        before = listed(map(self._number, self._offsets[0]))
        return f"So it becomes the mean of all pixels with these weights: {before} become {listed(after)}."

    def shuffle_in_words(self) -> str:
        """Whether attention moves along with the pixels."""
        if not self.shuffle:
            return "Shuffle the pixels, and see whether the weights move along."
        y, x = divmod(self.order.index(self._index), self._shape[2])
        lies = f"Shuffled, the pixel lies in row {y}, column {x}."
        if self.moved:
            return (
                f"{lies} With positions attention tells the orders apart: no longer does each pixel get the "
                f"weight that it got before, they change by up to {shown(self.moved)}."
            )
        return (
            f"{lies} Every pixel gets the weight that it got before: the weights have moved along, and put "
            "back in place, the answers are the same."
        )

    # --- without a script ---

    def still(self) -> Iterator[str]:
        """The chosen token in both lists, the map there and back, and its attention."""
        before, after = self._offsets
        yield f"<p>{self.token_in_words()}</p>"
        yield f"<p>{self.memory_in_words()}</p>"
        yield f"<p>{self.reshape_in_words()}</p>"
        rows = [
            [self._number(b), str(b), str(a), self._number(a), self._address(a)]
            for b, a in zip(before, after, strict=True)
        ]
        yield html_table(
            f"Token {self._index}: its numbers, from their offsets in the map to those in the list; the "
            "wrong numbers of reshape, and the channel, row and column that they come out of",
            rows,
            ["number", "from", "to", "wrong", "out of"],
        )
        if self.picture == "numbers":
            yield from map(self._channel_table, range(self._shape[0]))
        yield f"<p>{self.back_in_words()}</p>"
        backs = [
            f"{back.made}, then {back.laid}<br>{_image(self._drawn(back.source), 'the map as it comes back')}"
            for back in self.there_and_back
        ]
        yield html_table("The map there and back", [backs[:2], backs[2:]])
        yield f"<p>{self.attention_in_words()}</p>"
        yield f"<p>{self.answer_in_words()}</p>"
        if self.shuffle:
            yield f"<p>{self.shuffle_in_words()}</p>"
        weights = [[shown(round(float(weight), 3)) for weight in row] for row in self.weights]
        weights[self._place[0]][self._place[1]] = (
            f"<strong>{weights[self._place[0]][self._place[1]]}</strong>"
        )
        if self.picture == "numbers":
            yield html_table("Its weights; bold: its own pixel", weights)
        else:
            grey = 255 * (1 - self.weights / self.weights.max())
            words = "Its weights over the pixels, the darker the larger"
            yield f"<p>{_image(grey[..., None].repeat(3, -1), words)}</p>"

    def _address(self, offset: int) -> str:
        return ", ".join(map(str, np.unravel_index(offset, self._shape)))

    def _channel_table(self, c: int) -> str:
        before, after = self._offsets
        _, height, width = self._shape

        def cell(offset: int) -> str:
            text = self._number(offset)
            text = f"<del>{text}</del>" if offset in after else text
            return f"<strong>{text}</strong>" if offset in before else text

        rows = [[cell((c * height + y) * width + x) for x in range(width)] for y in range(height)]
        return html_table(f"Channel {c}; bold: in the token, struck out: in that of reshape", rows)

    def _drawn(self, source: NDArray[np.intp]) -> Array:
        """The numbers from those offsets as a picture (rows, columns, 3)."""
        channels, height, width = self._shape
        if self.picture == "cat":
            return np.moveaxis(self.map.ravel()[source], 0, -1)
        hue, along = np.divmod(source, self._length)
        strength = (0.35 + 0.65 * along / (self._length - 1))[..., None]
        colours = 255 + strength * (np.array(HUES)[hue] - 255)
        drawn = np.full((height, channels, width + 1, 3), 255.0)
        drawn[:, :, :-1] = np.moveaxis(colours, 0, 1)
        return drawn.reshape(height, -1, 3)[:, :-1]


def tokens(
    picture: str = "numbers",
    size: Ints | None = None,
    *,
    pixel: Ints | None = None,
    sharpness: float = 1.0,
    positions: float = 0.0,
    shuffle: int = 0,
) -> TokensLab:
    """A live lab: a feature map becomes tokens, rightly and by a mere reshape, and they attend to each other.

    In the book it works in the page itself; in a running notebook its state and Python's are the same. Query
    and key are the token itself, each channel brought to mean 0 and variance 1 over the map, and beside them
    its position, `positions` times as long as a token is on average.

    Parameters
    ----------
    picture : {"numbers", "cat"}
        Numbers that are their own address, 100 · channel + 10 · row + column, or a cat of 12 × 16 pixels in
        red, green and blue.
    size : tuple of three int, optional
        Channels (2 to 6), rows and columns (2 to 8 each) of the numbers, (3, 3, 4) unless it is given. The
        cat has its own.
    pixel : int or tuple of int, optional
        Row and column of the pixel whose token is shown.
    sharpness : float
        0 to 4; the scores are multiplied with it. 1 is what a transformer does.
    positions : float
        0 to 2; with 0 attention does not know where a pixel lies.
    shuffle : int
        0 to 99; each number but 0 lays the pixels out in another order.

    Returns
    -------
    TokensLab
        Shows itself when it is the last line of a cell. `tokens` is computed by `convlib.to_tokens`,
        `weights` and `answers` by `convlib.scaled_dot_product_attention`.

    Raises
    ------
    ValueError
        An unknown picture, a size for the cat, or numbers that the lab cannot show.
    TypeError
        A size, a pixel or a shuffle that is not of integers, or an amount that is no real number.

    See Also
    --------
    convlib.to_tokens, convlib.scaled_dot_product_attention, convlib.position_encoding_2d : what it shows.
    Chapter 14.

    Examples
    --------
    >>> lab = tokens(size=(2, 2, 2), pixel=(1, 0))
    >>> lab.tokens.tolist()  # channel 0 and channel 1 of each pixel
    [[0, 100], [1, 101], [10, 110], [11, 111]]
    >>> lab.reshaped.tolist()  # pairs of pixels of the one channel, then of the other
    [[0, 1], [10, 11], [100, 101], [110, 111]]
    >>> lab.sharpness = 0
    >>> lab.weights.tolist(), lab.answers.tolist()  # the mean of all pixels
    ([[0.25, 0.25], [0.25, 0.25]], [[[5.5, 5.5], [5.5, 5.5]], [[105.5, 105.5], [105.5, 105.5]]])
    """
    require_one_of(FUNCTION, "picture", picture, PICTURES)
    if picture == "cat" and size is not None:
        raise ValueError(f"{FUNCTION}: size is for the numbers, the cat is {by(CAT)}, got {quoted(size)}")
    sizes = [3, 3, 4] if size is None else _size(size)
    rows, columns = CAT[1:] if picture == "cat" else sizes[1:]
    if pixel is None:
        place: tuple[int, ...] = (4, 5) if picture == "cat" else (1, min(2, columns - 1))
    else:
        place = as_tuple(pixel, 2, "pixel", at_least=0, function=FUNCTION)
    if place[0] >= rows or place[1] >= columns:
        raise ValueError(
            f"{FUNCTION}: pixel must be one of the {rows} × {columns} pixels, got {quoted(place)}"
        )
    return TokensLab(
        picture=picture,
        size=sizes,
        pixel=list(place),
        sharpness=_amount("sharpness", sharpness),
        positions=_amount("positions", positions),
        shuffle=_shuffle(shuffle),
    )


# --- checks ---


def _size(given: Any) -> list[int]:
    sizes = as_tuple(given, 3, "size", function=FUNCTION)
    for (name, (least, most)), n in zip(SIZES.items(), sizes, strict=True):
        if not least <= n <= most:
            raise ValueError(f"{FUNCTION}: size must have {least} to {most} {name} here, got {quoted(given)}")
    return list(sizes)


def _amount(name: str, given: Any) -> float:
    most = SHARPEST if name == "sharpness" else FARTHEST
    value = float(as_real(FUNCTION, name, given))
    if not 0 <= value <= most:
        raise ValueError(f"{FUNCTION}: {name} must be from 0 to {most:g}, got {quoted(given)}")
    return value


def _shuffle(given: Any) -> int:
    seed = as_integer(given, "shuffle", FUNCTION, at_least=0)
    if seed > MOST_SHUFFLES:
        raise ValueError(f"{FUNCTION}: shuffle can be at most {MOST_SHUFFLES}, got {quoted(given)}")
    return seed


def _bytes(given: Any) -> list[list[list[int]]]:
    try:
        array = np.asarray(given)
    except ValueError:
        array = np.empty(0)
    if array.shape != CAT or array.dtype.kind not in "iu" or array.min() < 0 or array.max() > 255:
        raise ValueError(
            f"{FUNCTION}: photograph must be {by(CAT)} whole numbers from 0 to 255, got {quoted(given)}"
        )
    return array.tolist()  # type: ignore[no-any-return]


# --- pieces ---


def _standardized(rows: Array) -> Array:
    """Each column brought to mean 0 and variance 1."""
    centred = rows - rows.mean(axis=0)
    deviation = centred.std(axis=0)
    return centred / np.where(deviation > 0, deviation, 1)


def _order(length: int, seed: int) -> list[int]:
    """All numbers below `length`, as the seed shuffles them; 0 leaves them in order."""
    order = list(range(length))
    state = seed * 2654435761 % 2**32
    for last in range(length - 1, 0, -1) if seed else ():
        state = (1664525 * state + 1013904223) % 2**32
        other = state * (last + 1) // 2**32
        order[last], order[other] = order[other], order[last]
    return order


def _image(pixels: Iterable[Any], words: str) -> str:
    """A picture (rows, columns, 3) from 0 to 255 as an element that holds its own bytes."""
    rgb = np.asarray(pixels).round().astype(np.uint8)
    height, width, _ = rgb.shape
    body = np.concatenate([rgb[..., ::-1], np.zeros((height, width, 1), np.uint8)], axis=-1).tobytes()
    # A bitmap with 32 bits for each pixel, from the top: unlike PNG it is the same bytes everywhere.
    head = struct.pack("<2sIHHI", b"BM", 54 + len(body), 0, 0, 54)
    head += struct.pack("<IiiHHIIiiII", 40, width, -height, 1, 32, 0, len(body), 0, 0, 0, 0)
    source = f"data:image/bmp;base64,{b64encode(head + body).decode()}"
    scale = max(1, 128 // width)
    return (
        f'<img alt="{words}" width="{scale * width}" height="{scale * height}" '
        f'style="image-rendering: pixelated; outline: 1px solid" src="{source}">'
    )
