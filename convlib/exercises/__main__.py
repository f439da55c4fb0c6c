"""The question bank on paper and on flash cards.

python -m convlib.exercises exam --chapter 3 --chapter 5 --count 10 --seed 7 --answers > exam.html
python -m convlib.exercises anki > convolutions.txt
"""

from __future__ import annotations

import argparse
import sys

from convlib.exercises.bank import chapters
from convlib.exercises.printed import anki, chosen, exam


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m convlib.exercises", description="The question bank, on paper and on flash cards."
    )
    kinds = parser.add_subparsers(dest="kind", required=True)
    paper = kinds.add_parser("exam", help="a printable page of questions")
    cards = kinds.add_parser("anki", help="flash cards that Anki imports")
    for one in (paper, cards):
        one.add_argument(
            "--chapter", type=int, action="append", choices=[*chapters()], help="several times for several"
        )
        one.add_argument("--level", type=int, default=0, choices=(1, 2, 3), help="recall, apply, combine")
    paper.add_argument("--count", type=int, default=20, help="how many questions (20)")
    paper.add_argument("--seed", type=int, default=0, help="the same number makes the same exam (0)")
    paper.add_argument("--answers", action="store_true", help="with the answers, on a page of their own")
    given = parser.parse_args(arguments)
    which = (given.chapter or (), given.level)
    if given.kind == "exam":
        if given.count < 1:
            parser.error(f"--count must be at least 1, got {given.count}")
        if (there := len(chosen(*which))) < given.count:
            print(f"There are {there} such questions, not {given.count}: here are all.", file=sys.stderr)
        text = exam(*which, given.count, given.seed, given.answers)
    else:
        text = anki(*which)
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # whatever the terminal's own is
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
