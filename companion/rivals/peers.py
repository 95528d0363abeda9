"""Packages of others that some rivals are: imported, and kept from touching what is shared."""

from __future__ import annotations

import contextlib
import importlib
import io
import random
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import torch


def imported(name: str) -> ModuleType:
    """Return the module `name` of the extra `peers`; ImportError saying what to install."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"{name}: not found, expected it for this model; pip install -e './companion[peers]'"
        ) from error


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Swallow what is printed and give all global random generators back as they were."""
    cudnn = torch.backends.cudnn
    flags = cudnn.benchmark, cudnn.deterministic
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    gpus = range(torch.cuda.device_count())
    try:
        with torch.random.fork_rng(gpus), contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        cudnn.benchmark, cudnn.deterministic = flags
