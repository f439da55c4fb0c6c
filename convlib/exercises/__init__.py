"""Exercises that check themselves, and questions to answer before a cell is run.

Each chapter keeps its exercises in a file of its own, one `declare` for each; importing that file here
registers them. The question bank has a file of questions for each chapter.
"""

from convlib.exercises import channels as _channels  # noqa: F401
from convlib.exercises import cnn_from_nothing as _cnn_from_nothing  # noqa: F401
from convlib.exercises import convolution as _convolution  # noqa: F401
from convlib.exercises import dilated_convolution as _dilated_convolution  # noqa: F401
from convlib.exercises import equivariance as _equivariance  # noqa: F401
from convlib.exercises import fast_convolution as _fast_convolution  # noqa: F401
from convlib.exercises import fully_convolutional as _fully_convolutional  # noqa: F401
from convlib.exercises import handcrafted_kernels as _handcrafted_kernels  # noqa: F401
from convlib.exercises import pooling as _pooling  # noqa: F401
from convlib.exercises import receptive_field as _receptive_field  # noqa: F401
from convlib.exercises import size_arithmetic as _size_arithmetic  # noqa: F401
from convlib.exercises import tokens as _tokens  # noqa: F401
from convlib.exercises import transposed_convolution as _transposed_convolution  # noqa: F401
from convlib.exercises import upsampling as _upsampling  # noqa: F401
from convlib.exercises import why_convolution as _why_convolution  # noqa: F401
from convlib.exercises.bank import answer, ask
from convlib.exercises.checker import Verdict, check, names
from convlib.exercises.prediction import predict
from convlib.exercises.printed import anki, exam

__all__ = ["Verdict", "anki", "answer", "ask", "check", "exam", "names", "predict"]
