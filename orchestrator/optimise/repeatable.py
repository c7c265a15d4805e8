"""Making torch and BoTorch give the same numbers for the same arguments, on every machine."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from botorch.acquisition.multi_objective import logei

__all__ = ["one_seeded_thread"]


@contextmanager
def one_seeded_thread(seed: int) -> Iterator[None]:
    """Make torch repeatable, and leave its generator and its threads as they were."""
    threads = torch.get_num_threads()
    _never_compile_at_run_time()
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numerical warnings: failures are errors and are handled
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _never_compile_at_run_time() -> None:
    """Keep BoTorch from building its C++ kernel, where a compiler happens to be installed.

    PyTorch guards such a build by a lock file without an owner: after a build was killed, every
    later process of this user waits for that file, for ever and silently. The numbers would also
    depend on whether the machine has a compiler.
    """
    logei._load_attempted = True  # noqa: SLF001 - BoTorch 0.18 has no public switch
