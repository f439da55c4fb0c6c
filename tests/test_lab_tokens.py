"""The lab of tokens: what its page computes is what convlib computes, in numbers and in words."""

import io
import random
import re
from base64 import b64decode
from typing import Any

import numpy as np
import pytest
import traitlets
from bs4 import BeautifulSoup
from lab_script import call, state_of
from PIL import Image

import convlib
from convlib import labs
from convlib.labs.tokens import HUES, TokensLab, tokens


def random_lab(seed: int) -> TokensLab:
    """A lab as a reader may leave it: the pixel may be one of a larger map that was there before."""
    choose = random.Random(seed)
    amounts = [0.0, 1.0, choose.randint(0, 20) / 10]
    return TokensLab(
        picture="cat" if seed % 10 == 0 else "numbers",
        size=[choose.randint(2, 6), choose.randint(2, 8), choose.randint(2, 8)],
        pixel=[choose.randint(0, 13), choose.randint(0, 17)] if seed % 3 else [0, choose.randint(0, 3)],
        sharpness=2 * choose.choice(amounts),
        positions=choose.choice(amounts),
        shuffle=choose.choice([0, 1, choose.randint(1, 99)]),
    )


LABS = [random_lab(seed) for seed in range(300)]
SOME = LABS[:90]  # where a comparison takes long


def js(lab: TokensLab, function: str, *arguments: object) -> Any:
    return call("tokens", function, state_of(lab), *arguments)


def feature_map(lab: TokensLab) -> np.ndarray:
    """What the lab is about, made here once more."""
    if lab.picture == "cat":
        return np.array(lab.photograph)
    c, y, x = np.indices(lab.size)
    return 100 * c + 10 * y + x


def place(lab: TokensLab) -> tuple[int, int]:
    y, x = np.minimum(lab.pixel, np.array(feature_map(lab).shape[1:]) - 1).tolist()
    return y, x


def token(lab: TokensLab) -> int:
    y, x = place(lab)
    return y * feature_map(lab).shape[2] + x


def close(one: Any, other: Any) -> bool:
    return np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=1e-10, atol=1e-12)


def attention(lab: TokensLab, order: list[int]) -> np.ndarray:
    """The weights of all tokens in that order, as the text of the lab says, each at its own pixel."""
    pixels = convlib.to_tokens(feature_map(lab)[None].astype(float))[0]
    channels, *size = feature_map(lab).shape
    rows = ((pixels - pixels.mean(0)) / pixels.std(0))[order]
    positions = convlib.position_encoding_2d(size, 64)
    unit = np.sqrt(channels / np.mean(np.sum(positions**2, axis=1)))  # as long as the average token
    query = np.hstack([rows, lab.positions * unit * positions])
    scores = query @ query.T * lab.sharpness / np.sqrt(channels)
    weights = np.exp(scores - scores.max(1, keepdims=True))
    weights /= weights.sum(1, keepdims=True)
    back = np.argsort(order)
    return weights[back][:, back]


def test_random_states_reach_every_case() -> None:
    assert any(place(lab) != tuple(lab.pixel) for lab in LABS)
    for picture in ("numbers", "cat"):
        for positions in (False, True):
            for shuffled in (False, True):
                assert any(
                    (lab.picture, lab.positions > 0, lab.shuffle > 0) == (picture, positions, shuffled)
                    for lab in LABS
                )
    words = " ".join(one for lab in LABS for one in (lab.reshape_in_words(), lab.attention_in_words()))
    for part in ("None of them belongs", "1 of them belongs", "channel 1.", "channels 0 and 1.",
                 "the green channel", "to its own pixel", "Its own pixel gets", "same weight",
                 "alone gets", "together get"):  # fmt: skip
        assert part in words, part


# --- there ---


