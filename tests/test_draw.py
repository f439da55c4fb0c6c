# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

"""The figures show the numbers that they were given: read back from the drawing, not from a picture."""

import io
import itertools

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.patches import Rectangle

import convlib
from convlib import draw
from convlib.draw import _style


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def texts():
    return [text.get_text() for text in plt.gca().texts]


def frames():
    return [patch for patch in plt.gca().patches if isinstance(patch, Rectangle) and not patch.get_fill()]


def test_every_number_of_a_grid_is_written_down():
    draw.grids({"a": np.array([[1, -2, -0.0], [0.51239, 1234, -np.inf]])})
    assert [text for text in texts() if text.strip()] == ["a", "1", "−2", "0", "0.512", "1234", "−∞"]


def test_signs_stand_between_the_grids_and_not_after_the_last():
    draw.grids({"a": np.eye(2), "b": np.eye(2), "c": np.eye(2)}, between="⋆=")
    across = {text.get_text(): text.get_position()[0] for text in plt.gca().texts}
    assert across["a"] < across["⋆"] < across["b"] < across["="] < across["c"]


def test_a_mark_frames_exactly_its_cells():
    draw.grids({"a": np.zeros((4, 5))}, marks={"a": np.s_[1:3, 2:5]})
    (frame,) = frames()
    assert (frame.get_x(), frame.get_y(), frame.get_width(), frame.get_height()) == (2, 1, 3, 2)


def test_a_mark_can_be_a_single_cell():
    draw.grids({"a": np.zeros((4, 5))}, marks={"a": np.s_[3, 0]})
    (frame,) = frames()
    assert (frame.get_x(), frame.get_y(), frame.get_width(), frame.get_height()) == (0, 3, 1, 1)


def test_negative_cells_are_blue_positive_ones_orange_and_zero_white():
    draw.grids({"a": np.array([[-1, 0, 1]])})
    (r1, _, b1), white, (r3, _, b3) = (to_rgb(patch.get_facecolor()) for patch in plt.gca().patches)
    assert b1 > r1 and r3 > b3 and min(white) > 0.98


def linear(colour):
    return np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)])


def contrast(paper, ink):
    lighter, darker = (np.dot([0.2126, 0.7152, 0.0722], linear(colour)) for colour in (paper, ink))
    return (lighter + 0.05) / (darker + 0.05)  # WCAG; 4.5 is AA for letters


def test_letters_stand_out_from_every_cell():
    draw.grids({"a": np.linspace(-1, 1, 9)[None]})
    for patch in plt.gca().patches:
        assert contrast(patch.get_facecolor(), draw.INK) >= 4.5


def test_letters_stand_out_from_infinity_which_looks_like_the_largest_number():
    draw.grids({"a": np.array([[np.inf, 3, -np.inf, -3, np.nan, 0]])})
    colours = [patch.get_facecolor() for patch in plt.gca().patches]
    assert colours[0] == colours[1] and colours[2] == colours[3]
    assert min(contrast(colour, draw.INK) for colour in colours[:4]) >= 4.5
    assert [text for text in texts() if text.strip()] == ["a", "∞", "3", "−∞", "−3", "nan", "0"]


def test_numbers_of_padding_and_names_of_curves_stand_out_from_white():
    for colour in (draw.QUIET, *draw.PALETTE):
        assert contrast("white", colour) >= 4.5


# How red, green and blue light arrive without one kind of cones (Machado, Oliveira and Fernandes, 2009).
SIGHT = {
    "without red cones": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "without green cones": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "without blue cones": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


def lab(light):
    """CIE L*a*b*, in which a distance of 2 or 3 is just seen side by side."""
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(matrix @ np.clip(light, 0, 1) / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHT)
def test_colour_blind_readers_tell_the_colours_apart(sight):
    seen = [lab(SIGHT[sight] @ linear(colour)) for colour in draw.PALETTE]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 15
    negative, positive = (lab(SIGHT[sight] @ linear(draw.SIGNED(end))) for end in (0.0, 1.0))
    assert np.linalg.norm(negative - positive) > 40


def test_marks_for_a_grid_that_is_not_there_are_refused():
    with pytest.raises(ValueError, match=r"marks for \['b'\], but the arrays are \['a'\]"):
        draw.grids({"a": np.eye(2)}, marks={"b": np.s_[0, 0]})


def test_a_grid_has_rows_and_columns():
    with pytest.raises(ValueError, match=r"'a' must be an array \(H, W\), got \(3,\)"):
        draw.grids({"a": np.ones(3)})


# --- windows ----------------------------------------------------------------------------------------------

IMAGE = np.array([[1, 2, 0, 1, 3], [0, 1, 3, 1, 0], [2, 1, 0, 0, 1], [1, 0, 2, 1, 1], [0, 3, 1, 0, 2]])


def cell(patch):
    """Centre less half a cell, so that a smaller or an inset square counts as the cell it stands in."""
    return np.array(patch.get_xy()) + (patch.get_width() - 1) / 2


def grid(shape, number=0):
    """Patches and numbers of the first grid of this shape, or of what follows it."""
    size = shape[0] * shape[1]
    cells = [patch for patch in plt.gca().patches if patch.get_fill()][number : number + size]
    at = {tuple(np.round(text.get_position(), 3)): text.get_text() for text in plt.gca().texts}
    written = [at[tuple(np.round(cell(patch) + 0.5, 3))] for patch in cells]
    return np.array(cells, dtype=object).reshape(shape), np.array(written).reshape(shape)


def numbers(written):
    return np.vectorize(lambda text: float(text.replace("−", "-").replace("∞", "inf")))(written)


def framed(look, cells):
    """Which of the cells lie within the frames of this look."""
    inside = np.zeros(cells.shape, dtype=bool)
    for frame in frames():
        if (frame.get_edgecolor(), frame.get_linestyle()) != look:
            continue
        (left, top), right, bottom = (
            frame.get_xy(),
            frame.get_x() + frame.get_width(),
            frame.get_y() + frame.get_height(),
        )
        for place, patch in np.ndenumerate(cells):
            x, y = cell(patch) + 0.5
            inside[place] |= left < x < right and top < y < bottom
    return inside


def looks():
    """The looks of the frames, in the order in which they first occur."""
    return list(dict.fromkeys((frame.get_edgecolor(), frame.get_linestyle()) for frame in frames()))


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    data=st.data(),
)
def test_the_framed_numbers_times_the_kernel_are_the_framed_output(
    size, kernel, stride, padding, dilation, data
):
    assume(all(n + 2 * p > d * (k - 1) for n, k, p, d in zip(size, kernel, padding, dilation, strict=True)))
    random = np.random.default_rng(size[0])
    image, weight = random.integers(-4, 9, size), random.integers(-3, 4, kernel)
    output = convlib.conv2d(image[None, None], weight[None, None], None, stride, padding, dilation)[0, 0]
    places = st.tuples(*(st.integers(-n, n - 1) for n in output.shape))
    chosen = data.draw(
        st.lists(places, min_size=1, max_size=3, unique_by=lambda at: tuple(np.mod(at, output.shape)))
    )
    plt.close("all")
    draw.windows(image, kernel, stride, padding, dilation, at=chosen, output=output)

    shape = tuple(n + 2 * p for n, p in zip(size, padding, strict=True))
    cells, written = grid(shape)
    results, results_written = grid(output.shape, cells.size)
    assert (numbers(written) == np.pad(image, [(p, p) for p in padding])).all()
    assert (numbers(results_written) == output).all()
    assert len(looks()) == len(chosen)
    for look, position in zip(looks(), chosen, strict=True):
        window = numbers(written)[framed(look, cells)]  # row by row
        answer = numbers(results_written)[framed(look, results)]
        assert answer.tolist() == [(window * weight.ravel()).sum()] == [output[position]]


