"""Gaussian processes for the measured columns, one each.

References:
    Priors that scale with the dimension: [Hvarfner2024]_.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from botorch.models.gp_regression import SingleTaskGP
from botorch.models.model_list_gp_regression import ModelListGP
from botorch.models.transforms.input import FilterFeatures
from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
from gpytorch.kernels import MaternKernel
from gpytorch.likelihoods import FixedNoiseGaussianLikelihood
from linear_operator.utils.errors import NotPSDError
from torch import Tensor

from orchestrator.core.point import Prediction
from orchestrator.optimise.evidence import Evidence, Hyperparameters, best_hyperparameters
from orchestrator.optimise.lattice import FloatArray
from orchestrator.optimise.likelihood import likelihood_for
from orchestrator.optimise.process import KernelName, Process
from orchestrator.optimise.training_data import Column

__all__ = ["Surrogate", "fit_surrogate"]

_KERNEL: Final[KernelName] = "matern"
_MOST_ROWS: Final = 500
"""Rows, at most, from which hyperparameters are learnt; the model itself holds all of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Surrogate:
    """Fitted models of the measured columns.

    Features may be followed by further columns; the models do not look at those.
    """

    model: ModelListGP
    processes: tuple[Process, ...]
    """The same models as matrices, one a column."""
    columns: tuple[Column, ...]
    remarks: tuple[str, ...]
    """Fallbacks that were taken, in words."""

    def means(self, X: Tensor) -> Tensor:
        """Return the expected values of the columns, on their scales.

        Args:
            X: `n x (d + c)` rows.

        Returns:
            `n x p`.
        """
        return torch.stack([process.moments(X)[0] for process in self.processes], dim=-1)

    def predictions(self, X: FloatArray) -> list[dict[str, Prediction]]:
        """Return mean and standard deviation of the noise-free value, in the campaign's units.

        Args:
            X: `n x d` features.
        """
        found: list[dict[str, Prediction]] = [{} for _ in X]
        for process, column in zip(self.processes, self.columns, strict=True):
            means, variances = process.moments(torch.from_numpy(X))
            sds = variances.sqrt().tolist()
            for row, mean, sd in zip(found, means.tolist(), sds, strict=True):
                row[column.name] = Prediction(
                    mean=column.scale.shift + column.scale.width * mean,
                    sd=column.scale.width * sd,
                )
        return found


def fit_surrogate(columns: Sequence[Column]) -> Surrogate:
    """Fit one Gaussian process a column.

    A column whose hyperparameters cannot be fitted keeps those of the priors, and a remark says so.

    Args:
        columns: At least one, each with at least one row.
    """
    models: list[SingleTaskGP] = []
    processes: list[Process] = []
    remarks: list[str] = []
    for column in columns:
        evidence = Evidence.of(_KERNEL, column.X, column.Y, column.noise)
        try:
            learnt = best_hyperparameters(evidence.among(_rows_to_learn_from(len(column.Y))))
        except NotPSDError as error:
            learnt = evidence.hyperparameters(evidence.start())
            remarks.append(
                f"{column.name}: hyperparameters could not be fitted ({type(error).__name__}), "
                "the priors' are used"
            )
        noise = evidence.known + learnt.noise
        process = Process.of(_KERNEL, evidence.X, evidence.Y, learnt.lengthscales, noise)
        processes.append(process)
        models.append(_model(column, learnt, process.mean))
    return Surrogate(ModelListGP(*models), tuple(processes), tuple(columns), tuple(remarks))


def _rows_to_learn_from(n: int) -> list[int]:
    if n <= _MOST_ROWS:
        return list(range(n))
    chosen = np.random.default_rng(n).choice(n, _MOST_ROWS, replace=False)
    return sorted(chosen.tolist())


def _model(column: Column, learnt: Hyperparameters, mean: float) -> SingleTaskGP:
    """Return the same process as a BoTorch model."""
    d = column.X.shape[1]
    likelihood = likelihood_for(column.noise)
    kernel = get_covar_module_with_dim_scaled_prior(ard_num_dims=d, use_rbf_kernel=_KERNEL == "rbf")
    if isinstance(kernel, MaternKernel):
        kernel.nu = 1.5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # values are standardised here, features are in 0..1
        model = SingleTaskGP(
            torch.from_numpy(column.X),
            torch.from_numpy(column.Y).unsqueeze(-1),
            likelihood=likelihood,
            covar_module=kernel,
            outcome_transform=None,
            input_transform=FilterFeatures(feature_indices=torch.arange(d)),
        )
    kernel.lengthscale = learnt.lengthscales
    model.mean_module.constant = mean
    if not isinstance(likelihood, FixedNoiseGaussianLikelihood):
        likelihood.noise = learnt.noise
    elif column.noise.prior is not None:
        likelihood.second_noise = learnt.noise
    model.eval()
    return model
