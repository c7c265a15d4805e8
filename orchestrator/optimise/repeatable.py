"""Making torch give the same numbers for the same arguments."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["one_seeded_thread"]


@contextmanager
def one_seeded_thread(seed: int) -> Iterator[None]:
    """Make torch repeatable, and leave its generator and its threads as they were."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numerical warnings: failures are errors and are handled
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