def test_a_window_without_gaps_has_one_frame_and_a_dilated_one_a_frame_for_each_tap():
    draw.windows(IMAGE, 3)
    assert len(frames()) == 1
    plt.close()
    draw.windows(IMAGE, (2, 3), dilation=(2, 1))
    assert len(frames()) == 2 * 3
    assert framed(looks()[0], grid((5, 5))[0]).nonzero()[0].tolist() == [0, 0, 0, 2, 2, 2]


def test_what_no_window_reaches_is_hatched_and_nothing_else():
    draw.windows(np.zeros((6, 7)), 3, stride=2, padding=(1, 0), dilation=1)
    cells, _ = grid((8, 7))
    ones = np.ones((1, 1, 8, 7))
    counts = convlib.fold(convlib.unfold(ones, 3, stride=2), (8, 7), 3, stride=2)[0, 0]
    hatched = np.vectorize(lambda patch: bool(patch.get_hatch()))(cells)
    assert (hatched == (counts == 0)).all()
    assert hatched[7].all() and not hatched[:7].any()  # (8 - 3) / 2 leaves a row, (7 - 3) / 2 nothing
    assert "hatched: in no window" in texts()


def test_padding_is_dashed_and_smaller_and_its_numbers_come_from_the_mode():
    draw.windows(IMAGE, 3, padding=2, mode="reflect")
    cells, written = grid((9, 9))
    assert (numbers(written) == np.pad(IMAGE, 2, mode="reflect")).all()
    dashed = np.vectorize(lambda patch: patch.get_linestyle() != "solid" and patch.get_width() < 1)(cells)
    assert not dashed[2:-2, 2:-2].any() and dashed.sum() == 9 * 9 - 5 * 5
    assert {patch.get_facecolor() for patch in cells[dashed]} == {to_rgba("white")}
    assert "dashed: padding" in texts()


@pytest.mark.parametrize(("value", "written"), [(-np.inf, "−∞"), (9, "9")])
def test_padding_does_not_change_the_colours_of_the_image(value, written):
    draw.windows(np.array([[1.0, -2], [2, 1]]), 2, padding=1, value=value)
    cells, numbers_written = grid((4, 4))
    inside = [patch.get_facecolor() for patch in cells[1:3, 1:3].flat]
    assert numbers_written[0].tolist() == [written] * 4
    plt.close()
    draw.grids({"a": np.array([[1.0, -2], [2, 1]])})
    assert inside == [patch.get_facecolor() for patch in grid((2, 2))[0].flat]


def test_without_padding_and_unused_pixels_there_are_no_notes():
    draw.windows(IMAGE, 3)
    assert [text for text in texts() if ":" in text] == []
    assert all(patch.get_linestyle() == "solid" and not patch.get_hatch() for patch in grid((5, 5))[0].flat)


@pytest.mark.parametrize(
    ("padding", "sides"),
    [("same", ((0, 1), (1, 1))), ("valid", ((0, 0), (0, 0))), (1, ((1, 1), (1, 1))), ((0, 2), ((0, 0), (2, 2))),
     (((0, 1), (2, 0)), ((0, 1), (2, 0))), ([[0, 1], [2, 0]], ((0, 1), (2, 0)))],
)  # fmt: skip
def test_padding_is_given_as_in_a_convolution_or_side_by_side(padding, sides):
    draw.windows(IMAGE, (2, 3), padding=padding)
    expected = np.pad(IMAGE, sides)
    assert (numbers(grid(expected.shape)[1]) == expected).all()


def test_each_note_stands_where_it_is_needed():
    draw.windows(IMAGE, 3, padding=1)
    assert [text for text in texts() if ":" in text] == ["dashed: padding"]
    plt.close()
    draw.windows(IMAGE, 2, stride=2)
    assert [text for text in texts() if ":" in text] == ["hatched: in no window"]


def test_frames_that_share_an_edge_do_not_hide_each_other():
    draw.windows(IMAGE, 3, at=[(0, 0), (0, 1), (0, 2)])
    edges = sorted(frame.get_y() for frame in frames())
    assert min(b - a for a, b in itertools.pairwise(edges)) > 0.05


def test_flat_images_stand_above_their_output_which_begins_below_the_first_pixel():
    signal = np.arange(1, 9)[None]
    causal = convlib.conv1d(np.pad(signal, ((0, 0), (2, 0))), np.ones((1, 1, 3), int))
    draw.windows(signal, (1, 3), padding=((0, 0), (2, 0)), output=causal, titles=("signal", "sums"))
    cells, written = grid((1, 8), 1 * 10)
    assert written[0, :3].tolist() == ["1", "3", "6"]
    assert [cell(patch)[0] for patch in cells.flat] == pytest.approx(np.arange(2, 10))
    assert cell(cells[0, 0])[1] > 1 and {"signal", "↓ sums"} <= set(texts())


def test_flat_images_can_stand_alone_or_give_an_output_that_does_not_fit_below():
    draw.windows(np.ones((1, 6)), (1, 2))
    assert "image" in texts()
    plt.close()
    draw.windows(np.ones((1, 6)), (1, 1), padding=(0, 1), output=np.ones((1, 8)))
    assert [round(cell(patch)[0], 6) for patch in grid((1, 8), 8)[0].flat] == list(range(8))


def test_beside_the_image_the_output_stands_to_the_right_of_an_arrow():
    draw.windows(IMAGE, 3, output=np.ones((3, 3)))
    across = {text.get_text(): text.get_position()[0] for text in plt.gca().texts}
    assert across["image"] < across["→"] < across["output"]
    plt.close()
    draw.windows(IMAGE, 3)
    assert "→" not in texts() and "output" not in texts()


