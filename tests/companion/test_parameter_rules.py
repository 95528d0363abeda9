"""The parameters of every notebook are checked before it computes anything."""

import importlib

import pytest

from companion import notebooks, presets
from companion.experiments import parameter_rules as rules

FILES = notebooks.find()
CHECKS = {
    "00": "start_here.check_start_here", "01": "task_driven_neuron.check_neuron",
    "02": "decomposition_search.check_search", "03": "structure_recovery.check_recovery",
    "04": "stability.check_stability", "05": "convergence_and_scaling.check_scaling",
    "06": "ablations.check_ablations", "07": "dense_trajectories.check_trajectories",
    "08": "super_expressive.check_super_expressive", "09": "any_function.check_any_function",
    "10": "tabular_benchmarks.check_tabular", "11": "real_world.check_real_world",
    "12": "your_own_data.check_own_data",
}


def check(number: str, preset: str = "quick", **changed) -> object:
    """Check the parameters of a preset with some changed, as the notebook's second cell does."""
    path = next(path for name, path in FILES.items() if name.startswith(number))
    module = importlib.import_module(f"companion.experiments.{CHECKS[number]}")
    return module.parameters(presets.check(path, preset, changed))


@pytest.mark.parametrize("name", FILES)
def test_every_notebook_checks_its_parameters_and_both_presets_pass(name, monkeypatch):
    topic, module = CHECKS[name[:2]].split(".")
    code = notebooks.code(FILES[name])
    assert any(f"from companion.experiments.{topic} import {module} as checks" in cell
               and "checks.parameters(run.parameters)" in cell for cell in code)
    monkeypatch.setattr(rules, "installed", lambda *_: None)  # the peers are an extra
    for preset in presets.NAMES:
        check(name[:2], preset)


GROUP = {"datasets": ["wine"], "models": ["linear"], "seeds": 1}


