"""Long short-term memory (Hochreiter and Schmidhuber 1997), as in Graves, arXiv 1308.0850, 2013.

    i, f, o = sigmoid(W x + U h + b)            what comes in, what stays, what goes out
    g = tanh(W_g x + U_g h + b_g)
    c <- f * c + i * g                          the memory, which no matrix touches
    h <- o * tanh(c)

(The paper of 1997 has no f. Graves's gates also see c, through "peephole" weights, which few have
used since.)
"""

import torch
from torch import Tensor

from model.language_model import State
from model.nets.recurrent import Recurrent


class LSTM(Recurrent):
    """A cell with a memory and three gates."""

    GATES = 4
    STATES = 2

    def cell(self, x: Tensor, state: State) -> State:
        """One step: from W x, (B, 4 * hidden), and h and c."""
        h, c = state
        size = h.shape[1]
        gates, g = torch.addmm(x, h, self.recurrent.weight.t()).split((3 * size, size), 1)
        i, f, o = torch.sigmoid(gates).chunk(3, 1)
        c = torch.addcmul(f * c, i, torch.tanh(g))
        return o * torch.tanh(c), c
