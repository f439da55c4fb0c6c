"""Run the book's notebooks and store them in one agreed form, or check that they are stored so.

    python tools/notebooks.py [paths]             run, store the outputs
    python tools/notebooks.py --check [paths]     refuse what is unrun, noisy or stored in another form
    python tools/notebooks.py --portable [paths]  compare with a run on another instruction set

Without paths: every notebook of book/. Cells are named by the number the reader sees, as in [3].
"""

import argparse
import copy
import hashlib
import os
import platform
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).resolve().parents[1]
IPYTHON_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

# The order of a parallel sum depends on the number of threads, and with it the last digits.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
# Without AVX2 and its fused multiply-add, so that the run is another one on every machine that has them.
# Each line is for one library: OpenBLAS, NumPy's own loops, torch's own loops, oneDNN and MKL below torch.
OTHER_INSTRUCTION_SET = {
    "OPENBLAS_CORETYPE": "Sandybridge",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "AVX",
    "MKL_CBWR": "SSE4_2",
}

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {
    "name": "python",
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "pygments_lexer": "ipython3",
}
NOTEBOOK_METADATA = {"myst", "mystnb"}
CELL_METADATA = {"mystnb", "nbval", "tags"}
# What the book folds away by a tag is folded in JupyterLab too.
HIDDEN_IN_LAB = {
    "remove-input": {"source_hidden": True},
    "solution": {"source_hidden": True},
    "predict": {"outputs_hidden": True, "source_hidden": True},
}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

LONGEST_CELL, LONGEST_SOLUTION = 15, 30
MOST_DIGITS = 4
NOT_COMPARED = {"nbval-ignore-output", "nbval-skip"}
NOISE = {
    "a memory address": re.compile(r"\b0x[0-9a-fA-F]{9,}"),
    "an absolute path": re.compile(
        r"(?<![\w/.:<~*+)\]}-])(~|[A-Z]:)?[/\\](?=[A-Za-z_.])[\w.-]+[/\\][\w./\\-]+"
    ),
    "a time": re.compile(r"[\d.]+ ?(ns|µs|ms|seconds?)\b|\d\.\d+ ?s\b|\b(Wall time|CPU times)\b"),
}
# Versions such as 2.13.0 are no numbers.
DECIMAL = re.compile(r"(?<![\w.])\d*\.\d++(?:[eE][-+]?\d+)?(?!\.\d)")
TIMES = re.compile(r"\brace\(")
IMPORTS_CONVLIB = re.compile(r"(?m)^\s*(import|from) convlib\b")
INSTALLS = re.compile(r"import importlib\.util\n(.*\n)*.*find_spec\(\"convlib\"\)")
IMPORTS_TORCH = re.compile(r"(?m)^\s*(import|from) torch\b")
SEEDS_TORCH = re.compile(r"(?m)^[^#\n]*\btorch\.manual_seed\(")
CHOOSES_DEVICE = re.compile(r"\b(cuda|mps|xpu|accelerator)\.is_available|\bcurrent_accelerator\b")


# ---------------------------------------------------------------- the agreed form


def canonical(notebook: NotebookNode) -> str:
    """The text of the file: only what the author wrote and what the code printed, each in one way."""
    notebook = copy.deepcopy(notebook)
    metadata = {key: value for key, value in notebook.metadata.items() if key in NOTEBOOK_METADATA}
    notebook.metadata = nbformat.from_dict(metadata | {"kernelspec": KERNEL, "language_info": LANGUAGE})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    ids: dict[str, int] = {}
    for cell in notebook.cells:
        # From the source alone: random ids would make two runs of one source differ.
        name = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        ids[name] = ids.get(name, 0) + 1
        cell.id = name if ids[name] == 1 else f"{name}-{ids[name]}"
        cell.metadata = nbformat.from_dict(
            {k: v for k, v in cell.metadata.items() if k in CELL_METADATA and v}
        )
        for tag in tags(cell) & HIDDEN_IN_LAB.keys():
            cell.metadata.jupyter = nbformat.from_dict(HIDDEN_IN_LAB[tag])
        if cell.cell_type == "code":
            cell.outputs = list(canonical_outputs(cell))
    nbformat.validate(notebook)
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def canonical_outputs(cell: NotebookNode) -> Iterator[NotebookNode]:
    stream = None
    for output in cell.outputs:
        if output.output_type == "stream":
            if stream is not None and stream.name == output.name:
                stream.text += output.text
                continue
            stream = output
        else:
            stream = None
        if output.output_type == "error":
            # The frames hold paths and line numbers of this machine; the message is for the reader.
            output.traceback = [f"{output.ename}: {output.evalue}"]
        elif "data" in output:
            # The id of a live view is random; Lab shows the view again as soon as the cell runs.
            if "text/html" in output.data or images(output):
                output.data.pop(WIDGET_VIEW, None)
            output.metadata = nbformat.from_dict(dict(image_metadata(cell, output)))
            if "execution_count" in output:
                output.execution_count = cell.execution_count
        yield output


