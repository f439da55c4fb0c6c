# ruff: noqa: E501  (scripts and names of layers stand whole)

"""The network calculator in a page that was opened as a file: every control is moved, and convlib agrees."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsing import (  # noqa: F401  (fixtures)
    MAKE_ALL_LABS,
    OPEN_AND_CHOOSE_ALL,
    OVERFLOW,
    PHONE,
    UNSEEN_FOCUS,
    WIDE,
    Site,
    accessibility_faults,
    browser,
    watch,
    write_labs_page,
)
from playwright.sync_api import Browser, Locator, expect

from convlib.labs import NetworkCalculator, network_calculator
from convlib.labs._lab import in_bytes
from convlib.labs.network import MOST_CHOICES, NETWORKS, exact, in_words, sizes_in_words

LINES = """lab => [...lab.querySelectorAll(".lab-stack summary")].map(line => ({
    text: line.querySelector(".lab-what").innerText.replace(/^\\d+\\s*/, ""),
    shape: line.querySelector(".lab-shape").innerText,
    costs: [...line.querySelectorAll(".lab-count")].map(cell => [...cell.children].find(
        one => one.tagName === "SPAN" && one.checkVisibility()).innerText),
    bars: [...line.querySelectorAll(".lab-count")].map(cell => parseFloat(cell.style.getPropertyValue("--share"))),
    remark: line.closest("li").querySelector(".lab-remark").innerText,
}))"""
SMALL_TARGETS = """lab => [...lab.querySelectorAll("input[type=range], input[type=text], select, button, label:has(input), summary")]
    .filter(one => one.checkVisibility()).map(one => [one.getBoundingClientRect(), one.outerHTML.slice(0, 90)])
    .filter(([box]) => box.height < 24 || box.width < 24).map(([, html]) => html)"""


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Locator]]:
    """Opens a calculator in a page that must stay without a fault."""
    contexts, faults = [], []

    def open_page(
        network: str = "LeNet-5", viewport: dict[str, int] = WIDE, theme: str = "light", **given
    ) -> Locator:
        site = write_labs_page(tmp_path, network_calculator(network, **given))
        contexts.append(browser.new_context(viewport=viewport, color_scheme=theme))
        page = contexts[-1].new_page()
        faults.append(watch(page, site)[0])
        page.goto(site.address("page.html"))
        page.evaluate(MAKE_ALL_LABS)
        return page.locator(".lab")

    yield open_page
    for context in contexts:
        context.close()
    assert all(one == [] for one in faults)


def expect_the_numbers_of(
    lab: Locator, python: NetworkCalculator, words: Callable[[int], str] = exact
) -> None:
    """Every row, its bars, the totals and the sentence."""
    lines = lab.evaluate(LINES)
    rows = python.rows
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        assert line["text"] == row.layer
        assert line["shape"] == (" × ".join(f"{n:,}" for n in row.output) or "—")
        assert line["costs"] == [words(row.parameters), words(row.multiply_adds), in_bytes(row.memory)]
        for bar, cost in zip(line["bars"], ("parameters", "multiply_adds", "memory"), strict=True):
            largest = max(getattr(one, cost) for one in rows)
            assert bar == pytest.approx(100 * getattr(row, cost) / (largest or 1), abs=0.06)
        unread = [f"{n} {axis}" for n, axis in zip(row.unread, ("row", "column"), strict=True) if n]
        assert all(one in line["remark"] for one in unread)
        assert bool(line["remark"]) == bool(unread or row.problem)
    total = lab.locator(".lab-total").inner_text()
    assert all(
        one in total
        for one in (words(python.parameters), words(python.multiply_adds), in_bytes(python.memory))
    )
    expect(lab.locator(".lab-summary")).to_contain_text(python._summary())


def open_layer(lab: Locator, number: int) -> Locator:
    item = lab.locator(".lab-stack > li").nth(number - 1)
    item.locator("summary").click()
    return item


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_of_the_menu_is_laid_in(opened, name):
    lab = opened("MobileNet block" if name == "empty" else "empty")
    lab.get_by_label("network", exact=True).select_option(name)
    expect_the_numbers_of(lab, network_calculator(name))
    expect(lab.get_by_label("network", exact=True)).to_have_value(name)
    add_a_layer = lab.get_by_role("button", name="add the layer at the end")
    add_a_layer.click()
    expect(lab.get_by_label("network", exact=True)).to_have_value("")


def test_vgg_shows_its_well_known_totals(opened):
    lab = opened("VGG-16")
    expect(lab.locator(".lab-total")).to_contain_text("138,357,544")
    expect(lab.locator(".lab-total")).to_contain_text("15,470,264,320")
    expect(lab.locator(".lab-summary")).to_contain_text(
        "Most parameters: layer 19 (74 %). Most multiply-adds: layer 2 (12 %). Most memory: layer 1 (21 %)."
    )


def test_input_batch_and_bytes_can_be_set(opened):
    lab = opened("AlexNet")
    python = network_calculator("AlexNet")
    for i, (name, value) in enumerate([("channels", 4), ("height", 300), ("width", 227)]):
        lab.get_by_label(f"input, {name}").fill(str(value))
        python.input = [value if i == j else old for j, old in enumerate(python.input)]
        expect_the_numbers_of(lab, python)
    lab.get_by_label("images in a batch").fill("32")
    lab.get_by_label("numbers").select_option("2")
    python.batch, python.itemsize = 32, 2
    expect_the_numbers_of(lab, python)


def test_the_size_slider_changes_work_and_memory_but_no_convolution(opened):
    lab = opened("VGG-16")
    python = network_calculator()
    expect(lab.locator(".lab-changed")).to_have_text("Move the size: what stays, and what grows?")
    for size in (512, 32, 256):
        lab.get_by_label("height and width").fill(str(size))
        larger = network_calculator(input_shape=(3, size, size))
        expect_the_numbers_of(lab, larger)
        expect(lab.locator(".lab-changed")).to_contain_text(
            f"multiply-adds × {larger.multiply_adds / python.multiply_adds:.4g}, memory × {larger.memory / python.memory:.4g}; parameters of convolutions as before"
        )
    lab.get_by_label("height and width").fill("224")
    expect(lab.locator(".lab-changed")).to_have_text("Move the size: what stays, and what grows?")


CONV = {"kind": "conv", "out_channels": 4, "kernel_size": 3}


@pytest.mark.parametrize(
    ("layer", "label", "typed", "name", "value"),
    [
        (CONV, "output channels", "8", "out_channels", 8), (CONV, "kernel k", "3, 5", "kernel_size", [3, 5]), (CONV, "stride s", "2", "stride", [2, 2]),
        (CONV, "padding p", "0 2", "padding", [0, 2]), (CONV, "dilation d", "2", "dilation", [2, 2]), (CONV, "groups g", "2", "groups", 2),
        ({"kind": "max_pool"}, "window k", "3", "kernel_size", [3, 3]), ({"kind": "max_pool"}, "stride s", "3,2", "stride", [3, 2]),
        ({"kind": "avg_pool"}, "padding p", "1", "padding", [1, 1]),
        ({"kind": "conv_transpose"}, "output channels", "3", "out_channels", 3), ({"kind": "conv_transpose"}, "kernel k", "4", "kernel_size", [4, 4]),
        ({"kind": "conv_transpose", "kernel_size": 4}, "padding p", "1", "padding", [1, 1]), ({"kind": "conv_transpose"}, "stride s", "3", "stride", [3, 3]),
        ({"kind": "conv_transpose", "stride": 3}, "output padding", "2, 1", "output_padding", [2, 1]),
        ({"kind": "linear"}, "outputs", "100", "out_features", 100), ({"kind": "upsample"}, "factor", "3", "scale_factor", 3),
    ],
)  # fmt: skip
def test_every_setting_of_a_layer_can_be_typed(opened, layer, label, typed, name, value):
    given = {"layers": [{"kind": "conv", "out_channels": 2, "padding": 1}, layer], "input_shape": (2, 13, 18)}
    lab, python = opened(**given), network_calculator(**given)
    item = open_layer(lab, 2)
    field = item.get_by_label(label, exact=True)
    field.fill(typed)
    changed = {**python.layers[1], name: value}
    python.layers = [python.layers[0], changed]
    expect_the_numbers_of(lab, python)
    field.fill("3y")  # what is no number is forgotten
    expect(field).to_have_attribute("aria-invalid", "true")
    field.blur()
    expect(field).not_to_have_attribute("aria-invalid", "true")
    values = value if isinstance(value, list) else [value]
    expect(field).to_have_value(", ".join(map(str, values[:1] if len(set(values)) == 1 else values)))
    expect_the_numbers_of(lab, python)


@pytest.mark.parametrize(("kind", "label", "name"), [("conv", "bias", "bias"), ("conv_transpose", "bias", "bias"), ("linear", "bias", "bias"),
                                                      ("max_pool", "round up", "ceil_mode"), ("avg_pool", "round up", "ceil_mode")])  # fmt: skip
def test_every_box_of_a_layer_can_be_ticked(opened, kind, label, name):
    given = {"layers": [{"kind": kind}], "input_shape": (2, 13, 18)}
    lab, python = opened(**given), network_calculator(**given)
    box = open_layer(lab, 1).get_by_label(label)
    for value in (not python.layers[0][name], python.layers[0][name]):
        box.set_checked(value)
        python.layers = [{**python.layers[0], name: value}]
        expect_the_numbers_of(lab, python)


def test_every_kind_of_layer_can_be_added_and_chosen(opened):
    lab = opened("empty")
    layers: list = []
    kinds = ["conv", "max_pool", "avg_pool", "conv_transpose", "upsample", "global_avg_pool", "linear"]
    fresh = {"conv": {"padding": 1}, "conv_transpose": {"kernel_size": 4, "stride": 2, "padding": 1}}
    for kind in kinds:
        lab.get_by_label("a layer more").select_option(kind)
        lab.get_by_role("button", name="add the layer at the end").click()
        layers.append({"kind": kind, **fresh.get(kind, {})})
        expect_the_numbers_of(lab, network_calculator(layers=layers))
        expect(lab.locator(".lab-stack > li").nth(len(layers) - 1).locator("details")).to_have_attribute(
            "open", ""
        )
    item = lab.locator(".lab-stack > li").nth(0)
    for kind in reversed(kinds):  # and the first becomes each of them
        item.get_by_label("kind").select_option(kind)
        assert lab.evaluate(LINES)[0]["text"].split(",")[0].split()[0] == {"conv": "conv", "max_pool": "max", "avg_pool": "average",
            "conv_transpose": "transposed", "upsample": "upsample", "global_avg_pool": "global", "linear": "flatten"}[kind]  # fmt: skip
        expect(item.get_by_label("kind")).to_be_focused()


def test_layers_can_be_moved_copied_and_removed_and_the_focus_goes_along(opened):
    lab, layers = opened("AlexNet"), network_calculator("AlexNet").layers
    item = open_layer(lab, 2)
    item.get_by_role("button", name="move up").click()
    layers[0], layers[1] = layers[1], layers[0]
    expect_the_numbers_of(lab, network_calculator(layers=layers))
    items = lab.locator(".lab-stack > li")
    expect(items.nth(0).locator("details")).to_have_attribute("open", "")
    expect(items.nth(1).locator("details")).not_to_have_attribute("open", "")
    expect(items.nth(0).locator("summary")).to_be_focused()  # there is no further up
    expect(items.nth(0).get_by_role("button", name="move up")).to_be_disabled()
    items.nth(0).get_by_role("button", name="move down").click()
    layers[0], layers[1] = layers[1], layers[0]
    expect(items.nth(1).get_by_role("button", name="move down")).to_be_focused()
    items.nth(1).get_by_role("button", name="copy below").click()
    layers.insert(2, layers[1])
    expect_the_numbers_of(lab, network_calculator(layers=layers))
    expect(items.nth(2).get_by_label("kind")).to_be_focused()
    items.nth(2).get_by_role("button", name="remove").click()
    expect_the_numbers_of(lab, network_calculator("AlexNet"))
    expect(lab.get_by_label("network", exact=True)).to_have_value("AlexNet")
    expect(items.nth(2).locator("summary")).to_be_focused()
    for _ in range(11):
        if not items.nth(0).locator("details").get_attribute("open"):
            items.nth(0).locator("details").evaluate("one => one.open = true")
        items.nth(0).get_by_role("button", name="remove").click()
    expect(lab.locator(".lab-summary")).to_have_text("No layers yet.")
    expect(lab.get_by_label("a layer more")).to_be_focused()


def test_a_layer_that_does_not_fit_says_why_and_the_rest_waits(opened):
    lab = opened("VGG-16")
    lab.get_by_label("input, height").fill("16")
    python = network_calculator(input_shape=(3, 16, 224))
    expect_the_numbers_of(lab, python)
    remarks = lab.locator(".lab-remark")
    expect(remarks.nth(17)).to_have_text("No window fits: it spans 2 rows, the padded input has 1.")
    expect(remarks.nth(18)).to_have_text("Waits for layer 18.")
    expect(lab.locator(".lab-summary")).to_contain_text(
        "Layer 18 does not fit; the layers above it have 14,714,688 parameters"
    )
    expect(lab.locator(".lab-changed")).to_be_empty()


def test_an_opened_layer_tells_its_share(opened):
    item = open_layer(opened("VGG-16"), 19)
    expect(item.locator(".lab-shares")).to_have_text(
        "This layer has 74 % of the parameters, 1 % of the multiply-adds and under 1 % of the memory."
    )


# --- the other direction ---


def choices_shown(lab: Locator) -> list[str]:
    return lab.locator(".lab-choice").evaluate_all(
        "all => all.map(one => one.innerText.replace('\\n', ': '))"
    )


def expect_the_choices_of(lab: Locator, python: NetworkCalculator, most: int = MOST_CHOICES) -> None:
    names = [
        f"k{k} s{s} p{p}" + f" d{d}" * (d > 1) + (f": {n} in no window" if n else ": reads every pixel")
        for k, s, p, d, n in python.choices
    ]
    assert choices_shown(lab) == names[:most]
    if names:
        chosen = python.choices[python.choice]
        expect(lab.locator(".lab-question")).to_contain_text(sizes_in_words(chosen[:4], python.question[1]))


def test_every_limit_of_the_question_changes_the_choices(opened):
    lab, python = opened("empty"), network_calculator("empty")
    expect_the_choices_of(lab, python)
    for i, (name, value) in enumerate(
        [
            ("from, pixels", 32),
            ("to, pixels", 16),
            ("kernel up to", 11),
            ("stride up to", 8),
            ("dilation up to", 3),
        ]
    ):
        lab.get_by_label(name).fill(str(value))
        python.question = [value if i == j else old for j, old in enumerate(python.question)]
        expect_the_choices_of(lab, python)
    more = lab.get_by_role("button", name=f"show all {len(python.choices)}")
    more.click()
    expect_the_choices_of(lab, python, len(python.choices))
    lab.get_by_role("button", name="show fewer").click()
    expect_the_choices_of(lab, python)
    lab.get_by_label("to, pixels").fill("300")
    python.question = [32, 300, 11, 8, 3]
    expect_the_choices_of(lab, python)
    expect(lab.locator(".lab-question")).to_contain_text("No convolution leads from 32 to 300 pixels")
    expect(lab.get_by_role("button", name="put it into the stack")).to_be_hidden()


def test_a_choice_becomes_a_layer(opened):
    lab = opened("VGG-16")
    lab.get_by_label("k7 s4 p3").check()
    expect(lab.locator(".lab-question")).to_contain_text(
        "k7 s4 p3 takes every size from 221 to 224 pixels to 56."
    )
    expect(lab.locator(".lab-question")).to_contain_text("as layer 3, from 64 × 224 × 224")
    lab.get_by_role("button", name="put it into the stack").click()
    layers = network_calculator().layers
    layers.insert(2, {"kind": "conv", "out_channels": 64, "kernel_size": 7, "stride": 4, "padding": 3})
    expect_the_numbers_of(lab, network_calculator(layers=layers))
    expect(lab.locator(".lab-stack > li").nth(2).locator("summary")).to_be_focused()
    lab.get_by_label("from, pixels").fill("226")
    expect(lab.get_by_role("button", name="put it into the stack")).to_be_disabled()
    expect(lab.locator(".lab-question")).to_contain_text("(nothing in the stack is 226 × 226)")


# --- everybody ---


def test_everything_can_be_done_by_keyboard(opened):
    lab = opened("LeNet-5")
    keyboard = lab.page.keyboard
    lab.get_by_label("height and width").focus()
    keyboard.press("ArrowRight")
    expect_the_numbers_of(lab, network_calculator("LeNet-5", input_shape=(1, 40, 40)))
    lab.locator("summary").first.focus()
    keyboard.press("Enter")
    for label in ("kind", "output channels", "kernel k"):
        keyboard.press("Tab")
        assert lab.page.evaluate("document.activeElement.ariaLabel") == label
    keyboard.press("ControlOrMeta+a")
    keyboard.type("3, 7")
    layers = network_calculator("LeNet-5").layers
    layers[0]["kernel_size"] = [3, 7]
    expect_the_numbers_of(lab, network_calculator(layers=layers, input_shape=(1, 40, 40)))
    lab.get_by_role("button", name="move down").first.focus()
    keyboard.press("Space")
    layers[0], layers[1] = layers[1], layers[0]
    expect_the_numbers_of(lab, network_calculator(layers=layers, input_shape=(1, 40, 40)))
    lab.locator(".lab-choice input").first.focus()
    keyboard.press("ArrowDown")
    expect(lab.locator(".lab-choice input").nth(1)).to_be_checked()
    expect(lab.locator(".lab-choice input").nth(1)).to_be_focused()
    expect(lab.locator(".lab-question")).to_contain_text("k5 s4 p1 takes")


def test_what_is_being_typed_stays_until_the_field_is_left(opened):
    field = open_layer(opened("LeNet-5"), 1).get_by_label("kernel k")
    field.clear()
    field.press_sequentially("7 7")
    expect(field).to_have_value("7 7")
    field.blur()
    expect(field).to_have_value("7")


@pytest.mark.parametrize("network", ["VGG-16", "DCGAN generator"])
def test_it_fits_a_phone_and_its_targets_a_finger(opened, network):
    lab = opened(network, viewport={"width": 350, "height": 800})
    expect_the_numbers_of(
        lab, network_calculator(network), in_words
    )  # 138.4 million: there is no room for more
    assert lab.page.evaluate(OVERFLOW) == []
    lab.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
    assert lab.page.evaluate(OVERFLOW) == []
    assert lab.evaluate(SMALL_TARGETS) == []
    wide = "lab => [...lab.querySelectorAll('.lab-line > *')].filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth).map(one => one.innerText)"
    assert lab.evaluate(wide) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_it_is_accessible(opened, theme, viewport):
    lab = opened("AlexNet", viewport, theme, input_shape=(3, 70, 70))
    lab.page.evaluate(OPEN_AND_CHOOSE_ALL)
    assert accessibility_faults(lab.page, colours_only=theme == "dark") == []
    lab.page.keyboard.press("Tab")
    assert lab.page.evaluate(UNSEEN_FOCUS) == []


def test_a_screen_reader_hears_what_each_number_is(opened):
    name = opened("VGG-16").locator("summary").nth(1).inner_text()
    assert (
        re.sub(r"\s+", " ", name)
        == "2 conv 3×3, 64 → 64, s1 p1 64 × 224 × 224 36,928 parameters 1,849,688,064 multiply-adds 12.25 MiB memory"
    )


def test_controls_stay_under_the_pointer_while_they_move(opened):
    lab = opened("VGG-16", viewport=PHONE)
    for name in ("height and width", "kernel up to", "stride up to", "dilation up to"):
        control = lab.get_by_label(name, exact=True)
        places = []
        for value in (control.get_attribute("min"), control.get_attribute("max")):
            control.fill(value)
            places.append(control.bounding_box()["y"] + lab.page.evaluate("scrollY"))
        assert places[0] == places[1]


def test_without_scripts_the_result_of_python_is_there(browser: Browser, tmp_path: Path):
    site = write_labs_page(tmp_path, network_calculator())
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(site.address("page.html"))
        expect(page.locator(".lab table").first).to_contain_text("138,357,544")
        expect(page.locator(".lab table").nth(1)).to_contain_text("k7 s4 p3")
        assert page.locator(".lab :is(input, button, select)").count() == 0


def test_paper_shows_the_numbers_and_no_control(opened):
    lab = opened("VGG-16")
    lab.page.emulate_media(media="print")
    expect(lab.locator("button:visible, input[type=range]:visible, select:visible")).to_have_count(0)
    expect(lab.locator(".lab-total")).to_be_visible()
    expect(lab.locator(".lab-shares").first).to_be_visible()
