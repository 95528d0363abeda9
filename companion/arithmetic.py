"""One arithmetic on every x86-64 processor: `NSLIB_PORTABLE=1` takes away what differs.

NumPy, OpenBLAS (NumPy's and SciPy's), PyTorch, MKL and oneDNN choose code by the processor, and
each choice rounds in another way. They read these settings when they are loaded: a kernel has them
in its environment from the start. MKL's square roots and logarithms heed none of them, and can
differ in the last bit; the least-squares search takes NumPy's (`nslib.portable.root`).
"""

from __future__ import annotations

from collections.abc import Mapping

SWITCH = "NSLIB_PORTABLE"

_SETTINGS = {
    "ATEN_CPU_CAPABILITY": "default",  # PyTorch's own code, without AVX
    "MKL_CBWR": "COMPATIBLE",  # matrices in PyTorch, one path for all makers
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "Prescott",  # every x86-64 processor can run it
    "OMP_NUM_THREADS": "1",  # MKL promises equal bits for one number of threads
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a kernel needs for equal bits, none where `SWITCH` is not set.

    They replace what `environment` says. Raises ValueError for another value of the switch than 0
    and 1.
    """
    switch = environment.get(SWITCH, "0")
    if switch not in ("", "0", "1"):
        raise ValueError(f"{SWITCH}: found {switch!r}, expected 0 or 1")
    if switch != "1":
        return {}
    import numpy as np

    above = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return {**_SETTINGS, "NPY_DISABLE_CPU_FEATURES": " ".join(above)}
