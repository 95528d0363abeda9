"""Data and checksums are the same on every processor."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from companion import records
from nslib.portable import digits, power, root

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("order", range(1, 12))
def test_a_power_is_a_product_chain(order):
    X = np.array([[-3.0, 0.0], [2.0, 7.0]])
    np.testing.assert_array_equal(power(X, order), X**order)
    X = np.random.default_rng(0).standard_normal((200, 3))
    chain = functools.reduce(np.multiply, [X] * order)
    np.testing.assert_allclose(power(X, order), chain, rtol=1e-14)
    assert order > 3 or (power(X, order) == chain).all()


@pytest.mark.parametrize(("order", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError)])
def test_an_order_that_is_none_is_refused(order, error):
    with pytest.raises(error, match="order: found"):
        power(np.ones(2), order)


DATA = """
import hashlib
from companion.experiments.structure_recovery.predecessor_sets import make_predecessor_sets
from nslib.data import FORMULAS, make_formula, random_formula
from nslib.structure import NeuronStructure

digest = hashlib.sha256()
structure = NeuronStructure((1, 3, 4, 6), (2, 3, 5), rank=3)
tasks = [make_formula(*key, n_samples=300, n_features=13, seed=5, rank=2) for key in FORMULAS]
for X, y, _ in [*tasks, random_formula(structure, n_samples=301, n_features=7, seed=1)]:
    digest.update(X.tobytes() + y.tobytes())
for one in make_predecessor_sets(seed=3):
    digest.update(one.X.tobytes() + one.y.tobytes())
print(digest.hexdigest())
"""


def test_generated_data_are_equal_bit_for_bit_without_wide_vectors():
    above = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    plain = {key: value for key, value in os.environ.items() if key not in (
        "NPY_DISABLE_CPU_FEATURES", "OPENBLAS_CORETYPE")}
    settings = ({}, {"NPY_DISABLE_CPU_FEATURES": " ".join(above)},
                {"OPENBLAS_CORETYPE": "Prescott"})
    sums = {subprocess.run([sys.executable, "-W", "ignore", "-c", DATA], check=True, cwd=ROOT,
                           env={**plain, **one}, capture_output=True, text=True).stdout
            for one in settings}
    assert len(sums) == 1


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_roots_are_rounded_correctly_as_those_of_torch_are_not(dtype):
    values = torch.rand(10_000, generator=torch.Generator().manual_seed(0)).to(dtype)
    assert root(values).dtype is dtype
    np.testing.assert_array_equal(root(values), np.sqrt(values.numpy()))
    assert root(torch.tensor(4.0, dtype=dtype)).shape == ()


def test_digits_leave_out_the_last_bits():
    values = np.array([np.pi, -1e300, 5e-324, 0.0, 123456.5, np.inf])
    assert digits(values) == digits(values * (1 + 2.0**-52))
    assert digits(np.nextafter([0.1234565, 1234565.0], 1)) == digits([0.1234565, 1234565.0])
    assert digits([-0.0]) == digits([0.0])
    assert digits([1.00001]) != digits([1.0])


def test_checksums_see_six_digits_of_floats_and_all_of_the_rest():
    y = np.random.default_rng(0).standard_normal(50)
    frame = pd.DataFrame({"y": y, "n": range(50), "name": "a"})
    jitter, other = y * (1 + 2.0**-50), y * (1 + 1e-4)
    for make in (np.array, lambda values: values + 1j * values, np.float32,
                 lambda values: frame.assign(y=values)):
        assert records.checksum(make(jitter)) == records.checksum(make(y))
        assert records.checksum(make(other)) != records.checksum(make(y))
    assert records.checksum(np.array([0.0])) == records.checksum(np.array([-0.0]))
    assert records.checksum(np.array([10**9])) != records.checksum(np.array([10**9 + 1]))
    wide = frame.assign(n=frame["n"] + 10**9)
    for changed in (wide.assign(n=wide["n"] + 1), wide.assign(name="b"), wide.assign(y=None)):
        assert records.checksum(changed) != records.checksum(wide)
