"""Gaussian processes for the measured columns, one each.

References:
    Priors that scale with the dimension: [Hvarfner2024]_.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

import torch
from botorch.exceptions.errors import ModelFittingError
from botorch.fit import fit_gpytorch_mll
from botorch.models.gp_regression import SingleTaskGP
from botorch.models.model_list_gp_regression import ModelListGP
from botorch.models.transforms.input import FilterFeatures
from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
from gpytorch.mlls import ExactMarginalLogLikelihood
from linear_operator.utils.errors import NanError, NotPSDError

from orchestrator.core.point import Prediction
from orchestrator.optimise.lattice import FloatArray
from orchestrator.optimise.likelihood import likelihood_for
from orchestrator.optimise.training_data import Column

__all__ = ["Surrogate", "fit_surrogate"]

_FIT_ROUNDS: Final = 150


@dataclass(frozen=True, slots=True, eq=False)
class Surrogate:
    """Fitted models of the measured columns.

    Features may be followed by further columns; the models do not look at those.
    """

    model: ModelListGP
    columns: tuple[Column, ...]
    remarks: tuple[str, ...]
    """Fallbacks that were taken, in words."""

    def predictions(self, X: FloatArray) -> list[dict[str, Prediction]]:
        """Return mean and standard deviation of the noise-free value, in the campaign's units.

        Args:
            X: `n x d` features.
        """
        found: list[dict[str, Prediction]] = [{} for _ in X]
        with torch.no_grad():
            for place, column in enumerate(self.columns):
                model = cast("SingleTaskGP", self.model.models[place])
                posterior = model.posterior(torch.from_numpy(X))
                means = posterior.mean[:, 0].tolist()
                sds = posterior.variance[:, 0].clamp_min(0).sqrt().tolist()
                for row, mean, sd in zip(found, means, sds, strict=True):
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
    remarks: list[str] = []
    for column in columns:
        model = _model(column)
        mll = ExactMarginalLogLikelihood(model.likelihood, model)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a poor fit shows as an error or in the remark
                fit_gpytorch_mll(mll, optimizer_kwargs={"options": {"maxiter": _FIT_ROUNDS}})
        except (ModelFittingError, NanError, NotPSDError) as error:
            model = _model(column)
            remarks.append(
                f"{column.name}: hyperparameters could not be fitted ({type(error).__name__}), "
                "the priors' are used"
            )
        model.eval()
        models.append(model)
    return Surrogate(ModelListGP(*models), tuple(columns), tuple(remarks))


def _model(column: Column) -> SingleTaskGP:
    d = column.X.shape[1]
    X = torch.from_numpy(column.X)
    Y = torch.from_numpy(column.Y).unsqueeze(-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # values are standardised here, features are in 0..1
        return SingleTaskGP(
            X,
            Y,
            likelihood=likelihood_for(column.noise),
            covar_module=get_covar_module_with_dim_scaled_prior(ard_num_dims=d),
            outcome_transform=None,
            input_transform=FilterFeatures(feature_indices=torch.arange(d)),
        )
