"""Every notebook runs to its end with parameters that are odd but valid: few, one, none, reversed.

The cells run in this process: a kernel for each would take longer than what they compute.
"""

from types import ModuleType

import matplotlib
import matplotlib.pyplot as plt
import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.figure import Figure
from traitlets.config import Config

from companion import notebooks, presets
from companion import run as running

FILES = notebooks.find()
VSR = {"vsr": {"population": 20, "generations": 2}}
RECOVERY = {"n_samples": 60, "n_features": 2, "options": VSR, "phase_features": [4],
            "phase_samples": [20], "phase_seeds": [0],
            "batteries": {"names": ["wide"], "limit": 1, "rows": 60}}
FORMULA = {"n_samples": 60, "n_features": 2, "recovery_samples": 60, "order": 2, "rank": 1}
STABILITY = {"n_samples": 60, "dimension_runs": 1, "faint_samples": [40], "faint_sets": 2,
             "options": VSR}

SETS = [
    ("00", "one feature, few rows", {"n_samples": 5, "n_features": 1}),
    ("00", "no noise, other seed", {"n_samples": 60, "n_features": 2, "noise": 0.0, "seed": 7}),
    ("01", "no full tensors", {"seeds": 2, "n_points": 4, "rank": 1, "dimensions": [1],
                               "max_entries": 0, "repeats": 1, "n_features": 1}),
    ("01", "reversed dimensions", {"seeds": 2, "n_points": 20, "rank": 2, "dimensions": [8, 4],
                                   "max_entries": 100, "repeats": 1, "n_features": 2, "seed": 9}),
    ("02", "one order, classes", {**FORMULA, "dataset": "iris", "method": "als", "seeds": [3],
                                  "order": 1, "recovery_features": [1]}),
    ("02", "no noise, no penalty", {**FORMULA, "method": "vsr", "dataset": "wine", "seeds": [2],
                                    "noise": 0.0, "penalty": 0.0, "recovery_features": [3, 2],
                                    "recovery_data_seeds": [5]}),
    ("03", "least squares alone", {**RECOVERY, "methods": ["als"], "n_features": 1}),
    ("03", "no fast method", {**RECOVERY, "methods": [], "slow_methods": ["vsr"],
                              "phase_features": [6, 4], "phase_noise": 0.0,
                              "predecessor_noises": ["high"], "redundant_formulas": []}),
    ("04", "one method, one run", {**STABILITY, "formulas": ["interact 0"], "methods": ["vsr"],
                                   "noise_levels": [0.0], "runs": 1, "n_features": 1,
                                   "dimensions": [2], "faint_noise": [0.0]}),
    ("04", "reversed, a slow method", {**STABILITY, "formulas": ["pure 1"], "methods": ["als"],
                                       "slow_methods": ["gated"], "noise_levels": [0.3, 0.1],
                                       "runs": 1, "n_features": 2, "dimensions": [3, 1],
                                       "faint_noise": [1.0]}),
    ("05", "no gated search", {"seeds": 1, "n_features": 2, "n_train": 20, "ladders": {"als": [1]},
                               "dimensions": [2], "n_samples": 20, "methods": ["als"],
                               "rows": {"ridge": [20]}}),
    ("05", "baselines alone", {"seeds": 1, "n_features": 1, "n_train": 20, "batch": 0,
                               "ladders": {"gated": [2], "vsr": [1]}, "dimensions": [4, 2, 3],
                               "n_samples": 30, "methods": ["mean"], "slow_methods": [],
                               "rows": {"mean": [10]}}),
    ("06", "one formula, one feature", {
        "n_samples": 40, "n_features": 1, "formulas": ["pure 1"],
        "gated_factors": {"epochs": [2]}, "gated_together": [], "als_factors": {"restarts": [1]},
        "als_cases": {"all": {}}, "starts_cases": [[2, 2, [20]]], "starts": 1, "sweeps": 1}),
    ("06", "few rows, reversed", {
        "n_samples": 10, "n_features": 2, "formulas": ["hybrid 0"], "data_seeds": [5, 2],
        "gated_factors": {"order": [2, 1]}, "gated_together": [{"rank": 1, "order": 1}],
        "als_factors": {"order": [2]}, "als_cases": {"few": {"n_samples": 5, "noise": 2.0}},
        "starts_cases": [[3, 4, [60, 30]]], "starts": 1, "sweeps": 1}),
    ("07", "one of each", {
        "orbit_starts": 1, "weyl_steps": 70, "test_cells": [1], "test_points": 1, "random_c": 1,
        "settings": [[1, 0.4]], "discrepancy_steps": [1], "waiting_cells": [1],
        "waiting_eps": [0.49], "waiting_targets": 2, "random_targets": 0}),
    ("07", "reversed", {
        "orbit_starts": 2, "weyl_steps": 100, "test_cells": [3, 1], "test_points": 100,
        "random_c": 2, "settings": [[3, 0.1], [1, 0.4]], "discrepancy_steps": [16, 4],
        "waiting_cells": [2, 1], "waiting_eps": [0.1, 0.3], "waiting_targets": 2,
        "random_targets": 1, "random_settings": [[1, 0.4]], "seed": 5}),
    ("08", "digits alone", {
        "shown": [1, 1], "error_bits": [8, 1], "error_cells": 1, "error_targets": 1,
        "cells": {"digits": [1]}, "eps": [0.001], "targets": 1,
        "function_eps": {"digits": [0.5]}, "zigzags": 0, "zigzag_eps": {}, "check_points": 1}),
    ("08", "depth and winding", {
        "shown": [2, 3], "error_bits": [2], "error_cells": 2, "error_targets": 1,
        "cells": {"winding": [2], "trajectory": [6, 1]}, "eps": [0.4], "targets": 1,
        "waiting_limit": 5.0, "function_eps": {"winding": [0.5]},
        "zigzags": 1, "zigzag_eps": {"digits": [0.4]}, "check_points": 10}),
    ("09", "a constant, winding alone", {"function": "0.5", "eps": 0.4, "probes": 1,
                                         "tolerances": {"winding": [0.48]}}),
    ("09", "a plane, little budget", {"function": "x*y", "eps": 0.48, "probes": 10,
                                      "tolerances": {"digits": [0.45]},
                                      "budgets": {"digits": 64, "winding": 2, "trajectory": 10}}),
    ("10", "no boosting", {"datasets": ["wine"], "networks": ["LN", "TN-als"], "budgets": [100],
                           "models": ["linear"], "seeds": 2, "steps": 2}),
    ("10", "one model, one seed", {"datasets": ["diabetes"], "networks": [], "budgets": [],
                                   "models": ["hist_gradient_boosting"], "seeds": 1, "steps": 1}),
    ("11", "linear alone", {
        "groups": [{"datasets": ["wine"], "models": ["linear"], "seeds": 1}], "steps": 1,
        "publish": True, "physics_samples": 20}),
    ("11", "no rival", {
        "groups": [{"datasets": ["diabetes"], "models": ["TN-als"], "budgets": [100], "seeds": 1}],
        "steps": 1, "publish": True, "physics_samples": 60, "seed": 3}),
    ("12", "classes, one of each", {"dataset": "wine", "method": "vsr", "budget": 400, "splits": 1,
                                    "resamples": 1, "shown_features": 1, "seed": 11}),
    ("12", "one column", {"drop": ["age", "sex", "bp", "s1", "s2", "s3", "s4", "s5", "s6"],
                          "method": "gated", "budget": 60, "splits": 1, "resamples": 1,
                          "max_rows": 100, "shown_features": 5}),
]


