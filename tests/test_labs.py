# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

"""The labs compute in the page what convlib computes here, and say it in the same words."""

import json
import re

import nbformat
import notebooks
import numpy as np
import pytest
from bs4 import BeautifulSoup
from built_book import CHAPTERS, ROOT
from lab_script import NAMES, call, engine, state_of
from nbformat.v4 import new_code_cell, new_notebook

import convlib
from convlib import labs
from convlib.labs import ConvolutionExplorer, explore_convolution
from convlib.labs._lab import page_script, shown
from convlib.labs.convolution import LARGEST, MODES

random = np.random.default_rng(4)


def random_state() -> dict:
    """Any state that the sliders of the explorer allow, small ones more often."""

    def pair(what: str, at_least: int) -> list[int]:
        return [int(min(random.integers(at_least, LARGEST[what] + 1, size=2))) for _ in range(2)]

    image, kernel = pair("image", 1), pair("kernel", 1)
    return {
        "image": random.integers(-9, 10, size=image).astype(float).tolist(),
        "kernel": (random.integers(-40, 41, size=kernel) / 8).tolist(),
        "stride": pair("stride", 1),
        "padding": pair("padding", 0),
        "dilation": pair("dilation", 1),
        "padding_mode": str(random.choice(MODES)),
        "position": [0, 0],
    }


STATES = [random_state() for _ in range(400)]


def output_or_error(lab: ConvolutionExplorer) -> np.ndarray | str:
    try:
        return lab.output
    except ValueError as error:
        return str(error)


@pytest.fixture(scope="module")
def explored() -> list[tuple[dict, ConvolutionExplorer, np.ndarray | str]]:
    made = [(state, ConvolutionExplorer(**state)) for state in STATES]
    return [(state, lab, output_or_error(lab)) for state, lab in made]


# --- the convolution explorer ---


def test_the_page_computes_the_convolution(explored):
    possible = [one for one in explored if not isinstance(one[2], str)]
    assert len(possible) > 150
    for state, lab, output in possible:
        made = call("convolution", "convolve", state)
        assert np.array_equal(made["output"], output)  # eighths: exact
        assert np.array_equal([[cell[0] for cell in row] for row in made["padded"]], lab.padded)


def test_the_page_counts_how_often_each_pixel_is_used(explored):
    for state, lab, output in explored:
        if not isinstance(output, str):
            assert np.array_equal(call("convolution", "convolve", state)["uses"], lab.uses)


def test_with_zeros_around_a_pixel_is_used_as_often_as_the_size_arithmetic_says(explored):
    for state, lab, output in explored:
        if state["padding_mode"] == "zeros" and not isinstance(output, str):
            sizes = zip(*(np.shape(state[what]) for what in ("image", "kernel")), strict=True)
            settings = zip(sizes, *(state[what] for what in ("stride", "padding", "dilation")), strict=True)
            down, across = (convlib.conv_pixel_uses(n, k, s, p, d) for (n, k), s, p, d in settings)
            assert np.array_equal(lab.uses, np.outer(down, across))


def test_the_page_refuses_what_convlib_refuses(explored):
    reasons = set()
    for state, _, output in explored:
        said = call("convolution", "problemOf", state)
        assert bool(said) == isinstance(output, str), (state, said, output)
        reasons.add(re.sub(r"\d+|rows|columns", "", said).partition(":")[0])
    assert len(reasons) == 4  # none, no window fits, reflect, circular


def test_the_size_formula_is_filled_in_with_the_numbers_of_convlib(explored):
    for state, _, output in explored:
        for axis in (0, 1):
            said = call("convolution", "sizeInWords", call("convolution", "axisOf", state, axis), axis)
            n, p, d, k, s = map(
                int, re.match(r"⌊\((\d+) \+ 2·(\d+) − (\d+)·\((\d+) − 1\) − 1\) / (\d+)⌋", said).groups()
            )
            if not isinstance(output, str):
                count = convlib.conv_output_size(n, k, s, p, d)
                assert f"⌋ + 1 = {count}" in said
                assert count == output.shape[axis]
                remainder = (n + 2 * p - d * (k - 1) - 1) % s
                assert (f"remainder {remainder}:" in said) == bool(remainder)


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (
            {"input_size": 5, "stride": 2, "kernel_size": 2},
            "remainder 1: the last row of the padded image is in no window",
        ),
        (
            {"input_size": 5, "stride": 4, "kernel_size": 2},
            "remainder 3: the last 3 rows of the padded image are in no window",
        ),
        ({"input_size": 5, "stride": 2, "kernel_size": 3}, "= 2"),
    ],
)
def test_what_a_stride_leaves_over_is_said(state, sentence):
    axis = call("convolution", "axisOf", state_of(explore_convolution(**state)), 0)
    assert call("convolution", "sizeInWords", axis, 0).endswith(sentence)


