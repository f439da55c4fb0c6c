"""A kernel of one pixel is a matrix: no window has to be copied.

    output  =  weight  @  input        o, l  =  o, c  @  c, l

Cost: the multiply-adds of the definition, and nothing else. Where the images of a batch have few pixels
they are laid side by side first, because a matrix product of few columns is slow. Error: that of one sum.

Lin, Chen and Yan, Network in network (2013), made it a layer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from convlib._dispatch import Array
from convlib.algorithms.problem import Problem

FEW = 150  # pixels


def why_not(problem: Problem) -> str:
    """Why it cannot be used, or nothing."""
    layout = problem.layout
    if problem.taps > 1:
        return f"its kernel has one tap, not {problem.taps}"
    return "it knows no padding" if any(map(any, layout.padding)) else ""


def cost(problem: Problem, prepared: bool) -> float:
    """In multiply-adds."""
    return problem.multiply_adds


def prepare(weight: Array, problem: Problem) -> Array:
    """The kernels as a matrix for each group: g o c."""
    return weight.reshape(problem.groups, problem.outputs // problem.groups, -1)


def run(input: Array, kernels: Array, problem: Problem) -> Array:
    """One matrix product for each image and group, or one for all images."""
    every: tuple[Any, ...] = (..., *(slice(None, None, s) for s in problem.layout.stride))
    pixels = input[every].reshape(problem.images, problem.groups, -1, problem.pixels)  # n g c l
    if problem.images > 1 and problem.pixels < FEW:
        beside = pixels.transpose(1, 2, 0, 3).reshape(*pixels.shape[1:3], -1)  # g c nl
        output = (kernels @ beside).reshape(*kernels.shape[:2], problem.images, -1)
        return output.transpose(2, 0, 1, 3).reshape(problem.output_shape)  # n g o l
    return np.matmul(kernels, pixels).reshape(problem.output_shape)
