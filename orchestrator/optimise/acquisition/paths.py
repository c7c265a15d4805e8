"""One function drawn from what models believe, which has one value at each row, asked when it may.

References:
    Samples of Gaussian processes as functions: [Wilson2020]_.
"""

from collections.abc import Callable

import torch
from botorch.models.ensemble import EnsembleModel
from botorch.models.gpytorch import GPyTorchModel
from botorch.models.model import ModelList
from botorch.sampling.pathwise import draw_matheron_paths
from torch import Tensor

from orchestrator.optimise.surrogate import Surrogate

__all__ = ["drawn_function"]


def drawn_function(surrogate: Surrogate, seed: int) -> Callable[[Tensor], Tensor]:
    """Return a function from `n x (d + c)` rows to values of the columns, `n x p`.

    Gaussian processes are drawn as paths of random features, corrected at the data. Of an ensemble
    one member is drawn.

    Args:
        surrogate: Fitted models.
        seed: Of the draw, at least 0.

    Raises:
        TypeError: The model is neither of Gaussian processes nor an ensemble.
    """
    model = surrogate.model
    parts = list(model.models) if isinstance(model, ModelList) else [model]
    generator = torch.Generator().manual_seed(seed)
    each = [_drawn(part, generator) for part in parts]
    return lambda X: torch.cat([one(X) for one in each], dim=-1)


def _drawn(model: object, generator: torch.Generator) -> Callable[[Tensor], Tensor]:
    number = int(torch.randint(2**31, (1,), generator=generator))
    if isinstance(model, EnsembleModel):
        return lambda X: _member(model, X, number)
    if not isinstance(model, GPyTorchModel):
        raise TypeError(f"no function can be drawn from a {type(model).__name__}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(number)
        paths = draw_matheron_paths(model, torch.Size([1]))

    def values(X: Tensor) -> Tensor:
        with torch.no_grad():
            found: Tensor = paths(X)
        return found.reshape(-1, len(X)).T

    return values


def _member(model: EnsembleModel, X: Tensor, number: int) -> Tensor:
    with torch.no_grad():
        members: Tensor = model.posterior(X).values
    return members[number % len(members)]
