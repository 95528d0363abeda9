"""One arithmetic on every processor, when it is asked for."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from companion import arithmetic, execution

BITS = """
import hashlib
import numpy as np
import scipy.linalg
import torch

digest = hashlib.sha256()
A = np.random.default_rng(0).standard_normal((97, 41))
T = torch.as_tensor(A)
for one in (A.T @ A, np.exp(A), np.abs(A) ** 2.7, np.sin(A), np.linalg.svd(A)[1],
            scipy.linalg.solve(A.T @ A, A.T), T.T @ T, T.T.float() @ T.float(), torch.exp(T),
            torch.tanh(T.float()), torch.linalg.eigh(T.T @ T)[1], T.float().sum(0),
            torch.randn(1000, generator=torch.Generator().manual_seed(0))):
    digest.update(np.ascontiguousarray(one).tobytes())
print(digest.hexdigest())
"""


def bits(**environment):
    plain = {key: value for key, value in os.environ.items()
             if key not in arithmetic.settings({arithmetic.SWITCH: "1"})}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", BITS], check=True, text=True,
                          capture_output=True, env={**plain, **environment})
    return done.stdout


def test_nothing_is_set_unless_asked_for():
    assert arithmetic.settings({}) == arithmetic.settings({arithmetic.SWITCH: "0"}) == {}
    with pytest.raises(ValueError, match="NSLIB_PORTABLE: found 'yes', expected 0 or 1"):
        arithmetic.settings({arithmetic.SWITCH: "yes"})


def test_kernels_get_the_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("MKL_CBWR", "AVX2")
    monkeypatch.setenv(arithmetic.SWITCH, "1")
    with execution._environment(tmp_path, None, "quick"):
        assert os.environ["MKL_CBWR"] == "COMPATIBLE"
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert os.environ["MKL_CBWR"] == "AVX2"


@pytest.mark.skipif("X86_V3" not in np.show_config(mode="dicts")["SIMD Extensions"].get(
    "found", []), reason="this processor has no wider vectors to take away")
def test_the_settings_change_the_code_that_libraries_choose():
    assert bits(**arithmetic.settings({arithmetic.SWITCH: "1"})) != bits()
