"""The filters lab: what its page computes is what convlib computes, in numbers and in words."""

import io
import itertools
import json
import random
from base64 import b64decode, b64encode
from typing import Any

import numpy as np
import pytest
import traitlets
from bs4 import BeautifulSoup
from lab_script import call, engine, state_of
from PIL import Image

import convlib
from convlib import draw, filters, labs
from convlib.filtering import PADDING_MODES, filter2d, filter_way, frequency_response
from convlib.labs import filters as filters_lab
from convlib.labs._lab import shown
from convlib.labs.filters import (
    BEYOND,
    BIAS,
    CHOICES,
    DEFAULTS,
    EDITED,
    FREQUENCIES,
    LARGEST,
    MOST_WRITTEN,
    OWN,
    PICTURES,
    PRESETS,
    RANGES,
    SIDE,
    STOPS,
    TIMES,
    VIEWS,
    WAVES,
    FiltersLab,
    in_words,
    signed_palette,
)

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
ATOB = f"""globalThis.atob = (text) => {{ // which pages have
    const letters = "{LETTERS}";
    let made = "", bits = 0, held = 0;
    for (const letter of text.replaceAll("=", "")) {{
        held = (held << 6) | letters.indexOf(letter);
        bits += 6;
        if (bits >= 8) {{ bits -= 8; made += String.fromCharCode((held >> bits) & 255); }}
    }}
    return made;
}};"""
engine("filters").eval(ATOB)
NOISE = {
    name: b64encode(np.random.default_rng(seed).integers(0, 256, SIDE * SIDE, np.uint8).tobytes()).decode()
    for seed, name in enumerate(PICTURES[:-1])
}


def values_of(name: str) -> list[Any]:
    """All values that the control of a setting can have."""
    if name in CHOICES:
        return list(CHOICES[name])
    least, most, step, _ = RANGES[name]
    return [round(least + at * step, 9) for at in range(round((most - least) / step) + 1)]


def random_weights(choose: random.Random) -> list[list[float]]:
    """Weights as a reader types them: of any rank, with zeros, often small."""
    height, width = choose.choice([(1, 1), (3, 3), (3, 3), (5, 5), (7, 7), (2, 3), (1, 4), (6, 2)])
    scale = choose.choice([1, 10, 100])
    kind = choose.choice(["any", "outer", "two", "sparse", "even", "odd", "zero"])

    def numbers(*size: int) -> np.ndarray:
        made = [choose.randint(-9, 9) / scale for _ in range(int(np.prod(size)))]
        return np.reshape(made, size)

    if kind in ("outer", "two"):
        made = sum(np.outer(numbers(height), numbers(width)) for _ in range(1 + (kind == "two")))
    else:
        made = numbers(height, width)
    if kind == "sparse":
        made = made * (numbers(height, width) > 0.5 / scale)
    if kind == "even":
        made = made + made[::-1, ::-1]
    if kind == "odd":
        made = made - made[::-1, ::-1]
    if kind == "zero" and choose.random() < 0.5:
        made = 0 * made
    return (made + 0.0).tolist()


def random_lab(seed: int) -> FiltersLab:
    """A lab as a reader may leave it."""
    choose = random.Random(seed)
    near = choose.choice([0, SIDE - 1, choose.randrange(SIDE)])
    return FiltersLab(
        preset=(*PRESETS, *[OWN] * len(PRESETS))[seed % (2 * len(PRESETS))],
        settings={name: choose.choice(values_of(name)) for name in (*RANGES, *CHOICES)},
        weights=random_weights(choose),
        bias=choose.choice([0, 0, choose.randint(-20, 20) / 20]),
        times=choose.choice([1, 1, 1, 2, 3, 4]),
        padding_mode=PADDING_MODES[seed % 4],
        picture=choose.choice(PICTURES),
        view=choose.choice(VIEWS),
        position=[near, choose.randrange(SIDE)],
        **({"photographs": NOISE} if choose.random() < 0.5 else {}),
    )


LABS = [random_lab(seed) for seed in range(320)]


def js(lab: FiltersLab, function: str, *arguments: object) -> Any:
    return call("filters", function, state_of(lab), *arguments)


