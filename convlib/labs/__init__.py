"""Live labs: they work in the book's pages without a kernel, and in a notebook together with Python.

Each lab is one ES module, hosted by anywidget in Jupyter and by one small script in the book. What it shows
to begin with is also made by Python, for paper, for readers without scripts, and where notebooks do not run.
"""

from convlib.labs.channels import ChannelsLab, channels
from convlib.labs.convolution import ConvolutionExplorer, explore_convolution
from convlib.labs.dilated_convolution import DilatedConvolutionLab, dilated_convolution
from convlib.labs.equivariance import EquivarianceLab, equivariance
from convlib.labs.experiment import Experiment, interact
from convlib.labs.filters import FiltersLab, filters
from convlib.labs.network import NetworkCalculator, network_calculator
from convlib.labs.pooling import PoolingLab, pooling
from convlib.labs.quiz import Quiz, quiz
from convlib.labs.receptive_field import ReceptiveFieldLab, receptive_field
from convlib.labs.structure import StructureLab, structure
from convlib.labs.tokens import TokensLab, tokens
from convlib.labs.transposed_convolution import TransposedConvolutionLab, transposed_convolution
from convlib.labs.upsampling import UpsamplingLab, upsampling

LABS = (
    ConvolutionExplorer,
    NetworkCalculator,
    StructureLab,
    ChannelsLab,
    PoolingLab,
    EquivarianceLab,
    UpsamplingLab,
    TransposedConvolutionLab,
    DilatedConvolutionLab,
    ReceptiveFieldLab,
    TokensLab,
    FiltersLab,
    Quiz,
)

__all__ = [
    "LABS",
    "ChannelsLab",
    "ConvolutionExplorer",
    "DilatedConvolutionLab",
    "EquivarianceLab",
    "Experiment",
    "FiltersLab",
    "NetworkCalculator",
    "PoolingLab",
    "Quiz",
    "ReceptiveFieldLab",
    "StructureLab",
    "TokensLab",
    "TransposedConvolutionLab",
    "UpsamplingLab",
    "channels",
    "dilated_convolution",
    "equivariance",
    "explore_convolution",
    "filters",
    "interact",
    "network_calculator",
    "pooling",
    "quiz",
    "receptive_field",
    "structure",
    "tokens",
    "transposed_convolution",
    "upsampling",
]