def test_no_two_frames_are_alike_and_colour_is_not_all_that_differs():
    every = [
        (look["edgecolor"], look["linestyle"]) for look in map(_style.frame_look, range(_style.MOST_FRAMES))
    ]
    assert len(set(every)) == _style.MOST_FRAMES == 15
    assert all(a[1] != b[1] for a, b in itertools.pairwise(every))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image": np.ones(3)}, r"^windows: the image must be an array \(H, W\), got \(3,\)"),
        ({"image": np.ones((0, 3))}, r"got \(0, 3\)"),
        ({"kernel_size": 6}, "^windows: the kernel spans 6 pixels along spatial axis 0, but the padded input has 5"),
        ({"kernel_size": 0}, "^windows: kernel_size must be at least 1, got 0"),
        ({"stride": 0}, "^windows: stride must be at least 1"),
        ({"dilation": 0}, "^windows: dilation must be at least 1"),
        ({"padding": -1}, "^windows: padding must be at least 0"),
        ({"padding": "same", "stride": 2}, "^windows: padding='same' needs stride 1"),
        ({"padding": ((1, 1), (1, -1))}, "^windows: padding must be at least 0"),
        ({"padding": ((1, 1), (1, 1), (1, 1))}, r"^windows: padding must be \(\(top, bottom\), \(left, right\)\)"),
        ({"padding": 5, "mode": "reflect"}, "^pad: 'reflect' can add at most 4 pixels"),
        ({"at": [(0, 3)]}, r"^windows: no position \(0, 3\) in the output \(3, 3\)"),
        ({"at": [(-4, 0)]}, r"^windows: no position \(-4, 0\) in the output \(3, 3\)"),
        ({"at": [(0,)]}, r"^windows: no position \(0,\) in the output"),
        ({"at": [(0, 0)] * 16}, "^windows: at most 15 windows can be told apart, got 16"),
        ({"output": np.ones((3, 4))}, r"^windows: these sizes give the output \(3, 3\), got output \(3, 4\)"),
    ],
)  # fmt: skip
def test_windows_that_cannot_be_are_refused_before_anything_is_drawn(arguments, message):
    with pytest.raises(ValueError, match=message):
        draw.windows(**{"image": IMAGE, "kernel_size": 3} | arguments)
    assert plt.get_fignums() == []


# --- pictures ---------------------------------------------------------------------------------------------


def test_signed_maps_share_one_scale_about_zero():
    draw.images({"a": np.array([[0.0, 2]]), "b": np.array([[-5.0, 1]])}, signed=True)
    shown = [axes.images[0] for axes in plt.gcf().axes[:2]]
    assert [image.get_clim() for image in shown] == [(-5, 5), (-5, 5)]
    assert (shown[1].get_array() == [[-5, 1]]).all()


def test_a_photograph_among_signed_maps_stays_one_and_does_not_set_their_scale(caplog):
    draw.images({"photo": np.full((3, 2, 2), 9.0), "map": np.ones((2, 2))}, signed=True)
    photo, signed = (axes.images[0] for axes in plt.gcf().axes[:2])
    assert photo.get_array().shape == (2, 2, 3) and photo.get_array().max() == 1
    assert signed.get_clim() == (-1, 1)
    assert not caplog.records  # matplotlib's remark about colours beyond 1 would be stored in the notebook


def test_a_grey_photograph_runs_from_black_to_white_whatever_it_holds():
    draw.images({"a": np.array([[0.4, 0.6]])})
    assert plt.gca().images[0].get_clim() == (0, 1)


def test_pictures_that_fill_no_row_leave_the_rest_empty():
    draw.images({name: np.zeros((2, 2)) for name in "abc"}, columns=2)
    axes = plt.gcf().axes
    assert [axis.get_title() for axis in axes] == ["a", "b", "c", ""] and not axes[3].axison


def test_two_channels_are_no_picture():
    with pytest.raises(
        ValueError, match=r"'a' must be \(H, W\), \(1, H, W\) or \(3, H, W\), got \(2, 4, 4\)"
    ):
        draw.images({"a": np.zeros((2, 4, 4))})


def test_the_bar_belongs_to_the_maps_also_where_a_photograph_comes_last():
    draw.images({"map": np.array([[-3.0, 2]]), "photo": np.ones((3, 1, 2))}, signed=True)
    *_, bar = plt.gcf().axes
    assert bar.get_ylim() == (-3, 3)
    plt.close()
    draw.images({"photo": np.ones((3, 1, 2))}, signed=True)
    assert len(plt.gcf().axes) == 1


def test_marks_frame_pixels_of_the_pictures_that_they_name():
    draw.images({"a": np.zeros((4, 6)), "b": np.zeros((3, 4, 6))}, marks={"b": np.s_[1:3, 2:6]})
    plain, marked = plt.gcf().axes
    assert not plain.patches
    (frame,) = marked.patches
    assert (*frame.get_xy(), frame.get_width(), frame.get_height()) == (
        1.5,
        0.5,
        4,
        2,
    )  # pixel 2 begins at 1.5
    with pytest.raises(ValueError, match=r"^images: marks for \['c'\], but the pictures are \['a'\]"):
        draw.images({"a": np.zeros((2, 2))}, marks={"c": np.s_[0, 0]})