def test_every_notebook_has_two_sets():
    numbers = [number for number, _, _ in SETS]
    assert numbers == sorted(2 * [name[:2] for name in FILES])


@pytest.fixture
def shell(tmp_path, monkeypatch) -> InteractiveShell:
    """Return a shell that keeps no history and writes what notebooks save below tmp_path."""
    matplotlib.use("Agg")
    save = Figure.savefig  # fine pictures would take most of the time, and nobody looks at them
    monkeypatch.setattr(Figure, "savefig", lambda figure, *where, **options: save(
        figure, *where, **{**options, "dpi": 40}))
    monkeypatch.setenv("NSLIB_OUTPUT", str(tmp_path / "out"))
    monkeypatch.setattr(running, "_current", None)
    yield InteractiveShell(config=Config(HistoryManager={"enabled": False}),
                           ipython_dir=str(tmp_path / "ipython"), user_module=ModuleType("cells"))
    plt.close("all")


@pytest.mark.parametrize(("number", "parameters"), [(n, p) for n, _, p in SETS],
                         ids=[f"{n} {words}" for n, words, _ in SETS])
def test_a_notebook_runs_to_its_end(number, parameters, shell, tmp_path, monkeypatch):
    path = next(path for name, path in FILES.items() if name.startswith(number))
    if number == "11":
        parameters = {**parameters, "work": str(tmp_path / "work")}
    values = presets.check(path, "quick", parameters)
    monkeypatch.chdir(path.parent)
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            ran = shell.run_cell(cell.source)
            ran.raise_error()
            # a styled table computes its cells when it is shown
            getattr(ran.result, "_repr_html_", lambda: None)()
        if "parameters" in cell.metadata.get("tags", []):
            shell.push(values)
    assert any((tmp_path / "out").rglob("*.json"))
