"""The scale bench searches maps in fresh processes and prints what that took."""

import re

import numpy as np
import pandas as pd
import pytest

from companion.bench import bench_scale as scale


def test_searches_a_file_in_a_fresh_process(capsys):
    assert scale.main(["--rows", "400", "--features", "3", "--formula", "hybrid 1"]) == 0
    printed = capsys.readouterr().out
    assert "hybrid 1, D = 3" in printed and re.search(r"\n +400 +True ", printed)
    assert "grow as" not in printed


def test_exponents_of_several_sizes(capsys, monkeypatch):
    monkeypatch.setattr(scale, "measure", lambda n, options: {
        "rows": n, "seconds": n**0.5, "on all rows": 2.0 * n, "processor s": n**1.5,
    })
    assert scale.main(["--rows", "100", "1000", "10000"]) == 0
    printed = capsys.readouterr().out
    assert "\nseconds grow as N^0.50\non all rows grow as N^1.00\n" in printed


def test_files_hold_the_formula(tmp_path):
    truth = scale.write(tmp_path, "pure 0", 5000, 4, seed=1)
    X, y = np.load(tmp_path / "X.npy", mmap_mode="r"), np.load(tmp_path / "y.npy")
    assert X.shape == (5000, 4) and X.dtype == np.float32 and str(truth) == "pure(2)"
    powers = np.asarray(X, dtype=float) ** 2
    weights = np.linalg.lstsq(powers, y, rcond=None)[0]
    assert np.std(y - powers @ weights) == pytest.approx(scale.NOISE, rel=0.1)
    assert np.ptp(weights) < 0.01 and len(np.unique(X[:, 0])) > 4900


def test_exponent_of_a_power_law():
    x = pd.Series([1.0, 3.0, 10.0])
    assert scale.exponent(x, 5 * x**1.3) == pytest.approx(1.3)


def test_peak_memory_sees_an_allocation():
    before = scale.peak_memory()
    assert 10 < before < 1e5
    block = np.ones(int(before / 8 * 1e6) + 4_000_000)  # more than was ever held
    assert scale.peak_memory() >= before + 30 and block[0] == 1