def test_map_and_lists_of_the_page_are_convlibs() -> None:
    for lab in LABS:
        expected = feature_map(lab)
        channels, height, width = expected.shape
        assert np.array_equal(lab.map, expected)
        numbers = js(lab, "numbersOf")
        assert numbers == expected.ravel().tolist()
        right = convlib.to_tokens(expected[None])[0]
        assert np.array_equal(lab.tokens, right)
        assert np.array_equal(lab.reshaped, expected.reshape(height * width, channels))
        for way, rows in (("transpose", right), ("reshape", lab.reshaped)):
            assert [numbers[at] for at in js(lab, "listOf", way)] == rows.ravel().tolist()


def test_token_is_the_row_of_its_pixel() -> None:
    for lab in LABS:
        (y, x), i = place(lab), token(lab)
        assert js(lab, "placeOf") == [y, x] == list(lab._place)
        assert js(lab, "indexOf") == i == lab._index
        assert js(lab, "pixelAt", i) == [y, x]
        assert lab.tokens[i].tolist() == lab.map[:, y, x].tolist()


def test_offsets_are_where_numpy_finds_the_numbers() -> None:
    for lab in LABS:
        before, after = lab._offsets
        assert js(lab, "offsetsOf") == {"before": before, "after": after}
        (y, x), i, map_ = place(lab), token(lab), lab.map
        steps = np.array(np.ascontiguousarray(map_).strides) // map_.itemsize
        assert before == [int(np.dot(steps, (c, y, x))) for c in range(len(map_))]
        assert lab.tokens.ravel()[after].tolist() == lab.tokens[i].tolist()
        assert lab.map.ravel()[before].tolist() == lab.tokens[i].tolist()
        assert lab.map.ravel()[after].tolist() == lab.reshaped[i].tolist()


def test_wires_go_from_where_the_numbers_lie_to_where_they_come() -> None:
    for lab in LABS:
        (before, after), count = lab._offsets, lab.map.size
        drawn = js(lab, "wiresOf")
        ends = 100 * (np.transpose([before, after]) + 0.5) / count
        assert close(drawn["wires"], ends)
        assert drawn["share"] == pytest.approx(100 / count)
        assert drawn["first"] == pytest.approx(100 * after[0] / count)


# --- and back ---


def test_map_comes_back_as_the_ways_say() -> None:
    for lab in LABS:
        map_ = lab.map
        channels, height, width = map_.shape
        right, wrong = convlib.to_tokens(map_[None]), map_.reshape(1, height * width, channels)
        expected = {
            ("transpose", "transpose"): map_,
            ("transpose", "reshape"): right.reshape(map_.shape),
            ("reshape", "transpose"): convlib.from_tokens(wrong, (height, width))[0],
            ("reshape", "reshape"): map_,
        }
        page = js(lab, "backsOf")
        assert [(one["made"], one["laid"]) for one in page] == list(expected)
        for drawn, back in zip(page, lab.there_and_back, strict=True):
            assert np.array_equal(map_.ravel()[back.source], expected[back.made, back.laid])
            assert drawn["source"] == back.source.ravel().tolist()
            assert drawn["kept"] == back.kept
            if back.made == back.laid:
                assert back.kept == map_.size
        if lab.picture == "numbers":  # where no number is there twice
            there, again = (int((expected[ways] == map_).sum()) for ways in list(expected)[1:3])
            assert there == again == page[1]["kept"] == page[2]["kept"]


def test_every_token_of_reshape_is_wrong() -> None:
    for lab in LABS:
        offsets = np.arange(lab.map.size).reshape(lab.map.shape)
        right = convlib.to_tokens(offsets[None])[0]
        assert (right != offsets.reshape(right.shape)).any(axis=1).all()


def test_pictures_of_the_page_are_pythons() -> None:
    for lab in SOME:
        for back in lab.there_and_back:
            expected = lab._drawn(back.source)
            page = js(lab, "drawnFrom", back.source.ravel().tolist())
            drawn = [[colour or [255, 255, 255] for colour in row] for row in page]
            assert close(drawn, expected)