@pytest.mark.parametrize(("pixels", "values"), [(100, {0, 255}), (4000, set(range(120, 136)))])
def test_more_pixels_than_dots_are_averaged_and_fewer_are_not_smoothed(pixels, values):
    draw.images({"stripes": np.tile([0.0, 1.0], (pixels // 2, pixels // 2))})
    shown = rendered()
    middle = shown[shown.shape[0] // 2, 200:-200, 0]
    assert middle.size and {int(value) for value in middle} <= values


def rendered():
    figure = plt.gcf()
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[:, :, :3]


@pytest.mark.parametrize("function", [draw.images, draw.before_after], ids=lambda function: function.__name__)
def test_pictures_that_are_none_are_refused_by_name(function):
    name = function.__name__
    with pytest.raises(ValueError, match=f"^{name}: no picture to draw"):
        function({})
    with pytest.raises(ValueError, match=f"^{name}: 'a' must be"):
        function({"a": np.zeros(4)})
    with pytest.raises(ValueError, match=f"^{name}: columns must be at least 1, got 0"):
        function({"a": np.zeros((2, 2))}, columns=0)


# --- feature maps -----------------------------------------------------------------------------------------


def test_all_channels_stand_under_their_numbers_on_one_scale():
    maps = np.arange(-5.0, 7).reshape(3, 2, 2)
    draw.feature_maps(maps)
    *channels, bar = plt.gcf().axes
    assert [axes.get_title() for axes in channels] == ["0", "1", "2"]
    assert all(
        (axes.images[0].get_array() == plane).all() for axes, plane in zip(channels, maps, strict=True)
    )
    assert {axes.images[0].get_clim() for axes in channels} == {(-6, 6)} and bar.get_ylim() == (-6, 6)


def test_maps_without_a_negative_number_run_from_white_to_orange():
    draw.feature_maps(np.array([[[0.0, 2]], [[1, 0]]]))
    first, _, bar = plt.gcf().axes
    white, orange = first.images[0].to_rgba(np.array([0.0, 2]))[:, :3]
    assert white.min() == 1 and orange == pytest.approx(to_rgb(draw.SIGNED(1.0)))
    assert bar.get_ylim() == (0, 2)


def test_maps_without_a_negative_number_are_signed_where_asked():
    draw.feature_maps(np.ones((1, 2, 2)), signed=True)
    assert plt.gcf().axes[0].images[0].get_clim() == (-1, 1)


def test_maps_that_are_all_zero_are_white():
    draw.feature_maps(np.zeros((2, 2, 2)))
    image = plt.gcf().axes[0].images[0]
    assert image.to_rgba(image.get_array()).min() == 1


@pytest.mark.parametrize(
    ("maps", "signed", "message"),
    [
        (np.zeros((2, 2)), None, r"^feature_maps: maps must be an array \(C, H, W\), got \(2, 2\)"),
        (np.zeros((0, 2, 2)), None, r"got \(0, 2, 2\)"),
        (
            np.full((1, 2, 2), -0.5),
            False,
            "^feature_maps: an unsigned scale begins at 0, but the least number is -0.5",
        ),
    ],
)
def test_what_is_no_feature_map_is_refused(maps, signed, message):
    with pytest.raises(ValueError, match=message):
        draw.feature_maps(maps, signed)


@pytest.mark.parametrize(
    ("count", "columns"), [(1, 1), (2, 2), (3, 3), (4, 4), (6, 3), (8, 4), (16, 4), (32, 8), (64, 8)]
)
def test_rows_are_full_where_the_count_allows_it(count, columns):
    draw.feature_maps(np.zeros((count, 5, 5)))
    places = np.array([axes.get_position().x0 for axes in plt.gcf().axes[:-1]])
    assert len(np.unique(places.round(6))) == columns
    width, height = plt.gcf().get_size_inches()
    assert width <= draw.WIDTH and height <= 1.4 * draw.WIDTH


@given(count=st.integers(1, 300), aspect=st.floats(0.2, 2))
def test_a_row_more_never_starts_for_want_of_a_column(count, aspect):
    columns = draw._pictures._columns(count, aspect)
    assert 1 <= columns <= count
    assert -count % columns < columns  # no row is empty


def test_the_columns_can_be_chosen():
    draw.feature_maps(np.zeros((6, 5, 5)), columns=6)
    assert len({axes.get_position().y0 for axes in plt.gcf().axes[:-1]}) == 1
    with pytest.raises(ValueError, match=r"^feature_maps: columns must be at least 1, got 0"):
        draw.feature_maps(np.zeros((6, 5, 5)), columns=0)


def test_the_pixels_of_a_map_are_alike():
    maps = np.indices((7, 9)).sum(axis=0)[None] % 2
    draw.feature_maps(maps)
    assert_every_pixel_is_one_block(plt.gcf().axes[0], 1 - maps[0] > 0.5)


def assert_every_pixel_is_one_block(axes, light):
    """Read from what was rendered: squares of one size, light or dark, with nothing in between."""
    axes.spines[:].set_visible(False)
    shown = rendered()
    box = axes.get_window_extent()
    height, width = light.shape
    side = box.width / width
    assert side == pytest.approx(round(side)) and box.height / height == pytest.approx(round(side))
    top = shown.shape[0] - round(box.y1)
    picture = shown[top : top + round(box.height), round(box.x0) : round(box.x0) + round(box.width)]
    blocks = picture.reshape(height, round(side), width, round(side), 3)
    assert (blocks == blocks[:, :1, :, :1]).all()
    assert ((blocks[:, 0, :, 0].min(axis=-1) == 255) == light).all()


# --- kernels ----------------------------------------------------------------------------------------------


def test_a_few_kernels_have_their_numbers_in_a_row_for_each_output_channel():
    weight = np.arange(-8, 8).reshape(2, 2, 2, 2)
    draw.kernels(weight)
    assert len(plt.gcf().axes) == 1  # no bar
    cells = [patch for patch in plt.gca().patches if patch.get_fill()]
    at = {tuple(np.round(text.get_position(), 3)): text.get_text() for text in plt.gca().texts}
    written = [at[tuple(np.round(cell(patch) + 0.5, 3))] for patch in cells]
    assert (numbers(written).reshape(weight.shape) == weight).all()
    x, y = np.array([cell(patch) for patch in cells]).reshape(2, 2, 2, 2, 2).transpose(4, 0, 1, 2, 3)
    assert (x[:, 1] - x[:, 0] == pytest.approx(3)) and (y[1] - y[0] == pytest.approx(3))  # two taps and a gap
    assert (x[..., 1] - x[..., 0] == pytest.approx(1)) and (y[..., 1, :] - y[..., 0, :] == pytest.approx(1))


def test_the_numbers_of_a_bank_share_one_scale():
    draw.kernels(np.array([1, 2, -4, 4]).reshape(4, 1, 1, 1))
    colours = [patch.get_facecolor() for patch in plt.gca().patches]
    assert colours == [draw.SIGNED(0.5 + 0.3 * share) for share in (0.25, 0.5, -1, 1)]
    plt.close()
    draw.kernels(np.repeat([1, 2, 4, 8], 3 * 9).reshape(12, 1, 3, 3))
    assert len({round(float(cell(patch)[0]), 3) for patch in plt.gca().patches}) > 3  # kernels side by side
    colours = [patch.get_facecolor() for patch in plt.gca().patches]
    assert set(colours) == {draw.SIGNED(0.5 + 0.3 * share) for share in (1 / 8, 1 / 4, 1 / 2, 1)}


def test_many_kernels_are_pictures_on_one_scale_with_gaps_between_them():
    weight = np.random.default_rng(0).normal(size=(6, 3, 5, 4))
    draw.kernels(weight)
    axes, bar = plt.gcf().axes
    limit = abs(weight).max()
    assert bar.get_ylim() == pytest.approx((-limit, limit))
    taps = np.concatenate([np.asarray(image.get_array().filled(np.nan)) for image in axes.images])
    assert {image.get_clim() for image in axes.images} == {(-limit, limit)}
    read = taps.reshape(6, 6, 3, 5).transpose(0, 2, 1, 3)  # o c kh+1 kw+1
    assert (read[:, :, :-1, :-1] == weight).all()
    assert np.isnan(read[:, :, -1]).all() and np.isnan(read[..., -1]).all()


def test_a_minus_marks_exactly_the_negative_taps_that_can_be_seen():
    weight = np.random.default_rng(0).normal(size=(3, 2, 5, 5))
    weight[0, 0, 0, :2] = -1e-3, 0
    draw.kernels(weight)
    axes = plt.gcf().axes[0]
    marks = {(x, y) for line in axes.lines for x, y in np.round(line.get_xydata(), 6).tolist()}
    negative = set()
    for image in axes.images:
        left, _, _, top = image.get_extent()
        taps = image.get_array().filled(np.nan)
        visible = np.argwhere(taps < -np.nanmax(abs(taps)) / 50)
        negative |= {(round(left + x + 0.5, 6), round(top + y + 0.5, 6)) for y, x in visible}
    assert marks == negative and len(marks) == (weight < -abs(weight).max() / 50).sum()
    assert {line.get_marker() for line in axes.lines} == {"_"}


def test_the_taps_of_kernels_are_whole_dots():
    weight = np.indices((3, 3, 5, 7)).sum(axis=0) % 2 + 1e-9
    draw.kernels(weight)
    axes = plt.gcf().axes[0]
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    box = axes.get_window_extent()
    assert box.width / (right - left) == pytest.approx(round(box.width / (right - left)))
    assert box.height / (bottom - top) == pytest.approx(box.width / (right - left))


def test_the_channels_are_numbered_and_go_on_in_further_columns():
    draw.kernels(np.random.default_rng(0).normal(size=(64, 3, 7, 7)))
    axes = plt.gcf().axes[0]
    columns = len(axes.images)
    written = [text.get_text() for text in axes.texts]
    assert columns > 1 and {"input channel", "output channel"} <= set(written)
    assert sorted(int(text) for text in written if text.isdigit()) == sorted(
        [*range(64), *[0, 1, 2] * columns]
    )
    lefts = [image.get_extent()[0] for image in axes.images]
    assert lefts == sorted(lefts) and len({image.get_extent()[3] for image in axes.images}) == 1
    width, height = plt.gcf().get_size_inches()
    assert width <= draw.WIDTH and height <= draw.WIDTH


def test_narrow_channels_are_numbered_in_steps():
    draw.kernels(np.random.default_rng(0).normal(size=(64, 64, 3, 3)))
    figure = plt.gcf()
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text().isdigit()]
    assert 20 < len(boxes) < 64
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_pointwise_kernels_are_a_matrix():
    draw.kernels(np.arange(6).reshape(2, 3, 1, 1))
    x = sorted({round(float(cell(patch)[0]), 6) for patch in plt.gca().patches})
    assert np.diff(x) == pytest.approx([1, 1])


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.zeros((3, 3)), r"^kernels: weight must be an array \(O, C, kh, kw\), got \(3, 3\)"),
        (np.zeros((0, 1, 3, 3)), r"got \(0, 1, 3, 3\)"),
        (np.zeros((4, 512, 3, 3)), r"^kernels: weight \(4, 512, 3, 3\) has more taps than a page has dots"),
    ],
)
def test_what_is_no_bank_of_kernels_is_refused(weight, message):
    with pytest.raises(ValueError, match=message):
        draw.kernels(weight)
    assert plt.get_fignums() == []


# --- before and after -------------------------------------------------------------------------------------


def checkers(height, width):
    return (np.indices((height, width)).sum(axis=0) % 2).astype(float)


SIZES = {"one": checkers(10, 16), "twice": checkers(20, 32), "half": checkers(5, 8)}


def in_dots(axes):
    box = axes.get_window_extent()
    return box.width, box.height


@pytest.mark.parametrize("same", ["extent", "pixel"])
def test_every_pixel_is_one_block_of_dots(same):
    draw.before_after(SIZES, same)
    for axes, picture in zip(plt.gcf().axes, SIZES.values(), strict=True):
        assert_every_pixel_is_one_block(axes, picture == 1)


def test_with_the_same_extent_all_pictures_are_equally_wide():
    draw.before_after(SIZES)
    assert len({np.round(in_dots(axes), 6).tobytes() for axes in plt.gcf().axes}) == 1


def test_with_the_same_pixels_a_picture_of_twice_the_size_is_twice_as_large():
    draw.before_after(SIZES, "pixel")
    one, twice, half = (np.array(in_dots(axes)) for axes in plt.gcf().axes)
    assert twice == pytest.approx(2 * one) and half == pytest.approx(one / 2)
    assert plt.gcf().get_size_inches()[0] <= draw.WIDTH


def test_the_zoom_shows_the_same_part_of_every_picture_larger_and_frames_it():
    draw.before_after(SIZES, zoom=np.s_[2:6, 4:12])
    axes = plt.gcf().axes
    for whole, part, scale in zip(axes[:3], axes[3:], (1, 2, 0.5), strict=True):
        (frame,) = whole.patches
        left, top, width, height = np.array([4, 2, 8, 4]) * scale
        assert (*frame.get_xy(), frame.get_width(), frame.get_height()) == (
            left - 0.5,
            top - 0.5,
            width,
            height,
        )
        assert part.get_xlim() == (left - 0.5, left + width - 0.5)
        assert part.get_ylim() == (top + height - 0.5, top - 0.5)
        assert (part.images[0].get_array() == whole.images[0].get_array()).all() and not part.patches
        assert in_dots(part)[0] / width > in_dots(whole)[0] / (16 * scale)
    assert [one.get_title() for one in axes] == ["one", "twice", "half", "", "", ""]
    light = SIZES["twice"][4:12, 8:24] == 1
    assert_every_pixel_is_one_block(axes[4], light)


@pytest.mark.parametrize("same", ["extent", "pixel"])
def test_a_region_may_end_within_a_pixel_of_another_picture(same):
    draw.before_after({"a": checkers(6, 6), "b": checkers(4, 4)}, same, zoom=np.s_[1:4, :2])
    assert plt.gcf().axes[3].get_ylim() == pytest.approx((4 * 4 / 6 - 0.5, 1 * 4 / 6 - 0.5))


def test_the_zooms_stand_under_their_pictures_in_every_row():
    draw.before_after({name: checkers(6, 8) for name in "abc"}, zoom=np.s_[:2, :2], columns=2)
    a, b, under_a, under_b, c, under_c = (axes.get_position() for axes in plt.gcf().axes)
    for picture, under in ((a, under_a), (b, under_b), (c, under_c)):
        assert under.y1 < picture.y0
        assert under.x0 + under.x1 == pytest.approx(picture.x0 + picture.x1, abs=0.01)
    assert a.y0 == b.y0 and c.y1 < under_a.y0


def test_pictures_stand_above_the_middle_of_wider_zooms_on_the_page():
    sizes = {"one": checkers(10, 16), "half": checkers(5, 8), "twice": checkers(20, 32)}
    draw.before_after(sizes, "pixel", zoom=np.s_[:4, :4], columns=2)
    places = [axes.get_position() for axes in plt.gcf().axes]
    assert min(place.x0 for place in places) >= 0 and max(place.x1 for place in places) <= 1
    for picture, under in zip((0, 1, 4), (2, 3, 5), strict=True):
        assert sum(places[picture].intervalx) == pytest.approx(sum(places[under].intervalx), abs=0.002)
    plt.close()
    draw.before_after(SIZES, "pixel", zoom=np.s_[:4, :4])
    assert plt.gcf().get_size_inches()[0] <= draw.WIDTH


def test_a_last_row_that_is_not_full_does_not_set_the_width_of_the_page():
    draw.before_after({name: checkers(6, 8) for name in "abc"}, columns=2)
    assert max(axes.get_position().x1 for axes in plt.gcf().axes) <= 1


def test_photographs_in_colour_stay_so():
    draw.before_after({"a": np.full((3, 2, 2), 2.0)})
    assert plt.gca().images[0].get_array().max() == 1 and plt.gca().images[0].get_array().shape == (2, 2, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"same": "size"}, """^before_after: same must be "extent" or "pixel", got 'size'"""),
        ({"zoom": np.s_[4:4, 0:2]}, r"^before_after: zoom .* is no region of the first picture \(10, 16\)"),
        ({"zoom": np.s_[0:2, 16:20]}, "is no region"),
        ({"zoom": np.s_[0:4:2, 0:2]}, "is no region"),
    ],
)
def test_a_comparison_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        draw.before_after(SIZES, **arguments)
    assert plt.get_fignums() == []


