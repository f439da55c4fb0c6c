"""The report, its alignment, its words, the checks by gradient, and the command line."""

import json
import re
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from receptive_field_agreement import disagreements
from torch import nn

from convlib.receptive_field import (
    EffectiveField,
    effective_receptive_field,
    gradient_support,
    receptive_field,
)
from convlib.receptive_field.__main__ import main


class TwoPaths(nn.Module):
    def __init__(self, left: nn.Module, right: nn.Module, join: str = "add") -> None:
        super().__init__()
        self.left, self.right, self.join = left, right, join

    def forward(self, image: Any) -> Any:
        left, right = self.left(image), self.right(image)
        return left + right if self.join == "add" else torch.cat([left, right], 1)


class Cropped(nn.Module):
    """The left path has one row more, which is left out."""

    def __init__(self, pair: TwoPaths) -> None:
        super().__init__()
        self.pair = pair

    def forward(self, image: Any) -> Any:
        right = self.pair.right(image)
        return self.pair.left(image[:, :, : 2 * right.shape[2] - 1]) + right


def aligned_pair(join: str = "add") -> nn.Module:
    right = nn.Sequential(nn.ZeroPad2d((1, 0, 1, 0)), nn.Conv2d(3, 2, 3, 2), nn.Conv2d(2, 2, 1, 2))
    return TwoPaths(nn.Conv2d(3, 2, 1, 4), right, join)


@pytest.mark.parametrize("join", ["add", "cat"])
def test_two_paths_that_look_at_the_same_places(join: str) -> None:
    report = receptive_field(aligned_pair(join).eval(), 32)
    assert report.aligned
    assert (report.size, report.jump, report.padding) == ((3, 3), (4, 4), (1, 1))


@pytest.mark.parametrize("join", ["add", "cat"])
def test_a_misaligned_pair_is_reported_with_both_paths(join: str) -> None:
    right = nn.Sequential(nn.Conv2d(3, 2, 3, 2, 0), nn.Conv2d(2, 2, 1, 2))
    report = receptive_field(TwoPaths(nn.Conv2d(3, 2, 1, 4), right, join).eval(), 32)
    assert not report.aligned
    first = report.misalignments[0]
    assert first.paths == (("left",), ("right.0", "right.1"))
    assert first.centres == (0, 1)
    assert "left: centre 0" in str(first)
    assert "right.0 > right.1: centre 1" in str(first)
    assert str(first) in str(report)
    assert report.size == (3, 3)


def test_paths_are_told_from_where_they_part() -> None:
    pair = TwoPaths(nn.Conv2d(3, 2, 1, 2), nn.Conv2d(3, 2, 3, 2, padding=(0, 1)))
    model = nn.Sequential(nn.Conv2d(3, 3, 3, padding=(1, 1)), nn.ZeroPad2d((0, 0, 0, 1)), Cropped(pair))
    (first,) = receptive_field(model.eval(), 16).misalignments
    assert first.axis == 0
    assert first.paths == (("2 (slice)", "2.pair.left"), ("2.pair.right",))


def test_a_skip_is_a_path_too() -> None:
    class Skip(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.even = nn.Conv2d(3, 3, 2, padding=1)

        def forward(self, image: Any) -> Any:
            return image + self.even(image)[:, :, 1:, 1:]

    (first, second) = receptive_field(Skip().eval(), 16).misalignments
    assert (first.axis, second.axis) == (0, 1)
    assert sorted(first.paths, key=len)[0] == ()
    assert "directly" in str(first)
    assert set(first.centres) == {Fraction(0), Fraction(1, 2)}


class UNet(nn.Module):
    def __init__(self, up: nn.Module, down: nn.Module) -> None:
        super().__init__()
        self.first, self.down, self.up = nn.Conv2d(3, 2, 3, padding=1), down, up
        self.last = nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, image: Any) -> Any:
        skip = self.first(image)
        return self.last(torch.cat([skip, self.up(self.down(skip))], 1))


@pytest.mark.parametrize(
    ("up", "down", "aligned"),
    [
        (nn.ConvTranspose2d(2, 2, 2, 2), nn.MaxPool2d(2), True),
        (nn.Upsample(scale_factor=2, mode="bilinear"), nn.MaxPool2d(2), True),
        (nn.Upsample(scale_factor=2), nn.MaxPool2d(2), True),
        (nn.Upsample(scale_factor=2), nn.Conv2d(2, 2, 3, 2, 1), False),
    ],
    ids=["transposed", "bilinear", "nearest", "half a pixel off"],
)
def test_a_unet_is_aligned_where_going_down_and_up_keep_the_centre(
    up: nn.Module, down: nn.Module, aligned: bool
) -> None:
    report = receptive_field(UNet(up, down).eval(), 32)
    assert report.aligned is aligned
    assert report.jump == (1, 1)
    if not aligned:
        first = report.misalignments[0]
        assert abs(first.centres[0] - first.centres[1]) == Fraction(1, 2)


