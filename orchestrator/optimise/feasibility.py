"""How likely a sample can be made, learnt from those that could and could not.

From three of each on a Gaussian-process classifier says so. Before that, a Beta distribution.

References:
    Classification by the Laplace approximation: [Rasmussen2006]_, section 3.4.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from orchestrator.optimise.lattice import FloatArray

if TYPE_CHECKING:
    from sklearn.gaussian_process import GaussianProcessClassifier

__all__ = ["Feasibility", "View", "beta_probability"]

_PRIOR: Final = 0.2
"""Successes imagined at every point before anything is known."""
_REACH: Final = 0.25
"""Distance, as a part of the unit cube's diagonal, over which one sample speaks for another."""
_LEAST_EACH: Final = 3
"""Failures and successes from which on there is a classifier."""
_AMPLITUDES: Final = (10.0, 100.0, 1000.0)
_LENGTHS: Final = (0.2, 0.5, 1.2)
"""Length scales to choose from, as parts of the unit cube's diagonal."""
_MEAN_VARIANCE: Final = 2.0
"""Of what failures and successes have in common everywhere."""
_MOST_TUNED: Final = 120
"""Rows, at most, by which scales, amplitude and length are chosen."""
_MOST_LEARNT: Final = 800
"""Rows, at most, from which a classifier learns: every so many, if there are more."""
_CAUTION: Final = 8.0
"""What the logarithm of a classifier's probability is multiplied by."""
_EVEN: Final = 0.5
_LAST: Final = -1e3
"""Logarithm by which a point comes after all others."""

View: TypeAlias = Callable[[FloatArray], FloatArray]
"""From features to features on other scales."""


@dataclass(frozen=True, slots=True, eq=False)
class Feasibility:
    """What is known of where samples fail."""

    X_made: FloatArray
    """`k x d` features of samples that could be made."""
    X_failed: FloatArray
    """`l x d` features of samples that could not."""
    classifier: "GaussianProcessClassifier | None"
    """None while there are too few of one kind."""
    view: View
    """From features to what the classifier looks at."""

    @classmethod
    def of(cls, X_made: FloatArray, X_failed: FloatArray, plain: View) -> "Feasibility":
        """Learn where samples fail.

        Args:
            X_made: `k x d` features of samples that could be made, each in 0 to 1.
            X_failed: `l x d` features of samples that could not.
            plain: From features to the same on plain scales; those are looked at that explain
                the outcomes better.
        """
        if min(len(X_made), len(X_failed)) < _LEAST_EACH:
            return cls(X_made, X_failed, None, _as_it_is)
        choices = [
            _Choice(view, amplitude, length)
            for view in (_as_it_is, plain)
            for amplitude in _AMPLITUDES
            for length in _LENGTHS
        ]
        X, could = _labelled(X_made, X_failed, _MOST_TUNED)
        tuned = [choice.classifier(X, could) for choice in choices]
        best = int(np.argmax([one.log_marginal_likelihood_value_ for one in tuned]))
        if len(X) < len(X_made) + len(X_failed):
            tuned[best] = choices[best].classifier(*_labelled(X_made, X_failed, _MOST_LEARNT))
        return cls(X_made, X_failed, tuned[best], choices[best].view)

    def log_trust(self, X: FloatArray) -> FloatArray:
        """Return by how much the logarithm of a point's promise is changed by what may fail.

        Before there is a classifier, by the logarithm of the probability. Later by a multiple of
        it, and points that fail rather than not come after all others: those that promise most are
        the ones of which the classifier is too hopeful, since failures teach no value.

        Args:
            X: `n x d` features.
        """
        probability = self.probability(X)
        log_probability = np.log(probability)
        if self.classifier is None:
            return np.asarray(log_probability, dtype=np.float64)
        last = np.where(probability < _EVEN, _LAST, 0.0)
        return np.asarray(_CAUTION * log_probability + last, dtype=np.float64)

    def probability(self, X: FloatArray) -> FloatArray:
        """Return how likely each point can be made.

        Args:
            X: `n x d` features.

        Returns:
            `n` probabilities above 0, 1 where nothing has failed.
        """
        if self.classifier is None:
            return beta_probability(X, self.X_made, self.X_failed)
        if not len(X):
            return np.zeros(0)
        return np.asarray(self.classifier.predict_proba(self.view(X))[:, 1], dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Choice:
    """One way to look at samples."""

    view: View
    amplitude: float
    length: float

    def classifier(self, X: FloatArray, could: FloatArray) -> "GaussianProcessClassifier":
        """Return a classifier that learnt which of `n x d` features could be made."""
        from sklearn.gaussian_process import GaussianProcessClassifier
        from sklearn.gaussian_process.kernels import RBF, ConstantKernel

        reach = self.length * float(np.sqrt(X.shape[1]))
        near = ConstantKernel(self.amplitude, "fixed") * RBF(reach, "fixed")
        kernel = ConstantKernel(_MEAN_VARIANCE, "fixed") + near
        return GaussianProcessClassifier(kernel, optimizer=None).fit(self.view(X), could)


def _as_it_is(X: FloatArray) -> FloatArray:
    return X


def _labelled(X_made: FloatArray, X_failed: FloatArray, most: int) -> tuple[FloatArray, FloatArray]:
    every = -(-(len(X_made) + len(X_failed)) // most)
    made, failed = X_made[::every], X_failed[::every]
    could = np.repeat([1.0, 0.0], [len(made), len(failed)])
    return np.vstack([made, failed]), could


def beta_probability(X: FloatArray, X_made: FloatArray, X_failed: FloatArray) -> FloatArray:
    """Return how likely each point can be made, from very few samples.

    The mean of a Beta distribution: a fifth of an imagined success everywhere, and every sample
    counted by how near it lies.

    Args:
        X: `n x d` features.
        X_made: `k x d` features of samples that could be made.
        X_failed: `l x d` features of samples that could not.

    Returns:
        `n` probabilities, 1 where nothing has failed.

    Example:
        >>> import numpy as np
        >>> here, far = np.zeros((1, 1)), np.ones((1, 1))
        >>> beta_probability(np.vstack([here, far]), far, here).round(2)
        array([0.17, 1.  ])
    """
    if not len(X_failed):
        return np.ones(len(X))
    good = _nearness(X, X_made)
    bad = _nearness(X, X_failed)
    return np.asarray((_PRIOR + good) / (_PRIOR + good + bad), dtype=np.float64)


def _nearness(X: FloatArray, others: FloatArray) -> FloatArray:
    total = np.zeros(len(X))
    reach = _REACH * np.sqrt(X.shape[1])
    for other in others:
        total += np.exp(-0.5 * ((X - other) ** 2).sum(axis=1) / reach**2)
    return total
