"""Any torch model: what the graph says is what the gradient says, operation by operation."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from receptive_field_agreement import disagreements
from torch import nn


class Function(nn.Module):
    """A model that is one function between two convolutions, so that all channels and places are in play."""

    def __init__(
        self, function: Callable[[Any], Any], channels: int = 4, after: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.before = nn.Conv2d(3, channels, 3, padding=1)
        self.function = function
        self.after = after or nn.Identity()

    def forward(self, image: Any) -> Any:
        return self.after(self.function(self.before(image)))


def tokens(x: Any) -> Any:
    return x.flatten(2).transpose(1, 2)


def untokens(x: Any, h: int, w: int) -> Any:
    return x.transpose(1, 2).reshape(x.shape[0], -1, h, w)


def windowed_attention(x: Any) -> Any:
    n, c, h, w = x.shape
    x = x.view(n, c, h // 3, 3, w // 5, 5).permute(0, 2, 4, 3, 5, 1).reshape(-1, 15, c)
    x = F.scaled_dot_product_attention(x, x, x)
    return x.view(n, h // 3, w // 5, 3, 5, c).permute(0, 5, 1, 3, 2, 4).reshape(n, c, h, w)


def by_hand_attention(x: Any) -> Any:
    t = tokens(x)
    return untokens((t @ t.transpose(1, 2)).softmax(-1) @ t, *x.shape[2:])


def written_behind(x: Any) -> Any:
    x = x + 0
    seen = x.view(-1)
    x.add_(F.max_pool2d(x, 3, 1, 1))
    return seen.view(x.shape)


def written_into(x: Any) -> Any:
    y = torch.full((x.shape[0], x.shape[1], x.shape[2] + 2, x.shape[3]), 5.0)
    y[:, :, 1:-1] = x
    return y


SIZE = (12, 15)
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "max pooling": lambda x: F.max_pool2d(x, 3, 2, 1),
    "max pooling that overhangs": lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True),
    "dilated max pooling": lambda x: F.max_pool2d(x, (2, 3), 1, dilation=(3, 2)),
    "max pooling with places": lambda x: F.max_pool2d(x, 2, return_indices=True)[0],
    "average pooling": lambda x: F.avg_pool2d(x, (3, 2), (2, 1), (1, 0)),
    "Lp pooling": lambda x: F.lp_pool2d(x, 2, 3, 2),
    "adaptive average pooling": lambda x: F.adaptive_avg_pool2d(x, (5, 4)),
    "adaptive max pooling": lambda x: F.adaptive_max_pool2d(x, (12, 7)),
    "adaptive pooling to one row": lambda x: F.adaptive_avg_pool2d(x, (1, 5)),
    "global pooling": lambda x: F.adaptive_avg_pool2d(x, 1),
    "global pooling, then every unit": lambda x: x + F.adaptive_avg_pool2d(x, 1),
    "mean over rows": lambda x: x.mean(2, keepdim=True),
    "largest of a row": lambda x: x.amax(3, keepdim=True),
    "largest of a row, with its place": lambda x: x.max(dim=3, keepdim=True)[0],
    "flattened sum": lambda x: x.sum((2, 3)),
    "nearest x2": lambda x: F.interpolate(x, scale_factor=2),
    "nearest to odd sizes": lambda x: F.interpolate(x, size=(17, 7)),
    "nearest-exact": lambda x: F.interpolate(x, size=(17, 7), mode="nearest-exact"),
    "bilinear x2": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
    "bilinear with corners": lambda x: F.interpolate(x, size=(23, 8), mode="bilinear", align_corners=True),
    "bilinear x1.5": lambda x: F.interpolate(x, scale_factor=1.5, mode="bilinear"),
    "bilinear, antialiased": lambda x: F.interpolate(x, size=(5, 6), mode="bilinear", antialias=True),
    "bicubic": lambda x: F.interpolate(x, scale_factor=(3, 1), mode="bicubic"),
    "area": lambda x: F.interpolate(x, size=(5, 4), mode="area"),
    "padding with zeros": lambda x: F.pad(x, (1, 2, 3, 0)),
    "padding that crops": lambda x: F.pad(x, (-1, 2, -3, -1)),
    "reflection": lambda x: F.pad(x, (4, 2, 1, 3), mode="reflect"),
    "replication": lambda x: F.pad(x, (4, 2, 1, 3), mode="replicate"),
    "round the edge": lambda x: F.pad(x, (4, 2, 1, 3), mode="circular"),
    "padding of channels": lambda x: F.pad(x, (0, 0, 0, 0, 1, 2)),
    "slices": lambda x: x[:, :, 2:-1, 1::3],
    "a slice counted from the end": lambda x: x[:, :, -5:-1, -7:],
    "a slice of channels": lambda x: x[:, 1:2],
    "one row": lambda x: x[:, :, 4:5],
    "halves, one used": lambda x: x.chunk(2, 1)[1],
    "pieces of rows": lambda x: torch.cat([*x.split((5, 4, 3), 2)][::-1], 2),
    "narrow": lambda x: x.narrow(3, 4, 6),
    "rows as columns": lambda x: F.max_pool2d(x.transpose(2, 3), (5, 1)).transpose(2, 3),
    "channels last and back": lambda x: x.permute(0, 2, 3, 1).movedim(-1, 1),
    "flip": lambda x: x.flip(3),
    "roll": lambda x: x.roll((2, -1), (2, 3)),
    "every pixel twice": lambda x: x.repeat_interleave(2, 2),
    "the image twice": lambda x: x.repeat(1, 1, 2, 1),
    "rows by number": lambda x: x[:, :, torch.tensor([0, 5, 5, 2])],
    "rows by index_select": lambda x: x.index_select(3, torch.tensor([3, 1])),
    "stacked": lambda x: torch.stack([x[:, 0], x[:, 2]], 1),
    "unbound": lambda x: torch.stack(x.unbind(1)[::2], 1),
    "pixel shuffle": lambda x: F.pixel_shuffle(x, 2),
    "pixel unshuffle": lambda x: F.pixel_unshuffle(x, 3),
    "channel shuffle": lambda x: F.channel_shuffle(x, 2),
    "unfold and fold by view": lambda x: F.unfold(x, 3, padding=1).view(1, -1, 12, 15),
    "unfold and fold": lambda x: F.fold(F.unfold(x, 3, stride=2), (12, 15), 3, stride=2),
    "cosine similarity": lambda x: F.cosine_similarity(x, x.roll(1, 3), dim=1)[:, None],
    "tensor unfold": lambda x: x.unfold(2, 3, 2).mean(-1),
    "into a view": written_into,
    "behind a view": written_behind,
    "in place": lambda x: x.add_(x.flip(3)).relu_(),
    "joined in channels": lambda x: torch.cat([x, F.max_pool2d(x, 3, 1, 1)], 1),
    "joined, then one part": lambda x: torch.cat([x, F.max_pool2d(x, 5, 1, 2)], 1)[:, :2],
    "joined in rows with zeros": lambda x: torch.cat([torch.zeros(1, 4, 2, 15), x], 2),
    "softmax of channels": lambda x: x.softmax(1),
    "softmax of rows": lambda x: x.softmax(2),
    "sum of all before": lambda x: x.cumsum(3),
    "gated": lambda x: F.glu(x, 1),
    "squeeze and excite": lambda x: x * x.mean((2, 3), keepdim=True).sigmoid(),
    "pointwise": lambda x: F.hardswish(F.gelu(x) * 2 + F.silu(x)).clamp(0, 6) / 3,
    "where": lambda x: torch.where(torch.ones(12, 15).tril() > 0, x, 2 * x),
    "tokens and back": lambda x: untokens(F.layer_norm(tokens(x), (4,)), 12, 15),
    "attention": lambda x: untokens(F.scaled_dot_product_attention(*[tokens(x)] * 3), 12, 15),
    "causal attention": lambda x: untokens(
        F.scaled_dot_product_attention(*[tokens(x)] * 3, is_causal=True), 12, 15
    ),
    "attention in windows": windowed_attention,
    "attention by hand": by_hand_attention,
    "einsum over columns": lambda x: torch.einsum("nchw,wv->nchv", x, torch.rand(15, 4, dtype=x.dtype) + 1),
    "a linear layer on rows": lambda x: F.linear(x, torch.rand(6, 15, dtype=x.dtype) + 1),
    "a product from the left": lambda x: torch.rand(7, 12, dtype=x.dtype) @ x,
    "flattened": lambda x: x.flatten(1),
    "a layer norm of the map": lambda x: F.layer_norm(x, (4, 12, 15)),
    "a layer norm of the rows": lambda x: F.layer_norm(x, (15,)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_operation_reads_what_the_gradient_says(name: str) -> None:
    model = Function(FUNCTIONS[name]).eval()
    assert disagreements(model, SIZE, most=5) == []


LAYERS: dict[str, nn.Module] = {
    "grouped": nn.Conv2d(4, 4, 3, groups=2),
    "depthwise": nn.Conv2d(4, 8, (5, 1), padding=(2, 0), groups=4),
    "dilated": nn.Conv2d(4, 2, 3, dilation=(1, 3), padding=(0, 3)),
    "strided": nn.Conv2d(4, 2, (2, 4), stride=(3, 2), padding=(1, 0)),
    "same": nn.Conv2d(4, 2, (4, 3), padding="same", dilation=2),
    "same, and unequal sides": nn.Conv2d(4, 2, (4, 2), padding="same"),
    "valid": nn.Conv2d(4, 2, (4, 3), padding="valid"),
    "circular": nn.Conv2d(4, 2, 3, padding=1, padding_mode="circular"),
    "reflecting": nn.Conv2d(4, 2, 5, padding=2, padding_mode="reflect"),
    "transposed": nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1),
    "transposed with holes": nn.ConvTranspose2d(4, 2, (1, 2), stride=(2, 3)),
    "transposed, dilated and grouped": nn.ConvTranspose2d(4, 4, 3, stride=2, dilation=2, groups=2),
    "holes, then a window": nn.Sequential(
        nn.ConvTranspose2d(4, 2, 1, stride=3), nn.Conv2d(2, 2, 2, dilation=2)
    ),
    "batch norm": nn.BatchNorm2d(4),
    "group norm": nn.GroupNorm(2, 4),
    "instance norm": nn.InstanceNorm2d(4),
    "local response": nn.LocalResponseNorm(3),
    "prelu": nn.PReLU(4),
    "dropout": nn.Dropout2d(),
    "zero padding": nn.ZeroPad2d((1, 0, 2, 3)),
    "reflection padding": nn.ReflectionPad2d(3),
    "replication padding": nn.ReplicationPad2d(2),
    "circular padding": nn.CircularPad2d(2),
    "attention of torch": nn.Sequential(
        nn.Flatten(2), nn.TransformerEncoderLayer(180, 2, 8, batch_first=True)
    ),
    "a classifier": nn.Sequential(nn.Flatten(), nn.Linear(720, 5), nn.Softmax(1)),
    "upsampling": nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(4, 4, 3, padding=1)),
}


@pytest.mark.parametrize("training", [False, True], ids=["evaluated", "trained"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_reads_what_the_gradient_says(name: str, training: bool) -> None:
    model = Function(lambda x: x, after=LAYERS[name]).train(training)
    assert disagreements(model, SIZE, most=4) == []


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Conv1d(2, 3, 5, stride=2), nn.MaxPool1d(3), nn.Conv1d(3, 3, 3, padding=1)),
        nn.Sequential(nn.ConvTranspose1d(2, 3, 4, stride=3), nn.Upsample(scale_factor=2, mode="linear")),
        nn.Sequential(nn.Conv1d(2, 3, 3), nn.ReflectionPad1d(2), nn.AdaptiveMaxPool1d(4)),
    ],
    ids=["windows", "enlarging", "padding and bins"],
)
def test_one_axis(model: nn.Module) -> None:
    assert disagreements(model.eval(), 40, most=9) == []


def test_three_axes() -> None:
    model = nn.Sequential(
        nn.Conv3d(1, 2, (3, 3, 1), stride=(1, 2, 1)),
        nn.MaxPool3d(2, ceil_mode=True),
        nn.ConvTranspose3d(2, 1, 3),
    )
    assert disagreements(model.eval(), (9, 11, 8)) == []