# ---------------------------------------------------------------- the whole image


def small(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), *layers)


def test_batch_norm_sees_the_whole_image_in_training_alone() -> None:
    model = small(nn.BatchNorm2d(4))
    assert receptive_field(model.eval(), 20).size == (3, 3)
    report = receptive_field(model.train(), 20)
    assert report.size == (20, 20)
    assert report.jump == (None, None)
    assert report.last.reasons == ("batch norm in training mode, 1",) * 2
    assert "No rule after: batch norm in training mode, 1." in str(report)


def test_what_is_not_kept_in_evaluation_is_whole_as_well() -> None:
    model = small(nn.BatchNorm2d(4, track_running_stats=False)).eval()
    assert receptive_field(model, 20).size == (20, 20)


def test_a_large_field_is_told_beyond_the_image() -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 9, stride=4, padding=4), nn.Conv2d(2, 2, 9, padding=4)).eval()
    report = receptive_field(model, 16)
    assert report.size == (9 + 8 * 4,) * 2
    assert report.region() == ((0, 15), (0, 15))


# ---------------------------------------------------------------- what is not known


@pytest.fixture(scope="module")
def odd_model() -> nn.Module:
    @torch.library.custom_op("receptive_field_tests::odd", mutates_args=())
    def odd(x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @odd.register_fake
    def _(x: torch.Tensor) -> torch.Tensor:
        return torch.empty_like(x)

    class Odd(nn.Module):
        def forward(self, x: Any) -> Any:
            return odd(x)

    return small(Odd()).eval()


def test_an_operation_it_does_not_know_is_named(odd_model: nn.Module) -> None:
    with pytest.raises(NotImplementedError, match=r"odd is not known, at node 'odd' \(1 \(.*odd\)\)"):
        receptive_field(odd_model, 12)


def test_or_is_taken_to_see_everything(odd_model: nn.Module) -> None:
    report = receptive_field(odd_model, 12, unknown="whole")
    assert report.size == (12, 12)
    assert "odd is not known" in report.last.reasons[0]
    assert report["0"].size == (3, 3)


def test_places_computed_from_the_image_are_not_guessed() -> None:
    class Chosen(nn.Module):
        def forward(self, x: Any) -> Any:
            return x[:, :, x[0, 0, 0].argsort()]

    with pytest.raises(NotImplementedError, match="computed from the image"):
        receptive_field(Chosen(), 8)
    assert receptive_field(Chosen(), 8, unknown="whole").size == (8, 8)


def test_a_weight_computed_from_the_image_brings_the_image() -> None:
    class Dynamic(nn.Module):
        def forward(self, x: Any) -> Any:
            return F.conv2d(x, x[:, :, :3, :3].expand(1, 3, 3, 3))

    row = receptive_field(Dynamic().eval(), 12).last
    assert row.region((5, 5)) == ((0, 7), (0, 7))
    assert "a weight computed from the image" in row.reasons[0]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((nn.Identity(), 8, None, "maybe"), ValueError, "unknown must be"),
        ((lambda x: x, 8), TypeError, "model must be a torch.nn.Module"),
        ((nn.Identity(), 0), ValueError, "input_size must be at least 1"),
        ((nn.Identity(), "8"), TypeError, "input_size must be"),
        ((nn.Identity(), torch.zeros(3, 3)), ValueError, "an image has a shape"),
    ],
)
def test_wrong_calls_are_refused(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        receptive_field(*arguments)


def test_what_export_refuses_is_traced_all_the_same() -> None:
    class Hidden(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 5, 2, 2)
            self.bn = nn.BatchNorm2d(2)

        def forward(self, x: Any) -> Any:
            if getattr(torch.compiler, "is_exporting", lambda: False)():
                raise RuntimeError("not to be exported")
            return F.max_pool2d(F.relu(self.bn(self.conv(x))), 3, 2, 1)

    report = receptive_field(Hidden().eval(), 32)
    assert (report.size, report.jump, report.start) == ((9, 9), (4, 4), (-4, -4))  # 5 + 2*2; 2*2; -2 - 1*2


def test_a_block_without_gradients_has_a_field_all_the_same() -> None:
    class Frozen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 5)

        def forward(self, x: Any) -> Any:
            with torch.no_grad():
                x = self.conv(x)
            return x + 1

    assert receptive_field(Frozen().eval(), 12).size == (5, 5)
    with pytest.raises(ValueError, match="no gradient leads"):
        gradient_support(Frozen().eval().requires_grad_(False), 12)


