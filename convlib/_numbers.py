"""How numbers are written, in Python as in a page's script."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context

import numpy as np

# Halves away from zero, as JavaScript does.
DIGITS, CERTAIN = (Context(prec=digits, rounding=ROUND_HALF_UP) for digits in (4, 13))


def shown(value: float) -> str:
    """Whole numbers in full, others with four digits, and a real minus sign.

    Only 13 digits count: the last ones of a sum depend on the processor, and would decide about halves.

    Examples
    --------
    >>> shown(-3.0), shown(1 / 3)
    ('−3', '0.3333')
    """
    rounded = value
    if value != int(value):
        certain = float(CERTAIN.create_decimal(value))
        rounded = float(DIGITS.create_decimal(certain))
    if rounded == int(rounded):
        text = f"{rounded:.0f}"
    elif abs(rounded) >= 1e-6:
        text = np.format_float_positional(rounded)
    else:
        text = repr(rounded).replace("e-0", "e-")
    return ("0" if text == "-0" else text).replace("-", "\N{MINUS SIGN}")
