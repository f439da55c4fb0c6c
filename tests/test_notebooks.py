"""How notebooks are run, stored and refused (tools/notebooks.py) and compared (nbval_strict.py)."""

import io
import os
import platform
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from base64 import b64decode, b64encode
from pathlib import Path
from textwrap import dedent

import nbformat
import notebooks
import numpy as np
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbval_strict import LARGEST_DIFFERENCE, difference
from PIL import Image

ROOT = Path(notebooks.__file__).resolve().parents[1]
TOOL = ROOT / "tools" / "notebooks.py"
ALT = {"mystnb": {"image": {"alt": "A zigzag."}}}


def python(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Python without the settings that this test run was given."""
    given = {*notebooks.ONE_THREAD, *notebooks.OTHER_INSTRUCTION_SET, "COLUMNS"}
    # pytest-xdist tells its children who they are; these are on their own.
    env = {key: value for key, value in os.environ.items() if key not in given and "PYTEST" not in key}
    return subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, env=env)


def write(path: Path, *cells: NotebookNode) -> Path:
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def code(source: str = "x = 1", *outputs: NotebookNode, **metadata: object) -> NotebookNode:
    return new_code_cell(source, outputs=list(outputs), metadata=metadata)


def printed(text: str, name: str = "stdout") -> NotebookNode:
    return new_output("stream", text=text, name=name)


def shown(**data: object) -> NotebookNode:
    return new_output("display_data", data={mime.replace("_", "/"): value for mime, value in data.items()})


def error() -> NotebookNode:
    frames = ["File /home/me/convlib/conv.py:7", "ValueError: no"]
    return new_output("error", ename="ValueError", evalue="no", traceback=frames)


def complaints(folder: Path, *cells: NotebookNode) -> list[str]:
    """What is said of these cells when they were run in order and are stored in the agreed form."""
    for number, cell in enumerate((cell for cell in cells if cell.cell_type == "code"), start=1):
        cell.execution_count = number
    path = folder / "stored.ipynb"
    path.write_text(notebooks.canonical(new_notebook(cells=list(cells))), encoding="utf-8")
    return [line.removeprefix(f"{path}: ") for line in notebooks.complaints(path)]


# ---------------------------------------------------------------- running and storing

ZIGZAG = """\
import os
import matplotlib.pyplot as plt

def zigzag():
    figure, axes = plt.subplots(figsize=(4, 3))
    axes.plot([0, 1, 0, 2])

print(os.environ["OMP_NUM_THREADS"], "thread")
print("in", os.path.basename(os.getcwd()))
"""
FIGURES = 6


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """The tool run on a notebook that fails, and then on one with text and figures."""
    folder = tmp_path_factory.mktemp("book")
    broken = write(folder / "broken.ipynb", code("x = 1"), new_markdown_cell("text"), code("x / 0"))
    figures = (code("zigzag()", **ALT) for _ in range(FIGURES))
    sample = write(
        folder / "sample.ipynb", new_markdown_cell("# Zigzags"), code(ZIGZAG, scrolled=True), *figures
    )
    shutil.copy(broken, folder / "broken.copy")
    return python(TOOL, broken, sample)


@pytest.fixture(scope="module")
def sample(first_run: subprocess.CompletedProcess[str]) -> Path:
    """The notebook with text and figures, run and stored."""
    return Path(first_run.args[-1])


def test_a_run_uses_one_thread_in_the_folder_of_the_notebook(sample: Path) -> None:
    outputs = nbformat.read(sample, as_version=4).cells[1].outputs
    assert [output.text for output in outputs] == [f"1 thread\nin {sample.parent.name}\n"]


def test_what_was_run_and_stored_passes_the_check(sample: Path) -> None:
    assert list(notebooks.complaints(sample)) == []


def test_running_again_gives_the_same_bytes_pictures_included(sample: Path) -> None:
    first = sample.read_bytes()
    assert first.count(b'"image/png": "iVBOR') == FIGURES
    sample.write_text(sample.read_text().replace("iVBOR", "iVbor"))
    assert python(TOOL, sample).returncode == 0
    assert sample.read_bytes() == first


def test_storing_what_is_stored_changes_nothing(sample: Path) -> None:
    text = sample.read_text(encoding="utf-8")
    assert notebooks.canonical(nbformat.reads(text, as_version=4)) == text


def test_a_failing_run_names_the_cell_and_leaves_the_file_alone(
    first_run: subprocess.CompletedProcess[str], sample: Path
) -> None:
    broken = sample.with_name("broken.ipynb")
    assert first_run.returncode == 1
    assert first_run.stderr.startswith(f"{broken}: cell [2] failed, the file is unchanged\n")
    assert first_run.stderr.endswith("ZeroDivisionError: division by zero\n\n")
    assert broken.read_bytes() == sample.with_name("broken.copy").read_bytes()
    assert {path.name for path in sample.parent.iterdir()} == {"broken.ipynb", "broken.copy", "sample.ipynb"}


# ---------------------------------------------------------------- the agreed form


def canonical(cell: NotebookNode) -> NotebookNode:
    return nbformat.reads(notebooks.canonical(new_notebook(cells=[cell])), as_version=4).cells[0]


def test_ids_follow_from_the_source_and_differ_for_equal_cells() -> None:
    def ids() -> list[str]:
        text = notebooks.canonical(new_notebook(cells=[code("a"), code("b"), code("a")]))
        return [cell.id for cell in nbformat.reads(text, as_version=4).cells]

    first, other, second = ids()
    assert ids() == [first, other, second]
    assert second == f"{first}-2"
    assert other != first


def test_neighbouring_prints_are_one_output() -> None:
    cell = canonical(code("", printed("a\n"), printed("b\n"), printed("!", "stderr"), printed("c\n")))
    assert [(output.name, output.text) for output in cell.outputs] == [
        ("stdout", "a\nb\n"),
        ("stderr", "!"),
        ("stdout", "c\n"),
    ]


def test_a_picture_keeps_its_size_and_carries_the_alt_text_of_its_cell() -> None:
    picture = new_output("display_data", data={"image/png": "AAAA"})
    picture.metadata = {"needs_background": "light", "image/png": {"width": 5, "height": 4, "dpi": 3}}
    stored = canonical(code("", picture, **ALT)).outputs[0].metadata
    assert stored == {"image/png": {"width": 5, "height": 4, "alt": "A zigzag."}}


def test_a_widget_is_stored_as_its_page_without_the_random_view() -> None:
    live = {notebooks.WIDGET_VIEW: {"model_id": "3f0c"}, "text/html": "<p>3</p>", "text/plain": "Slider"}
    stored = canonical(code("", new_output("display_data", data=live)))
    assert stored.outputs[0].data == {"text/html": "<p>3</p>", "text/plain": "Slider"}


def test_an_experiment_is_stored_as_its_figure_without_the_random_view() -> None:
    live = {notebooks.WIDGET_VIEW: {"model_id": "3f0c"}, "image/png": "AAAA", "text/plain": "Slider"}
    stored = canonical(code("", new_output("display_data", data=live), **ALT))
    assert stored.outputs[0].data == {"image/png": "AAAA", "text/plain": "Slider"}


def test_an_error_is_stored_as_its_message_without_the_frames_of_this_machine() -> None:
    assert canonical(code("", error())).outputs[0].traceback == ["ValueError: no"]


def test_only_the_metadata_that_the_book_reads_is_stored() -> None:
    noise = {"scrolled": True, "collapsed": False, "execution": {"iopub.status.busy": "now"}}
    assert canonical(code("", tags=["hide-input"], **noise, **ALT)).metadata == {
        "tags": ["hide-input"],
        **ALT,
    }
    notebook = new_notebook(
        metadata={
            "widgets": {},
            "kernelspec": {"name": "mine", "display_name": "Mine"},
            "myst": {"title": "T"},
        }
    )
    stored = nbformat.reads(notebooks.canonical(notebook), as_version=4).metadata
    assert stored == {
        "kernelspec": notebooks.KERNEL,
        "language_info": notebooks.LANGUAGE,
        "myst": {"title": "T"},
    }


@pytest.mark.parametrize(
    ("tag", "hidden"),
    [
        ("solution", {"source_hidden": True}),
        ("remove-input", {"source_hidden": True}),
        ("predict", {"outputs_hidden": True, "source_hidden": True}),
    ],
)
def test_what_the_book_hides_is_closed_in_jupyterlab(tag: str, hidden: dict[str, bool]) -> None:
    assert canonical(code("", tags=[tag])).metadata.jupyter == hidden


def test_what_the_book_shows_is_open_in_jupyterlab() -> None:
    cell = code("", tags=["hide-cell"])
    cell.metadata.jupyter = {"source_hidden": True}
    assert "jupyter" not in canonical(cell).metadata


# ---------------------------------------------------------------- the check

LINES = "\n".join(f"x = {i}\n" for i in range(15))
REFUSED = {
    "an error": (code("", error()), "raised ValueError without the tag raises-exception"),
    "a warning": (
        code("", printed("w.py:1:\nUserWarning: no", "stderr")),
        "wrote to stderr: UserWarning: no",
    ),
    "a bare figure": (code("", shown(image_png="AAAA")), "a figure without alt text: add"),
    "two figures": (
        code("", shown(image_png="AAAA"), shown(image_svg="<svg/>"), **ALT),
        "2 figures share one alt text: one figure a cell",
    ),
    "a long cell": (code(f"{LINES}x = 15"), "16 lines of code, at most 15"),
    "a long solution": (code(f"{LINES}{LINES}x = 30", tags=["solution"]), "31 lines of code, at most 30"),
    "many digits": (code("", printed("loss 0.12345")), "prints more than 4 significant digits: 0.12345"),
    "many digits with an exponent": (code("", printed("1.2345e-05 m")), "digits: 1.2345e-05"),
    "many digits in an array": (code("", printed("[0.5 0.12345678]")), "digits: 0.12345678"),
    "many digits in HTML": (code("", shown(text_html="<td>12.345</td>")), "digits: 12.345"),
    "many digits in Markdown": (code("", shown(text_markdown="| 12.345 |")), "digits: 12.345"),
    "many digits in a value": (code("", shown(text_plain="np.float64(0.12345)")), "digits: 0.12345"),
    "an address": (
        code("", printed("<object at 0x7f5ae01c7e30>")),
        "prints a memory address: 0x7f5ae01c7e30",
    ),
    "a path": (code("", printed("in /tmp/x/a.png")), "prints an absolute path: /tmp/x/a.png"),
    "a path of home": (code("", printed("'~/x/a.png'")), "prints an absolute path: ~/x/a.png"),
    "a path of Windows": (code("", printed(r"C:\Users\me")), r"prints an absolute path: C:\Users\me"),
    "a path in a value": (code("", shown(text_plain="PosixPath('/opt/x')")), "an absolute path: /opt/x"),
    "a duration": (code("", printed("took 3.1 ms")), "prints a time: 3.1 ms"),
    "seconds": (code("", printed("took 0.25 s")), "prints a time: 0.25 s"),
    "a bare widget": (
        code("", new_output("display_data", data={notebooks.WIDGET_VIEW: {"model_id": "1"}})),
        "shows a widget without text/html",
    ),
    "a chosen device": (
        code("device = 'cuda' if torch.cuda.is_available() else 'cpu'"),
        'asks which device there is: write device = "cpu" in plain sight',
    ),
    "an unexplained silence": (
        code("race({})", tags=["nbval-ignore-output"]),
        'nbval-ignore-output without {"nbval": {"why": "the reason"}} in the metadata',
    ),
    "a silence without a measurement": (
        code("race = 3; print(race)", tags=["nbval-ignore-output"], nbval={"why": "a timing"}),
        "is not compared, but calls neither race nor is_available: compare it",
    ),
    "a measurement in a comment": (
        code("x = 1  # race(x)", tags=["nbval-ignore-output"], nbval={"why": "a timing"}),
        "is not compared, but calls neither race nor is_available",
    ),
    "a skipped cell": (code("race({})", tags=["nbval-skip"]), "nbval-skip without"),
    "a silencing comment": (code("# NBVAL_IGNORE_OUTPUT\nx"), "speaks to nbval in a comment"),
    "a semicolon": (code("x;\n"), "ends in a semicolon"),
    "torch without a seed": (code("import torch"), "imports torch without torch.manual_seed"),
    "a layer without a seed": (code("x = 1\nfrom torch.nn import Linear"), "without torch.manual_seed"),
    "a seed in a comment": (code("import torch\n# torch.manual_seed(0)"), "without torch.manual_seed"),
}
ACCEPTED = {
    "a shape": code("", printed("(1, 3, 5, 5)")),
    "an integer": code("", printed("1234567 and -50176.0")),
    "four digits": code("", printed("0.1234 -1.234e-05 12.34 0.0001234 [[0. 1.]]")),
    "a version": code("", printed("numpy 2.4.6, torch 2.13.0+cpu, certifi 2026.10.18, v1.23456")),
    "a fraction": code("", printed("1/2/3 and/or, n/s/p, input/output/weights")),
    "a stride": code("", printed("k 3 s 2 p 1, 3 s")),
    "an address of the web": code("", shown(text_html='<a href="/a/b.html">https://example.org/a/b</a>')),
    "a drawing": code("", shown(text_html="<svg><path d='M 1.23456 2'/> 1.23456</svg>")),
    "quoted source": code("", shown(text_markdown="```python\ngrey = 0.29891 * red  # in /a/b\n```\n")),
    "a figure of odd size": code("", shown(image_png="AAAA", text_plain="<Figure size 583.333x400>"), **ALT),
    "a raised error": code("", error(), tags=["raises-exception"]),
    "fifteen lines": code(LINES),
    "a solution of thirty lines": code(LINES * 2, tags=["solution"]),
    "a widget with a page": code(
        "", new_output("display_data", data={notebooks.WIDGET_VIEW: {}, "text/html": "<p>3</p>"})
    ),
    "torch with a seed": code("import torch\n_ = torch.manual_seed(0)"),
    "torchvision": code("import torchvision"),
    "a device in a comment": code("device = 'cpu'  # or 'cuda', if torch.cuda.is_available()"),
    "a measurement": code(
        "print(race({}))", printed("3 ms"), tags=["nbval-ignore-output"], nbval={"why": "a timing"}
    ),
    "a cell for a GPU": code(
        "if torch.cuda.is_available():\n    x = 1",
        tags=["nbval-ignore-output"],
        nbval={"why": "there may be none"},
    ),
}


@pytest.mark.parametrize("cell, complaint", REFUSED.values(), ids=REFUSED)
def test_the_check_refuses(cell: NotebookNode, complaint: str, tmp_path: Path) -> None:
    [line] = complaints(tmp_path, code(), cell)
    assert line.startswith("cell [2]: ")
    assert complaint in line


@pytest.mark.parametrize("cell", ACCEPTED.values(), ids=ACCEPTED)
def test_the_check_accepts(cell: NotebookNode, tmp_path: Path) -> None:
    assert complaints(tmp_path, cell) == []


def test_only_the_first_import_of_torch_needs_a_seed(tmp_path: Path) -> None:
    first, second = code("import torch\ntorch.manual_seed(3)"), code("from torch.nn import Conv2d")
    assert complaints(tmp_path, first, second) == []
    [line] = complaints(tmp_path, second, first)
    assert line.startswith("cell [1]: ")


@pytest.mark.parametrize("counts, stored", [((1, None), " "), ((1, 3), "3"), ((1, 1), "1")])
def test_the_check_refuses_cells_unrun_or_run_out_of_order(
    counts: tuple[int | None, ...], stored: str, tmp_path: Path
) -> None:
    cells = [new_code_cell("x", execution_count=count) for count in counts]
    path = tmp_path / "stored.ipynb"
    path.write_text(notebooks.canonical(new_notebook(cells=cells)))
    [line] = notebooks.complaints(path)
    assert line == f"{path}: cell [2]: stored as [{stored}]: run the whole notebook in order"


def test_the_check_refuses_another_form_of_the_same_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert complaints(tmp_path, code()) == []
    path = tmp_path / "stored.ipynb"
    path.write_text(path.read_text().replace('"metadata": {}', '"metadata": {"scrolled": true}'))
    monkeypatch.setattr(sys, "argv", ["notebooks.py", "--check", str(path)])
    assert notebooks.main() == 1
    assert capsys.readouterr().err == f"{path}: not stored in the agreed form: run tools/notebooks.py on it\n"


def test_every_notebook_of_the_book_passes_the_check() -> None:
    assert [line for path in notebooks.in_the_book() for line in notebooks.complaints(path)] == []


# ---------------------------------------------------------------- the cell that installs convlib

CONFIG = (ROOT / "_config.yml").read_text(encoding="utf-8")
WITH_ADDRESS = CONFIG.replace(
    "# book_repository: https://github.com/OWNER", "book_repository: https://example.org/a"
)
USES_CONVLIB = (new_markdown_cell("# Title"), code("import numpy\nfrom convlib import conv2d"))


def run_install_cell(folder: Path, config: str, lacks: bool = True) -> list[str]:
    """The cell run in a notebook that lies in the folder: what it asks pip for."""
    folder.mkdir(parents=True, exist_ok=True)
    program = f"""
        import importlib.util, sys
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell.instance()
        shell.register_magic_function(lambda line: print("pip", line), magic_name="pip")
        importlib.util.find_spec = lambda name: None if {lacks} else name
        result = shell.run_cell({notebooks.install_cell(config).source!r})
        print(*sys.path[-1:] if sys.path[-1] == ".." else "")
        result.raise_error()
    """
    done = subprocess.run([sys.executable, "-c", dedent(program)], cwd=folder, capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1:]
    return [*done.stdout.split("\n")[:2], *last] if last else done.stdout.split()


def test_inside_a_copy_of_the_course_that_copy_is_installed_for_this_kernel_and_the_next(
    tmp_path: Path,
) -> None:
    (tmp_path / "convlib").mkdir()
    (tmp_path / "convlib/py.typed").touch()
    for config in (CONFIG, WITH_ADDRESS):
        assert run_install_cell(tmp_path / "book", config) == [
            "pip",
            "install",
            "--quiet",
            "--editable",
            '"..[book]"',
            "..",
        ]


def test_elsewhere_convlib_comes_from_the_public_address(tmp_path: Path) -> None:
    said = run_install_cell(tmp_path / "book", WITH_ADDRESS)
    assert " ".join(said) == (
        'pip install --quiet "convolutions-course[book] @ git+https://example.org/a/REPOSITORY"'
    )


def test_elsewhere_and_without_an_address_nothing_is_installed_and_the_reader_is_told_why(
    tmp_path: Path,
) -> None:
    (tmp_path / "pyproject.toml").touch()  # somebody else's project
    said = run_install_cell(tmp_path / "book", CONFIG)
    assert "pip" not in " ".join(said[:-1])
    assert said[-1] == (
        "ModuleNotFoundError: convlib is missing: open this notebook inside a copy of the course"
    )


def test_where_convlib_is_installed_nothing_happens(tmp_path: Path) -> None:
    assert run_install_cell(tmp_path / "book", WITH_ADDRESS, lacks=False) == []


@pytest.mark.parametrize("spoil", ["missing", "old", "moved", "shown"])
def test_a_notebook_must_begin_with_the_cell_of_today(spoil: str, tmp_path: Path) -> None:
    assert complaints(tmp_path, *USES_CONVLIB) != []
    cells = notebooks.with_install_cell(new_notebook(cells=list(USES_CONVLIB))).cells
    assert [cell.cell_type for cell in cells] == ["markdown", "code", "code"]
    assert complaints(tmp_path, *cells) == []
    if spoil == "missing":
        del cells[1]
    elif spoil == "old":
        cells[1].source = cells[1].source.replace("[book]", "")
    elif spoil == "moved":
        cells[1:] = cells[:0:-1]
    else:
        cells[1].metadata.tags = []
    (line,) = complaints(tmp_path, *cells)
    assert line == "the cell that installs convlib is missing or an old one: run tools/notebooks.py on it"
    mended = notebooks.with_install_cell(new_notebook(cells=cells))
    assert complaints(tmp_path, *mended.cells) == []


def test_only_the_notebooks_that_import_convlib_install_it() -> None:
    alone = new_notebook(cells=[new_markdown_cell("import convlib"), code("import numpy")])
    assert notebooks.with_install_cell(alone) is alone
    with_cell = {
        path.stem for path in notebooks.in_the_book() if 'find_spec(\\"convlib' in path.read_text("utf-8")
    }
    assert with_cell == {
        path.stem for path in notebooks.in_the_book() if "from convlib" in path.read_text("utf-8")
    }


# ---------------------------------------------------------------- nbval, with figures


def changed(picture: str, change) -> str:  # type: ignore[no-untyped-def]
    pixels = np.asarray(Image.open(io.BytesIO(b64decode(picture))).convert("RGBA"), dtype=int)
    file = io.BytesIO()
    Image.fromarray(change(pixels).clip(0, 255).astype(np.uint8)).save(file, "PNG")
    return b64encode(file.getvalue()).decode()


def slightly_darker(pixels: np.ndarray) -> np.ndarray:
    return pixels - [LARGEST_DIFFERENCE, LARGEST_DIFFERENCE, LARGEST_DIFFERENCE, 0]


def black(count: int):  # type: ignore[no-untyped-def]
    def paint(pixels: np.ndarray) -> np.ndarray:
        pixels.reshape(-1, 4)[:count, :3] = 0
        return pixels

    return paint


def shifted(pixels: np.ndarray) -> np.ndarray:
    return np.roll(pixels, 1, axis=1)


@pytest.fixture(scope="module")
def picture() -> str:
    file = io.BytesIO()
    white = np.full((100, 100, 4), 255, np.uint8)
    white[20, 10:60, :3] = 0
    Image.fromarray(white).save(file, "PNG")
    return b64encode(file.getvalue()).decode()


@pytest.mark.parametrize("change", [lambda pixels: pixels, slightly_darker, black(10)])
def test_a_tenth_of_a_percent_and_faint_differences_are_not_seen(picture: str, change) -> None:  # type: ignore[no-untyped-def]
    assert difference(picture, changed(picture, change)) is None


def test_a_difference_says_how_many_pixels_and_where(picture: str) -> None:
    assert difference(picture, changed(picture, black(11))) == (
        "11 of 10000 pixels (0.11%) differ by more than 16/255, most at row 0, column 0: by 255/255"
    )


def test_a_figure_of_another_size_differs(picture: str) -> None:
    assert (
        difference(picture, changed(picture, lambda pixels: pixels[1:]))
        == "stored with 100 x 100 pixels, now 100 x 99"
    )


@pytest.fixture(scope="module")
def verdicts(sample: Path) -> dict[str, str]:
    """What nbval says of each cell after the stored outputs were tampered with; nothing if it passes."""
    notebook = nbformat.read(sample, as_version=4)
    faint, moved, missing, unrun, text = notebook.cells[3:]
    for cell, change in ((faint, slightly_darker), (moved, shifted)):
        cell.outputs[0].data["image/png"] = changed(cell.outputs[0].data["image/png"], change)
    del missing.outputs[0].data["image/png"]
    unrun.execution_count, unrun.outputs = None, []
    text.outputs[0].data["text/plain"] = "<Figure size 400x301 with 1 Axes>"
    path = sample.with_name("tampered.ipynb")
    nbformat.write(notebook, path)
    report = sample.with_name("report.xml")
    python(
        "-m", "pytest", "-c", ROOT / "pyproject.toml", "-p", "no:cacheprovider", f"--junitxml={report}", path
    )
    names = ("setup", "same", "faint", "moved", "missing", "unrun", "text")
    cases = ElementTree.parse(report).iter("testcase")
    return {name: "".join(case.itertext()) for name, case in zip(names, cases, strict=True)}


@pytest.mark.parametrize("name", ["setup", "same", "faint"])
def test_nbval_passes_what_a_reader_cannot_tell_apart(verdicts: dict[str, str], name: str) -> None:
    assert verdicts[name] == ""


@pytest.mark.parametrize(
    "name, message",
    {
        "moved": "image/png: figure 1 of the cell:",
        "missing": "image/png: 0 figures stored, now 1",
        "unrun": "The stored cell was never run",
        "text": "<Figure size 400x301 with 1 Axes>",
    }.items(),
)
def test_nbval_fails_on(verdicts: dict[str, str], name: str, message: str) -> None:
    assert message in verdicts[name]


# ---------------------------------------------------------------- another instruction set

only_x86 = pytest.mark.skipif(platform.machine().lower() not in {"x86_64", "amd64"}, reason="x86-64 only")


@only_x86
def test_numpy_and_torch_obey_the_other_instruction_set() -> None:
    report = """
        import torch
        from numpy._core._multiarray_umath import __cpu_features__ as numpy_has
        print(any(numpy_has[name] for name in ("X86_V3", "X86_V4")), torch.backends.cpu.get_cpu_capability())
    """
    env = os.environ | notebooks.OTHER_INSTRUCTION_SET
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", dedent(report)], env=env, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("False DEFAULT\n", "")


@only_x86
def test_an_output_that_depends_on_the_instruction_set_is_found(tmp_path: Path) -> None:
    cell = code("import os\nprint(os.environ.get('ATEN_CPU_CAPABILITY', 'ordinary'))", printed("ordinary\n"))
    cell.execution_count = 1
    done = python(TOOL, "--portable", write(tmp_path / "dependent.ipynb", cell))
    assert done.returncode == 1
    assert "1 failed" in done.stdout
    assert "- default" in done.stdout
    assert "+ ordinary" in done.stdout


@pytest.mark.parametrize(
    ("processor", "kernel"), [("x86_64", "Sandybridge"), ("AMD64", "Sandybridge"), ("arm64", None)]
)
def test_without_another_instruction_set_the_ordinary_run_is_compared(
    processor: str, kernel: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(notebooks.platform, "machine", lambda: processor)
    monkeypatch.setattr(os, "environ", {})
    monkeypatch.setattr(
        pytest, "main", lambda arguments: seen.append(os.environ.get("OPENBLAS_CORETYPE")) or 0
    )
    assert notebooks.compare_on_another_instruction_set([Path("a.ipynb")]) == 0
    assert seen == [kernel]


def test_several_notebooks_are_run_as_many_at_a_time_as_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(os, "environ", {})
    monkeypatch.setattr(pytest, "main", lambda arguments: seen.extend(arguments) or 0)
    arguments = ["notebooks.py", "--portable", "--jobs", "3", "a.ipynb", "b.ipynb"]
    monkeypatch.setattr(notebooks.sys, "argv", arguments)
    assert notebooks.main() == 0
    assert seen[seen.index("-n") + 1] == "3"