def test_a_recurrence_is_not_known() -> None:
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(3, 2, batch_first=True)

        def forward(self, x: Any) -> Any:
            return self.lstm(x.flatten(2).transpose(1, 2))[0]

    with pytest.raises(NotImplementedError, match="lstm is not known"):
        receptive_field(Reader().eval(), 6)
    assert receptive_field(Reader().eval(), 6, unknown="whole").size == (6, 6)


def test_where_nothing_can_be_traced_torch_says_why() -> None:
    class Broken(nn.Module):
        def forward(self, x: Any) -> Any:
            raise RuntimeError("no such thing")

    with pytest.raises(Exception, match="no such thing"):
        receptive_field(Broken(), 8)


# ---------------------------------------------------------------- the report


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, (3, 5), stride=2, padding=(1, 2)), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)
    ).eval()


def test_the_table_lists_what_changes_the_field(model: nn.Module) -> None:
    lines = str(receptive_field(model, (20, 24))).splitlines()
    assert lines[0] == "Receptive field on an image of 20 x 24 pixels (height x width)"
    assert re.split(r"  +", lines[3].strip()) == ["0", "10 x 12", "3 x 5", "2", "-1 x -2", "9..11 x 10..14"]
    assert re.split(r"  +", lines[4].strip()) == ["3", "5 x 6", "5 x 7", "4", "-1 x -2", "7..11 x 10..16"]
    assert len(lines) == 5
    assert len(receptive_field(model, (20, 24)).to_text(every=True).splitlines()) == 7


def test_the_html_holds_the_same_cells_and_nothing_raw(model: nn.Module) -> None:
    report = receptive_field(model, (20, 24))
    page = report._repr_html_()
    cells = re.findall(r"<t[dh]\b[^>]*>(.*?)</t[dh]>", page)
    assert cells == [cell for line in report.table() for cell in line]
    assert "<caption>" in page
    assert 'scope="col"' in page


def test_plain_data_goes_through_json(model: nn.Module) -> None:
    data = json.loads(json.dumps(receptive_field(model, (20, 24)).to_dict()))
    assert data["input_size"] == [20, 24]
    assert data["aligned"] is True
    assert data["layers"][-1] == {
        "name": "3",
        "operation": "max_pool2d",
        "shape": [1, 4, 5, 6],
        "output_size": [5, 6],
        "size": [5, 7],
        "jump": [4, 4],
        "start": [-1, -2],
        "region": [[7, 11], [10, 16]],
        "reasons": ["", ""],
    }


def test_jumps_below_a_pixel_go_through_json_as_floats() -> None:
    report = receptive_field(nn.Upsample(scale_factor=2), 8)
    assert report.to_dict()["layers"][-1]["jump"] == [0.5, 0.5]
    assert "1/2" in str(report)


def test_rows_are_found_by_operation_and_by_module() -> None:
    model = nn.Sequential(nn.Sequential(nn.Conv2d(3, 2, 3), nn.Conv2d(2, 2, 3)), nn.Conv2d(2, 2, 3)).eval()
    report = receptive_field(model, 12)
    assert report["0.0"].size == (3, 3)
    assert report["0"].size == (5, 5)
    with pytest.raises(KeyError, match="nothing"):
        report["nothing"]


def test_a_region_ends_at_the_border_and_a_pixel_knows_its_units(model: nn.Module) -> None:
    report = receptive_field(model, (20, 24))
    assert report.region((0, 0)) == ((0, 3), (0, 4))
    assert report.units((3, 12)) == ((0, 1), (2, 3))  # rows -1..3 and 3..7; columns 6..12 and 10..16
    with pytest.raises(ValueError, match="units"):
        report.region((5, 0))


def test_gaps_are_told() -> None:
    row = receptive_field(nn.Conv2d(3, 1, 3, dilation=2), 9).last
    assert np.flatnonzero(row.seen((0, 0))[0]).tolist() == [0, 2, 4]


def test_a_rule_that_promises_too_much_is_not_told() -> None:
    there_and_back = nn.Sequential(nn.PixelUnshuffle(3), nn.PixelShuffle(3)).eval()
    report = receptive_field(there_and_back, 12)
    assert report["0"].size == (3, 3)  # of all its channels together
    assert report.size == (1, 1)
    assert report.jump == (None, None)
    assert report.last.reasons == ("units that see unlike parts",) * 2


def test_a_module_used_twice_has_two_rows() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3)

        def forward(self, x: Any) -> Any:
            return self.conv(self.conv(x))

    report = receptive_field(Twice().eval(), 12)
    assert [row.name for row in report.rows] == ["conv", "conv #2"]
    assert [row.size for row in report.rows] == [(3, 3), (5, 5)]


def test_an_image_may_be_given_in_place_of_its_size() -> None:
    assert receptive_field(nn.Conv2d(7, 1, 3), torch.zeros(2, 7, 9, 11)).last.shape == (2, 1, 7, 9)