def test_a_map_that_came_back_looks_like_the_map() -> None:
    lab = tokens("cat")
    same = lab.there_and_back[0].source
    assert np.array_equal(lab._drawn(same), np.moveaxis(lab.map, 0, -1))
    lab = tokens(size=(2, 2, 3))
    drawn = lab._drawn(lab.there_and_back[0].source)
    assert drawn.shape == (2, 3 + 1 + 3, 3)
    assert (drawn[:, 3] == 255).all()  # between the channels
    assert drawn[-1, 2].tolist() == HUES[0] and drawn[-1, -1].tolist() == HUES[1]  # the last of each


# --- attention ---


def test_order_is_the_same_in_page_and_python_and_holds_every_token_once() -> None:
    lab = tokens("cat")
    for length in (4, 12, 63, 192):
        assert call("tokens", "orderOf", length, 0) == list(range(length))
        seen = set()
        for seed in range(1, 100):
            order = call("tokens", "orderOf", length, seed)
            assert sorted(order) == list(range(length))
            seen.add(tuple(order))
            if length == 192:
                lab.shuffle = seed
                assert order == lab.order
        assert len(seen) == (20 if length == 4 else 99)
        firsts = [call("tokens", "orderOf", length, seed).index(0) for seed in range(1, 100)]
        assert len(set(firsts)) > min(length, 40) * 0.6  # seeds side by side are not alike


def test_attention_of_the_page_is_convlibs() -> None:
    for lab in SOME:
        height, width = lab.map.shape[1:]
        expected = attention(lab, lab.order)
        page = js(lab, "attentionOf")
        assert page["order"] == lab.order
        assert close(page["weights"], expected), lab
        assert close(lab.weights, expected[token(lab)].reshape(height, width))
        answers = expected @ lab.tokens
        assert close(lab.answers, convlib.from_tokens(answers[None], (height, width))[0])
        assert close(page["answers"], lab.answers.ravel())
        moved = np.abs(expected - attention(lab, sorted(lab.order))).max()
        assert lab.moved == pytest.approx(moved, abs=1e-12)
        assert page["moved"] == pytest.approx(lab.moved, abs=1e-12)


def test_positions_alike_are_the_dot_product_of_the_encoding() -> None:
    table = convlib.position_encoding_2d((8, 8), 64)
    dots = table @ table.T
    places = np.array(list(np.ndindex(8, 8)))
    alike = [call("tokens", "alike", distance) for distance in range(8)]
    for (y, x), row in zip(places, dots, strict=True):
        expected = [alike[abs(y - v)] + alike[abs(x - u)] for v, u in places]
        assert close(row, expected)


def test_without_positions_attention_moves_along_with_the_pixels() -> None:
    for lab in SOME:
        if lab.positions == 0:
            assert lab.moved == 0
            before = TokensLab(**{**state_of(lab), "shuffle": 0})
            assert close(lab.answers, before.answers)
        elif lab.sharpness and lab.shuffle and lab.order != sorted(lab.order):
            assert lab.moved > 0


def test_without_sharpness_all_pixels_count_alike() -> None:
    for lab in (tokens("cat", sharpness=0, positions=1), tokens(size=(2, 5, 2), sharpness=0)):
        length = lab.weights.size
        assert close(lab.weights, np.full(lab.weights.shape, 1 / length))
        assert close(lab.answers, np.broadcast_to(lab.map.mean((1, 2), keepdims=True), lab.map.shape))
    assert lab.attention_in_words() == (
        "Token 3 gives every pixel the same weight, 1/10 = 0.1. 9 pixels of 10 together get 90 %."
    )


def test_one_eye_of_the_cat_attends_to_the_other() -> None:
    lab = tokens("cat")
    assert lab.pixel == [4, 5]
    assert np.unravel_index(lab.weights.argmax(), (12, 16)) == (5, 12)
    assert lab.attention_in_words() == (
        "Token 69 gives most to row 5, column 12: 0.4967. Its own pixel gets 0.4736. "
        "2 pixels of 192 together get 90 %."
    )
    lab.positions = 1
    assert lab.attention_in_words().startswith("Token 69 gives most to its own pixel")


