"""Figures of notebook 01: what they show, and that each is drawn again from its files alone."""

import json

import numpy as np
import pytest

import companion
from companion import figures
from companion.experiments.task_driven_neuron import draw_neuron as drawings
from companion.experiments.task_driven_neuron import tensors
from companion.experiments.task_driven_neuron import toy_tasks as toys
from nslib import NeuronStructure

LINEAR, SQUARES = NeuronStructure((1,), ()), NeuronStructure((2,), ())


@pytest.fixture(scope="module")
def data():
    """Return small data of every figure."""
    accuracies, neurons = toys.separate([LINEAR, SQUARES], 60, [0, 1], n_test=100)
    return {
        "level_sets": toys.shapes([LINEAR, SQUARES, NeuronStructure((), (2,), 1)], 0, n_grid=9),
        "decision_boundaries": {
            "grid": toys.boundaries(neurons, seed=0, n_grid=9),
            "points": toys.shown_points(20, seed=0),
            "accuracy": toys.accuracy_by_structure(accuracies),
        },
        "learnt_monomials": toys.coefficients(neurons, SQUARES),
        "cost_of_interactions": {
            "weights": tensors.counts([2, 4, 8], [2, 3], 2),
            "times": tensors.times([2, 4, 8], [2, 3], 2, max_entries=64, repeats=2, seed=0),
        },
        "rank_needed": tensors.rank_errors(3, [1, 2, 3], [0, 1], n_points=100),
    }


def draw(name, data):
    options = {"cost_of_interactions": {"rank": 2, "machine": "a machine"}}
    return getattr(drawings, name)(data[name], **options.get(name, {}))


@pytest.mark.parametrize(
    "name", ["level_sets", "decision_boundaries", "learnt_monomials", "cost_of_interactions",
             "rank_needed"],
)
def test_figure_is_drawn_again_from_its_files(name, data, repo):
    repo.presets({"01_x": {}}, {"01_x": {}})
    companion.begin("01_x", {})
    figures.save(draw(name, data), name, data=data[name])
    folder = repo.folder / "build" / "figures" / "01_x"
    drawing = json.loads((folder / f"{name}.json").read_text())["drawing"]
    assert drawing["function"] == f"{drawings.__name__}:{name}"
    before = (folder / f"{name}.svg").read_bytes()
    assert figures.redraw(folder) == {folder / f"{name}.json": "unchanged"}
    assert (folder / f"{name}.svg").read_bytes() == before


def test_level_sets_have_a_panel_for_each_structure(data):
    figure = draw("level_sets", data)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["pure(1)", "pure(2)", "interact(2;rank=1)"]


def test_decision_boundaries_mark_what_is_solved(data):
    figure = draw("decision_boundaries", data)
    accuracy = data["decision_boundaries"]["accuracy"]
    assert len(figure.axes) == len(accuracy) == 6
    for axes, row in zip(figure.axes, accuracy.itertuples(), strict=True):
        assert axes.get_xlabel() == f"{row.mean:.3f} ± {row.std:.3f}"
        solved = row.mean > row.optimal - 0.01
        assert (axes.xaxis.label.get_fontweight() == "bold") == solved


def test_monomials_that_symmetry_allows_are_shaded(data):
    for axes, task in zip(draw("learnt_monomials", data).axes, toys.TASKS, strict=True):
        assert len(axes.patches) == len(toys.TASKS[task].monomials)
        labels = [label.get_text() for label in axes.get_xticklabels()]
        assert labels[:5] == ["$1$", "$x_1$", "$x_2$", "$x_1^2$", "$x_1 x_2$"]


def test_cost_lines_show_the_table(data):
    figure = draw("cost_of_interactions", data)
    weights = data["cost_of_interactions"]["weights"]
    for axes, order in zip(figure.axes[:2], (2, 3), strict=True):
        assert axes.get_xscale() == axes.get_yscale() == "log"
        for line in axes.get_lines():
            chosen = weights[(weights["order"] == order) & (weights["form"] == line.get_label())]
            assert np.array_equal(line.get_ydata(), chosen["weights"])
    assert figure.axes[2].get_ylabel() == "time for one input (µs)"
    assert "a machine" in figure.get_supxlabel()


def test_best_error_is_drawn_as_a_line(data):
    table = data["rank_needed"]
    lines = [line.get_ydata() for line in draw("rank_needed", data).axes[0].get_lines()]
    for _, part in table.groupby("form"):
        best = part.groupby("rank")["best"].mean()
        assert any(np.array_equal(line, best) for line in lines)
