"""The labs' modules without a page: what they compute, called from Python."""

import atexit
import functools
import json

from py_mini_racer import MiniRacer

from convlib.labs import LABS
from convlib.labs._lab import Lab, module

NAMES = [lab.name for lab in LABS]


@functools.cache
def engine(name: str) -> MiniRacer:
    made = MiniRacer()
    atexit.register(made.close)  # left to itself it keeps Python 3.13 from ending
    made.eval(module(name).replace("export default", "const exported ="))
    return made


def call(name: str, function: str, *arguments: object) -> object:
    """A function of the module `name`, with and without the parts that all labs share."""
    written = ", ".join(json.dumps(argument) for argument in arguments)
    return json.loads(engine(name).eval(f"JSON.stringify({function}({written}) ?? null)"))


def state_of(lab: Lab) -> dict[str, object]:
    """What the live view is given."""
    return {name: getattr(lab, name) for name in lab.trait_names(state=True)}
