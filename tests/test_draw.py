"""The figures show the numbers that they were given: read back from the drawing, not from a picture."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

import convlib
from convlib import draw


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


def test_letters_stand_out_from_every_cell():
    def luminance(colour):
        return np.dot(
            [0.2126, 0.7152, 0.0722],
            [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour],
        )

    draw.grids({"a": np.linspace(-1, 1, 9)[None]})
    ink = luminance(to_rgb(draw.INK))
    for patch in plt.gca().patches:
        assert (luminance(to_rgb(patch.get_facecolor())) + 0.05) / (ink + 0.05) >= 4.5  # WCAG AA


def test_marks_for_a_grid_that_is_not_there_are_refused():
    with pytest.raises(ValueError, match=r"marks for \['b'\], but the arrays are \['a'\]"):
        draw.grids({"a": np.eye(2)}, marks={"b": np.s_[0, 0]})


def test_a_grid_has_rows_and_columns():
    with pytest.raises(ValueError, match=r"'a' must be an array \(H, W\), got \(3,\)"):
        draw.grids({"a": np.ones(3)})


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