def test_number_of_pixels_that_make_up_90_percent_is_the_smallest() -> None:
    for lab in SOME:
        weights = np.sort(lab.weights.ravel())[::-1]
        said = int(re.findall(r"(\d+) pixels? of", lab.attention_in_words())[0])
        assert weights[:said].sum() >= 0.9 - 1e-8
        assert weights[: said - 1].sum() < 0.9 - 1e-10


def test_the_pixel_that_gets_most_is_the_own_one_where_it_gets_as_much() -> None:
    for lab in SOME:
        weights = lab.weights.ravel()
        most = js(lab, "mostOf", weights.tolist())
        assert weights[most] == pytest.approx(weights.max())
        if weights[token(lab)] > weights.max() - 1e-12:
            assert most == token(lab)


# --- in words ---


def test_sentences_of_the_page_are_pythons() -> None:
    for lab in LABS:
        for function, words in (
            ("tokenInWords", lab.token_in_words()),
            ("memoryInWords", lab.memory_in_words()),
            ("reshapeInWords", lab.reshape_in_words()),
            ("backInWords", lab.back_in_words()),
        ):
            assert js(lab, function) == words, lab
    for lab in SOME:
        for function, words in (
            ("attentionInWords", lab.attention_in_words()),
            ("answerInWords", lab.answer_in_words()),
            ("shuffleInWords", lab.shuffle_in_words()),
        ):
            assert js(lab, function) == words, lab


def test_sentences_about_the_token() -> None:
    lab = tokens(pixel=(1, 2))
    assert lab.token_in_words() == (
        "The pixel in row 1, column 2 is token 1 · 4 + 2 = 6. It holds 012, 112 and 212, a number of each "
        "channel."
    )
    assert lab.memory_in_words() == (
        "In the memory of the map they lie 12 apart, at c · 12 + 6: 6, 18 and 30. In that of the tokens they "
        "lie side by side, at 6 · 3 + c: 18, 19 and 20."
    )
    assert lab.reshape_in_words() == (
        "reshape moves nothing. It cuts the memory of the map into pieces of 3, and its token 6 holds 112, "
        "113 and 120, neighbours out of channel 1. None of them belongs there."
    )
    lab.pixel = [0, 0]
    assert lab.reshape_in_words().endswith(
        "000, 001 and 002, neighbours out of channel 0. 1 of them belongs there."
    )
    lab.size = [6, 2, 2]
    lab.pixel = [0, 1]
    assert lab.reshape_in_words().endswith(
        "holds 110, 111, 200, 201, 210 and 211, neighbours out of channels 1 and 2. None of them belongs "
        "there."
    )
    assert "holds 109, 123 and 112, neighbours out of the green channel." in tokens("cat").reshape_in_words()


def test_sentence_about_the_way_back() -> None:
    assert tokens().back_in_words() == (
        "One way there and the other way back: 2 of 36 numbers are where they were. reshape both ways gives "
        "the map again: a test there and back passes, and yet all 12 tokens were wrong in between."
    )


def test_sentences_about_shuffling() -> None:
    lab = tokens(shuffle=1)
    y, x = divmod(lab.order.index(6), 4)
    assert lab.shuffle_in_words() == (
        f"Shuffled, the pixel lies in row {y}, column {x}. Every pixel gets the weight that it got before: "
        "the weights have moved along, and put back in place, the answers are the same."
    )
    lab.positions = 1
    words = lab.shuffle_in_words()
    assert (
        words.endswith(f"they change by up to {labs._lab.shown(lab.moved)}.")
        and "tells the orders apart" in words
    )
    lab.shuffle = 0
    assert lab.shuffle_in_words() == "Shuffle the pixels, and see whether the weights move along."


# --- without a script ---


def table(page: BeautifulSoup, start: str) -> list[Any]:
    caption = next(one for one in page.find_all("caption") if one.text.startswith(start))
    return [row("td") for row in caption.parent("tr") if not row("th")]


