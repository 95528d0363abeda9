"""A search method registered from outside goes everywhere: search, estimator, every figure."""

import time
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

import nslib
from companion.experiments.ablations import draw_ablations, search_settings
from companion.experiments.convergence_and_scaling import convergence, draw_scaling, scaling
from companion.experiments.decomposition_search import draw_search, formula_search
from companion.experiments.formula_tasks import FORMULA_KEYS
from companion.experiments.stability import (
    check_stability,
    consensus,
    draw_stability,
    formula_stability,
)
from companion.experiments.structure_recovery import draw_recovery, predecessor_recovery, recovery
from companion.rivals import MODELS, fit_model, look
from nslib.neuron import TaskLinear
from nslib.search import METHODS, Method, SearchResult, search
from nslib.structure import NeuronStructure, Stream

NAME, LABEL, COLOUR = "powers", "all powers", "#123456"


@dataclass(frozen=True)
class PowerOptions:
    """No rank: the powers 1 to `order` of all features; `rounds` is without effect."""

    order: int = 2
    rounds: int = 1


@torch.no_grad()
def search_powers(task, seed, options):
    """Fit all powers of Z (N, D) to the target (N,) by least squares, with no choice of streams."""
    start, orders = time.perf_counter(), range(1, options.order + 1)
    columns = [task.Z**k for k in orders]
    design = np.column_stack([np.ones(len(task.Z)), *columns])
    solution = torch.as_tensor(np.linalg.lstsq(design, task.target, rcond=None)[0])
    neuron = TaskLinear(task.Z.shape[1], 1, NeuronStructure(orders, ()), dtype=torch.float64)
    neuron.bias.copy_(solution[:1])
    weights = neuron.stream_weights()
    for k, own in zip(orders, solution[1:].reshape(len(orders), -1), strict=True):
        weights[Stream("pure", k)].copy_(own[None])
    gates = dict.fromkeys(neuron.structure.streams, 1.0)
    history = pd.DataFrame([{"epoch": i, "loss": 1.0 / (1 + i), "lambda": 0.0, **gates}
                            for i in range(2)])
    return SearchResult(
        method=NAME, structure=neuron.structure, gate_probabilities=gates, history=history,
        seconds=time.perf_counter() - start, seed=seed, neuron=neuron.requires_grad_(False),
        scaling=task.scaling,
    )


@pytest.fixture(autouse=True)
def register(monkeypatch):
    """Register the method, in the one way there is."""
    monkeypatch.setitem(METHODS, NAME, Method(
        name=NAME, options_class=PowerOptions, function=search_powers, label=LABEL, family="TD",
        colour=COLOUR, marker="h", budget="rounds", interactions=False, classifies=False,
    ))


@pytest.fixture(scope="module")
def rows():
    X = np.random.default_rng(0).normal(size=(150, 3))
    return X, X[:, 0] ** 2 - X[:, 1] + 0.5


def drawn_with(axes, colour=COLOUR, marker="h"):
    """Return the lines of axes that have the look of the method."""
    return [line for line in axes.lines
            if line.get_color() == colour and line.get_marker() == marker]


def texts_of(figure):
    """Return every text of a figure, legends and tick labels among them."""
    return [text.get_text() for text in figure.findobj(plt.Text)]


def test_search_estimator_and_model_take_it(rows):
    X, y = rows
    result = search(X, y, NAME, order=2)
    assert str(result.structure) == "pure(1,2)"
    np.testing.assert_allclose(result.predict(X), y, atol=1e-8)
    assert len(nslib.search(X, y, NAME, seeds=[0, 1])) == 2
    np.testing.assert_allclose(fit_model(NAME, X, y).predict(X), y, atol=1e-8)
    model = nslib.NeuronSeekRegressor(
        method=NAME, max_order=2, budget=300, steps=20, random_state=0
    ).fit(X, y)
    assert model.search_.method == NAME and np.isfinite(model.predict(X)).all()
    assert list(model.structure_.pure) == [1, 2]


def test_it_refuses_what_it_cannot_do(rows):
    X, y = rows
    with pytest.raises(TypeError, match="rank: not an option of method 'powers'"):
        search(X, y, NAME, rank=2)
    with pytest.raises(ValueError, match="expected a regression for 'powers'"):
        search(X, y > 0, NAME)
    with pytest.raises(ValueError, match="did you mean 'powers'"):
        search(X, y, "power")


def test_models_and_looks_know_it():
    assert NAME in MODELS and look(NAME).label == look(NAME).title == LABEL
    assert (look(NAME).colour, look(NAME).marker) == (COLOUR, "h")
    with pytest.raises(ValueError, match="model: found 'vrs'.*did you mean 'vsr'"):
        look("vrs")


def test_figures_of_structure_recovery():
    fits, models = recovery.methods_on_formulas(
        60, 3, 0.01, {NAME: [0], "mean": [0]}, {NAME: {"order": 5}}
    )
    own = fits[fits["method"] == NAME].set_index("formula")
    assert own.loc["pure 0", "state"] == "scored" and models[NAME, "pure 0", 0].method == NAME
    assert own.loc["hybrid 0", "state"] == "not representable"
    figure = draw_recovery.methods_on_formulas(recovery.by_formula(fits))
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == [NAME]
    assert len(recovery.sentences(fits)) == 1
    errors = recovery.confusion(fits[fits["method"] == NAME], ["pure 1", "pure 2", "interact 2"])
    figure = draw_recovery.errors_by_stream(errors, titles={NAME: look(NAME).title})
    assert LABEL in texts_of(figure)
    sets = predecessor_recovery.load_sets("generated", ["low"])[:2]
    orders = predecessor_recovery.orders_found(sets, {NAME: {"name": NAME}})
    shown = predecessor_recovery.shown(orders, [NAME])
    figure = draw_recovery.orders_found(shown)
    assert "1 2" in texts_of(figure)