@pytest.mark.parametrize("same", ["extent", "pixel"])
def test_no_pixel_is_left_out_for_want_of_dots(same):
    wide = {"a": checkers(2, 500), "b": checkers(2, 500)}
    with pytest.raises(
        ValueError, match=r"a page is 960 dots wide, too few for pictures of .*, 2 in a row; choose fewer"
    ):
        draw.before_after(wide, same)
    draw.before_after(wide, same, columns=1)
    assert len(plt.gcf().axes) == 2


# --- curves -----------------------------------------------------------------------------------------------


def drawn_curves(count):
    return plt.gca().lines[:count]


def test_curves_hold_the_numbers_and_what_is_not_finite_is_a_gap():
    draw.curves([1, 2, 4], {"a": [1.0, np.inf, 3], "b": np.array([0, 5, 6])}, "size (pixels)", "time (ms)")
    a, b = drawn_curves(2)
    assert a.get_xdata().tolist() == [1, 2, 4] and b.get_ydata().tolist() == [0, 5, 6]
    np.testing.assert_array_equal(a.get_ydata(), [1, np.nan, 3])
    assert (plt.gca().get_xlabel(), plt.gca().get_ylabel()) == ("size (pixels)", "time (ms)")


def test_every_curve_has_its_name_beside_it_in_its_colour_with_a_piece_of_its_line():
    y = {"low": np.zeros(3), "high": np.ones(3), "middle": np.full(3, 0.5)}
    draw.curves(np.arange(3), y)
    names = plt.gca().texts
    assert [text.get_text() for text in names] == list(y)
    low, high, middle = (text.get_position()[1] for text in names)
    assert low < middle < high
    assert middle == pytest.approx(0.5) and all(text.get_position()[0] > 1 for text in names)
    pieces = plt.gca().lines[4::2]
    for curve, piece, text in zip(drawn_curves(3), pieces, names, strict=True):
        assert curve.get_color() == piece.get_color() == text.get_color()
        assert curve.get_linestyle() == piece.get_linestyle() and curve.get_marker() == piece.get_marker()
        assert list(piece.get_ydata()) == [text.get_position()[1]] * 3


