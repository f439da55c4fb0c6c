"""The equivariance lab of chapter 4: transform, then operate, or the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Context
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import traitlets

from convlib._checks import require_flag, require_one_of
from convlib._checks import shown as quoted
from convlib._dispatch import Array
from convlib.conv import conv2d
from convlib.labs._lab import Lab, html_table, module, shown, style
from convlib.labs.convolution import Rows, pair
from convlib.photographs import photograph
from convlib.pool import avg_pool2d, max_pool2d
from convlib.shapes import Ints, as_integer, as_tuple
from convlib.windows import pad

FUNCTION = "equivariance"
SIDE = 24  # pixels
PICTURES = ("eye", "digit", "stripes, period 3", "stripes, period 2", "dot")
TRANSFORMS = ("move", "turn", "rescale")
FURTHEST = 8
TURNS = {1: "a quarter", 2: "a half", 3: "three quarters"}  # to the left
FACTORS = {0.5: "½", 2: "2"}
# Sums of powers of two, so that all arithmetic is exact and "equal" means equal.
KERNELS: dict[str, Array] = {
    "identity": np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]]) / 1,
    "blur": np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16,
    "Sobel": np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 4,
    "no symmetry": np.array([[2, -1, 0], [3, 1, -2], [-1, 0, -1]]) / 4,
}
MODES = ("circular", "zeros", "reflect")
# The stride, and how many pixels before and after its place an answer looks at; the kernel is included.
DOWNSAMPLING = {
    "none": (1, 1, 1),
    "stride 2": (2, 1, 1),
    "stride 4": (4, 1, 1),
    "max pool k2 s1": (1, 1, 2),
    "max pool k2 s2": (2, 1, 2),
    "average pool k2 s2": (2, 1, 2),
    "blur pool s2": (2, 2, 2),
}
HEADINGS = {"move": "right by", "turn": "quarter turns", "rescale": "size times"}


class Orders(NamedTuple):
    """What comes out where the transform is first and where it is later."""

    first: Array
    later: Array
    inside: Array  # not touched by the padding

    @property
    def difference(self) -> Array:
        return self.first - self.later

    @property
    def largest(self) -> float:
        return float(max(np.abs(self.first).max(), np.abs(self.later).max()))

    @property
    def error(self) -> float:
        return float(np.abs(self.difference).max() / (self.largest or 1))

    @property
    def error_inside(self) -> float:
        return float((np.abs(self.difference) * self.inside).max() / (self.largest or 1))

    @property
    def worst(self) -> tuple[int, int]:
        """Row and column of the largest difference."""
        i, j = np.unravel_index(np.argmax(np.abs(self.difference)), self.difference.shape)
        return int(i), int(j)


class EquivarianceLab(Lab):
    """A picture, a transform and an operation, in both orders; made by `equivariance`.

    Attributes
    ----------
    picture : {"eye", "digit", "stripes, period 3", "stripes, period 2", "dot"}
    photograph : list of list of int
        The pixels of the eye, 0 to 255; the other pictures are made by formula.
    transform : {"move", "turn", "rescale"}
    shift : list of two int
        How far the picture moves down and to the right; what leaves at one side comes back at the other.
    turns : {1, 2, 3}
        Quarter turns to the left.
    factor : {0.5, 2}
        Each 2 × 2 pixels become their mean, or each pixel becomes 2 × 2.
    kernel : {"identity", "blur", "Sobel", "no symmetry"}
    padding_mode : {"circular", "zeros", "reflect"}
    relu : bool
    downsampling : str
        What follows, from "none" to "blur pool s2".
    """

    _esm, _css = module("equivariance"), style("equivariance")
    name = "equivariance"
    title = "Equivariance lab"
    picture = traitlets.Enum(PICTURES, PICTURES[0]).tag(sync=True, state=True)
    photograph = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True, state=True)
    transform = traitlets.Enum(TRANSFORMS, TRANSFORMS[0]).tag(sync=True, state=True)
    shift = pair(0)
    turns = traitlets.Enum(tuple(TURNS), 1).tag(sync=True, state=True)
    factor = traitlets.Enum(tuple(FACTORS), 2).tag(sync=True, state=True)
    kernel = traitlets.Enum(tuple(KERNELS), "Sobel").tag(sync=True, state=True)
    padding_mode = traitlets.Enum(MODES, MODES[0]).tag(sync=True, state=True)
    relu = traitlets.Bool(False).tag(sync=True, state=True)
    downsampling = traitlets.Enum(tuple(DOWNSAMPLING), "none").tag(sync=True, state=True)

    def __repr__(self) -> str:
        """The picture, the transform and the operation."""
        return f"{self.title}: {self.picture}, {self.transform}; {self.operation_in_words()}"

    @traitlets.default("photograph")
    def _eye(self) -> Rows:
        grey = photograph("chelsea", shrink=4).mean(axis=0)
        return (255 * grey[17 : 17 + SIDE, 31 : 31 + SIDE]).round().astype(int).tolist()  # type: ignore[no-any-return]

    # --- what is computed ---

    @property
    def pixels(self) -> Array:
        """The picture, 24 × 24 numbers from 0 to 255."""
        rows, columns = np.indices((SIDE, SIDE))
        if self.picture == "eye":
            return np.array(self.photograph, float)
        if self.picture == "digit":  # a 7
            bar = (rows >= 4) & (rows <= 6) & (columns >= 6) & (columns <= 18)
            stem = np.clip(5 - np.abs(2 * columns - 34 + rows - 6), 0, 3) * ((rows > 6) & (rows < 21))
            return np.where(bar, 255.0, 85.0 * stem)
        if self.picture == "dot":
            return 255.0 * ((rows == SIDE // 2) & (columns == SIDE // 2))
        return 255.0 * (columns % int(self.picture.split()[-1]) == 0)

    def operate(self, image: Array, downsampling: str | None = None) -> Array:
        """Convolution, ReLU where it is on, and downsampling (the lab's, where none is named)."""
        then = downsampling or self.downsampling
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        around = "circular" if self.padding_mode == "circular" else "reflect"  # for what pools
        padded = pad(image[None], (1, 1, 1, 1), mode)
        stride = DOWNSAMPLING[then][0] if then.startswith("stride") else 1
        answer = conv2d(padded, KERNELS[self.kernel][None, None], stride=stride)
        if self.relu:
            answer = np.maximum(answer, 0)
        if then == "max pool k2 s1":
            answer = max_pool2d(pad(answer, (0, 1, 0, 1), around), 2, 1)
        elif then == "max pool k2 s2":
            answer = max_pool2d(answer, 2)
        elif then == "average pool k2 s2":
            answer = avg_pool2d(answer, 2)
        elif then == "blur pool s2":
            answer = conv2d(pad(answer, (1, 1, 1, 1), around), KERNELS["blur"][None, None], stride=2)
        return answer[0]

    @property
    def transformed(self) -> Array:
        """The transformed picture, T(x)."""
        return self._transform(self.pixels, 1)

    @property
    def answer(self) -> Array:
        """What the operation answers to the picture, op(x)."""
        return self.operate(self.pixels)

    @property
    def answer_transformed(self) -> Array:
        """The answer, transformed as the picture was: T(op(x)). It moves by whole numbers only."""
        return self._both().later

    @property
    def transformed_answer(self) -> Array:
        """The answer to the transformed picture, op(T(x))."""
        return self._both().first

    @property
    def difference(self) -> Array:
        """Between the two orders: op(T(x)) − T(op(x))."""
        return self._both().difference

    @property
    def inside(self) -> Array:
        """True for those of the compared answers that see nothing of the padding, in either order."""
        return self._both().inside

    @property
    def error(self) -> float:
        """The largest difference as a share of the largest number of the two answers, without signs."""
        return self._both().error

    @property
    def error_inside(self) -> float:
        """The same, where only differences away from the border count."""
        return self._both().error_inside

    @property
    def errors(self) -> dict[str, tuple[float, float]]:
        """For each setting of the transform: the error everywhere and away from the border."""
        settings: dict[str, dict[str, Any]] = {
            "move": {str(by): {"shift": [self.shift[0], by]} for by in range(FURTHEST + 1)},
            "turn": {str(turns): {"turns": turns} for turns in TURNS},
            "rescale": {label: {"factor": factor} for factor, label in FACTORS.items()},
        }
        both = {label: self._both(**setting) for label, setting in settings[self.transform].items()}
        return {label: (one.error, one.error_inside) for label, one in both.items()}

    @property
    def _stride(self) -> int:
        return DOWNSAMPLING[self.downsampling][0]

    def _transform(self, image: Array, stride: int, **setting: Any) -> Array:
        """A picture or, where the stride is not 1, an answer; with another setting than the lab's."""
        if self.transform == "move":
            shift = setting.get("shift", self.shift)
            return np.roll(image, [_nearest(by, stride) for by in shift], (0, 1))
        if self.transform == "turn":
            return np.rot90(image, setting.get("turns", self.turns))
        if setting.get("factor", self.factor) == 2:
            return image.repeat(2, 0).repeat(2, 1)
        height, width = image.shape
        return image.reshape(height // 2, 2, width // 2, 2).mean((1, 3))

    def _both(self, downsampling: str | None = None, **setting: Any) -> Orders:
        answer, s = self.operate(self.pixels, downsampling), self._stride
        first = self.operate(self._transform(self.pixels, 1, **setting), downsampling)
        later = self._transform(answer, s, **setting)
        unseen = self._transform(self._sees_picture_only(answer.shape), s, **setting) == 1
        return Orders(first, later, unseen & (self._sees_picture_only(first.shape) == 1))

    def _sees_picture_only(self, shape: tuple[int, ...]) -> Array:
        """1 where an answer sees nothing of the padding."""
        stride, before, after = DOWNSAMPLING[self.downsampling]
        places = stride * np.arange(shape[0])
        along = (places >= before) & (places + after < stride * shape[0])
        if self.padding_mode == "circular":  # there is no border
            along[:] = True
        return np.outer(along, along).astype(float)

    # --- in words ---

    def operation_in_words(self) -> str:
        """The operation, step by step."""
        steps = [f"{self.kernel} kernel, padding 1 {self.padding_mode}", *(["ReLU"] if self.relu else [])]
        return ", ".join(steps + ([] if self.downsampling == "none" else [self.downsampling]))

    def transform_in_words(self) -> str:
        """What happens to the picture and should happen to its answer."""
        if self.transform == "turn":
            return f"The picture makes {TURNS[self.turns]} turn to the left; so should its answer."
        if self.transform == "rescale":
            large, small = "each pixel becomes 2 × 2 pixels", "each 2 × 2 pixels become their mean"
            how = large if self.factor == 2 else small
            return f"In the picture {how}; the same should happen to its answer."
        (down, right), s = self.shift, self._stride
        moved = f"The picture moves {_pixels(down)} down and {_pixels(right)} to the right"
        if s == 1:
            return f"{moved}; so should its answer."
        text = f"{moved}; with stride {s} its answer should move by {shown(down / s)} and {shown(right / s)}"
        if down % s or right % s:
            text += f", but it can only move by whole numbers: {_nearest(down, s)} and {_nearest(right, s)}"
        return f"{text}."

    def finding_in_words(self) -> str:
        """Whether both orders give the same."""
        verb, both = self.transform.removeprefix("re"), self._both()
        if verb == "move" and not any(self.shift):
            return "Move the picture, and see whether its answer moves along."
        count, wrong = both.difference.size, int(np.count_nonzero(both.difference))
        if not wrong:
            return f"The answer {verb}s along exactly: all {count:,} numbers are equal."
        places = f"{wrong:,} of {count:,} places"
        if not both.error_inside:
            outside = "zeros" if self.padding_mode == "zeros" else "mirrored pixels"
            return (
                f"The answer {verb}s along away from the border: the {outside} outside break it at {places}."
            )
        return f"The answer does not {verb} along: it differs at {places}. {self._reason()}"

    def _reason(self) -> str:
        s, kernel = self._stride, KERNELS[self.kernel]
        keeps = f"A stride of {s} keeps only every {'second' if s == 2 else 'fourth'} row and column"
        if self.transform == "move":
            text = f"{keeps}: after this move, others."
            if self.downsampling == "blur pool s2":
                where = "" if self.padding_mode == "circular" else " away from the border"
                without = percent(self._both("stride 2").error_inside)
                text += f" Without the blur before it the error{where} would be {without}%."
            return text
        if self.transform == "turn":
            if not np.array_equal(kernel, np.rot90(kernel, self.turns)):
                return "The kernel is not turned, and turned it would be another one."
            if s == 1:
                return "Its pooling windows reach down and to the right, in the turned picture as well."
            return f"{keeps}, counted from the top left: after this turn, others."
        if self.kernel == "identity" and self.downsampling.startswith("stride"):
            return f"{keeps}, whatever the size of what they show."
        return "Its windows keep their size in pixels, so they hold another part of the rescaled picture."

    def numbers_in_words(self) -> str:
        """The error, and where it is largest."""
        both = self._both()
        where = (
            "" if self.padding_mode == "circular" else f", {percent(both.error_inside)}% away from the border"
        )
        text = f"Error {percent(both.error)}%{where}."
        if not both.error:
            return text
        i, j = both.worst
        return (
            f"{text} Largest difference: {shown(both.first[i, j])} against {shown(both.later[i, j])} "
            f"in row {i}, column {j}. Largest number: {shown(both.largest)}."
        )

    def still(self) -> Iterator[str]:
        """Both orders in sentences and numbers, and the error for each setting of the transform."""
        yield f"<p>Picture: {self.picture}, {SIDE} × {SIDE} pixels.</p>"
        yield f"<p>Operation: {self.operation_in_words()}.</p>"
        yield f"<p>{self.transform_in_words()}</p>"
        yield f"<p>{self.finding_in_words()}</p>"
        yield f"<p>{self.numbers_in_words()}</p>"
        now = {"move": str(self.shift[1]), "turn": str(self.turns), "rescale": FACTORS[self.factor]}
        shown_errors = 1 if self.padding_mode == "circular" else 2
        yield html_table(
            "The error for each setting",
            [
                [
                    f"<strong>{label}</strong>" if label == now[self.transform] else label,
                    *map(_short_percent, both[:shown_errors]),
                ]
                for label, both in self.errors.items()
            ],
            [HEADINGS[self.transform], "error in %", "away from the border"][: 1 + shown_errors],
        )
        both = self._both()
        i, _ = both.worst
        cells = zip(both.first[i], both.later[i], both.difference[i], strict=True)
        yield html_table(
            f"Row {i} of both answers, each {' × '.join(map(str, both.first.shape))}",
            [[str(j), *map(shown, numbers)] for j, numbers in enumerate(cells)],
            ["column", f"{self.transform} first", "operation first", "difference"],
        )


def percent(share: float, digits: int = 3) -> str:
    """A share of 1 in percent.

    Examples
    --------
    >>> percent(0), percent(1 / 3), percent(0.000125)
    ('0', '33.3', '0.0125')
    """
    context = Context(prec=digits, rounding=ROUND_HALF_UP)
    return shown(float(context.create_decimal(100 * share)))


def _short_percent(share: float) -> str:
    return percent(share, 2 if share < 1 else 3)


def _nearest(by: int, stride: int) -> int:
    """`by / stride` as a whole number; halves go up."""
    return (2 * by + stride) // (2 * stride)


def _pixels(count: int) -> str:
    return f"{count} pixel{'' if count == 1 else 's'}"


def equivariance(
    picture: str = "eye",
    kernel: str = "Sobel",
    *,
    transform: str = "move",
    shift: Ints = (0, 1),
    turns: int = 1,
    factor: float = 2,
    padding_mode: str = "circular",
    relu: bool = False,
    downsampling: str = "none",
) -> EquivarianceLab:
    """A live lab: transform a small picture before an operation or after it, and see the difference.

    In the book it works in the page itself; in a running notebook its state and Python's are the same. The
    kernel is 3 × 3 with padding 1. Where windows of pooling reach over the end, the other side follows with
    circular padding, else the mirrored answer.

    Parameters
    ----------
    picture : {"eye", "digit", "stripes, period 3", "stripes, period 2", "dot"}
        24 × 24 pixels; the eye is Chelsea's.
    kernel : {"identity", "blur", "Sobel", "no symmetry"}
    transform : {"move", "turn", "rescale"}
    shift : int or tuple of int
        Pixels down and to the right, 0 to 8 each; what leaves the picture comes back at the other side. An
        answer with stride s moves by shift / s, rounded to whole numbers, halves up.
    turns : {1, 2, 3}
        Quarter turns to the left.
    factor : {2, 0.5}
        Each pixel becomes 2 × 2, or each 2 × 2 pixels become their mean.
    padding_mode : {"circular", "zeros", "reflect"}
        What the convolution sees around the picture.
    relu : bool
        Negative answers become 0.
    downsampling : str
        "none", "stride 2", "stride 4", "max pool k2 s1", "max pool k2 s2", "average pool k2 s2" or "blur pool
        s2" (the kernel (1, 2, 1) along both axes, divided by 16, then every second number).

    Returns
    -------
    EquivarianceLab
        Shows itself when it is the last line of a cell. `difference`, `error` and `errors` are Python's.

    Raises
    ------
    ValueError
        An unknown word, or a shift, turn or factor that the lab cannot show.
    TypeError
        A shift or turn that is no integer, or a `relu` that is neither True nor False.

    See Also
    --------
    convlib.conv2d : the operation. Chapter 4.

    Examples
    --------
    >>> lab = equivariance("dot", "identity", shift=(0, 1))
    >>> lab.error
    0.0
    >>> lab.downsampling = "stride 2"  # the dot moves to a column that is left out
    >>> lab.errors["1"], lab.errors["2"]  # everywhere, and away from the border
    ((1.0, 1.0), (0.0, 0.0))
    """
    for name, value, words in (
        ("picture", picture, PICTURES),
        ("kernel", kernel, tuple(KERNELS)),
        ("transform", transform, TRANSFORMS),
        ("padding_mode", padding_mode, MODES),
        ("downsampling", downsampling, tuple(DOWNSAMPLING)),
    ):
        require_one_of(FUNCTION, name, value, words)
    require_flag(FUNCTION, "relu", relu)
    moved = as_tuple(shift, 2, "shift", at_least=0, function=FUNCTION)
    if max(moved) > FURTHEST:
        raise ValueError(f"{FUNCTION}: shift can be at most {FURTHEST} here, got {quoted(shift)}")
    quarters = as_integer(turns, "turns", FUNCTION)
    if quarters not in TURNS:
        raise ValueError(f"{FUNCTION}: turns must be 1, 2 or 3, got {quoted(turns)}")
    if not isinstance(factor, Real) or factor not in FACTORS:
        raise ValueError(f"{FUNCTION}: factor must be 2 or 0.5, got {quoted(factor)}")
    return EquivarianceLab(
        picture=picture,
        kernel=kernel,
        transform=transform,
        shift=list(moved),
        turns=quarters,
        factor=2 if factor == 2 else 0.5,
        padding_mode=padding_mode,
        relu=relu,
        downsampling=downsampling,
    )
