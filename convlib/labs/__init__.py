"""Live labs: they work in the book's pages without a kernel, and in a notebook together with Python.

Each lab is one ES module, hosted by anywidget in Jupyter and by one small script in the book. What it shows
to begin with is also made by Python, for paper, for readers without scripts, and where notebooks do not run.
"""

from convlib.labs.channels import ChannelsLab, channels
from convlib.labs.convolution import ConvolutionExplorer, explore_convolution
from convlib.labs.equivariance import EquivarianceLab, equivariance
from convlib.labs.experiment import Experiment, interact
from convlib.labs.network import NetworkCalculator, network_calculator
from convlib.labs.pooling import PoolingLab, pooling
from convlib.labs.receptive_field import ReceptiveFieldLab, receptive_field
from convlib.labs.structure import StructureLab, structure

LABS = (
    ConvolutionExplorer,
    NetworkCalculator,
    StructureLab,
    ChannelsLab,
    PoolingLab,
    EquivarianceLab,
    ReceptiveFieldLab,
)

__all__ = [
    "LABS",
    "ChannelsLab",
    "ConvolutionExplorer",
    "EquivarianceLab",
    "Experiment",
    "NetworkCalculator",
    "PoolingLab",
    "ReceptiveFieldLab",
    "StructureLab",
    "channels",
    "equivariance",
    "explore_convolution",
    "interact",
    "network_calculator",
    "pooling",
    "receptive_field",
    "structure",
]