@given(ends=st.lists(st.floats(-1, 1), min_size=2, max_size=10))
@settings(max_examples=25, deadline=None)
def test_names_never_meet_and_keep_the_order_of_the_ends(ends):
    plt.close("all")
    draw.curves(np.arange(2), {str(i): np.array([0, end]) for i, end in enumerate(ends)})
    heights = np.array([text.get_position()[1] for text in plt.gca().texts])
    order = np.argsort(heights)
    assert np.diff(heights[order]).min() > 0.0999 and heights.max() <= 1.0001 and heights.min() > -0.0001
    assert (np.diff(np.array(ends)[order]) >= -1e-9).all()


def test_curves_differ_in_colour_and_line_and_where_they_are_short_in_their_marks():
    draw.curves(np.arange(5), {str(i): np.arange(5) for i in range(10)})
    curves = drawn_curves(10)
    assert len({(curve.get_color(), str(curve._dash_pattern)) for curve in curves}) == 10
    assert all(
        a.get_marker() != b.get_marker() and a._dash_pattern != b._dash_pattern
        for a, b in itertools.pairwise(curves)
    )
    plt.close()
    draw.curves(np.arange(100), {"long": np.arange(100)})
    assert drawn_curves(1)[0].get_marker() == "None"


def test_whole_numbers_have_whole_ticks_and_logarithms_their_own():
    draw.curves(np.arange(3), {"a": np.arange(3)})
    assert all(tick == round(tick) for tick in plt.gca().get_xticks())
    plt.close()
    draw.curves([1, 10], {"a": [1, 100]}, log="xy")
    assert (plt.gca().get_xscale(), plt.gca().get_yscale()) == ("log", "log")
    plt.close()
    draw.curves([1, 10], {"a": [1, 100], "b": [1, 10]}, log="y")
    assert (plt.gca().get_xscale(), plt.gca().get_yscale()) == ("linear", "log")
    a, b = (text.get_position()[1] for text in plt.gca().texts)
    assert a - b == pytest.approx(1 / 2.2)  # half of two decades, and a tenth of the axis is margin


@pytest.mark.parametrize("last", [32, 256])
def test_an_axis_between_powers_of_two_has_its_ticks_there(last):
    x = 2 ** np.arange(np.log2(last) + 1)
    draw.curves(x, {"a": x}, log="x")
    plt.gcf().canvas.draw()
    left, right = plt.gca().get_xlim()
    ticks = plt.gca().xaxis.get_major_ticks()
    shown = [tick.label1.get_text() for tick in ticks if left <= tick.get_loc() <= right]
    assert shown == [str(int(number)) for number in x]
    plt.close()
    draw.curves([1, 10], {"a": [1, 2]}, log="x")
    plt.gcf().canvas.draw()
    assert "10^{0}" in plt.gca().get_xticklabels()[1].get_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": np.ones((2, 2))}, r"^curves: x must be an array \(n,\), got \(2, 2\)"),
        ({"series": {}}, "^curves: from 1 to 10 curves can be told apart, got 0"),
        ({"series": {str(i): [1, 2] for i in range(11)}}, "got 11"),
        ({"series": {"a": [1, 2, 3]}}, r"^curves: 'a' must be of x's shape \(2,\), got \(3,\)"),
        ({"series": {"a": [np.nan, np.inf]}}, "^curves: 'a' has no finite number"),
        ({"log": "z"}, """^curves: log must be "", "x", "y" or "xy", got 'z'"""),
        (
            {"series": {"a": [1, 0.0]}, "log": "y"},
            "^curves: a logarithmic y axis shows what is above 0, got 0.0",
        ),
        ({"x": [-1, 1], "log": "xy"}, "^curves: a logarithmic x axis shows what is above 0, got -1"),
    ],
)
def test_curves_that_cannot_be_drawn_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        draw.curves(**{"x": [1, 2], "series": {"a": [1, 2]}} | arguments)
    assert plt.get_fignums() == []


# --- dots and roofline --------------------------------------------------------------------------------------


def test_dots_hold_the_numbers_row_by_row_and_the_first_row_is_on_top():
    draw.dots({"a": {"x": 1, "y": 10}, "b": {"y": 100.0}}, "µs", line=5)
    line, _, x, y = plt.gca().lines
    assert line.get_xdata() == [5, 5]
    assert x.get_xdata().tolist() == [1] and y.get_xdata().tolist() == [10, 100]
    assert y.get_ydata().round().tolist() == [0, 1] and plt.gca().get_ylim() == (1.5, -0.5)
    assert [label.get_text() for label in plt.gca().get_yticklabels()] == ["a", "b"]
    assert (plt.gca().get_xscale(), plt.gca().get_xlabel()) == ("log", "µs")
    assert [text.get_text() for text in plt.gcf().legends[0].get_texts()] == ["x", "y"]