@pytest.mark.parametrize(("number", "parameter", "value", "message"), [
    ("00", "n_samples", 1, "n_samples: found 1, expected an int of at least 2"),
    ("00", "seed", -1, "seed: found -1"),
    ("00", "noise", -0.5, r"noise: found -0.5, expected a finite number in \[0"),
    ("01", "seeds", 1, "seeds: found 1, expected an int of at least 2"),
    ("01", "dimensions", [], r"dimensions: found \[\], expected at least 1 of them"),
    ("01", "dimensions", [4, "a"], "dimensions: found 'a'"),
    ("01", "dimensions", [4, 4], "dimensions: found 4 twice, expected each once"),
    ("02", "dataset", "irs", "dataset: found 'irs'.*did you mean 'iris'"),
    ("02", "method", "gatd", "method: found 'gatd'.*did you mean 'gated'"),
    ("02", "formula", "hybrid9", "formula: found 'hybrid9'.*did you mean 'hybrid"),
    ("02", "order", 0, "order: found 0"),
    ("02", "penalty", -1.0, "penalty: found -1.0"),
    ("02", "seeds", [-1], "seeds: found -1"),
    ("03", "methods", ["mean"], "methods: found 'mean', expected one of"),
    ("03", "methods", [], r"methods: found \[\], expected at least one method"),
    ("03", "slow_methods", ["als"], "slow_methods: found 'als', which is in methods too"),
    ("03", "batteries", {"names": ["wide"]}, r"batteries: found the keys \['names'\], expected"),
    ("03", "batteries", {"names": ["wider"], "limit": 1, "rows": 9}, "names: found 'wider'"),
    ("03", "noise", 0.0, "noise: found 0.0, expected a number above 0"),
    ("03", "options", {"vsr": {"popolation": 5}}, "popolation: not an option.*'population'"),
    ("04", "methods", ["vrs"], "methods: found 'vrs'.*did you mean 'vsr'"),
    ("04", "slow_methods", ["als"], "slow_methods: found 'als', which is in methods too"),
    ("04", "n_samples", 11, "n_samples: found 11, expected more than the 21 weights of pure 2"),
    ("04", "faint_sets", 1, "faint_sets: found 1"),
    ("05", "ladders", {}, "ladders: found {}, expected at least one method"),
    ("05", "ladders", {"threshold": [3]}, "ladders: found budgets of 'threshold'"),
    ("05", "ladders", {"als": [0]}, "ladders: als: found 0"),
    ("06", "data_seeds", [0], r"data_seeds: found \[0\], expected at least 2 of them"),
    ("06", "gated_factors", {}, "gated_factors: found {}, expected at least one option"),
    ("06", "gated_factors", {"rank": [8]}, r"rank: found \[8\], expected a value apart from"),
    ("06", "als_factors", {"order": [0]}, "als_factors: order: found 0"),
    ("06", "als_cases", {"a": {"rows": 5}}, "als_cases: a: found 'rows'"),
    ("06", "starts_cases", [[3, 4]], r"starts_cases: found \[3, 4\], expected \[order, features"),
    ("07", "settings", [[0, 0.1]], "settings: K: found 0"),
    ("07", "waiting_bits", 0.1, "waiting_bits: found 0.1, expected at least"),
    ("08", "cells", {"digit": [2]}, "cells: found 'digit'.*did you mean 'digits'"),
    ("08", "lattice", {"targets": [0.5]}, "lattice: found .*, expected targets, eps, sizes"),
    ("09", "budgets", {"digits": 5}, "budgets: found none for 'trajectory'"),
    ("09", "tolerances", {"digits": [0.0]}, "tolerances: digits: found 0.0"),
    ("10", "datasets", [], r"datasets: found \[\]"),
    ("10", "budgets", [], r"budgets: found \[\], expected at least one for the networks"),
    ("10", "models", ["xgbost"], "models: found 'xgbost'.*did you mean 'xgboost'"),
    ("11", "groups", [{**GROUP, "model": 1}], "groups: found 'model'.*did you mean 'models'"),
    ("11", "groups", [{**GROUP, "models": ["LN"]}], "groups: found no budgets, expected .*LN"),
    ("11", "groups", [{"seeds": 1}], "groups: found .*, expected datasets in it"),
    ("11", "groups", [GROUP, {**GROUP, "seeds": 2}], "groups: found linear on wine in two groups"),
    ("12", "method", "alz", "method: found 'alz'.*did you mean 'als'"),
    ("12", "splits", 0, "splits: found 0"),
])
def test_what_is_not_valid_is_refused_with_its_name(number, parameter, value, message):
    with pytest.raises((TypeError, ValueError), match=message):
        check(number, **{parameter: value})


def test_a_model_without_its_package_is_refused():
    rules.installed(["a", "b"], "models", {"a": ("json.decoder",)})
    with pytest.raises(ValueError, match="models: found 'a', expected its package no_such"):
        rules.installed(["a"], "models", {"a": ("no_such.module",)})


@pytest.mark.parametrize(("rule", "value", "message"), [
    (rules.integer(1, 5), 6, "a: found 6, expected an int of at most 5"),
    (rules.integer(1), True, "a: found True"),
    (rules.number(0.0, 1.0), float("nan"), "a: found nan"),
    (rules.above(0.0), 0.0, "a: found 0.0, expected a number above 0"),
    (rules.several(rules.integer(1)), 3, "a: found 3, expected a list"),
    (rules.mapping(rules.choice(["x"]), rules.anything), [], "a: found .*, expected a mapping"),
    (rules.mapping(rules.choice(["x"]), rules.integer(1)), {"x": 0}, "a: x: found 0"),
    (rules.choice(lambda: ["x"]), "y", "a: found 'y', expected one of x"),
])
def test_rules_say_what_was_found_and_expected(rule, value, message):
    with pytest.raises((TypeError, ValueError), match=message):
        rule(value, "a")