LOOKED = """(state) => {
    const found = lookUp(state);
    const flat = ["image", "lastInput", "output"].map((name) => [name, Array.from(found[name])]);
    const words = {
        sum: sumInWords(state, found), flip: flipInWords(found), result: resultInWords(state, found),
        pixel: pixelInWords(state, found), frequency: frequencyInWords(state, found),
        rank: rankInWords(found), product: columnAndRowInWords(found),
    };
    return { ...found, ...Object.fromEntries(flat), words };
}"""


@pytest.fixture(scope="module")
def drawn() -> list[tuple[FiltersLab, Any]]:
    """Each lab with what its page computes."""
    return [(lab, js(lab, f"({LOOKED})")) for lab in LABS]


Drawn = list[tuple[FiltersLab, Any]]


def square(numbers: list[float]) -> np.ndarray:
    return np.reshape(numbers, (SIDE, SIDE))


def close(one: Any, other: Any, unit: float = 1) -> bool:
    return np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=1e-9, atol=1e-9 * unit)


def test_random_states_reach_every_case() -> None:
    assert {lab.preset for lab in LABS} == {*PRESETS, OWN}
    own = [lab for lab in LABS if lab.preset == OWN]
    assert {lab.way.rank for lab in own} >= {0, 1, 2, 3, 5, 7}
    assert {(lab.way.separable, lab.way.rank > 1) for lab in LABS} == set(itertools.product([0, 1], [0, 1]))
    words = " ".join(
        each
        for lab in LABS
        for each in (lab.sum_in_words(), lab.flip_in_words(), lab.result_in_words(), lab.pixel_in_words(),
                     lab.frequency_in_words(), lab.rank_in_words())
    )  # fmt: skip
    for part in (
        "All weights are 0", "keeps its", "becomes 0", "sign turned", "each time", "The bias", "is the same",
        "changes its sign", "another kernel", "everywhere.", "No pixel", "below 0 and", "pixels are clipped",
        "White is 0", "(bias)", "terms)", "lie beyond", "lies beyond", "applying it once", "3 times has",
        *BEYOND.values(), "No wave", "All waves", "low-pass", "as large for other", "checkerboard", "upright",
        "lying", "slanting", "band-pass", "high-pass", "for a constant area it is", "to the power of",
        "Rank 0", "separable. A pass", "a sum of 2", "both are alike", "passes are", "window is",
    ):  # fmt: skip
        assert part in words, part


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_of_the_page_is_convlibs_at_every_setting(preset: str) -> None:
    names = PRESETS[preset]
    make = getattr(filters, preset)
    choices, lab = list(itertools.product(*map(values_of, names))), FiltersLab(preset=preset)
    for values in random.Random(1).sample(choices, min(200, len(choices))):
        settings = dict(zip(names, values, strict=True))
        made = call("filters", f"((settings) => MAKE.{preset}(settings))", DEFAULTS | settings)
        expected = make(**settings)
        assert np.shape(made) == expected.shape
        assert np.abs(np.subtract(made, expected)).max() < 1e-9, settings
        assert max(expected.shape) <= LARGEST
        lab.settings = settings
        assert np.array_equal(lab.kernel, expected)


def test_picture_and_result_of_the_page_are_convlibs(drawn: Drawn) -> None:
    for lab, page in drawn:
        kernel, image = lab.kernel, lab.image
        assert close(page["kernel"], kernel)
        assert np.array_equal(square(page["image"]), image)
        for time in range(lab.times):
            if time == lab.times - 1:
                assert close(square(page["lastInput"]), image, np.abs(image).max())
            image = filter2d(image, kernel, lab.bias, lab.padding_mode, separable=False)
        unit = np.abs(image).max()
        assert close(lab.output, image, unit)
        assert close(square(page["output"]), image, unit), lab
        assert (page["below"], page["above"]) == lab.clipped
        assert lab.clipped == ((image < -1e-9).sum(), (image > 1 + 1e-9).sum())