def test_equal_numbers_of_a_row_do_not_hide_each_other():
    draw.dots({"a": dict.fromkeys("uvwxyz", 3.0)}, log=False)
    dots = plt.gca().lines
    assert len({(dot.get_marker(), dot.get_color()) for dot in dots}) == 6
    heights = [dot.get_ydata()[0] for dot in dots]
    assert np.diff(heights).min() > 0.1 and max(np.abs(heights)) < 0.4
    assert plt.gca().get_xscale() == "linear"


def test_a_logarithmic_scale_of_dots_has_plain_numbers():
    draw.dots({"a": {"x": 0.05, "y": 60}})
    plt.gcf().canvas.draw()
    low, high = plt.gca().get_xlim()
    seen = [label for label in plt.gca().get_xticklabels() if low <= label.get_position()[0] <= high]
    assert [label.get_text() for label in seen] == ["0.1", "0.3", "1", "3", "10", "30"]
    assert not any(label.get_text() for label in plt.gca().get_xticklabels(minor=True))


def test_dots_of_one_name_need_no_legend():
    draw.dots({"a": {"time": 1}})
    assert not plt.gcf().legends


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({}, "^dots: from 1 to 6 names can be told apart, got 0"),
        ({"a": dict.fromkeys("tuvwxyz", 1)}, "^dots: from 1 to 6 names can be told apart, got 7"),
        ({"a": {"x": 0}}, "^dots: 'x' of 'a' cannot be drawn: 0"),
        ({"a": {"x": np.nan}}, "^dots: 'x' of 'a' cannot be drawn: nan"),
    ],
)
def test_dots_that_cannot_be_drawn_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        draw.dots(rows)
    assert plt.get_fignums() == []


def test_a_roof_rises_with_the_bandwidth_and_ends_at_the_peak():
    draw.roofline(8e9, 2e9, {"one": (1, 1e9), "two": (16, 4e9)})
    roof, corner, points = plt.gca().lines
    assert roof.get_xdata().tolist() == [0.5, 4, 32] and roof.get_ydata().tolist() == [1, 8, 8]
    assert list(corner.get_xdata()) == [4, 4]
    assert points.get_xdata().tolist() == [1, 16] and points.get_ydata().tolist() == [1, 4]
    assert texts() == ["1", "1  one", "2", "2  two"]
    assert [text.get_position() for text in plt.gca().texts[::2]] == [(1, 1), (16, 4)]


def test_the_names_beside_a_roof_do_not_meet():
    draw.roofline(1, 1, {str(number): (1, 1) for number in range(14)})
    heights = [text.get_position()[1] for text in plt.gca().texts[1::2]]
    assert np.diff(heights).max() < -0.07 and min(heights) > 0 and max(heights) < 1


@pytest.mark.parametrize(
    "arguments", [(0, 1, {"a": (1, 1)}), (1, np.inf, {"a": (1, 1)}), (1, 1, {}), (1, 1, {"a": (1, 0)})]
)
def test_a_roof_without_sense_is_refused(arguments):
    with pytest.raises(ValueError, match=r"^roofline: there must be points, and all numbers above 0"):
        draw.roofline(*arguments)
    assert plt.get_fignums() == []


# --- regions ------------------------------------------------------------------------------------------------

REGIONS = {"inside": ((1, 2), (3, 5)), "over the corner": ((-2, 3), (-1, 4)), "a pixel": ((0, 0), (7, 7))}


def edges(patch):
    """First and last row, first and last column."""
    left, top = patch.get_x(), patch.get_y()
    bottom, right = top + patch.get_height(), left + patch.get_width()
    return ((top + 0.5, bottom - 0.5), (left + 0.5, right - 0.5))


def test_the_frames_run_around_the_pixels_of_their_regions():
    draw.regions(np.zeros((4, 8)), REGIONS)
    assert [edges(frame) for frame in frames()] == list(REGIONS.values())


def test_what_lies_outside_of_the_picture_is_hatched_behind_it():
    draw.regions(np.zeros((4, 8)), REGIONS)
    (sheet,) = [patch for patch in plt.gca().patches if patch.get_hatch()]
    assert edges(sheet) == ((-2, 3), (-1, 7))
    assert plt.gca().get_xlim() == (-1.5, 7.5) and plt.gca().get_ylim() == (3.5, -2.5)
    assert sheet.get_zorder() < plt.gca().images[0].get_zorder()
    assert plt.gca().images[0].get_extent() == [-0.5, 7.5, 3.5, -0.5]


def test_a_region_may_lie_outside_altogether():
    draw.regions(np.zeros((4, 8)), {"below": ((6, 7), (9, 9))})
    assert plt.gca().get_xlim() == (-0.5, 9.5) and plt.gca().get_ylim() == (7.5, -0.5)


def test_where_nothing_hangs_over_nothing_is_hatched():
    draw.regions(np.zeros((4, 8)), {"all": ((0, 3), (0, 7))})
    assert [patch.get_hatch() for patch in plt.gca().patches] == [None]


def test_every_name_stands_beside_the_picture_with_the_look_of_its_frame():
    draw.regions(np.zeros((3, 4, 8)), REGIONS)
    legend = plt.gca().get_legend()
    assert [text.get_text() for text in legend.get_texts()] == list(REGIONS)
    looks = [(line.get_color(), line.get_linestyle()) for line in legend.get_lines()]
    assert looks == [(_style.PALETTE[n], {0: "-"}.get(n, "--")) for n in range(3)]
    assert [to_rgba(line.get_color()) for line in legend.get_lines()] == [
        frame.get_edgecolor() for frame in frames()
    ]
    box, picture = legend.get_window_extent(), plt.gca().get_window_extent()
    assert box.x0 >= picture.x1 and box.x1 <= plt.gcf().bbox.x1


def test_a_wide_picture_leaves_room_for_the_names_of_its_regions():
    draw.regions(np.zeros((20, 2000)), {"a name of several words": ((0, 9), (-9, 9))})
    assert plt.gcf().get_size_inches()[0] <= draw.WIDTH + 1e-9
    assert plt.gca().get_legend().get_window_extent().x1 <= plt.gcf().bbox.x1


@pytest.mark.parametrize("side", [1, 30, 224, 2000])
def test_pixels_of_a_picture_with_regions_are_square_and_fit_the_page(side):
    draw.regions(np.zeros((side, side)), {"pool 5: 212": ((-side, side), (0, side))})
    box = plt.gca().get_window_extent()
    assert box.width / (side + 1) == pytest.approx(box.height / (2 * side + 1), rel=0.01)
    assert plt.gcf().get_size_inches()[0] <= draw.WIDTH + 1e-9
    assert plt.gcf().get_size_inches()[1] <= draw.WIDTH


