"""A disk that is full for a while: files of this process may not grow beyond a size."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["files_at_most"]


@contextmanager
def files_at_most(n_bytes: int) -> Iterator[None]:
    """Let no write go beyond a size, as on a full disk; a write across it is cut short.

    Args:
        n_bytes: Largest size of any file that is written meanwhile.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