def test_waves_of_the_page_are_convlibs(drawn: Drawn) -> None:
    for lab, page in drawn:
        response = frequency_response(lab.kernel, FREQUENCIES)
        unit = np.abs(lab.kernel).sum()
        assert close(np.add(page["real"], 1j * np.array(page["imaginary"])), response, unit), lab
        assert close(page["strength"], np.abs(response), unit)
        right, down, times, alike = lab.peak
        assert page["peak"] == {"right": right, "down": down, "times": pytest.approx(times), "alike": alike}
        at = [round(f * FREQUENCIES) + FREQUENCIES // 2 for f in (down, right)]
        assert np.abs(response)[tuple(np.mod(at, FREQUENCIES))] == pytest.approx(np.abs(response).max())
        assert times == pytest.approx(np.abs(response).max(), abs=1e-9)
        assert page["onWaves"] == pytest.approx(list(lab.on_waves.values()), abs=1e-9)


def test_factor_of_the_finest_waves_is_what_the_kernel_makes_of_them() -> None:
    even, rows, columns = (lambda index: 1 - 2 * (index % 2)), *np.indices((SIDE, SIDE))
    waves = np.ones((SIDE, SIDE)), even(columns), even(rows), even(rows + columns)
    for lab in LABS:
        for wave, factor in zip(waves, lab.on_waves.values(), strict=True):
            answer = filter2d(wave.astype(float), lab.kernel, padding_mode="circular")
            assert np.allclose(answer, factor * wave, atol=1e-8)


def test_ranks_and_costs_of_the_page_are_convlibs(drawn: Drawn) -> None:
    for lab, page in drawn:
        assert page["way"] == {
            "separable": filter_way(lab.kernel).separable,
            "rank": filter_way(lab.kernel).rank,
            "multiplyAdds": filter_way(lab.kernel).multiply_adds,
        }, lab
        values = np.linalg.svd(lab.kernel, compute_uv=False)
        unit = values.max() or 1
        found = [part["value"] for part in page["parts"]]
        assert found == pytest.approx(values[: len(found)].tolist(), rel=1e-9, abs=1e-12 * unit)
        products = [np.outer(part["column"], part["row"]) for part in page["parts"]]
        assert close(sum(products, np.zeros(lab.kernel.shape)), lab.kernel, unit)


@pytest.mark.parametrize("seed", range(60))
def test_singular_values_of_any_matrix_are_found(seed: int) -> None:
    draw_from = np.random.default_rng(seed)
    height, width = draw_from.integers(1, 12, 2)
    rank = draw_from.integers(1, min(height, width) + 1)
    kernel = draw_from.normal(size=(height, rank)) @ draw_from.normal(size=(rank, width))
    kernel *= 10.0 ** draw_from.integers(-200, 6)
    parts = call("filters", "separate", kernel.tolist())
    values = np.linalg.svd(kernel, compute_uv=False)
    assert len(parts) == rank == len(convlib.filtering.separate(kernel)[0])  # type: ignore[arg-type]
    assert [part["value"] for part in parts] == pytest.approx(values[:rank].tolist(), rel=1e-10, abs=0)  # type: ignore[attr-defined, index]
    rows = np.array([part["row"] for part in parts])  # type: ignore[attr-defined, index]
    assert np.allclose(rows @ rows.T, np.eye(rank), atol=1e-12)


@pytest.mark.parametrize(("small", "rank"), [(1e-3, 2), (1e-6, 2), (1e-11, 2), (1e-13, 1), (0, 1)])
def test_what_counts_as_rounding_is_what_counts_so_in_convlib(small: float, rank: int) -> None:
    kernel = [[1, 0, 0], [0, small, 0], [0, 0, 0]]
    lab = labs.filters(kernel)
    assert len(call("filters", "separate", kernel)) == lab.way.rank == rank  # type: ignore[arg-type]


def test_column_and_row_make_the_kernel(drawn: Drawn) -> None:
    seen = 0
    for lab, page in drawn:
        both = lab.column_and_row
        assert (both is None) == (page["both"] is None) == (lab.way.rank != 1)
        if both is None:
            assert lab.column_and_row_in_words() == ""
            continue
        seen += 1
        column, row = both
        assert close(np.outer(column, row), lab.kernel)
        assert any(np.allclose(row, line, atol=0) for line in lab.kernel)
        assert close(page["both"]["column"], column) and close(page["both"]["row"], row)
    assert seen > 40


def test_sentences_of_the_page_are_pythons(drawn: Drawn) -> None:
    for lab, page in drawn:
        assert page["words"] == {
            "sum": lab.sum_in_words(),
            "flip": lab.flip_in_words(),
            "result": lab.result_in_words(),
            "pixel": lab.pixel_in_words(),
            "frequency": lab.frequency_in_words(),
            "rank": lab.rank_in_words(),
            "product": lab.column_and_row_in_words(),
        }, lab


def test_choices_of_the_page_are_pythons() -> None:
    for name, ours in (
        ("PICTURES", PICTURES),
        ("OWN", OWN),
        ("PRESETS", {name: list(settings) for name, settings in PRESETS.items()}),
        ("RANGES", {name: list(ends) for name, ends in RANGES.items()}),
        ("CHOICES", {name: list(values) for name, values in CHOICES.items()}),
        ("MODES", PADDING_MODES),
        ("BEYOND", BEYOND),
        ("WAVES", WAVES),
        ("STOPS", STOPS),
        ("[SIDE, EDITED, BIAS, TIMES, FREQUENCIES, MOST_WRITTEN, SAME, LITTLE]",
         [SIDE, EDITED, BIAS, TIMES, FREQUENCIES, MOST_WRITTEN, 1e-9, 0.1]),
        ("Object.keys(PRESETS).map(inWords)", [in_words(name) for name in PRESETS]),
    ):  # fmt: skip
        expected = list(ours) if isinstance(ours, tuple) else ours
        assert call("filters", f"(() => {name})") == expected, name


def test_every_setting_is_an_argument_of_its_function_and_begins_where_the_slider_can_stand() -> None:
    assert {name for names in PRESETS.values() for name in names} == {*RANGES, *CHOICES}
    for name, (least, most, _, first) in RANGES.items():
        assert values_of(name)[-1] == most and first in values_of(name) and least < most
    public = {
        name for name, one in vars(filters).items() if callable(one) and one.__module__ == filters.__name__
    }
    assert set(PRESETS) == {name for name in public if not name.startswith("_") and name != "pascal"}


# --- what is drawn ---


def test_colours_are_those_of_the_figures() -> None:
    ours = signed_palette()
    assert ours.shape == (255, 3)
    assert ours[127].tolist() == [255, 255, 255]
    theirs = 255 * np.array(draw.SIGNED(np.linspace(0, 1, 255)))[:, :3]
    assert np.abs(ours - theirs).max() <= 2  # which has 256 colours
    assert np.abs(np.subtract(call("filters", "(() => PALETTE)"), ours.astype(int))).max() == 0
    css = (labs._lab.HERE / "filters.css").read_text("utf8")
    hexadecimal = ["#fff" if stop == 0xFFFFFF else f"#{stop:06x}" for stop in STOPS]
    assert f"linear-gradient(to right, {', '.join(hexadecimal)})" in css
    assert f"linear-gradient(to right, {', '.join(hexadecimal[2:])})" in css


def pictures_of(lab: FiltersLab) -> list[Image.Image]:
    page = BeautifulSoup("".join(lab.still()), "html.parser")
    return [Image.open(io.BytesIO(b64decode(one["src"].partition(",")[2]))) for one in page.find_all("img")]


def test_still_pictures_hold_the_picture_and_the_result() -> None:
    for lab in LABS[:60]:
        before, after = pictures_of(lab)
        assert before.size == after.size == (SIDE, SIDE)
        assert np.abs(np.array(before) - 255 * lab.image).max() <= 0.5 + 1e-6
        if lab.view == "picture":
            assert np.abs(np.array(after, float) - 255 * np.clip(lab.output, 0, 1)).max() <= 0.5 + 1e-6
            continue
        limit = np.abs(lab.output).max() or 1
        places = np.array(after, float)  # in the palette
        assert np.abs(places - 127 - 127 * lab.output / limit).max() <= 0.5 + 1e-6
        assert np.array_equal(np.array(after.convert("RGB")), signed_palette()[places.astype(int)])


def test_still_shows_the_same_sentences_and_numbers() -> None:
    for lab in LABS[:120]:
        html = "".join(lab.still())
        page = BeautifulSoup(html, "html.parser")
        text = page.get_text(" ")
        for sentence in (
            lab.sum_in_words(), lab.flip_in_words(), lab.result_in_words(), lab.pixel_in_words(),
            lab.frequency_in_words(), lab.rank_in_words(), lab.column_and_row_in_words(),
            lab.state_in_words(),
        ):  # fmt: skip
            assert sentence in text
        tables = {table.caption.get_text(): table for table in page.find_all("table")}
        lines = [
            [cell.get_text() for cell in row.find_all("td")]
            for row in tables["What the kernel makes of waves"].find_all("tr")[1:]
        ]
        assert lines == [[name, shown(factor)] for name, factor in lab.on_waves.items()]
        height, width = lab.kernel.shape
        if max(height, width) <= EDITED:
            kernel = tables[f"Kernel {height} × {width}"]
            cells = [
                [float(cell.get_text().replace("−", "-")) for cell in row.find_all("td")]
                for row in kernel.find_all("tr")
            ]
            assert np.allclose(cells, lab.kernel, rtol=0.05 if width > 5 else 0.005, atol=1e-9)
        else:
            assert f"Kernel {height} × {width}; the row through the middle:" in text
        alt = page.find_all("img")[1]["alt"]
        assert lab.result_in_words() in alt


# --- what a reader finds ---


def test_words_of_known_kernels() -> None:
    lab = labs.filters("sobel")
    assert (
        lab.sum_in_words() == "The weights add up to 0: a flat area becomes 0, and only differences are left."
    )
    assert lab.flip_in_words().startswith("Flipped, the kernel changes its sign")
    assert lab.rank_in_words() == (
        "Rank 1: separable. A pass down and a pass across take 3 + 3 = 6, the window 3 · 3 = 9 multiply-adds "
        "a pixel: the passes are cheaper."
    )
    assert lab.column_and_row_in_words() == "Column (1, 2, 1) times row (−1, 0, 1)."
    assert lab.frequency_in_words() == (
        "A band-pass: the largest factor is 8, for upright stripes 4 pixels apart (0.25 cycles per pixel to "
        "the right, 0 down); coarser and finer waves are weaker."
    )
    lab.settings = {"axis": "y"}
    assert lab.column_and_row_in_words() == "Column (1, 0, −1) times row (−1, −2, −1)."
    lab.preset = "gaussian"
    assert lab.sum_in_words() == "The weights add up to 1: a flat area keeps its brightness."
    assert (
        lab.frequency_in_words()
        == "A low-pass: the largest factor is 1, for a constant area; finer waves are weaker."
    )
    lab.preset = "laplacian"
    assert lab.frequency_in_words() == (
        "A high-pass: the largest factor is 8, for the finest checkerboard (0.5 cycles per pixel to the "
        "right, 0.5 down); a constant area is removed."
    )
    assert lab.rank_in_words().startswith(
        "Rank 2: a sum of 2 separable kernels. Their 4 passes take 2 · (3 + 3) = 12,"
    )
    assert lab.rank_in_words().endswith("9 multiply-adds a pixel: the window is cheaper.")
    lab.preset = "sharpen"
    assert lab.frequency_in_words().endswith("; for a constant area it is 1.")


def test_sum_of_a_pixel_is_written_out_and_adds_up() -> None:
    counted = 0
    for lab in LABS:
        words = lab.pixel_in_words()
        i, j = lab.position
        assert words.startswith(f"Row {i}, column {j}")
        products, _, rest = words.partition(": ")[2].partition(" = ")
        value = float(rest.split(". ")[0].rstrip(".").replace("−", "-"))
        assert value == pytest.approx(lab.output[i, j], rel=1e-3, abs=1e-8)
        if "terms)" not in products:
            counted += 1
            total = eval(products.replace("−", "-").replace("·", "*").replace(" (bias)", ""))
            assert total == pytest.approx(value, rel=1e-2, abs=0.003 * np.abs(lab.kernel).sum())
    assert counted > 100


def test_pixels_beyond_the_border_are_counted() -> None:
    lab = labs.filters("box", size=5, position=(0, 1), padding_mode="zeros")
    # Two of five rows lie above, and of each of the other three one pixel to the left.
    assert lab.pixel_in_words().endswith(
        f"Of 25 pixels {2 * 5 + 3 * 1} lie beyond the border, where zeros lie."
    )
    lab.position = [2, 2]
    assert "beyond" not in lab.pixel_in_words()
    lab.position, lab.padding_mode = [95, 50], "circular"
    assert lab.pixel_in_words().endswith("10 lie beyond the border, where the other side follows.")


def test_large_sums_show_the_strongest_weights() -> None:
    lab = labs.filters("gaussian", sigma=2, position=(50, 50))
    first = lab.pixel_in_words().partition(": ")[2].split(" · ")[0]
    assert first == shown(lab.kernel.max())
    assert "(289 terms)" in lab.pixel_in_words()


def test_times_applies_the_kernel_to_its_own_result() -> None:
    lab = labs.filters("box", size=3, times=3, padding_mode="circular")
    once = labs.filters("box", size=3, padding_mode="circular")
    twice = filter2d(once.output, once.kernel, padding_mode="circular")
    assert np.allclose(lab.last_input, twice)
    assert np.allclose(lab.output, filter2d(twice, once.kernel, padding_mode="circular"))
    assert lab.frequency_in_words().endswith("Applied 3 times, each factor counts to the power of 3.")


def test_the_natural_view_is_chosen() -> None:
    for preset in PRESETS:
        total = float(getattr(filters, preset)(**{name: DEFAULTS[name] for name in PRESETS[preset]}).sum())
        assert labs.filters(preset).view == ("picture" if total == pytest.approx(1) else "signed")
    assert labs.filters("sobel", view="picture").view == "picture"
    assert labs.filters([[1, -1]]).view == "signed"


def test_clipped_pixels_are_counted() -> None:
    lab = labs.filters([[2]], bias=-0.5)
    lab.view = "picture"
    below, above = (lab.image < 0.25 - 1e-9).sum(), (lab.image > 0.75 + 1e-9).sum()
    assert lab.clipped == (below, above)
    assert f"{below + above:,} of 9,216 pixels are clipped: {below:,} below 0" in lab.result_in_words()


# --- mixes ---


@pytest.mark.parametrize("seed", range(40))
def test_mixes_of_the_page(seed: int) -> None:
    choose = random.Random(seed)
    kernel = np.array(random_weights(choose))
    assert np.array_equal(call("filters", "flipped", kernel.tolist()), kernel[::-1, ::-1])
    assert np.array_equal(call("filters", "transposed", kernel.tolist()), kernel.T)
    made = np.array(call("filters", "normalised", kernel.tolist()))
    total = kernel.sum() if abs(kernel.sum()) > 1e-9 else np.abs(kernel).sum() or 1
    assert np.allclose(made, kernel / total)
    for k in (1, 3, 5, 7):
        cut = np.array(call("filters", "cropped", kernel.tolist(), k))
        assert cut.shape == (k, k)
        middles = [(n - 1) // 2 for n in kernel.shape]
        for (i, j), value in np.ndenumerate(cut):
            r, c = i - (k - 1) // 2 + middles[0], j - (k - 1) // 2 + middles[1]
            inside = 0 <= r < kernel.shape[0] and 0 <= c < kernel.shape[1]
            assert value == (kernel[r, c] if inside else 0)


@pytest.mark.parametrize("preset", ["prewitt", "sobel", "scharr"])
def test_normalised_slopes_are_convlibs(preset: str) -> None:
    kernel, expected = (getattr(filters, preset)("x", normalized=one) for one in (False, True))
    assert np.allclose(call("filters", "normalised", kernel.tolist()), expected)


# --- Python's side ---


def test_photographs_are_those_of_the_book_and_fit_in_the_state() -> None:
    lab = labs.filters()
    cat = convlib.photographs.photograph("chelsea", 3).mean(axis=0)[2:98, 38:134]
    assert np.abs(lab.image - cat).max() <= 0.5 / 255 + 1e-9
    for name in PICTURES:
        lab.picture = name
        assert lab.image.shape == (96, 96)
        assert 0 <= lab.image.min() < 0.1 and 0.7 < lab.image.max() <= 1
    assert len(json.dumps(state_of(lab))) < 52_000


def test_rings_are_finer_and_finer_waves() -> None:
    lab = labs.filters("identity", "rings")
    middle = lab.image[SIDE // 2]
    assert middle[SIDE // 2] == 253 / 255
    assert np.ptp(middle[SIDE // 2 - 3 : SIDE // 2 + 4]) < 0.1
    edge = middle[:8]
    assert (np.sign(np.diff(edge)) == [-1, 1, -1, 1, -1, 1, -1]).all() or (
        np.sign(np.diff(edge)) == [1, -1, 1, -1, 1, -1, 1]
    ).all()


def test_python_sets_the_state() -> None:
    lab = labs.filters(
        "gabor", "rings", angle=45, phase=90, bias=0.5, times=2, padding_mode="zeros", position=7
    )
    assert lab.position == [7, 7]
    assert np.array_equal(lab.kernel, filters.gabor(4, 45, phase=90))
    assert repr(lab) == (
        "Filters lab: Gabor, wavelength 4, angle 45, phase 90, 13 × 13, bias 0.5, on rings, border zeros, "
        "2 times"
    )
    bundle = lab._repr_mimebundle_()[0]
    assert bundle["text/plain"] == repr(lab)
    assert '<div class="lab lab-filters" data-lab="filters"' in bundle["text/html"]
    lab.settings = {"sigma": 2}
    assert lab.settings == DEFAULTS | {"sigma": 2}
    lab.preset, lab.weights = OWN, [[1, 2, 1]]
    assert lab.kernel.tolist() == [[1, 2, 1]]
    assert repr(lab).startswith("Filters lab: your own, 1 × 3,")
    assert labs.filters(np.eye(2)).weights == [[1, 0], [0, 1]]


WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "kernel": ({"kernel": "sobell"}, ValueError, "kernel must be 'identity', 'box', .*, got 'sobell'"),
    "table": ({"kernel": [1, 2]}, ValueError, r"kernel must be a table of finite numbers, got shape \(2,\)"),
    "ragged": ({"kernel": [[1], [2, 3]]}, ValueError, "kernel must be a table of finite numbers, got"),
    "infinite": ({"kernel": [[np.inf]]}, ValueError, "kernel must be a table of finite numbers"),
    "empty": ({"kernel": [[]]}, ValueError, "kernel must be a table of finite numbers"),
    "large": ({"kernel": np.ones((3, 50))}, ValueError, r"kernel can have at most 49 .* shape \(3, 50\)"),
    "picture": ({"picture": "dog"}, ValueError, "picture must be 'cat', .* or 'rings', got 'dog'"),
    "bias": ({"bias": 1.5}, ValueError, "bias must be from -1 to 1 here, got 1.5"),
    "no bias": ({"bias": "1"}, TypeError, "bias must be a real number, got '1'"),
    "times": ({"times": 5}, ValueError, "times must be from 1 to 4 here, got 5"),
    "half": ({"times": 1.5}, TypeError, "times must be an integer"),
    "border": ({"padding_mode": "same"}, ValueError, "padding_mode must be 'reflect', .*, got 'same'"),
    "view": ({"view": "grey"}, ValueError, "view must be 'signed' or 'picture', got 'grey'"),
    "position": ({"position": (0, 96)}, ValueError, r"position must be a pixel of the 96 × 96 .*\(0, 96\)"),
    "negative": ({"position": -1}, ValueError, "position must be at least 0"),
    "setting": ({"kernel": "sobel", "sigma": 2}, ValueError, "sobel has no sigma here; it has axis"),
    "of none": ({"kernel": [[1]], "sigma": 2}, ValueError, "your own has no sigma here; it has no settings"),
    "sigma": ({"kernel": "gaussian", "sigma": 9}, ValueError, "sigma must be from 0.3 to 3 here, got 9"),
    "size": ({"kernel": "box", "size": 2.5}, TypeError, "size must be an integer"),
    "axis": ({"axis": "z"}, ValueError, "axis must be 'x' or 'y', got 'z'"),
    "neighbors": ({"kernel": "laplacian", "neighbors": 6}, ValueError, "neighbors must be 4 or 8, got 6"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "kind", "words"), WRONG.values(), ids=WRONG)
def test_wrong_arguments_are_told_in_the_callers_words(
    given: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=f"^filters: {words}"):
        filters_lab(**given)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("settings", {"sigma": 0}, "sigma must be from 0.3 to 3 here, got 0"),
        ("settings", {"colour": 0}, "no kernel has a setting 'colour'"),
        ("settings", {"neighbors": True}, "neighbors must be 4 or 8, got True"),
        ("weights", [], r"kernel must be a table of finite numbers, got shape \(0,\)"),
        ("bias", 2.0, "bias must be from -1 to 1"),
        ("times", 0, "times must be from 1 to 4"),
        ("position", [96, 0], "position must be a pixel"),
        ("photographs", {"cat": "AAAA"}, "photographs must hold 9216 bytes in base64 for 'cat'"),
    ],
)
def test_a_wrong_state_is_refused(name: str, value: Any, words: str) -> None:
    lab = labs.filters()
    before = getattr(lab, name)
    with pytest.raises(ValueError, match=f"^filters: {words}"):
        setattr(lab, name, value)
    assert getattr(lab, name) == before
    with pytest.raises(traitlets.TraitError):
        lab.preset = "median"
