"""How a gradient changes the weights.

The updates work in place and on the device alone, the learning rate included, so that many of them
can be captured in one CUDA graph.
"""

from typing import Protocol

import torch
from torch import Tensor


class Optimiser(Protocol):
    """Holds the weights that it changes."""

    def update(self, gradient: Tensor, lr: Tensor) -> None:
        """Change the weights, given the gradient (of their shape) and the learning rate (1,)."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """What it remembers between updates, the tensors themselves."""
        ...


class GradientDescent:
    """Stochastic gradient descent with momentum, as in Sutskever et al. 2013, in torch's form.

        v <- momentum * v + gradient
        W <- W - lr * v

    With momentum 1 the gradients of all steps add up, which is what a loop that never clears its
    gradients does; with momentum 0 it is plain gradient descent.
    """

    def __init__(self, W: Tensor, momentum: float) -> None:
        self.W = W
        self.momentum = momentum
        self.velocity = torch.zeros_like(W)

    def update(self, gradient: Tensor, lr: Tensor) -> None:
        """Change the weights, given the gradient (of their shape) and the learning rate (1,)."""
        self.velocity.mul_(self.momentum).add_(gradient)
        self.W.addcmul_(self.velocity, lr, value=-1)

    def state_dict(self) -> dict[str, Tensor]:
        """What it remembers between updates, the tensors themselves."""
        return {"velocity": self.velocity}


class Adam:
    """Adam (Kingma and Ba 2015, algorithm 1).

    m <- beta1 * m + (1 - beta1) * gradient
    v <- beta2 * v + (1 - beta2) * gradient^2
    W <- W - lr * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon)
    """

    beta1, epsilon = 0.9, 1e-8

    def __init__(self, W: Tensor, beta2: float = 0.999) -> None:
        self.W = W
        self.beta2 = beta2
        self.m = torch.zeros_like(W)
        self.v = torch.zeros_like(W)
        self.decay1, self.decay2 = W.new_ones(1), W.new_ones(1)  # beta1^t and beta2^t

    def update(self, gradient: Tensor, lr: Tensor) -> None:
        """Change the weights, given the gradient (of their shape) and the learning rate (1,)."""
        self.decay1 *= self.beta1
        self.decay2 *= self.beta2
        self.m.lerp_(gradient, 1 - self.beta1)
        self.v.mul_(self.beta2).addcmul_(gradient, gradient, value=1 - self.beta2)
        size = (self.v / (1 - self.decay2)).sqrt_().add_(self.epsilon)
        self.W.sub_(self.m.div(size).mul_(lr / (1 - self.decay1)))

    def state_dict(self) -> dict[str, Tensor]:
        """What it remembers between updates, the tensors themselves."""
        names = ("m", "v", "decay1", "decay2")
        return {name: getattr(self, name) for name in names}


def optimiser(name: str, W: Tensor) -> Optimiser:
    """The optimiser that a recipe calls `name`, of the weights W, which it changes in place."""
    match name:
        case "adam":
            return Adam(W)
        case "adamw":  # as in makemore; what makes it AdamW is the weight decay of a step
            return Adam(W, beta2=0.99)
        case _:
            momentum = {"accumulate": 1.0, "sgd": 0.9, "gradient descent": 0.0}
            return GradientDescent(W, momentum[name])
