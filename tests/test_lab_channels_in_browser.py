"""The channels lab in a real browser: every control, by mouse, touch and keyboard, against convlib."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import (
    LAYOUT_SHIFT,
    OVERFLOW,
    UNSEEN_FOCUS,
    accessibility_faults,
    browser,
    opened,
    write_labs_page,
)
from playwright.sync_api import Browser, Page, expect

from convlib import labs
from convlib.labs import ChannelsLab
from convlib.labs.channels import KINDS, percent, shapes_in_words

__all__ = ["browser", "opened"]  # fixtures


# What is seen: the channels of all columns, the lines between them, and the matrix.
SEEN = """() => {
    const all = selector => [...document.querySelectorAll(selector)];
    const linked = cells => cells.map(one => Number(one.matches(".linked")));
    const between = all(".lab-between").map(box => linked([...box.children]));
    const sides = all(".lab-wires > .lab-grid").map(box => [...box.children]);
    const lines = all(".lab-wires svg").map(svg => [...svg.children].map(
        line => [Number(line.dataset.to), Number(line.dataset.from), Number(line.matches(".linked"))]));
    const cells = all(".lab-paths > .lab-grid:last-child > *");
    return {
        columns: [linked(sides[0]), ...between, linked(sides[1])],
        pressed: sides.map(cells => cells.findIndex(one => one.ariaPressed === "true")),
        stops: sides.map(cells => cells.filter(one => one.tabIndex === 0).length),
        lines,
        paths: cells.map(one => Number(one.textContent)),
        marked: cells.map(one => Number(one.matches(".under"))),
    };
}"""


def connected(lab: ChannelsLab) -> list[np.ndarray]:
    """For each step of the drawing: which channel after (row) sees which before (column)."""
    steps = []
    for at, layer in enumerate(lab.layers):
        if at and lab.kind == "two grouped" and lab.shuffle:
            order = np.arange(layer.in_channels).reshape(lab.groups, -1).T.ravel()
            steps.append(np.eye(layer.in_channels)[order])
        block = np.ones((layer.out_channels // layer.groups, layer.in_channels // layer.groups))
        steps.append(np.kron(np.eye(layer.groups), block))
    return steps


def agrees(page: Page, lab: ChannelsLab) -> None:
    """All that the page shows is what Python computes for the same state."""
    expect(page.locator(".lab-radios input:checked")).to_have_value(lab.kind)
    expect(page.locator(".lab-sum").first).to_have_text(f"{lab.reach_in_words()} {lab.mixing_in_words()}")
    expect(page.get_by_text(lab.kind_in_words(), exact=True)).to_be_visible()
    seen = page.evaluate(SEEN)
    is_output = lab.side == "output"
    channel = min(lab.channel, (lab.out_channels if is_output else lab.in_channels) - 1)
    assert seen["pressed"] == ([-1, channel] if is_output else [channel, -1])
    assert seen["stops"] == [1, 1]
    steps = connected(lab)
    marks = [np.arange(lab.out_channels if is_output else lab.in_channels) == channel]
    for step in reversed(steps) if is_output else steps:
        marks.append((step.T if is_output else step) @ marks[-1] > 0)
    if is_output:
        marks.reverse()
    assert seen["columns"] == [mark.astype(int).tolist() for mark in marks]
    assert len(seen["lines"]) == len(steps)
    for lines, step, before, after in zip(seen["lines"], steps, marks, marks[1:], strict=False):
        expected = [[o, c, int(after[o] if is_output else before[c])] for o, c in np.argwhere(step).tolist()]
        assert sorted(lines) == expected
        assert [mark for *_, mark in lines] == sorted(mark for *_, mark in lines)  # marked ones on top
    assert seen["paths"] == lab.paths.ravel().tolist()
    marked = np.zeros_like(lab.paths)
    if is_output:
        marked[channel] = lab.connections[channel]
    else:
        marked[:, channel] = lab.connections[:, channel]
    assert seen["marked"] == marked.ravel().tolist()

    costs = lab.costs
    standard = costs["standard"]
    assert standard
    share = percent(lab.multiply_adds, standard.multiply_adds)
    expect(page.locator(".lab-sum").last).to_have_text(
        f"{lab.parameters:,} parameters, {lab.multiply_adds:,} multiply-adds: {share} of the "
        "standard convolution's."
    )
    cards = page.locator(".lab-cards > li")
    texts = [" ".join(text.split()) for text in cards.all_inner_texts()]
    for text, (kind, own) in zip(texts, costs.items(), strict=True):
        name = lab._name(kind)
        name = name[0].upper() + name[1:]
        if own is None:
            assert text == f"{name} impossible: {lab._problem_of(kind)}"
            continue
        assert text == (
            f"{name} {shapes_in_words(own.weight_shapes)} "
            f"{own.parameters:,} parameters {percent(own.parameters, standard.parameters)} "
            f"{lab.parameters_in_words(kind)} "
            f"{own.multiply_adds:,} multiply-adds {percent(own.multiply_adds, standard.multiply_adds)} "
            f"{lab.multiply_adds_in_words(kind)} "
            f"numbers out: {lab.numbers_in_words(kind)}"
        )
    assert cards.evaluate_all("all => all.map(one => one.ariaCurrent)") == [
        "true" if kind == lab.kind else None for kind in KINDS
    ]
    bars = page.locator(".lab-cards .lab-bar:visible").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().width / one.parentElement.clientWidth)"
    )
    known = [own for own in costs.values() if own]
    most = max(own.parameters for own in known), max(own.multiply_adds for own in known)
    shares = [(own.parameters / most[0], own.multiply_adds / most[1]) for own in known]
    assert bars == pytest.approx([one for pair in shares for one in pair], abs=0.006)
    expect(page.get_by_text(lab.ratio_in_words())).to_be_visible()


def test_every_control_by_mouse(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.channels()), labs.channels()
    agrees(page, lab)
    for name, attribute, value in (
        ("input channels", "in_channels", 6),
        ("output channels", "out_channels", 12),
        ("kernel size", "kernel_size", 5),
        ("image side", "size", 112),
    ):
        page.get_by_label(name, exact=True).fill(str(value))
        setattr(lab, attribute, value)
        agrees(page, lab)
    page.get_by_label("bias").check()
    lab.bias = True
    agrees(page, lab)
    page.get_by_role("button", name="output 11").click()
    lab.channel = 11
    for kind, label in KINDS.items():
        page.get_by_label(label, exact=True).check()
        lab.kind = kind
        agrees(page, lab)
    page.get_by_role("button", name="input 4").click()
    lab.side, lab.channel = "input", 4
    agrees(page, lab)
    page.get_by_label("channel shuffle in between").check()
    lab.shuffle = True
    agrees(page, lab)
    groups = page.get_by_label("groups", exact=True)
    for at, g in enumerate((1, 2, 3, 6)):  # the common divisors of 6 and 12
        groups.fill(str(at))
        lab.groups = g
        agrees(page, lab)
        expect(groups).to_have_attribute("aria-valuetext", f"{g} of 1, 2, 3, 6")
        expect(groups.locator("+ output")).to_have_text(str(g))
    page.get_by_label("depthwise", exact=True).check()
    page.get_by_label("outputs for each input").fill("1")
    lab.kind, lab.out_channels = "depthwise", 6
    agrees(page, lab)
    page.get_by_label("bottleneck", exact=True).check()
    page.get_by_label("channels in the middle").fill("9")
    lab.kind, lab.middle = "bottleneck", 9
    agrees(page, lab)


def test_only_settings_of_the_kind_are_in_sight(opened: Callable[..., Page]) -> None:
    page = opened(labs.channels())
    own = {
        "grouped": {"groups"},
        "depthwise": {"outputs for each input"},
        "bottleneck": {"channels in the middle"},
        "two grouped": {"groups", "channel shuffle in between"},
    }
    for kind, label in KINDS.items():
        page.get_by_label(label, exact=True).check()
        for name in set().union(*own.values()):
            expect(page.get_by_label(name, exact=True)).to_be_visible(visible=name in own.get(kind, ()))


def test_impossible_channels_cannot_be_chosen(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.channels("grouped", 8, 8, groups=4)), labs.channels("grouped", 8, 8, groups=4)
    inputs, outputs = (page.get_by_label(f"{one} channels", exact=True) for one in ("input", "output"))

    def values(slider: Any, keys: str, n: int) -> list[str]:
        slider.focus()
        found = []
        for _ in range(n):
            page.keyboard.press(keys)
            found.append(slider.locator("+ output").inner_text())
        return found

    assert values(inputs, "ArrowRight", 3) == ["12", "16", "16"]
    assert values(outputs, "ArrowLeft", 2) == ["4", "4"]
    lab.in_channels, lab.out_channels = 16, 4
    agrees(page, lab)
    page.get_by_label("standard").check()
    assert values(inputs, "ArrowLeft", 2) == ["15", "14"]
    assert values(outputs, "ArrowRight", 3) == ["5", "6", "7"]
    lab.kind, lab.in_channels, lab.out_channels = "standard", 14, 7
    agrees(page, lab)  # the cards of grouped and depthwise say why not
    expect(page.get_by_text("impossible: 14 input channels cannot be split into 4 groups.")).to_have_count(2)
    page.get_by_label("grouped", exact=True).check()  # the largest number of groups that is left
    lab.kind, lab.groups = "grouped", 1
    agrees(page, lab)
    page.get_by_label("depthwise", exact=True).check()
    lab.kind, lab.out_channels = "depthwise", 14
    agrees(page, lab)
    inputs.fill("5")
    lab.in_channels = lab.out_channels = 5
    agrees(page, lab)
    assert values(outputs, "ArrowRight", 3) == ["10", "15", "15"]
    assert values(inputs, "ArrowRight", 1) == ["5"]  # three outputs for each would be too many
    assert values(inputs, "ArrowLeft", 1) == ["4"]
    lab.in_channels, lab.out_channels = 4, 12
    agrees(page, lab)
    assert values(page.get_by_label("outputs for each input"), "ArrowRight", 2) == ["4", "4"]


def test_what_python_makes_impossible_is_said_and_the_controls_lead_out(opened: Callable[..., Page]) -> None:
    lab = labs.channels("grouped", 8, 8, groups=4)
    lab.in_channels = 7
    page = opened(lab)
    expect(page.locator(".lab-problem")).to_have_text("7 input channels cannot be split into 4 groups.")
    expect(page.locator(".lab-wires:visible, .lab-sum:visible")).to_have_count(0)
    page.get_by_label("bottleneck", exact=True).check()
    lab.kind = "bottleneck"
    agrees(page, lab)
    expect(page.locator(".lab-problem")).not_to_be_visible()
    page.get_by_label("grouped", exact=True).check()
    lab.kind, lab.groups = "grouped", 1
    agrees(page, lab)


def test_keyboard_alone_reaches_everything(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.channels()), labs.channels()

    def keys(*names: str) -> None:
        for name in names:
            page.keyboard.press(name)

    def focused(name: str) -> None:
        found = page.evaluate(
            "(one => one.ariaLabel ?? one.labels[0].innerText.trim())(document.activeElement)"
        )
        assert found == name

    keys("Tab", *["ArrowRight"] * 6)
    lab.kind = "two grouped"
    agrees(page, lab)
    for name, pressed, attribute, value in (
        ("input channels", ["ArrowRight"] * 2, "in_channels", 12),
        ("output channels", ["End"], "out_channels", 16),
        ("kernel size", ["ArrowRight"], "kernel_size", 5),
        ("image side", ["Home", "ArrowRight"], "size", 8),
        ("groups", ["End"], "groups", 4),
        ("bias", ["Space"], "bias", True),
        ("channel shuffle in between", ["Space"], "shuffle", True),
    ):
        keys("Tab")
        focused(name)
        keys(*pressed)
        setattr(lab, attribute, value)
        agrees(page, lab)
    keys("Tab")
    focused("input 0")
    lab.side = "input"
    agrees(page, lab)
    keys("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp")
    focused("input 2")
    lab.channel = 2
    agrees(page, lab)
    keys("Tab")
    focused("output 0")
    keys(*["ArrowDown"] * 17)  # it ends at the last one
    focused("output 15")
    lab.side, lab.channel = "output", 15
    agrees(page, lab)
    keys("Shift+Tab")
    focused("input 0")


def test_channels_are_chosen_by_touch(opened: Callable[..., Page]) -> None:
    lab = labs.channels("grouped", 16, 16, groups=4)
    page = opened(lab, width=390, touch=True)
    for side, channel in (("output", 15), ("output", 14), ("input", 0), ("input", 7)):
        page.get_by_role("button", name=f"{side} {channel}", exact=True).tap()
        lab.side, lab.channel = side, channel
        agrees(page, lab)


def test_marked_channel_goes_to_the_last_one_that_is_left(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.channels()), labs.channels()
    page.get_by_role("button", name="output 7").click()
    page.get_by_label("output channels").fill("3")
    lab.channel, lab.out_channels = 7, 3
    agrees(page, lab)
    assert lab.reach_in_words().startswith("Output 2 ")


def test_controls_stay_where_they_are_while_they_are_used(opened: Callable[..., Page]) -> None:
    page = opened(labs.channels("two grouped", 8, 8), width=390)
    place = "one => one.getBoundingClientRect().top + scrollY"
    for name, values in (
        ("input channels", ["16", "2"]),
        ("output channels", ["16", "2", "8"]),
        ("kernel size", ["1", "7"]),
        ("image side", ["7", "112"]),
        ("groups", ["0", "1"]),
    ):
        slider = page.get_by_label(name, exact=True)
        tops = set()
        for value in values:
            slider.fill(value)
            tops.add(slider.evaluate(place))
        assert len(tops) == 1, name
    kinds = page.locator(".lab-radios input")
    for kind in kinds.all():
        before = kind.evaluate(place)
        kind.check()
        assert kind.evaluate(place) == before
    button = page.get_by_role("button", name="input 1")
    before = button.evaluate(place)
    button.click()
    assert button.evaluate(place) == before


def test_lines_meet_their_channels(opened: Callable[..., Page]) -> None:
    for width in (350, 720):
        page = opened(labs.channels("bottleneck", 16, 5, middle=3), width=width)
        gaps = page.evaluate("""() => {
            const columns = [...document.querySelectorAll(".lab-wires > :is(.lab-grid, .lab-between)")];
            const middle = one => {
                const {top, height} = one.getBoundingClientRect();
                return top + height / 2;
            };
            return [...document.querySelectorAll(".lab-wires svg")].flatMap((svg, at) => {
                const box = svg.getBoundingClientRect();
                const [before, after] = columns.slice(at, at + 2).map(one => [...one.children]);
                const across = [
                    Math.max(...before.map(one => one.getBoundingClientRect().right)) - box.left,
                    Math.min(...after.map(one => one.getBoundingClientRect().left)) - box.right,
                ];
                const down = [...svg.children].flatMap(line => [
                    box.top + line.y1.baseVal.value - middle(before[line.dataset.from]),
                    box.top + line.y2.baseVal.value - middle(after[line.dataset.to]),
                ]);
                return [...across, ...down];
            });
        }""")
        assert len(gaps) == 3 * 2 + 2 * (16 * 3 + 3 * 3 + 3 * 5)
        assert max(map(abs, gaps)) < 1.1


def test_only_sentences_that_change_are_said_again(opened: Callable[..., Page]) -> None:
    page = opened(labs.channels())
    page.evaluate("""() => {
        window.said = [];
        for (const one of document.querySelectorAll("[role=status], [aria-live]"))
            new MutationObserver(() => said.push(one.textContent)).observe(
                one, {childList: true, characterData: true, subtree: true});
    }""")
    page.get_by_role("button", name="output 3").click()
    expect(page.locator(".lab-sum").first).to_contain_text("Output 3 sees all inputs: 8 of 8.")
    assert page.evaluate("said") == ["Output 3 sees all inputs: 8 of 8."]


def test_labs_on_one_page_do_not_share_their_choices(opened: Callable[..., Page]) -> None:
    page = opened(labs.channels("grouped"), labs.channels("bottleneck"))
    first, second = page.locator(".lab").all()
    first.get_by_label("depthwise", exact=True).check()
    expect(second.get_by_label("bottleneck", exact=True)).to_be_checked()
    expect(second.locator(".lab-between")).to_have_count(2)
    expect(first.locator(".lab-between")).to_have_count(0)


LABS: dict[str, dict[str, Any]] = {
    "few channels": {"in_channels": 2, "out_channels": 3},
    "many groups": {"kind": "grouped", "in_channels": 16, "out_channels": 16, "groups": 4},
    "many ways": {"kind": "bottleneck", "in_channels": 16, "out_channels": 16, "middle": 16, "bias": True},
    "four columns": {
        "kind": "two grouped",
        "in_channels": 16,
        "out_channels": 16,
        "groups": 8,
        "shuffle": True,
        "bias": True,
        "size": 112,
    },
}


@pytest.mark.parametrize("settings", LABS.values(), ids=LABS)
def test_phone_shows_all_without_scrolling_the_page(
    settings: dict[str, Any], opened: Callable[..., Page]
) -> None:
    page = opened(labs.channels(**settings), width=350)
    assert page.evaluate(OVERFLOW) == []
    boxes = page.locator(
        ".lab :is(button, select, input:not([type=checkbox], [type=radio])), .lab label"
    ).evaluate_all("""all => all.filter(one => one.checkVisibility()).map(one => {
        const {width, height} = one.getBoundingClientRect();
        return [Math.min(width, height), one.outerHTML];
    })""")
    assert [html for size, html in boxes if size < 24] == []
    words = page.locator(".lab-wires > :is(span, strong)").evaluate_all("""all => all.flatMap(one => {
        const range = document.createRange();
        range.selectNodeContents(one);
        const {left, right, top, bottom} = range.getBoundingClientRect();
        return right > left ? [[left, right, top, bottom]] : [];
    })""")
    for at, one in enumerate(words):  # no word lies over another
        for other in words[:at]:
            apart = one[0] >= other[1] or other[0] >= one[1] or one[2] >= other[3] or other[2] >= one[3]
            assert apart, (one, other)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("settings", LABS.values(), ids=LABS)
def test_axe_finds_nothing(theme: str, settings: dict[str, Any], opened: Callable[..., Page]) -> None:
    page = opened(labs.channels(**settings), theme=theme)
    assert accessibility_faults(page, colours_only=theme == "dark") == []
    page.keyboard.press("Tab")
    assert page.evaluate(UNSEEN_FOCUS) == []


def test_page_comes_to_life_without_a_jump_of_what_is_above(opened: Callable[..., Page]) -> None:
    page = opened(labs.channels())
    assert page.evaluate(LAYOUT_SHIFT) < 0.02


def test_without_scripts_the_still_result_is_there(browser: Browser, tmp_path: Path) -> None:
    lab = labs.channels("two grouped", 6, 4, groups=2, shuffle=True)
    with browser.new_context(java_script_enabled=False, viewport={"width": 720, "height": 900}) as context:
        page = context.new_page()
        page.goto(write_labs_page(tmp_path, lab).address("page.html"))
        expect(page.get_by_text(lab.reach_in_words())).to_be_visible()
        table = page.locator("table", has_text="Ways from each input")
        for row, ways in zip(table.locator("tr").all()[1:], lab.paths, strict=True):
            assert [int(one or 0) for one in row.locator("td").all_inner_texts()[1:]] == ways.tolist()
        costs = page.locator("table", has_text="What each kind costs")
        expect(costs).to_contain_text(lab.parameters_in_words("two grouped"))
        expect(page.get_by_text(lab.ratio_in_words())).to_be_visible()
