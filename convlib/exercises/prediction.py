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
.predict { border: 1px solid; border-radius: 0.4em; margin: 0.5em 0; padding: 0.3em 1em 0.7em; min-width: 0; }
.predict legend { float: none; width: auto; margin: 0; padding: 0 0.4em; font-size: 1em; font-weight: 600; }
.predict .option { display: flex; gap: 0.6em; align-items: baseline; padding: 0.25em 0; }
.predict .option input { flex: none; margin: 0; accent-color: currentColor; }
.predict .option label { margin: 0; cursor: pointer; }
.predict .because { margin: 0.6em 0 0; padding: 0.1em 0 0.1em 0.8em; border-left: 0.3em solid; }
.predict .right { border-color: var(--pst-color-success, var(--jp-success-color1, #2e8b57)); }
.predict .wrong { border-color: var(--pst-color-warning, var(--jp-warn-color1, #b7791f)); }
""".strip()
SHOWN = "{ display: block !important; }"


@dataclass(frozen=True, repr=False)
class Prediction:
    """A question that shows itself in a notebook, in the book and as plain text."""

    question: str
    options: dict[str, str]
    answer: str

    def __repr__(self) -> str:
        letters = [
            f"  {letter}) {label}" for letter, label in zip(ascii_lowercase, self.options, strict=False)
        ]
        return "\n".join([f"Predict first. {self.question}", *letters, "(the next cell shows it)"])

    def _repr_html_(self) -> str:
        # Of the content, so that every run writes the same and no two questions on a page share one.
        group = "predict-" + hashlib.sha256(repr((self.question, *self.options)).encode()).hexdigest()[:8]
        choices, explanations, uncover = [], [], []
        for number, (label, explanation) in enumerate(self.options.items(), start=1):
            identifier = f"{group}-{number}"
            # Without data-lm-suppress-shortcuts JupyterLab takes the arrow keys for itself.
            choices.append(
                f'<div class="option"><input type="radio" name="{group}" id="{identifier}"'
                ' data-lm-suppress-shortcuts="true">'
                f'<label for="{identifier}">{inline(label)}</label></div>'
            )
            kind, verdict = ("right", "Right.") if label == self.answer else ("wrong", "Not quite.")
            explanations.append(
                f'<p class="because {kind}" hidden><strong>{verdict}</strong> {inline(explanation)}</p>'
            )
            uncover.append(
                f".predict:has(.option:nth-of-type({number}) :checked) .because:nth-of-type({number})"
            )
        rules = [STYLE, ", ".join(uncover) + f" {SHOWN}", f"@media print {{ .predict .because {SHOWN} }}"]
        return "\n".join(
            [
                "<style>",
                *rules,
                "</style>",
                f'<fieldset class="predict"><legend>{inline(self.question)}</legend>',
                *choices,
                '<div role="status">',  # there before its content is, or screen readers do not read that out
                *explanations,
                "</div>",
                "</fieldset>",
            ]
        )


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
