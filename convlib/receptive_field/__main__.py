"""``python -m convlib.receptive_field package.module:factory --input 224``"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from convlib.receptive_field.models import receptive_field


def parser() -> argparse.ArgumentParser:
    """The command line, as ``--help`` tells it."""
    line = argparse.ArgumentParser(
        prog="python -m convlib.receptive_field",
        description="The receptive field of every layer of a torch model.",
    )
    line.add_argument(
        "model",
        metavar="module:factory",
        help="a function or a class that makes the model, or the model itself",
    )
    line.add_argument(
        "--input",
        type=int,
        nargs="+",
        required=True,
        metavar="N",
        help="pixels along each axis; one number for all",
    )
    line.add_argument(
        "--channels", type=int, help="of the image; by default what the first convolution takes"
    )
    line.add_argument("--train", action="store_true", help="as it trains: batch norm sees the whole image")
    line.add_argument("--whole", action="store_true", help="let unknown operations see all of their inputs")
    line.add_argument("--every", action="store_true", help="list layers that change nothing, too")
    line.add_argument("--unit", type=int, nargs="+", metavar="U", help="tell what this output unit sees")
    line.add_argument("--json", action="store_true", help="plain data in place of the table")
    line.add_argument("--html", type=Path, metavar="FILE", help="write the table as HTML, too")
    return line


def made(name: str) -> Any:
    """The model that ``module:factory`` stands for."""
    module, _, attribute = name.partition(":")
    if not attribute:
        raise SystemExit(f"{name!r} names no factory: write it as module:factory")
    sys.path.insert(0, "")  # a model in the current folder is found, as by python itself
    try:
        value: Any = importlib.import_module(module)
    except ImportError as problem:
        raise SystemExit(f"cannot import {module!r}: {problem}") from None
    finally:
        sys.path.remove("")
    for part in attribute.split("."):
        if not hasattr(value, part):
            raise SystemExit(f"{module!r} has no {attribute!r}")
        value = getattr(value, part)
    import torch

    return value if isinstance(value, torch.nn.Module) else value()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the report of one model."""
    given = parser().parse_args(arguments)
    model = made(given.model).train(given.train)
    size = given.input[0] if len(given.input) == 1 else given.input
    try:
        report = receptive_field(model, size, given.channels, "whole" if given.whole else "error")
    except NotImplementedError as problem:
        raise SystemExit(f"{problem} (here: --whole)") from None
    if given.html:
        given.html.write_text(report._repr_html_(), encoding="utf-8")
    print(json.dumps(report.to_dict(), indent=1) if given.json else report.to_text(given.every))
    if given.unit:
        seen = ", ".join(f"{one[0]}..{one[1]}" if one else "nothing" for one in report.region(given.unit))
        print(f"Output unit {' x '.join(map(str, given.unit))} sees {seen}.")


if __name__ == "__main__":
    main()
