"""Questions to answer before the next cell is run: radio buttons whose explanations CSS alone uncovers."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from html import escape
from string import ascii_lowercase

# The book, JupyterLab and a bare page each have their own colours; text keeps the one it has there.
# `hidden` keeps the explanations shut where this sheet does not arrive; Bootstrap makes it !important.
STYLE = """
<style>
.predict { margin: 0.5em 0; padding: 0.6em 1em; min-width: 0; overflow-wrap: anywhere; border-radius: 0.4em; }
.predict { border: 1px solid color-mix(in srgb, currentColor 45%, transparent); }
.predict legend { float: left; width: 100%; margin: 0 0 0.3em; padding: 0; font-size: 1em; font-weight: 600; }
.predict legend + * { clear: both; }
.predict .option { display: flex; gap: 0.6em; align-items: baseline; padding: 0.25em 0; }
.predict input { flex: none; margin: 0; accent-color: currentColor; }
.predict .option label { margin: 0; cursor: pointer; }
.predict .because { margin: 0.2em 0 0.6em; padding: 0.1em 0 0.1em 0.8em; border-left: 0.3em solid; }
.predict .right { border-color: var(--pst-color-success, var(--jp-success-color1, #2e8b57)); }
.predict .wrong { border-color: var(--pst-color-warning, var(--jp-warn-color1, #b7791f)); }
.predict .option:has(:checked) + * > .because { display: block !important; }
@media print { .predict .because { display: block !important; } }
</style>
""".strip()


@dataclass(frozen=True, repr=False)
class Prediction:
    """A question that shows itself in a notebook, in the book and as plain text."""

    question: str
    options: dict[str, str]
    answer: str

    def __repr__(self) -> str:
        choices = [
            f"  {letter}) {label}" for letter, label in zip(ascii_lowercase, self.options, strict=False)
        ]
        return "\n".join([f"Predict first. {self.question}", *choices, "(the next cell shows it)"])

    def _repr_html_(self) -> str:
        # Of the content, so that every run writes the same and no two questions on a page share one.
        group = "predict-" + hashlib.sha256(repr((self.question, *self.options)).encode()).hexdigest()[:8]
        lines = [STYLE, f'<fieldset class="predict"><legend>{inline(self.question)}</legend>']
        for number, (label, explanation) in enumerate(self.options.items(), start=1):
            identifier = f"{group}-{number}"
            kind, verdict = ("right", "Right.") if label == self.answer else ("wrong", "Not quite.")
            # Without data-lm-suppress-shortcuts JupyterLab takes the arrow keys for itself.
            # A screen reader reads out what appears in a status only if the status was there before.
            lines += [
                f'<div class="option"><input type="radio" name="{group}" id="{identifier}"'
                f' data-lm-suppress-shortcuts="true"><label for="{identifier}">{inline(label)}</label></div>',
                f'<div role="status"><p class="because {kind}" hidden>'
                f"<strong>{verdict}</strong> {inline(explanation)}</p></div>",
            ]
        return "\n".join([*lines, "</fieldset>"])


def predict(question: str, options: dict[str, str], answer: str) -> Prediction:
    """Ask the reader to commit to an answer before running the next cell.

    Each option shows its own explanation once it is chosen, without a script. `Backticks` set code.

    Parameters
    ----------
    question
        What will happen?
    options
        The answers that people really give, each with a kind explanation of why it is right or wrong.
    answer
        The right one of the options.

    Returns
    -------
    Prediction
        Shows itself when it is the last line of a cell.

    Examples
    --------
    >>> predict(
    ...     "How large is the output of a 3 x 3 kernel on a 5 x 5 image?",
    ...     {"5 x 5": "Only with padding.", "3 x 3": "There are 5 - 3 + 1 = 3 positions along each side."},
    ...     answer="3 x 3",
    ... )
    Predict first. How large is the output of a 3 x 3 kernel on a 5 x 5 image?
      a) 5 x 5
      b) 3 x 3
    (the next cell shows it)
    """
    if not question.strip():
        raise ValueError("predict: the question is empty")
    if not 2 <= len(options) <= len(ascii_lowercase):
        raise ValueError(f"predict: a choice needs at least two options, got {len(options)}")
    for label, explanation in options.items():
        if not label.strip():
            raise ValueError("predict: an option has an empty label")
        if not explanation.strip():
            raise ValueError(f"predict: the option {label!r} has no explanation")
    if answer not in options:
        raise ValueError(
            f"predict: the answer {answer!r} is none of the options {', '.join(map(repr, options))}"
        )
    return Prediction(question, dict(options), answer)


def inline(text: str) -> str:
    """Escaped, with `code` between backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
