"""Receptive fields: which pixels of the image a unit of a network sees.

`stack` answers for a list of layers, `receptive_field` for any torch model, and `gradient_support` and
`effective_receptive_field` are two checks that know nothing of either. Only the last three need torch.
"""

from convlib.receptive_field.checks import EffectiveField, effective_receptive_field, gradient_support
from convlib.receptive_field.field import Field
from convlib.receptive_field.layers import Layer, Step, closed_form, stack
from convlib.receptive_field.models import receptive_field
from convlib.receptive_field.report import Misalignment, Report
from convlib.receptive_field.row import Row

__all__ = [
    "EffectiveField",
    "Field",
    "Layer",
    "Misalignment",
    "Report",
    "Row",
    "Step",
    "closed_form",
    "effective_receptive_field",
    "gradient_support",
    "receptive_field",
    "stack",
]
