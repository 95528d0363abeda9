"""Figures of a table of one's own: every stream, model and feature has its marks."""

import numpy as np
import pandas as pd

from companion.experiments.your_own_data import draw_own_data as drawings


def compared(**scores):
    rows = [{"model": model, "score": score, "low": score - 0.1, "high": score + 0.1,
             "lead": 0.8 - score, "lead_low": 0.7 - score, "lead_high": 0.9 - score}
            for model, score in scores.items()]
    return pd.DataFrame(rows)


def test_streams_have_bars_where_they_were_measured():
    chosen = pd.DataFrame({"stream": ["pure 1", "pure 2"] * 2, "split": [0, 0, 1, 1],
                           "frequency": [1.0, 0.2, 0.9, 0.0], "found": [True, False] * 2})
    worth = pd.DataFrame({"stream": ["pure 1", "interact 2"] * 2, "found": [True, False] * 2,
                          "resample": [0, 0, 1, 1], "change": [-9.0, 0.1, -3.0, 0.0],
                          "share": [1.0, np.nan] * 2})
    figure = drawings.own_streams({"frequencies": chosen, "worth": worth}, score="R²",
                                  refitted=True)
    ticks = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert ticks == ["pure 1", "pure 2", "interact 2"]
    assert [len(axis.patches) for axis in figure.axes] == [2, 1, 2]
    assert [text.get_text() for text in figure.axes[2].texts] == ["◂ -6"]
    assert figure.axes[2].get_xlim()[0] > -1.2


def test_models_far_off_are_written_at_the_edge():
    table = compared(mean=0.0, linear=0.7, boosting=-4.0, network=0.8)
    splits = table[["model", "score"]].assign(split=0)
    figure = drawings.own_scores({"compared": table, "splits": splits}, score="R²")
    left, right = figure.axes
    assert [text.get_text() for text in left.texts] == ["◂ -4"]
    assert [text.get_text() for text in right.texts] == ["4.8 ▸"]
    assert left.get_xlabel() == "held-out R²"


def test_effects_are_lines_of_numbers_and_marks_of_categories():
    rows = [
        {"feature": feature, "output": "price", "model": model, "split": split, "x": float(x),
         "label": label.format(x), "effect": x + 100.0 * (model == "found formula") * x}
        for feature, label in (("size", ""), ("city", "city {}")) for split in (0, 1)
        for model in ("network", "found formula") for x in range(3)
    ]
    figure = drawings.own_effects(pd.DataFrame(rows), classes=False)
    size, city = figure.axes
    assert len(size.lines) == 6
    assert all(line.get_linestyle() == "None" for line in city.lines)
    assert [label.get_text() for label in city.get_xticklabels()] == ["city 0", "city 1", "city 2"]
    assert size.get_ylim()[1] < 10  # the axis fits the network
    assert size.get_ylabel() == "mean prediction of price"