def test_the_model_stays_as_it_was() -> None:
    model = small(nn.BatchNorm2d(4)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    receptive_field(model, 12)
    gradient_support(model, 12)
    effective_receptive_field(model, 12, images=1)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


# ---------------------------------------------------------------- the checks


def test_the_support_holds_dead_units_too() -> None:
    model = nn.Sequential(nn.Conv1d(1, 1, 3, bias=True), nn.ReLU()).eval()
    nn.init.constant_(model[0].bias, -100.0)
    assert gradient_support(model, 6, 1).tolist() == [False, True, True, True, False, False]


def test_the_support_of_a_classifier_is_that_of_all_units() -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 3, stride=3), nn.Flatten(), nn.Linear(8, 2)).eval()
    support = gradient_support(model, 7)
    assert support.sum() == 6 * 6  # the seventh row and column are left over
    with pytest.raises(ValueError, match="no unit at 0"):
        gradient_support(model, 7, 0)


def test_a_unit_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(5,\) units, not 5"):
        gradient_support(nn.Conv1d(1, 1, 3), 7, 5)


def test_ten_box_filters_make_a_bell() -> None:
    layers = [nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(10)]
    for layer in layers:
        nn.init.constant_(layer.weight, 1 / 9)
    field = effective_receptive_field(nn.Sequential(*layers), 41, images=1)
    assert field.region() == ((10, 30), (10, 30))  # 21 pixels: 1 + 10*2
    assert field.centre == pytest.approx((20, 20))
    assert field.width == pytest.approx((np.sqrt(10 * 2 / 3),) * 2)  # variances add, and a box has 2/3
    assert field.share(21) == pytest.approx(1)
    profile = np.array([1.0])
    for _ in range(10):
        profile = np.convolve(profile, np.ones(3) / 3)
    assert field.share(11) == pytest.approx(profile[5:16].sum() ** 2)
    assert field.side_of(1) == 21
    assert field.share(field.side_of(0.9)) >= 0.9 > field.share(field.side_of(0.9) - 2)


def test_a_square_about_a_middle_between_pixels() -> None:
    field = EffectiveField(np.array([0, 0.1, 0.4, 0.4, 0.1, 0]))
    assert field.share(2) == pytest.approx(0.8)
    assert field.share(4) == pytest.approx(1)
    assert field.share(3) == pytest.approx(0.8)  # only two pixels lie inside, and halves do not count
    assert field.side_of(0.95) == 4
    with pytest.raises(ValueError, match="share must be"):
        field.side_of(0)


def test_a_unit_that_nothing_moves_has_no_effective_field() -> None:
    model = nn.Conv1d(1, 1, 3)
    nn.init.zeros_(model.weight)
    with pytest.raises(ValueError, match="no pixel moves this unit"):
        effective_receptive_field(model, 9)


class WithTable(nn.Module):
    """Waves of several lengths, as encodings of positions have them: constants, made while it runs."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        lengths = 100.0 ** torch.arange(3.0, dtype=x.dtype).clamp(max=2).pow(2)
        return nn.functional.relu(input=x[:, :3]) * torch.sin(1 / lengths)[:, None] + torch.pow(2.0, x[:, :3])


def test_what_is_computed_without_the_image_may_be_any_function() -> None:
    model = nn.Sequential(nn.Conv1d(3, 3, 3, padding=1), WithTable(), nn.Conv1d(3, 1, 3, padding=1))
    assert gradient_support(model, 11, position=5).nonzero()[0].tolist() == [3, 4, 5, 6, 7]
    assert disagreements(model, 11) == []


# ---------------------------------------------------------------- the command line


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader's own module, beside which the command is run."""
    lines = ["from convlib.networks import network", "def alexnet(): return network('alexnet_torch')"]
    (tmp_path / "mine.py").write_text("\n".join(lines), "utf8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)


@pytest.mark.usefixtures("mine")
def test_the_command_line_prints_the_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = tmp_path / "table.html"
    main(["mine:alexnet", "--input", "224", "--unit", "0", "0", "--html", str(page)])
    printed = capsys.readouterr().out
    assert "195" in printed
    assert "Output unit 0 x 0 sees 0..128, 0..128." in printed  # -66 + 195 - 1
    assert "<table>" in page.read_text("utf8")


@pytest.mark.usefixtures("mine")
def test_the_command_line_prints_plain_data(capsys: pytest.CaptureFixture[str]) -> None:
    main(["mine:alexnet", "--input", "224", "230", "--json", "--train"])
    assert json.loads(capsys.readouterr().out)["input_size"] == [224, 230]


@pytest.mark.parametrize(
    ("name", "message"),
    [("mine", "names no factory"), ("no_such_module:x", "cannot import"), ("mine:x", "has no 'x'")],
)
@pytest.mark.usefixtures("mine")
def test_the_command_line_says_what_it_cannot_find(name: str, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        main([name, "--input", "8"])