def test_a_sum_is_written_out_with_the_numbers_and_adds_up(explored):
    for state, _, output in explored:
        if isinstance(output, str):
            continue
        i, j = (int(random.integers(n)) for n in output.shape)
        padded = call("convolution", "convolve", state)["padded"]
        said = call("convolution", "sumInWords", state, padded, [i, j], output[i, j])
        products, _, result = said.replace("−", "-").partition(" = ")
        assert eval(products.replace("·", "*")) == pytest.approx(output[i, j], rel=1e-3, abs=0.01)
        assert float(result) == pytest.approx(output[i, j], rel=1e-3)
        assert products.count("·") == np.size(state["kernel"])


def test_without_a_script_the_same_sum_and_sizes_are_written(explored):
    for state, lab, output in explored[:60]:
        if isinstance(output, str):
            continue
        lab.position = [int(random.integers(n)) for n in output.shape]
        state = state_of(lab)
        page = BeautifulSoup("".join(lab.still()), "html.parser").get_text()
        i, j = lab.position
        padded = call("convolution", "convolve", state)["padded"]
        assert f"column {j}: {call('convolution', 'sumInWords', state, padded, [i, j], output[i, j])}" in page
        for axis in (0, 1):
            assert (
                call("convolution", "sizeInWords", call("convolution", "axisOf", state, axis), axis).split(
                    ";"
                )[0]
                in page
            )


def test_without_a_script_the_arrays_are_tables():
    lab = explore_convolution(input_size=(4, 5), kernel_size=2, stride=(1, 2), padding=(1, 0))
    page = BeautifulSoup("".join(lab.still()), "html.parser")
    tables = {table.caption.get_text(): table for table in page.find_all("table")}
    image, kernel, output = (
        [
            [float(cell.get_text().replace("−", "-")) for cell in row.find_all("td")]
            for row in table.find_all("tr")
        ]
        for table in tables.values()
    )
    assert np.array_equal(image, lab.padded)
    assert np.array_equal(kernel, lab.kernel)
    assert np.array_equal(output, lab.output)
    captions = " ".join(tables)
    assert "4 × 5, padded to 6 × 5" in captions and "struck out: pixels in no window" in captions
    assert len(page.find_all("del")) == 4  # the last column
    assert len(page.find_all("strong")) == 4 + 1  # the window, and what it makes


def test_numbers_that_appear_when_a_size_grows_are_those_python_would_have_made():
    small, large = (
        explore_convolution(input_size=(2, 3), kernel_size=(1, 2)),
        explore_convolution(input_size=(9, 7), kernel_size=5),
    )
    engine("convolution").eval(
        "var grown = (rows, h, w, of) => resized(rows, h, w, of === 'image' ? freshPixel : freshTap)"
    )
    assert call("convolution", "grown", small.image, 9, 7, "image") == large.image
    assert call("convolution", "grown", small.kernel, 5, 5, "kernel") == large.kernel
    kept = call("convolution", "grown", [[7, 8], [9, 6]], 3, 1, "image")
    assert [row[0] for row in kept] == [7, 9, large.image[2][0]]


def test_a_typed_number_changes_one_place_and_leaves_the_old_rows_alone():
    assert call("convolution", "replaced", [[1, 2], [3, 4]], 1, 0, 9) == [[1, 2], [9, 4]]