@pytest.mark.parametrize(
    ("picture", "framed", "message"),
    [
        (np.zeros((2, 4, 4)), REGIONS, r"^regions: 'picture' must be \(H, W\)"),
        (np.zeros((4, 4)), {}, "^regions: from 1 to 15 regions can be told apart, got 0"),
        (np.zeros((4, 4)), {str(n): ((0, 1), (0, 1)) for n in range(16)}, "got 16"),
        (
            np.zeros((4, 4)),
            {"a": ((2, 1), (0, 1))},
            r"^regions: 'a' must be \(\(top, bottom\), \(left, right\)\), got",
        ),
        (np.zeros((4, 4)), {"a": ((0, 1), None)}, "^regions: 'a' must be"),
        (np.zeros((4, 4)), {"a": ((0, 1),)}, "^regions: 'a' must be"),
        (np.zeros((4, 4)), {"a": ((0, 1, 2), (0, 1))}, "^regions: 'a' must be"),
    ],
)
def test_regions_that_cannot_be_framed_are_refused(picture, framed, message):
    with pytest.raises(ValueError, match=message):
        draw.regions(picture, framed)
    assert plt.get_fignums() == []


# --- all --------------------------------------------------------------------------------------------------

FIGURES = {
    "windows": lambda: draw.windows(IMAGE, 3, 2, 1, at=[(0, 0), (1, 1)], output=np.ones((3, 3))),
    "feature_maps": lambda: draw.feature_maps(np.arange(24.0).reshape(2, 3, 4)),
    "kernels": lambda: draw.kernels(np.arange(-54, 54).reshape(3, 4, 3, 3) / 7),
    "before_after": lambda: draw.before_after(SIZES, zoom=np.s_[:4, :4]),
    "curves": lambda: draw.curves(np.arange(4), {"a": np.arange(4), "b": np.ones(4)}),
    "dots": lambda: draw.dots({"a": {"x": 1, "y": 30}, "b": {"y": 2}}, "time", line=1),
    "roofline": lambda: draw.roofline(8e9, 2e9, {"one": (1, 1e9), "two": (16, 4e9)}),
    "regions": lambda: draw.regions(np.eye(8), REGIONS),
    "images": lambda: draw.images({"a": np.eye(4)}, signed=True, marks={"a": np.s_[0, 0]}),
}


def test_tensors_are_drawn_as_arrays_are():
    draw.windows(torch.ones(4, 4), 2, output=torch.ones(3, 3))
    draw.feature_maps(torch.ones(2, 3, 3))
    draw.kernels(torch.ones(1, 2, 3, 3))
    draw.before_after({"a": torch.ones(3, 4, 4)})
    draw.regions(torch.ones(3, 4, 4), {"a": ((0, 1), (2, 3))})
    draw.curves(torch.arange(3), {"a": torch.tensor([0.0, 2, 5])})
    assert drawn_curves(1)[0].get_ydata().tolist() == [0, 2, 5]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_drawn_twice_is_the_same_to_the_byte_and_no_wider_than_the_page(name):
    drawn = []
    for _ in range(2):
        FIGURES[name]()
        with io.BytesIO() as file:
            plt.savefig(file, format="png")
            drawn.append(file.getvalue())
        assert plt.gcf().get_size_inches()[0] <= draw.WIDTH + 1e-9
        plt.close("all")
    assert drawn[0] == drawn[1]


def test_filtering_shows_image_kernel_and_signed_response():
    draw.filtering(np.zeros((4, 6)), np.array([[-1, 7]]), np.array([[-3.0, 2]]))
    image, kernel, response = plt.gcf().axes
    assert [text.get_text() for text in kernel.texts] == ["\N{MINUS SIGN}1", "7"]
    assert image.images[0].get_clim() == (0, 1) and response.images[0].get_clim() == (-3, 3)


def test_a_matrix_shows_its_entries_and_its_blocks():
    entries = np.arange(-6.0, 6).reshape(2, 6)
    draw.matrix(entries, "M", blocks=(1, 3))
    axes = plt.gca()
    assert (axes.images[0].get_array() == entries).all() and axes.images[0].get_clim() == (-6, 6)
    assert axes.get_title() == "M" and list(axes.get_xticks(minor=True)) == [-0.5, 2.5, 5.5]


def test_a_matrix_has_two_axes():
    with pytest.raises(ValueError, match="two axes"):
        draw.matrix(np.zeros(3))


def test_matrices_stand_side_by_side_on_one_scale_with_their_blocks():
    first, second = np.arange(-6.0, 6).reshape(2, 6), np.eye(2, 6)
    draw.matrices({"first": first, "second": second}, blocks=(1, 3))
    left, right = plt.gcf().axes
    assert (left.get_title(), right.get_title()) == ("first", "second")
    for axes, entries in ((left, first), (right, second)):
        assert (axes.images[0].get_array() == entries).all() and axes.images[0].get_clim() == (-6, 6)
        assert list(axes.get_xticks(minor=True)) == [-0.5, 2.5, 5.5]
        assert list(axes.get_yticks(minor=True)) == [-0.5, 0.5, 1.5]
    plt.gcf().draw_without_rendering()
    assert left.get_position().x1 < right.get_position().x0


def test_matrices_in_one_column_have_equal_places_one_below_the_other():
    draw.matrices({"first": np.eye(2, 6), "second": np.eye(2, 6)}, columns=1)
    plt.gcf().draw_without_rendering()
    above, below = (axes.get_position() for axes in plt.gcf().axes)
    assert above.y0 > below.y1
    assert (above.x0, above.x1) == pytest.approx((below.x0, below.x1))


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({}, "no matrix to draw"),
        ({"a": np.zeros(3)}, r"'a' must be an array \(rows, columns\), got \(3,\)"),
        ({"a": np.zeros((2, 0))}, r"'a' must be an array \(rows, columns\), got \(2, 0\)"),
        ({"a": np.eye(2), "b": np.eye(3)}, r"of one shape, got \(2, 2\) and \(3, 3\)"),
    ],
)
def test_matrices_of_one_shape_are_asked_for(arrays, message):
    with pytest.raises(ValueError, match=f"matrices: .*{message}"):
        draw.matrices(arrays)


def test_source_is_the_function_itself_without_its_documentation():
    shown = draw.source(convlib.conv2d).data
    assert shown.startswith("```python\n") and shown.endswith("\n```")
    assert "return _forward(2, input" in shown and '"""' not in shown
    assert "fmt: skip" not in draw.source(convlib.conv._forward).data


def test_source_keeps_the_documentation_where_asked():
    assert "Convolve images with a bank of kernels" in draw.source(convlib.conv2d, docstring=True).data


def test_a_function_without_documentation_is_shown_whole():
    def bare(x):
        return x

    assert draw.source(bare).data == "```python\ndef bare(x):\n    return x\n```"


def test_a_table_writes_numbers_for_people():
    shown = draw.table(["a", "b"], [["x", 1234567], ["y", 0.123456], ["z", True], ["w", np.int64(1000)]]).data
    assert shown.splitlines()[2:] == ["| x | 1,234,567 |", "| y | 0.1235 |", "| z | yes |", "| w | 1,000 |"]


def test_a_ragged_table_is_refused():
    with pytest.raises(ValueError, match=r"2 headings \['a', 'b'\] but the row \[1\]"):
        draw.table(["a", "b"], [[1]])
