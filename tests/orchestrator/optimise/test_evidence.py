"""Hyperparameters by analytic gradients, held against numbers and against BoTorch's fit."""

import warnings

import numpy as np
import pytest
import torch
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
from gpytorch.mlls import ExactMarginalLogLikelihood
from scipy.optimize import check_grad

from orchestrator.optimise.evidence import Evidence, best_hyperparameters
from orchestrator.optimise.lattice import FloatArray
from orchestrator.optimise.likelihood import likelihood_for
from orchestrator.optimise.process import KernelName, Process
from orchestrator.optimise.repeatable import one_seeded_thread
from orchestrator.optimise.replication import Noise, NoisePrior

UNKNOWN = Noise(None, None, None)


def data(n: int = 25) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(0)
    X = rng.random((n, 3))
    Y = np.sin(4 * X[:, 0]) + X[:, 1] ** 2 + rng.normal(0, 0.05, n)
    return X, (Y - Y.mean()) / Y.std()


@pytest.mark.parametrize("kernel", ["rbf", "matern"])
@pytest.mark.parametrize(
    "noise",
    [
        UNKNOWN,
        Noise(np.full(25, 0.1), None, None),
        Noise(np.full(25, 0.1), NoisePrior(-6, 1), None),
    ],
)
def test_gradients_are_those_of_the_loss(kernel: KernelName, noise: Noise) -> None:
    X, Y = data()
    evidence = Evidence.of(kernel, X, Y, noise)
    at = evidence.start() + 0.4

    error = check_grad(lambda t: evidence.loss(t)[0], lambda t: evidence.loss(t)[1], at)

    assert error < 1e-4 * np.linalg.norm(evidence.loss(at)[1])


@pytest.mark.slow
def test_the_best_hyperparameters_are_those_that_botorch_finds() -> None:
    X, Y = data()
    model = SingleTaskGP(
        torch.from_numpy(X),
        torch.from_numpy(Y).unsqueeze(-1),
        likelihood=likelihood_for(UNKNOWN),
        covar_module=get_covar_module_with_dim_scaled_prior(ard_num_dims=3),
        outcome_transform=None,
    )
    with one_seeded_thread(0), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        learnt = best_hyperparameters(Evidence.of("rbf", X, Y, UNKNOWN))
        evidence = Evidence.of("rbf", X, Y, UNKNOWN)
        noise = torch.full((25,), learnt.noise, dtype=torch.float64)
        process = Process.of("rbf", evidence.X, evidence.Y, learnt.lengthscales, noise)
        posterior = model.posterior(torch.rand(20, 3, dtype=torch.float64))
        torch.manual_seed(0)
        X_test = torch.rand(20, 3, dtype=torch.float64)
        posterior = model.posterior(X_test)
        means, variances = process.moments(X_test)

    assert learnt.lengthscales.tolist() == pytest.approx(
        model.covar_module.lengthscale[0].tolist(), rel=0.02
    )
    assert torch.allclose(means, posterior.mean[:, 0], atol=1e-2)
    assert torch.allclose(variances, posterior.variance[:, 0], atol=1e-2)


def test_rows_that_repeat_with_other_values_are_noise() -> None:
    X = np.repeat(np.array([[0.1, 0.2], [0.8, 0.9], [0.4, 0.1]]), 4, axis=0)
    Y = np.tile([-1.0, 1.0, -0.5, 0.5], 3)

    learnt = best_hyperparameters(Evidence.of("rbf", X, Y, UNKNOWN))

    assert learnt.noise > 0.3