def test_python_reads_and_changes_the_state():
    lab = explore_convolution([[1, 2, 0, 1], [0, 1, 3, 1], [2, 1, 0, 0]], [[1, 0], [-1, 2]])
    assert lab.output[0, 1] == 1 * 2 + 0 * 0 + (-1) * 1 + 2 * 3
    lab.padding = [1, 1]
    lab.padding_mode = "replicate"
    assert lab.output[0, 0] == 1 * 1 + 0 * 1 + (-1) * 1 + 2 * 1
    with pytest.raises(Exception, match="stride"):
        lab.stride = [1, 2, 3]


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (
            {"image": [1, 2]},
            ValueError,
            "explore_convolution: image must be a table of finite numbers, got shape (2,)",
        ),
        (
            {"kernel": [[float("nan")]]},
            ValueError,
            "explore_convolution: kernel must be a table of finite numbers, got shape (1, 1)",
        ),
        (
            {"image": [[]]},
            ValueError,
            "explore_convolution: image must be a table of finite numbers, got shape (1, 0)",
        ),
        (
            {"image": [["a"]]},
            ValueError,
            "explore_convolution: image must be a table of finite numbers, got [['a']]",
        ),
        (
            {"image": [[1, 2], [3]]},
            ValueError,
            "explore_convolution: image must be a table of finite numbers, got [[1, 2], [3]]",
        ),
        (
            {"input_size": (13, 3)},
            ValueError,
            "explore_convolution: image can be at most 12 here, got (13, 3)",
        ),
        (
            {"kernel": np.ones((3, 8))},
            ValueError,
            "explore_convolution: kernel can be at most 7 here, got (3, 8)",
        ),
        ({"stride": 0}, ValueError, "explore_convolution: stride must be at least 1, got 0"),
        ({"padding": (1, 5)}, ValueError, "explore_convolution: padding can be at most 4 here, got (1, 5)"),
        (
            {"dilation": 1.5},
            TypeError,
            "explore_convolution: dilation must be an integer or 2 integers, got 1.5",
        ),
        ({"padding_mode": "same"}, ValueError, "explore_convolution: padding_mode must be"),
        ({"input_size": 2}, ValueError, "explore_convolution: the kernel spans 3 pixels"),
        (
            {"padding": 4, "padding_mode": "reflect", "input_size": 4},
            ValueError,
            "explore_convolution: 'reflect' can add at most 3",
        ),
    ],
)
def test_what_the_explorer_cannot_show_is_refused_in_plain_words(wrong, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        explore_convolution(**wrong)


# --- experiments that run Python ---

FIGURE = """\
import numpy as np
from convlib import draw, labs

def power(exponent, base=2):
    if exponent > 2:
        raise ValueError("too large")
    draw.grids({"power": np.full((2, 2), float(base)) ** exponent})

experiment = labs.interact(power, exponent=(0, 4, 2), base=[1, 2, 3])
experiment"""
MOVED = """\
values = {name: control.value for name, control in experiment.controls.items()}
first, picture, message = experiment._still, experiment._picture, experiment._message
before = picture.value
experiment.controls["base"].value = 3
print(values, picture.value != before, repr(message.value))
before = picture.value
experiment.controls["exponent"].value = 4
print(picture.value == before, repr(message.value))
experiment.controls["exponent"].value = 0
print(picture.value != before, repr(message.value), experiment)"""


def test_an_experiment_draws_anew_for_every_value_and_says_what_goes_wrong(tmp_path):
    path = tmp_path / "experiment.ipynb"
    cells = [new_code_cell(FIGURE, metadata={"mystnb": {"image": {"alt": "Powers."}}}), new_code_cell(MOVED)]
    nbformat.write(new_notebook(cells=cells), path)
    assert notebooks.run(path) is None
    still, told = (cell.outputs for cell in nbformat.read(path, as_version=4).cells)
    assert [set(output.data) for output in still] == [{"image/png", "text/plain"}]
    assert still[0].data["text/plain"] == (
        "power: exponent = 2, base = 2 (with a running kernel there are controls here)"
    )
    assert told[0].text.splitlines() == [
        "{'exponent': 2, 'base': 2} True ''",
        "True 'ValueError: too large'",
        "True '' power: exponent = 0, base = 3 (with a running kernel there are controls here)",
    ]


@pytest.mark.parametrize(
    ("controls", "error", "message"),
    [
        ({"size": 3, "colour": 1}, ValueError, "interact: power has no argument colour"),
        ({}, ValueError, "interact: no control for size, which power needs"),
        ({"size": None}, TypeError, "interact: no control can be made of size=None"),
        ({"size": (0, 3)}, ValueError, "interact: power drew no figure"),
    ],
)
def test_an_experiment_that_cannot_be_is_refused_in_plain_words(controls, error, message):
    def power(size, base=2):
        return base**size

    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        labs.interact(power, **controls)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_before_an_experiment_the_text_says_that_it_needs_a_kernel(chapter):
    text = ""
    for cell in nbformat.read(ROOT / f"{chapter}.ipynb", as_version=4).cells:
        if cell.cell_type == "markdown":
            text = cell.source
        if "labs.interact(" in cell.source:
            assert "needs a running kernel" in text


# --- all labs ---


def test_every_lab_of_the_package_is_known_to_the_book():
    made = [one for one in vars(labs).values() if isinstance(one, type) and issubclass(one, labs._lab.Lab)]
    assert set(labs.LABS) == set(made)
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_module_exports_what_draws_the_lab(name):
    assert engine(name).eval("typeof exported.render") == "function"


def test_the_page_needs_nothing_but_one_script_without_modules():
    script = page_script(NAMES)
    assert not re.search(r"^\s*(import|export)\b|\bfetch\(|https?://", script, re.MULTILINE)
    assert all(f'labs["{name}"] = ' in script for name in NAMES)


FOLLOWED = """(() => {
    const [waiting, listeners, told] = [[], new Set(), []];
    globalThis.queueMicrotask = (work) => waiting.push(work);
    const model = { on: (_, one) => listeners.add(one), off: (_, one) => listeners.delete(one) };
    const stop = follow(model, ["a", "b"], () => told.push(told.length));
    const changeBoth = () => { for (const one of [...listeners, ...listeners]) one(); };
    const settle = () => { while (waiting.length) waiting.shift()(); };
    changeBoth(); settle();
    const before = told.length;
    changeBoth(); stop(); settle();
    return JSON.stringify([before, told.length, listeners.size]);
})()"""


def test_several_changes_are_drawn_once_and_none_after_the_view_is_closed():
    assert json.loads(engine("convolution").eval(FOLLOWED)) == [2, 2, 0]  # at first, and after the changes


def test_a_lab_shows_itself_live_still_and_in_plain_words():
    lab = explore_convolution()
    bundle, _ = lab._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"}
    assert bundle["text/plain"] == (
        "Convolution explorer: image 5 × 6, kernel 3 × 3, stride [1, 1], padding [0, 0] zeros, dilation [1, 1]"
    )
    tag = BeautifulSoup(bundle["text/html"], "html.parser").div
    assert tag["data-lab"] == "convolution"
    assert json.loads(tag["data-state"]) == state_of(lab)
    again, _ = explore_convolution()._repr_mimebundle_()
    assert again["text/html"] == bundle["text/html"]


def test_python_and_the_page_write_a_number_alike():
    values = [
        0.0,
        -0.0,
        1.0,
        -7.0,
        1234567.0,
        0.5,
        -0.125,
        1 / 3,
        2 / 3,
        1e-4,
        -12.34567,
        99999.5,
        1e-5,
        -1.23456e-7,
        1e-10,
    ]
    values += (random.integers(-9999, 9999, size=200) / 16).tolist()
    for value in values:
        assert call("convolution", "shown", value) == shown(value)
    halves = (random.integers(1000, 9999, size=100) * 10 + 5) / 1e4
    for half in halves:  # a sum in another order ends in other digits: it is written the same
        beside = {float(half), float(np.nextafter(half, 0)), float(np.nextafter(half, 9))}
        assert len({shown(value) for value in beside}) == 1, half
        assert len({call("convolution", "shown", value) for value in beside}) == 1, half


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        (" -2.5 ", -2.5),
        ("−4", -4),
        ("1,5", 1.5),
        ("", None),
        ("-", None),
        ("x", None),
        ("1e9", None),
    ],
)
def test_a_typed_number_is_understood(text, value):
    assert call("convolution", "typed", text) == value
