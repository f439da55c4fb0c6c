r"""A feature map as a list of tokens, and back.

In a map (N, C, H, W) a pixel's C numbers lie far apart: a whole channel, H * W numbers, lies between each and
the next. A transformer wants them side by side, as the row of one token, (N, H * W, C):

    map (2, 2, 2)      1  2  3  4  10  20  30  40      the first channel, then the second
    tokens (4, 2)      1 10   2 20   3 30   4 40       the first pixel, the second, ...

The numbers change their order, and `reshape` never changes the order of anything. Asked for (N, H * W, C) it
cuts the row of numbers as it lies into pieces of C: 1 2, 3 4, 10 20, 30 40. Such a token holds neighbours
out of one channel instead of the channels of one pixel: the shape is right, and every token is wrong. The
axes have to be *moved*; only what lies side by side already may be merged by a reshape.

`patchify` makes the tokens of a vision transformer, a patch of pixels each; `position_encoding_2d` is what is
added to tokens to tell them where they came from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from convlib._dispatch import Array, dispatch, dtype_name, require_array, wide
from convlib.shapes import MOST_AXES, Ints, as_integer, as_sizes, as_tuple, count, refuse_if_too_large
from convlib.windows import col2im, sliding_windows

# --- one pixel, one token -----------------------------------------------------------------------------------


def _check_to_tokens(input: Array) -> None:
    require_array("to_tokens", "input", input)
    if input.ndim < 3:
        raise ValueError(
            f"to_tokens: input must be (N, C, H, W), or have another number of spatial axes, got "
            f"{tuple(input.shape)}"
        )
    refuse_if_too_large("to_tokens", "the result", count(input.shape), input.dtype.itemsize)


@dispatch(_check_to_tokens)
def to_tokens(input: Array) -> Array:
    r"""Make a token of each pixel: (N, C, H, W) becomes (N, H * W, C).

    .. math:: \text{tokens}_{n,\, y W + x,\, c} = \text{input}_{n,\, c,\, y,\, x}

    No number changes, so the gradient is sent back by the inverse: the gradient of the loss with respect to
    `input` is ``from_tokens(grad_output, input.shape[2:])``.

    Parameters
    ----------
    input : array (N, C, \*spatial) of any dtype
        With one spatial axis or more, and always with a batch.

    Returns
    -------
    array (N, L, C)
        One token for each of the L pixels, in reading order. An array is copied; of a tensor it is a view.

    Raises
    ------
    ValueError
        Fewer than three axes, or a result above 2^36 bytes.

    See Also
    --------
    from_tokens : the inverse. In torch: ``input.flatten(2).transpose(1, 2)``. Chapter 14.

    Examples
    --------
    >>> image = np.array([[[[1, 2], [3, 4]], [[10, 20], [30, 40]]]])  # two channels
    >>> to_tokens(image)[0].tolist()
    [[1, 10], [2, 20], [3, 30], [4, 40]]
    >>> image.reshape(1, 4, 2)[0].tolist()  # the right shape, and wrong
    [[1, 2], [3, 4], [10, 20], [30, 40]]
    """
    images, channels, *spatial = input.shape
    rows = input.reshape(images, channels, math.prod(spatial))  # pixels lie side by side: they may be merged
    return rows.swapaxes(1, 2).copy()  # n l c


def _check_from_tokens(tokens: Array, size: Sequence[int]) -> None:
    name = "from_tokens"
    require_array(name, "tokens", tokens)
    if tokens.ndim != 3:
        raise ValueError(f"{name}: tokens must be (N, L, C), got {tuple(tokens.shape)}")
    sizes = as_sizes(size, "size", name)
    if not 1 <= len(sizes) <= MOST_AXES - 2:
        raise ValueError(f"{name}: size must have 1 to {MOST_AXES - 2} entries, got {len(sizes)}")
    pixels = math.prod(sizes)
    if tokens.shape[1] != pixels:
        raise ValueError(f"{name}: {tokens.shape[1]} tokens do not fill a map of {sizes}, {pixels} pixels")
    shape = (tokens.shape[0], tokens.shape[2], *sizes)
    refuse_if_too_large(name, "the result", count(shape), tokens.dtype.itemsize)


@dispatch(_check_from_tokens)
def from_tokens(tokens: Array, size: Sequence[int]) -> Array:
    r"""Lay tokens out as a feature map: the inverse of `to_tokens`.

    .. math:: \text{map}_{n,\, c,\, y,\, x} = \text{tokens}_{n,\, y W + x,\, c}

    Its gradient is sent back by `to_tokens`: the gradient of the loss with respect to `tokens` is
    ``to_tokens(grad_output)``.

    Parameters
    ----------
    tokens : array (N, L, C) of any dtype
    size : sequence of int
        The spatial size, for an image (H, W), with H * W = L.

    Returns
    -------
    array (N, C, \*size)

    Raises
    ------
    ValueError
        Not three axes, a size that L tokens do not fill, or a result above 2^36 bytes.
    TypeError
        A size that is not a sequence of integers.

    See Also
    --------
    to_tokens : the inverse. In torch: ``tokens.transpose(1, 2).unflatten(2, size)``. Chapter 14.

    Examples
    --------
    >>> from_tokens(np.array([[[1, 10], [2, 20], [3, 30], [4, 40]]]), (2, 2))
    array([[[[ 1,  2],
             [ 3,  4]],
    <BLANKLINE>
            [[10, 20],
             [30, 40]]]])
    """
    images, _, channels = tokens.shape
    return tokens.swapaxes(1, 2).copy().reshape(images, channels, *size)  # n c l -> n c h w


# --- where a token came from --------------------------------------------------------------------------------


def position_encoding_2d(size: Ints, features: int) -> NDArray[np.float64]:
    r"""Waves that tell the places of a map apart: one row for each token of `to_tokens`.

    Half of the features are sines and cosines of y, in slower and slower waves, the other half those of x:

    .. math:: p_{2i} = \sin(\omega_i \, y), \quad p_{2i+1} = \cos(\omega_i \, y), \quad
        p_{F/2+2i} = \sin(\omega_i \, x), \quad p_{F/2+2i+1} = \cos(\omega_i \, x), \qquad
        \omega_i = 10000^{-4i/F}

    for i = 0 ... F/4 - 1. The dot product of two rows is the sum of all
    :math:`\cos(\omega_i \, \Delta y) + \cos(\omega_i \, \Delta x)`: it depends on how far apart the two
    places lie, and not on where.

    Parameters
    ----------
    size : int or pair of int
        (H, W) of the map, in tokens.
    features : int
        F, a multiple of 4.

    Returns
    -------
    float64 array (H * W, F)
        Always of NumPy; to be added to tokens (N, H * W, F). Nothing in it is learned.

    Raises
    ------
    ValueError
        A number of features that is not a multiple of 4, or a result above 2^36 bytes.
    TypeError
        An argument that is not of integers.

    See Also
    --------
    to_tokens. torch has no such function. Chapter 14; Vaswani et al. (2017) for one axis, Carion et al.
    (2020) for two.

    Examples
    --------
    >>> position_encoding_2d((2, 2), 4).round(2)  # sin y, cos y, sin x, cos x; sin 1 = 0.84, cos 1 = 0.54
    array([[0.  , 1.  , 0.  , 1.  ],
           [0.  , 1.  , 0.84, 0.54],
           [0.84, 0.54, 0.  , 1.  ],
           [0.84, 0.54, 0.84, 0.54]])
    """
    name = "position_encoding_2d"
    height, width = as_tuple(size, 2, "size", function=name)
    features = as_integer(features, "features", name)
    if features % 4:
        raise ValueError(
            f"{name}: features must be a multiple of 4, a sine and a cosine for each axis, got {features}"
        )
    refuse_if_too_large(name, "the result", height * width * features, 8)
    rates = 10000.0 ** (-4 * np.arange(features // 4) / features)

    def waves(places: int) -> NDArray[np.float64]:  # (places, F/2)
        angles = np.arange(places)[:, None] * rates
        return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(places, features // 2)

    table = np.empty((height, width, features))
    table[..., : features // 2] = waves(height)[:, None]
    table[..., features // 2 :] = waves(width)
    return table.reshape(height * width, features)


# --- one patch, one token -----------------------------------------------------------------------------------


def patch_grid(
    size: Sequence[int], patch_size: Ints, stride: Ints | None, function: str = ""
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """(patches along each axis, patch size, stride), each as a pair.

    Where a patch is as long as the image, so is its stride: there is no other for it to overlap with.

    Examples
    --------
    >>> patch_grid((6, 7), 2, None), patch_grid((6, 7), (2, 7), 1)
    (((3, 3), (2, 2), (2, 2)), ((5, 1), (2, 7), (1, 7)))
    """
    patch = as_tuple(patch_size, 2, "patch_size", function=function)
    strides = patch if stride is None else as_tuple(stride, 2, "stride", function=function)
    if patch[0] > size[0] or patch[1] > size[1]:
        raise ValueError(f"{function}: a patch of {patch} does not fit into an image of {tuple(size)}")
    strides = tuple([n if p == n else s for n, p, s in zip(size, patch, strides, strict=True)])
    counts = [(n - p) // s + 1 for n, p, s in zip(size, patch, strides, strict=True)]
    return tuple(counts), patch, strides


def _check_patchify(input: Array, patch_size: Ints, stride: Ints | None = None) -> None:
    name = "patchify"
    require_array(name, "input", input)
    if input.ndim != 4:
        raise ValueError(f"{name}: input must be (N, C, H, W), got {tuple(input.shape)}")
    grid, patch, _ = patch_grid(tuple(input.shape[2:]), patch_size, stride, name)
    shape = (input.shape[0], *grid, input.shape[1], *patch)
    refuse_if_too_large(name, "the result", count(shape), input.dtype.itemsize)


@dispatch(_check_patchify)
def patchify(input: Array, patch_size: Ints, stride: Ints | None = None) -> Array:
    r"""Make a token of each patch of pixels: (N, C, H, W) becomes (N, L, C * ph * pw).

    .. math:: \text{tokens}_{n,\, l,\, (c\, p_h + u)\, p_w + v} =
        \text{input}_{n,\, c,\, i s_h + u,\, j s_w + v}

    for the patch in row i and column j, which is token l in reading order. These are the columns of `unfold`,
    each laid as a row. A linear layer behind it, (o, C * ph * pw), is a convolution with kernels of the patch
    size and this stride: the layer that vision transformers begin with.

    Parameters
    ----------
    input : array (N, C, H, W) of any dtype
    patch_size : int or pair of int
        (ph, pw) in pixels.
    stride : int or pair of int, optional
        Pixels from one patch to the next; None is the patch size, so that patches tile the image. A smaller
        one makes them overlap. Pixels at the lower and right edge for which no whole patch is left are not
        used, as in a convolution.

    Returns
    -------
    array (N, L, C * ph * pw)
        A patch's numbers channel by channel, each in reading order.

    Raises
    ------
    ValueError
        Not four axes, a patch that does not fit, or a result above 2^36 bytes.
    TypeError
        A size or a stride that is not of integers.

    See Also
    --------
    unpatchify : the inverse. In torch: ``unfold(input, patch_size, stride=patch_size).transpose(1, 2)``, with
    ``torch.nn.functional.unfold``. Chapter 14; Dosovitskiy et al. (2021).

    Notes
    -----
    The gradient of the loss with respect to `input` adds up over the patches that hold a pixel: it is
    ``fold(grad_output.swapaxes(1, 2), (H, W), patch_size, stride=stride)``, and where patches tile the image,
    ``unpatchify(grad_output, (H, W), patch_size)``.

    Examples
    --------
    >>> patchify(np.arange(8).reshape(1, 1, 2, 4), 2)
    array([[[0, 1, 4, 5],
            [2, 3, 6, 7]]])
    >>> patchify(np.arange(8).reshape(1, 1, 2, 4), 2, stride=1).shape  # 3 patches that overlap
    (1, 3, 4)
    """
    images, channels = input.shape[:2]
    grid, patch, strides = patch_grid(input.shape[2:], patch_size, stride)
    patches = sliding_windows(input, patch, strides)  # n c i j u v
    patches = np.transpose(patches, (0, 2, 3, 1, 4, 5)).copy()  # n i j c u v
    return patches.reshape(images, math.prod(grid), channels * math.prod(patch))


def _check_unpatchify(tokens: Array, size: Ints, patch_size: Ints, stride: Ints | None = None) -> None:
    name = "unpatchify"
    require_array(name, "tokens", tokens)
    if tokens.ndim != 3:
        raise ValueError(f"{name}: tokens must be (N, L, C*ph*pw), got {tuple(tokens.shape)}")
    sizes = as_tuple(size, 2, "size", function=name)
    grid, patch, strides = patch_grid(sizes, patch_size, stride, name)
    images, length, features = tokens.shape
    if features == 0 or features % math.prod(patch):
        raise ValueError(f"{name}: {features} features are not so many channels of {patch} pixels each")
    if length != math.prod(grid):
        raise ValueError(
            f"{name}: got {length} tokens, but an image of {sizes} has {math.prod(grid)} patches, {grid}"
        )
    for n, i, p, s in zip(sizes, grid, patch, strides, strict=True):
        if (i - 1) * s + p < n or s > p:
            raise ValueError(f"{name}: {grid} patches of {patch} do not cover an image of {sizes}")
    if strides != patch and not _has_means(tokens):
        raise TypeError(
            f"{name}: patches that overlap are averaged, which needs floating-point or complex numbers, got "
            f"{dtype_name(tokens)}"
        )
    elements = images * features // math.prod(patch) * math.prod(sizes) + count(tokens.shape)
    refuse_if_too_large(name, "the result and its scratch", elements, max(tokens.dtype.itemsize, 4))


def _has_means(array: Array) -> bool:
    return "float" in dtype_name(array) or "complex" in dtype_name(array)


@dispatch(_check_unpatchify)
def unpatchify(tokens: Array, size: Ints, patch_size: Ints, stride: Ints | None = None) -> Array:
    """Put patches back into an image: the inverse of `patchify`.

    A pixel that several patches hold gets the mean of what they say of it. So
    ``unpatchify(patchify(image, p, s), (H, W), p, s)`` is the image, for patches that tile it and for patches
    that overlap; `fold`, which adds them up, gives the image times their number.

    Parameters
    ----------
    tokens : array (N, L, C * ph * pw)
        Of any dtype where patches tile the image; where they overlap, of floating-point or complex numbers.
    size : int or pair of int
        (H, W) of the image.
    patch_size, stride
        As they were for `patchify`.

    Returns
    -------
    array (N, C, H, W)

    Raises
    ------
    ValueError
        Not three axes, numbers of tokens or features that do not agree with the sizes, patches that leave a
        pixel out, or a result above 2^36 bytes.
    TypeError
        A size or a stride that is not of integers, or overlapping patches of whole numbers.

    See Also
    --------
    patchify, fold. In torch ``torch.nn.functional.fold``, which adds. Chapter 14.

    Notes
    -----
    Where patches tile the image, the gradient of the loss with respect to `tokens` is
    ``patchify(grad_output, patch_size)``. Where they overlap it is the same of ``grad_output`` divided by the
    number of patches at each pixel.

    Examples
    --------
    >>> unpatchify(np.array([[[0, 1, 4, 5], [2, 3, 6, 7]]]), (2, 4), 2)
    array([[[[0, 1, 2, 3],
             [4, 5, 6, 7]]]])
    >>> unpatchify(np.array([[[1., 3.], [5., 7.]]]), (1, 3), (1, 2), stride=1)  # 3 and 5 are of one pixel
    array([[[[1., 4., 7.]]]])
    """
    sizes = as_tuple(size, 2, "size")
    _, patch, strides = patch_grid(sizes, patch_size, stride)
    images, length, features = tokens.shape
    taps = math.prod(patch)
    columns = tokens.swapaxes(1, 2).reshape(images, features // taps, taps, length)  # n c k l
    if strides == patch:
        return col2im(columns, sizes, patch, strides)
    columns = wide(columns)
    together, patches = (col2im(c, sizes, patch, strides) for c in (columns, np.ones_like(columns[:1, :1])))
    return (together / patches).astype(tokens.dtype, copy=False)
