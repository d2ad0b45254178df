"""The gated recurrent unit: Cho et al., EMNLP 2014.

    r = sigmoid(W_r x + U_r h + b_r)            what of the past counts for the candidate
    z = sigmoid(W_z x + U_z h + b_z)            how much of the past stays
    c = tanh(W_c x + b_c + r * (U_c h))         the candidate
    h <- z * h + (1 - z) * c

(The paper resets h before U_c, not after: this is the form of cuDNN and torch, in which all three
products with h are one.)
"""

import torch
from torch import Tensor

from model.language_model import State
from model.nets.recurrent import Recurrent


class GRU(Recurrent):
    """A cell with a reset and an update gate."""

    GATES = 3

    def cell(self, x: Tensor, state: State) -> State:
        """One step: from W x, (B, 3 * hidden), and h."""
        (h,) = state
        size = h.shape[1]
        of_x, candidate_of_x = x.split((2 * size, size), 1)
        of_h, candidate_of_h = self.recurrent(h).split((2 * size, size), 1)
        r, z = torch.sigmoid(of_x + of_h).chunk(2, 1)
        candidate = torch.tanh(torch.addcmul(candidate_of_x, r, candidate_of_h))
        return (torch.lerp(candidate, h, z),)