def image_metadata(cell: NotebookNode, output: NotebookNode) -> Iterator[tuple[str, dict]]:
    """The size in which each picture is shown, and the cell's alt text for readers other than the book."""
    for mime in images(output):
        old = output.metadata.get(mime, {})
        kept = {key: old[key] for key in ("height", "width") if key in old}
        if alt := alt_text(cell):
            kept["alt"] = alt
        if kept:
            yield mime, kept


def tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def images(output: NotebookNode) -> list[str]:
    return [mime for mime in output.get("data", {}) if mime.startswith("image/")]


def alt_text(cell: NotebookNode) -> str:
    return cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "").strip()


# ---------------------------------------------------------------- the cell that installs convlib

INSTALL = """\
import importlib.util
import sys
from pathlib import Path

if importlib.util.find_spec("convlib") is None:  # nothing to do where the course is installed
    if Path("../convlib/py.typed").exists():  # inside a copy of the course
        %pip install --quiet --editable "..[book]"
        sys.path.append("..")  # this kernel looked for packages when it started
    else:
        {elsewhere}"""
NO_ADDRESS = 'raise ModuleNotFoundError("convlib is missing: open this notebook inside a copy of the course")'
ADDRESS = '%pip install --quiet "convolutions-course[book] @ git+{repository}"'


def install_cell(config: str) -> NotebookNode:
    """What stands below the title where convlib is imported. `config` is the text of _config.yml."""
    repository = yaml.safe_load(config)["sphinx"]["config"].get("book_repository", "").rstrip("/")
    elsewhere = ADDRESS.format(repository=repository) if repository else NO_ADDRESS
    return new_code_cell(INSTALL.format(elsewhere=elsewhere), metadata={"tags": ["remove-cell"]})


def form(notebook: NotebookNode) -> list[tuple[str, set[str]]]:
    return [(cell.source, tags(cell)) for cell in notebook.cells]


def with_install_cell(notebook: NotebookNode) -> NotebookNode:
    """The notebook with the cell of today's address, below the title; one without either stays as it is."""
    cells = [cell for cell in notebook.cells if not INSTALLS.match(cell.source)]
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    if not cells or cells[0].cell_type != "markdown" or not any(map(IMPORTS_CONVLIB.search, sources)):
        return notebook
    cells.insert(1, install_cell((ROOT / "_config.yml").read_text(encoding="utf-8")))
    changed = copy.copy(notebook)
    changed.cells = cells
    return changed


# ---------------------------------------------------------------- running


def in_the_book() -> list[Path]:
    return sorted((ROOT / "book").glob("*.ipynb"))


def run(path: Path) -> str | None:
    """Run the notebook in a fresh kernel and store it; else leave the file alone and say what failed."""
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = with_install_cell(nbformat.read(path, as_version=4))
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        timeout=600,
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError, NoSuchKernel) as error:
        reason = IPYTHON_COLOURS.sub("", str(error))
        return f"{path}: cell [{client.code_cells_executed}] failed, the file is unchanged\n{reason}"
    # Written beside the file and moved over it, so that an interrupted run leaves the old one whole.
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(canonical(notebook), encoding="utf-8", newline="\n")
    temporary.replace(path)
    return None


def compare_on_another_instruction_set(paths: list[Path], jobs: int = 2) -> int:
    """Where there is no other one, on ARM for instance, the ordinary run is the comparison."""
    import pytest

    x86 = platform.machine().lower() in {"x86_64", "amd64"}
    os.environ.update(ONE_THREAD | (OTHER_INSTRUCTION_SET if x86 else {}))
    workers = ["-n", str(jobs), "--dist", "loadfile"] if len(paths) > 1 else []
    return pytest.main(["-c", str(ROOT / "pyproject.toml"), *workers, *map(str, paths)])


# ---------------------------------------------------------------- checking


