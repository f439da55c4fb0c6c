"""The labs in JupyterLab itself: the same view, with its state and Python's the same."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from browsing import browser  # noqa: F401  (a fixture)
from lab_script import NAMES
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from notebooks import KERNEL, ONE_THREAD
from playwright.sync_api import Browser, Page, expect

FIRST = """\
import numpy as np
from convlib import draw, labs
lab = labs.explore_convolution(input_size=(4, 5), kernel_size=2)
lab"""
EXPERIMENT = """\
def power(exponent=1):
    draw.grids({"power": np.arange(6.0).reshape(2, 3) ** exponent})

experiment = labs.interact(power, exponent=(0, 3))
experiment"""
SECONDS = 60_000  # milliseconds until a kernel has started, on a busy machine


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A JupyterLab of its own, without anybody's settings; its address."""
    folder = tmp_path_factory.mktemp("jupyterlab")
    cells = [
        new_markdown_cell("# Labs"),
        *map(new_code_cell, (FIRST, "lab.padding, lab.output.shape", EXPERIMENT)),
    ]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), folder / "labs.ipynb")
    runtime = folder / "runtime"
    environment = (
        os.environ
        | ONE_THREAD
        | {f"JUPYTER_{what}_DIR": str(runtime) for what in ("RUNTIME", "CONFIG", "DATA")}
    )
    options = {
        "ServerApp.port": 0,
        "ServerApp.root_dir": folder,
        "IdentityProvider.token": "",
        "LabApp.news_url": "None",
        "LabApp.expose_app_in_browser": True,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.user_settings_dir": runtime / "settings",
        "LabApp.workspaces_dir": runtime / "workspaces",
    }
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        *(f"--{k}={v}" for k, v in options.items()),
    ]
    with (
        open(folder / "log", "w") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            yield address_of(process, runtime, folder / "log")
        finally:
            process.terminate()


def address_of(process: subprocess.Popen[bytes], runtime: Path, log: Path) -> str:
    for _ in range(600):
        for file in runtime.glob("jpserver-*.json"):
            address = json.loads(file.read_text())["url"].replace("localhost", "127.0.0.1")
            try:
                urllib.request.urlopen(f"{address}api")
                return str(address)
            except urllib.error.URLError:
                pass
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")


@pytest.fixture(scope="module")
def notebook(server: str, browser: Browser) -> Iterator[Page]:
    """The notebook, run from top to bottom."""
    with browser.new_context(viewport={"width": 1300, "height": 1000}) as context:
        page = context.new_page()
        page.goto(f"{server}lab/tree/labs.ipynb")
        expect(page.locator(".jp-CodeCell")).to_have_count(3, timeout=SECONDS)
        # Before there is a kernel JupyterLab would ask for one.
        expect(page.get_by_role("button", name="Python 3 (ipykernel) | Idle")).to_be_visible(timeout=SECONDS)
        command(page, "notebook:run-all-cells")
        expect(page.locator(".jp-OutputArea img")).to_be_visible(timeout=SECONDS)
        yield page


def command(page: Page, name: str, **arguments: object) -> None:
    page.evaluate("([name, given]) => { jupyterapp.commands.execute(name, given) }", [name, arguments])


def run(page: Page, code: str) -> str:
    """Put code into the second cell, run it, and say what it printed."""
    cell = page.locator(".jp-CodeCell").nth(1)
    before = cell.locator(".jp-InputPrompt").first.inner_text()
    cell.locator(".cm-content").fill(code)
    page.keyboard.press("Control+Enter")
    prompt = cell.locator(".jp-InputPrompt").first
    expect(prompt).not_to_have_text(before)
    expect(prompt).not_to_have_text("[*]:")
    return cell.locator(".jp-OutputArea-output").first.inner_text()


def test_a_lab_is_live_and_not_a_still_picture(notebook: Page) -> None:
    lab = notebook.locator(".lab.live")
    expect(lab).to_have_count(1)
    expect(lab.get_by_label("image, rows")).to_have_value("4")
    expect(lab.locator(".lab-sum")).to_contain_text("row 0, column 0: ")


def test_what_the_reader_moves_moves_in_python(notebook: Page) -> None:
    lab = notebook.locator(".lab.live")
    lab.get_by_label("padding, rows").fill("2")
    assert run(notebook, "lab.padding, lab.output.shape") == "([2, 2], (7, 8))"
    lab.get_by_label("pixel, row 0, column 0").fill("8")
    assert run(notebook, "lab.image[0][0]") == "8.0"


def test_what_python_sets_moves_in_the_view(notebook: Page) -> None:
    run(notebook, "lab.stride, lab.kernel = [3, 1], [[5.0, 6, 7]]; lab.stride")
    lab = notebook.locator(".lab.live")
    expect(lab.get_by_label("stride, rows")).to_have_value("3")
    expect(lab.get_by_label("kernel, columns")).to_have_value("3")
    expect(lab.get_by_label("weight, row 0, column 2")).to_have_value("7")


def test_keys_belong_to_the_lab_while_it_is_in_use(notebook: Page) -> None:
    lab = notebook.locator(".lab.live")
    cells = notebook.locator(".jp-Cell").count()
    slider = lab.get_by_label("dilation, rows")
    slider.focus()
    notebook.keyboard.press("ArrowRight")
    expect(slider).to_have_value("2")
    field = lab.get_by_label("pixel, row 1, column 1")
    field.click()
    notebook.keyboard.press("ArrowRight")
    assert notebook.evaluate("document.activeElement.ariaLabel") == "pixel, row 1, column 2"
    notebook.keyboard.type("-3")
    assert run(notebook, "lab.image[1][2]") == "-3.0"
    field.click()
    notebook.keyboard.press("b")  # in JupyterLab's command mode: a new cell below
    lab.get_by_role("button", name="output, row 0, column 0").focus()
    notebook.keyboard.press("b")
    assert notebook.locator(".jp-Cell").count() == cells


def test_an_experiment_runs_python_for_every_value(notebook: Page) -> None:
    picture = notebook.locator(".jp-OutputArea img")
    before = picture.get_attribute("src")
    handle = notebook.locator(".noUi-handle")
    handle.focus()
    notebook.keyboard.press("ArrowRight")
    expect(picture).not_to_have_attribute("src", before)
    assert run(notebook, "experiment.controls['exponent'].value") == "2"


def test_a_lab_is_readable_in_the_dark(notebook: Page) -> None:
    command(notebook, "apputils:change-theme", theme="JupyterLab Dark")
    expect(notebook.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    notebook.wait_for_timeout(500)
    lab = notebook.locator(".lab.live")
    ink, paper = lab.evaluate("""lab => [getComputedStyle(lab).color,
        getComputedStyle(lab.closest('.jp-Notebook')).backgroundColor]""")
    assert brightness(ink) - brightness(paper) > 130


def brightness(colour: str) -> float:
    numbers = colour[colour.index("(") + 1 : -1].split(",")
    return sum(map(float, numbers[:3])) / 3


EVERY_LAB = """\
moved = set()
made = [getattr(labs, name)() for name in labs.__all__ if name.islower() and name != "interact"]
note = lambda change: moved.add(change.owner.name)
[one.observe(note, one.trait_names(state=True)) for one in made]
display(*made)"""


def test_every_lab_is_live_and_what_is_moved_in_it_moves_in_python(notebook: Page) -> None:
    run(notebook, EVERY_LAB)
    views = notebook.locator(".jp-CodeCell").nth(1).locator(".lab.live")
    expect(views).to_have_count(len(NAMES))
    for lab in views.all():
        sliders = lab.locator("input[type=range]:enabled:visible")
        if sliders.count():
            ends = {sliders.first.get_attribute(end) for end in ("min", "max")}
            sliders.first.fill((ends - {sliders.first.input_value()}).pop())
        else:
            lab.locator("select").first.select_option(index=1)
    # One string: a list as long as this would be broken into lines.
    assert run(notebook, "' '.join(sorted(moved))") == repr(" ".join(sorted(NAMES)))