def test_more_methods_than_colours_are_drawn_by_stream():
    errors = pd.DataFrame([
        {"method": f"m{i}", "stream": "pure 1", "error": error, "count": 1, "of": 2, "share": 0.5,
         "low": 0.2, "high": 0.8} for i in range(9) for error in ("missed", "kept in vain")
    ])
    titles = {f"m{i}": f"method {i}" for i in range(9)}
    figure = draw_recovery.errors_by_stream(errors, titles=titles)
    assert len(figure.axes[0].patches) == 9


def test_figures_of_stability():
    settings = formula_stability.method_options({NAME: {"order": 2}})
    methods = ["gated", "vsr", "als", NAME]
    titles = {name: form.title for name, form in formula_stability.forms().items()}
    check_stability.RULES["methods"](methods, "methods")
    assert titles[NAME] == "TD: all powers"
    titles = {NAME: titles[NAME]}
    runs = formula_stability.stability_runs(["pure 2"], [0.01], {NAME: 2}, 60, 3, 0, settings)
    assert (runs["structure"] == "pure 1,2").all() and runs["exact"].all()
    cells = consensus.agreement_by(runs, ["method", "formula", "noise"])
    data = {"cells": cells, "means": consensus.overall(runs)}
    figure = draw_stability.agreement_and_correctness(data, titles=titles)
    assert figure.axes[0].get_title() == "TD: all powers"
    figure = draw_stability.formulas_found(consensus.tiles(runs, "noise"), titles=titles,
                                           group="noise", parts=["seeds", "rows"])
    assert "TD: all powers" in texts_of(figure) and "✓" in texts_of(figure)
    wide = formula_stability.dimension_runs(["pure 2"], [3, 4], {NAME: 2}, 60, 0.01, 0, settings)
    figure = draw_stability.formulas_found(consensus.tiles(wide, "dimension"), titles=titles,
                                           group="dimension")
    assert "TD: all powers" in texts_of(figure)


def test_figures_of_convergence_and_scaling():
    fits = convergence.convergence("pure 2", 60, 40, 3, 0.01, [0, 1], {NAME: [1, 2], "vsr": [1]})
    assert list(fits.loc[fits["method"] == NAME, "budget"]) == [1, 1, 2, 2]
    assert any(NAME in line for line in convergence.sentences(fits))
    data = {"curves": convergence.curves(fits), "levels": convergence.levels(fits)}
    figure = draw_scaling.convergence(data, machine="m")
    assert LABEL in [text.get_text() for text in figure.legends[0].get_texts()]
    assert all(drawn_with(axes) for axes in figure.axes)
    fits = scaling.measured("pure 2", {NAME: [(60, 3), (60, 4), (60, 5)]}, 30, 0.01, [0])
    data = {"medians": scaling.medians(fits, "n_features"),
            "exponents": scaling.exponents(fits, "n_features")}
    figure = draw_scaling.scaling(data, size="features D", machine="m")
    assert all(drawn_with(axes) for axes in figure.axes)
    assert figure.legends[0].get_texts()[0].get_text().startswith(f"{LABEL}: ")


def test_figures_of_the_search():
    streams, fits = formula_search.formula_recovery(60, 3, 0.01, [0], [0], method=NAME)
    assert len(fits) == len(FORMULA_KEYS)
    figure = draw_search.recovery(streams, titles={NAME: look(NAME).title})
    assert LABEL in texts_of(figure)
    fits, results = formula_search.synthetic(
        "pure 2", 60, 3, 0.01, 0, {LABEL: {"method": NAME}}, [0, 1]
    )
    assert fits["exact"].all()
    gates = {"gates": formula_search.gate_history(results[LABEL]),
             "penalty": formula_search.penalty_history(results[LABEL][0])}
    assert len(draw_search.gate_history(gates, true=["pure 1"]).axes[0].lines) == 3
    methods = {NAME: {"method": NAME, **METHODS[NAME].accepted(order=1, rank=8)}}
    scores, shares, _, _ = formula_search.real_data("diabetes", methods, [0])
    assert draw_search.stream_shares(shares, methods=[NAME]).axes[0].get_title() == NAME
    figure = draw_search.model_errors(scores, metric="mse", marked=[f"{NAME} neuron"])
    assert f"{NAME} neuron" in texts_of(figure)


def test_figures_of_the_ablations():
    settings = search_settings.settings(NAME, {"order": [1, 3]})
    fits = search_settings.ablation(NAME, settings, ["pure 0", "pure 2"], [0], 60, 3, 0.01)
    table = search_settings.scores_by_setting(fits)
    plotted = search_settings.panels(table, NAME).assign(case=look(NAME).title)
    figure = draw_ablations.ablated_settings(plotted, alone=0.5)
    assert LABEL in [text.get_text() for text in figure.legends[0].get_texts()]
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["1", "2", "3"]
    errors = search_settings.panels(search_settings.errors(fits), NAME)
    figure = draw_ablations.ablated_errors(errors, factor="order")
    assert len(figure.axes[0].lines) == 5
