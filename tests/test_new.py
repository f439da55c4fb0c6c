"""What tools/new.py writes works at once, and where anything is wrong it writes nothing."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import new
import notebooks
import pytest

ROOT = Path(__file__).resolve().parents[1]
LONG = "a-name-of-twenty-4-signs"
CHAPTERS = range(1, 16)
NEW_CHAPTER = len(list(ROOT.glob("book/[0-9][0-9]-*.ipynb"))) + 1


def copy_of_the_project(folder: Path) -> Path:
    left_out = shutil.ignore_patterns(".*", "_build", "build", "dist", "__pycache__", "*.egg-info")
    return shutil.copytree(ROOT, folder / "copy", ignore=left_out)


def python(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python with the package of the copy."""
    given = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    environment = given | notebooks.ONE_THREAD | {"PYTHONPATH": str(copy)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)


def ask(copy: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """The tool in this process, which spares the start of another."""
    monkeypatch.setattr(new, "ROOT", copy)
    monkeypatch.setattr(sys, "argv", ["new.py", *arguments])
    new.main()


# ---------------------------------------------------------------- what is written


def contributing(pattern: str) -> list[str]:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return re.findall(rf"^\.venv/bin/python {pattern}", text, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the things that CONTRIBUTING.md makes, and an exercise in every chapter."""
    copy = copy_of_the_project(tmp_path_factory.mktemp("made"))
    commands = [command.split() for command in contributing(r"tools/new\.py (.*?) +#")]
    assert sorted(kind for kind, *_ in commands) == ["chapter", "exercise", "lab", "question"]
    commands += [["lab", LONG], ["lab", "zz"], ["chapter", LONG]]
    commands += [["exercise", f"{number}", f"fresh-{number}"] for number in (*CHAPTERS, NEW_CHAPTER)]
    with pytest.MonkeyPatch.context() as patch:
        for command in commands:
            ask(copy, patch, *command)
    return copy


def test_the_new_chapter_runs_and_is_stored_as_all_are(made: Path) -> None:
    (chapter,) = (path for path in made.glob(f"book/{NEW_CHAPTER}-*.ipynb"))
    ran = python(made, "tools/notebooks.py", str(chapter))
    assert ran.stderr == ""
    checked = python(made, "tools/notebooks.py", "--check", str(chapter))
    assert (checked.returncode, checked.stderr) == (0, "")
    text = chapter.read_text(encoding="utf-8")
    for part in ("image/png", "4 steps: 2.0 4.0 0.0 -5.0", "agree with the definition", "### Exercise 2: "):
        assert part in text
    assert text.count("not tried yet") == 2


def test_style_and_form_are_those_of_the_project(made: Path) -> None:
    for command in (["check"], ["format", "--check"]):
        done = python(made, "-m", "ruff", *command, "--no-cache", ".")
        assert done.returncode == 0, done.stdout


def test_the_tests_of_what_is_new_pass(made: Path) -> None:
    names = ["fresh", "steps_of_a_row", "steps-of-a-row", "places-in-a-row", "sparse", LONG, "twenty_4", "zz"]
    chosen = " or ".join([*names, "table_of_chapters", "known_to_the_book"])
    files = ["test_question_bank", "test_labs", "test_project", "test_lab_zz", "test_lab_zz_in_browser"]
    files += [path.stem for path in (made / "tests").glob("test_exercises*.py")]
    paths = [f"tests/{name}.py" for name in files] + ["convlib/labs/zz.py"]
    done = python(made, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, *paths)
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) > 8 * len(CHAPTERS)


def test_nothing_but_lines_is_added_to_what_was_there(made: Path) -> None:
    for path in ("README.md", "_toc.yml", "convlib/labs/__init__.py", "convlib/exercises/__init__.py"):
        before, after = ((folder / path).read_text("utf-8").splitlines() for folder in (ROOT, made))
        rest = iter(after)
        assert [line for line in before if line not in rest] == []  # all of them, in their order
        assert len(after) > len(before)


def test_the_tool_says_what_it_wrote_and_what_to_do_next(tmp_path: Path) -> None:
    copy = copy_of_the_project(tmp_path)
    (command,) = contributing(r"(tools/new\.py exercise .*?) +#")
    done = python(copy, *command.split())
    assert done.returncode == 0
    written, following = re.fullmatch(r"Written:\n(.*)Next:\n(.*)", done.stdout, re.DOTALL).groups()
    changed = {
        path.relative_to(copy)
        for path in copy.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    changed = {
        path
        for path in changed
        if not (ROOT / path).exists() or (ROOT / path).read_bytes() != (copy / path).read_bytes()
    }
    assert {Path(name) for name in written.split()} == changed
    commands = contributing(r"(?!tools/new)(.*)")
    assert [line for line in commands if line.startswith("tools/notebooks.py book/07")] != []
    assert re.findall(r"run: \.venv/bin/python (.*)", following) == commands[:2]


# ---------------------------------------------------------------- what is not written


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_the_project(tmp_path_factory.mktemp("untouched"))


def state(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("chapter Sparse", "a name is at most 24 signs, in words like-this; got 'Sparse'"),
        ("chapter sparse_windows", "got 'sparse_windows'"),
        ("chapter ../sparse", "got '../sparse'"),
        (f"lab {LONG}s", f"got '{LONG}s'"),
        ("lab 3d", "got '3d'"),
        ("lab lambda", "lambda means something in Python"),
        ("exercise 7 sum", "sum means something in Python"),
        ("chapter upsampling", "upsampling is in use where it would stand"),
        ("chapter bank", "bank is in use where it would stand"),
        ("chapter arithmetic", "convlib/exercises/arithmetic.py is there already"),
        ("lab tokens", "tokens is in use where it would stand"),
        ("lab stride", "stride is in use where it would stand"),
        ("lab parts", "convlib/labs/parts.js is there already"),
        ("question 3 same-padding", "same-padding is in use where it would stand"),
        ("question 16 fresh", "chapter 16 has no questions yet"),
        ("question 99 fresh", "there is no chapter 99"),
        ("exercise 3 pixel-shuffle", "there is an exercise pixel-shuffle already"),
        ("chapter pixel-shuffle", "there is an exercise pixel-shuffle already"),
        ("exercise 7 row", "row is in use where it would stand"),
        ("exercise 16 fresh", "chapter 16 has no exercises"),
        ("exercise 99 fresh", "there is no chapter 99"),
    ],
)
def test_what_cannot_be_is_refused_in_plain_words(
    command: str,
    reason: str,
    untouched: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = state(untouched)
    with pytest.raises(SystemExit, match="^Nothing was written: .*" + re.escape(reason)):
        ask(untouched, monkeypatch, *command.split())
    assert capsys.readouterr().out == ""
    assert state(untouched) == before


@pytest.mark.parametrize("command", ["chapter fresh", "lab fresh", "question 7 fresh", "exercise 7 fresh"])
def test_a_disk_that_is_full_leaves_all_as_it_was(
    command: str,
    untouched: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = {path: path.read_bytes() for path in untouched.rglob("*") if path.is_file()}
    write, calls = Path.write_text, []

    def written_until_full(path: Path, *arguments: object, **options: object) -> int:
        calls.append(path)
        write(path, *arguments, **options)
        if len(calls) == (1 if "question" in command else 3):
            raise OSError("the disk is full")
        return 0

    monkeypatch.setattr(Path, "write_text", written_until_full)
    with pytest.raises(SystemExit, match=r"^Nothing was written: the disk is full\.$"):
        ask(untouched, monkeypatch, *command.split())
    assert {path: path.read_bytes() for path in untouched.rglob("*") if path.is_file()} == before