@pytest.mark.parametrize("lab", LABS[:40], ids=repr)
def test_still_result_holds_the_numbers(lab: TokensLab) -> None:
    page = BeautifulSoup("".join(lab.still()), "html.parser")
    for words in (
        lab.token_in_words(), lab.memory_in_words(), lab.reshape_in_words(), lab.back_in_words(),
        lab.attention_in_words(), lab.answer_in_words(),
    ):  # fmt: skip
        assert words in page.text
    assert (lab.shuffle_in_words() in page.text) == bool(lab.shuffle)
    (y, x), i, map_ = place(lab), token(lab), lab.map
    (before, after), rows = lab._offsets, table(page, f"Token {i}: its numbers")
    assert [int(row[0].text) for row in rows] == map_[:, y, x].tolist()
    assert [[int(cell.text) for cell in row[1:3]] for row in rows] == np.transpose([before, after]).tolist()
    assert [int(row[3].text) for row in rows] == lab.reshaped[i].tolist()
    for row in rows:
        source = tuple(map(int, row[4].text.split(", ")))
        assert map_[source] == int(row[3].text)
    pictures = [np.array(Image.open(io.BytesIO(b64decode(one["src"].split(",")[1])))) for one in page("img")]
    assert all(one["alt"] for one in page("img"))
    for picture, back in zip(pictures[:4], lab.there_and_back, strict=True):
        assert np.abs(picture[..., :3] - lab._drawn(back.source)).max() <= 0.5
    if lab.picture == "cat":
        assert len(pictures) == 5
        dark = 1 - pictures[4][..., 0] / 255
        assert np.abs(dark - lab.weights / lab.weights.max()).max() < 0.003
        return
    weights = table(page, "Its weights; bold: its own pixel")
    assert np.allclose([[float(cell.text) for cell in row] for row in weights], lab.weights, atol=6e-4)
    assert [(r, c) for r, row in enumerate(weights) for c, cell in enumerate(row) if cell.strong] == [(y, x)]
    for c, channel in enumerate(map_):
        cells = table(page, f"Channel {c};")
        assert [[int(cell.text) for cell in row] for row in cells] == channel.tolist()
        flat = [cell for row in cells for cell in row]
        assert [at + c * channel.size for at, cell in enumerate(flat) if cell.strong] == [before[c]]
        struck = [at + c * channel.size for at, cell in enumerate(flat) if cell("del")]
        assert struck == [at for at in after if at // channel.size == c]


def test_still_result_is_stable_small_and_names_itself() -> None:
    lab = labs.tokens("cat", sharpness=2, positions=0.5, shuffle=4)
    bundle = lab._repr_mimebundle_()[0]
    assert bundle["text/plain"] == (
        "Tokens: cat 3 × 12 × 16, pixel (4, 5), sharpness 2, positions 0.5, shuffle 4"
    )
    again = labs.tokens("cat", sharpness=2, positions=0.5, shuffle=4)
    assert bundle["text/html"] == again._repr_mimebundle_()[0]["text/html"]
    assert len(bundle["text/html"]) < 14_000
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_what_is_not_given_is_chosen() -> None:
    assert (tokens().size, tokens().pixel) == ([3, 3, 4], [1, 2])
    assert tokens(size=(2, 2, 2)).pixel == [1, 1]
    assert tokens("cat").pixel == [4, 5]
    assert tokens("cat", pixel=(11, 15)).pixel == [11, 15]
    first = tokens()
    first.size = [2, 2, 2]
    assert tokens().size == [3, 3, 4]


def test_photograph_is_the_cat() -> None:
    cat = convlib.photographs.photograph("chelsea", shrink=20)[:, 1:13, 3:19]
    assert np.abs(tokens("cat").map / 255 - cat).max() <= 0.5 / 255 + 1e-12


WRONG = {
    "picture": ({"picture": "dog"}, ValueError, "picture must be 'numbers' or 'cat', got 'dog'"),
    "no picture": ({"picture": None}, ValueError, "picture must be 'numbers' or 'cat', got None"),
    "cat of a size": (
        {"picture": "cat", "size": (3, 4, 5)}, ValueError,
        "size is for the numbers, the cat is 3 × 12 × 16, got (3, 4, 5)",
    ),
    "one channel": ({"size": (1, 4, 4)}, ValueError, "size must have 2 to 6 channels here, got (1, 4, 4)"),
    "rows": ({"size": (2, 9, 4)}, ValueError, "size must have 2 to 8 rows here, got (2, 9, 4)"),
    "columns": ({"size": (2, 4, 1)}, ValueError, "size must have 2 to 8 columns here, got (2, 4, 1)"),
    "two sizes": ({"size": (2, 4)}, ValueError, "size must be one integer or 3, got (2, 4)"),
    "half size": ({"size": (2, 4, 4.5)}, TypeError, "size must be an integer or 3 integers, got (2, 4, 4.5)"),
    "pixel": ({"pixel": (3, 0)}, ValueError, "pixel must be one of the 3 × 4 pixels, got (3, 0)"),
    "pixel of the cat": (
        {"picture": "cat", "pixel": (0, 16)}, ValueError,
        "pixel must be one of the 12 × 16 pixels, got (0, 16)",
    ),
    "pixel -1": ({"pixel": (0, -1)}, ValueError, "pixel must be at least 0, got (0, -1)"),
    "pixel a": ({"pixel": "a"}, TypeError, "pixel must be an integer or 2 integers, got 'a'"),
    "sharp": ({"sharpness": 4.1}, ValueError, "sharpness must be from 0 to 4, got 4.1"),
    "blunt": ({"sharpness": -1}, ValueError, "sharpness must be from 0 to 4, got -1"),
    "nan": ({"sharpness": float("nan")}, ValueError, "sharpness must be from 0 to 4, got nan"),
    "words": ({"positions": "on"}, TypeError, "positions must be a real number, got 'on'"),
    "far": ({"positions": 3}, ValueError, "positions must be from 0 to 2, got 3"),
    "shuffle": ({"shuffle": 100}, ValueError, "shuffle can be at most 99, got 100"),
    "shuffle -1": ({"shuffle": -1}, ValueError, "shuffle must be at least 0, got -1"),
    "shuffle ½": ({"shuffle": 0.5}, TypeError, "shuffle must be an integer, got 0.5"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "kind", "words"), WRONG.values(), ids=WRONG)
def test_wrong_calls_are_refused_in_the_callers_words(
    given: dict[str, Any], kind: type[Exception], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tokens.__globals__, "TokensLab", None)  # nothing is made before
    with pytest.raises(kind) as error:
        tokens(**given)
    assert str(error.value) == f"tokens: {words}"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("size", [2, 9, 4], "size must have 2 to 8 rows here, got"),
        ("size", [2, 4], "size must be one integer or 3"),
        ("sharpness", 5.0, "sharpness must be from 0 to 4, got 5"),
        ("positions", -0.5, "positions must be from 0 to 2, got -0.5"),
        ("shuffle", 100, "shuffle can be at most 99, got 100"),
        ("photograph", [[1, 2]], "photograph must be 3 × 12 × 16 whole numbers from 0 to 255"),
        ("photograph", np.full((3, 12, 16), 256).tolist(), "photograph must be"),
        ("photograph", np.full((3, 12, 16), -1).tolist(), "photograph must be"),
        ("photograph", np.full((3, 12, 16), 0.5).tolist(), "photograph must be"),
        ("photograph", [[[1], [1, 2]]], "photograph must be"),
    ],
)
def test_a_state_that_cannot_be_shown_is_refused_from_python(name: str, value: Any, words: str) -> None:
    lab = tokens("cat")
    before = getattr(lab, name)
    with pytest.raises(ValueError, match=f"^tokens: {re.escape(words)}"):
        setattr(lab, name, value)
    assert getattr(lab, name) == before


@pytest.mark.parametrize(("name", "value"), [("picture", "dog"), ("pixel", [1]), ("pixel", ["a", 1])])
def test_a_state_of_another_kind_is_refused_from_python(name: str, value: Any) -> None:
    with pytest.raises(traitlets.TraitError, match=name):
        setattr(tokens(), name, value)
