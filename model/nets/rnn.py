"""A recurrent network: Mikolov, Karafiat, Burget, Cernocky and Khudanpur, Interspeech 2010.

    h <- tanh(W x + U h + b)

(The paper's sigmoid is a tanh here, as in torch and in makemore.)
"""

import torch
from torch import Tensor

from model.language_model import State
from model.nets.recurrent import Recurrent


class RNN(Recurrent):
    """Elman's cell."""

    GATES = 1

    def cell(self, x: Tensor, state: State) -> State:
        """One step: from W x, (B, hidden), and h."""
        (h,) = state
        return (torch.tanh(torch.addmm(x, h, self.recurrent.weight.t())),)
