"""Experiments that run Python: sliders around a function that draws a figure."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

import ipywidgets  # type: ignore[import-untyped]
from IPython.utils.capture import capture_output
from matplotlib_inline.backend_inline import flush_figures

FIGURE = "image/png"


class Experiment:
    """Sliders, and what the function draws for their values; made by `interact`.

    Attributes
    ----------
    controls : dict of str to widget
        A slider or a menu for each argument. To set ``controls["padding"].value`` is to move it.
    """

    def __init__(self, function: Callable[..., Any], controls: dict[str, Any]) -> None:
        self.function, self.controls = function, controls
        data, self._metadata = self._drawn()
        self._still = data[FIGURE]
        self._picture = ipywidgets.Image(value=b64decode(self._still), format="png")
        self._picture.layout.max_width = "100%"
        for size, pixels in self._metadata.get(FIGURE, {}).items():
            setattr(self._picture, size, str(pixels))
        self._message = ipywidgets.Label()
        for control in controls.values():
            if hasattr(control, "continuous_update"):
                control.continuous_update = False  # a figure takes longer than a slider moves
            control.observe(self._redraw, "value")
        self._box = ipywidgets.VBox([*controls.values(), self._message, self._picture])

    def __repr__(self) -> str:
        """The values, and what it takes to change them."""
        values = ", ".join(f"{name} = {control.value}" for name, control in self.controls.items())
        return f"{self.function.__name__}: {values} (with a running kernel there are controls here)"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        # Controls for a notebook that runs; the figure for paper, and for a page.
        live = self._box._repr_mimebundle_(**kwargs)
        return live | {FIGURE: self._still, "text/plain": repr(self)}, self._metadata

    def _drawn(self) -> tuple[dict[str, Any], dict[str, Any]]:
        flush_figures()  # type: ignore[no-untyped-call]  # what was drawn before is not of this experiment
        with capture_output(display=True) as captured:
            self.function(**{name: control.value for name, control in self.controls.items()})
            flush_figures()  # type: ignore[no-untyped-call]
        for output in captured.outputs:
            if FIGURE in output.data:
                return output.data, output.metadata or {}
        raise ValueError(f"interact: {self.function.__name__} drew no figure")

    def _redraw(self, _: object) -> None:
        try:
            self._picture.value = b64decode(self._drawn()[0][FIGURE])
            self._message.value = ""
        except Exception as error:  # the reader's own function, and settings that do not go together
            self._message.value = f"{type(error).__name__}: {error}"


def interact(function: Callable[..., Any], **controls: Any) -> Experiment:
    """Sliders and menus for the arguments of a function that draws a figure.

    Needs a running kernel: without one the figure for the first values is shown. For what works everywhere
    there are the labs.

    Parameters
    ----------
    function
        Draws one figure.
    **controls
        For each argument what `ipywidgets.interact` takes: ``(0, 12)`` or ``(0.0, 1.0, 0.1)`` for a slider, a
        list for a menu, True or False for a box to tick, a widget. A default of the function is the first
        value.

    Returns
    -------
    Experiment
        Shows itself when it is the last line of a cell.

    Raises
    ------
    ValueError
        An argument without a control or a control without an argument, or a function that draws no figure.
    TypeError
        A control that ipywidgets cannot make anything of.

    See Also
    --------
    ipywidgets.interact : the same without a result for readers who have no kernel.
    """
    arguments = signature(function).parameters
    free = {name for name, one in arguments.items() if one.default is Parameter.empty}
    if unknown := sorted(controls.keys() - arguments.keys()):
        raise ValueError(f"interact: {function.__name__} has no argument {unknown[0]}")
    if missing := sorted(free - controls.keys()):
        raise ValueError(f"interact: no control for {missing[0]}, which {function.__name__} needs")
    made = {}
    for name, control in controls.items():
        default = arguments[name].default
        widget = ipywidgets.interactive.widget_from_abbrev(control, default)
        if widget is None:
            raise TypeError(f"interact: no control can be made of {name}={control!r}")
        widget.description = name
        made[name] = widget
    return Experiment(function, made)