def complaints(path: Path) -> Iterator[str]:
    """What keeps a stored notebook out of the book, a line each."""
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    # Unlike NumPy's generators, torch's is there unasked, and begins elsewhere in every kernel.
    importing = next((cell for cell in cells if IMPORTS_TORCH.search(cell.source)), None)
    for number, cell in enumerate(cells, start=1):
        here = f"{path}: cell [{number}]:"
        if cell is importing and not SEEDS_TORCH.search(cell.source):
            yield f"{here} imports torch without torch.manual_seed: other weights in every run"
        if cell.execution_count != number:
            yield f"{here} stored as [{cell.execution_count or ' '}]: run the whole notebook in order"
        yield from (f"{here} {line}" for line in source_complaints(cell))
        yield from (f"{here} {line}" for line in output_complaints(cell))
    if form(notebook) != form(with_install_cell(notebook)):
        yield f"{path}: the cell that installs convlib is missing or an old one: run tools/notebooks.py on it"
    if canonical(notebook) != text:
        yield f"{path}: not stored in the agreed form: run tools/notebooks.py on it"


def source_complaints(cell: NotebookNode) -> Iterator[str]:
    lines = [line for line in cell.source.splitlines() if line.strip()]
    longest = LONGEST_SOLUTION if "solution" in tags(cell) else LONGEST_CELL
    if len(lines) > longest:
        yield f"{len(lines)} lines of code, at most {longest}"
    if cell.source.rstrip().endswith(";"):
        yield "ends in a semicolon: end in an assignment instead"
    # What a cell measures, or does only where there is a GPU, belongs to one machine: it cannot be compared.
    silent, said = tags(cell) & NOT_COMPARED, [line.partition("#")[0] for line in lines]
    chooses = any(map(CHOOSES_DEVICE.search, said))
    if chooses and not silent:
        yield 'asks which device there is: write device = "cpu" in plain sight'
    if silent and not chooses and not any(map(TIMES.search, said)):
        yield "is not compared, but calls neither race nor is_available: compare it"
    if any(re.match(r"\s*#+\s*(NBVAL_|PYTEST_VALIDATE)", line) for line in lines):
        yield "speaks to nbval in a comment: use a tag, with the reason in the cell's metadata"
    if silent and not cell.metadata.get("nbval", {}).get("why"):
        yield f'{", ".join(sorted(silent))} without {{"nbval": {{"why": "the reason"}}}} in the metadata'


def output_complaints(cell: NotebookNode) -> Iterator[str]:
    for output in cell.outputs:
        if output.output_type == "error" and "raises-exception" not in tags(cell):
            yield f"raised {output.ename} without the tag raises-exception"
        if output.get("name") == "stderr":
            yield f"wrote to stderr: {output.text.strip().splitlines()[-1]}"
        if WIDGET_VIEW in output.get("data", {}):
            yield "shows a widget without text/html or a figure for readers who have no kernel"
    pictures = [output for output in cell.outputs if images(output)]
    if pictures and not alt_text(cell):
        yield 'a figure without alt text: add {"mystnb": {"image": {"alt": "..."}}} to the metadata'
    if len(pictures) > 1:
        yield f"{len(pictures)} figures share one alt text: one figure a cell"
    if not tags(cell) & NOT_COMPARED:
        for shown in filter(None, map(shown_text, cell.outputs)):
            for noise, pattern in NOISE.items():
                if found := pattern.search(shown):
                    yield f"prints {noise}: {found.group()}"
            if long := [
                number for number in DECIMAL.findall(shown) if significant_digits(number) > MOST_DIGITS
            ]:
                yield f"prints more than {MOST_DIGITS} significant digits: {', '.join(long[:3])}"


def shown_text(output: NotebookNode) -> str:
    """What the output says in words: no figure's name, no markup, no quoted source code."""
    if "data" not in output:
        return output.get("text", "") or output.get("evalue", "")
    if images(output):
        return ""
    html = re.sub(r"(?s)<(style|script|svg)\b.*?</\1>|<[^>]*>", " ", output.data.get("text/html", ""))
    markdown = re.sub(r"(?ms)^```.*?^```", "", output.data.get("text/markdown", ""))
    plain = "" if html or markdown else output.data.get("text/plain", "")
    return "\n".join((html, markdown, plain)).strip()


def significant_digits(number: str) -> int:
    mantissa = number.lower().partition("e")[0]
    # Python prints whole floats with one zero, as in 1024.0: exact, like an integer.
    return 0 if mantissa.endswith(".0") else len(mantissa.replace(".", "").lstrip("0"))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--portable", action="store_true")
    parser.add_argument("--jobs", type=int, default=2, help="how many notebooks --portable runs at a time")
    arguments = parser.parse_args()
    paths = [path.resolve() for path in arguments.paths] or in_the_book()
    if arguments.portable:
        return compare_on_another_instruction_set(paths, arguments.jobs)
    os.environ.update(ONE_THREAD)
    if arguments.check:
        failures = [line for path in paths for line in complaints(path)]
    else:
        failures = [failure for path in paths if (failure := run(path))]
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
