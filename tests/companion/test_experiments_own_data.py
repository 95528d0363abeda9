"""A table of one's own: equal rows for all models, the formula as shown, what streams are worth."""

import json

import numpy as np
import pandas as pd
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import r2_score

from companion import paths
from companion.experiments.your_own_data import own_formula, own_streams
from companion.experiments.your_own_data import own_models as own_data
from companion.experiments.your_own_data import report_page as own_page
from nslib.data import make_table

TINY = {"method": "als", "budget": 600, "members": 1, "steps": 30, "max_order": 2, "rank": 1}


def frame(n=160, seed=0):
    rng = np.random.default_rng(seed)
    x, z = rng.normal(2, 1, n), rng.uniform(0, 1, n)
    city = rng.choice(["Rome", "Oslo", "Lima"], n)
    y = 3 * x + 2 * x**2 + 5 * (city == "Oslo") + rng.normal(0, 0.2, n)
    return pd.DataFrame({"x": x, "z_{1}": z, "city": city, "price": y})


@pytest.fixture(scope="module")
def numbers():
    table = make_table(frame())
    return table, own_data.fit_splits(table, 2, 0, **TINY)


@pytest.fixture(scope="module")
def classes():
    rows = frame()
    rows["price"] = np.where(rows["price"] > rows["price"].median(), "dear", "cheap")
    table = make_table(rows)
    return table, own_data.fit_splits(table, 1, 3, **TINY)


@pytest.fixture(params=["numbers", "classes"])
def fitted(request):
    return request.getfixturevalue(request.param)


def test_all_models_are_scored_on_rows_that_none_has_seen(fitted):
    table, fits = fitted
    for fit in fits:
        assert not set(fit.train) & set(fit.test)
        assert len(fit.train) + len(fit.test) == len(table.y)
        assert set(fit.predictions) == set(own_data.MODELS)
        assert {len(values) for values in fit.predictions.values()} == {len(fit.test)}
    scores = own_data.scores(table, fits)
    assert len(scores) == len(fits) * len(own_data.MODELS)
    own = scores[scores["model"] == "network"].iloc[0]["score"]
    assert own == pytest.approx(fits[0].model.score(
        table.X.iloc[fits[0].test], table.y.iloc[fits[0].test]))


def test_the_formula_is_found_and_beats_the_linear_model(numbers):
    table, fits = numbers
    scores = own_data.scores(table, fits).groupby("model")["score"].mean()
    assert scores["found formula"] > 0.99 > scores["linear"] > scores["mean"]
    assert all("pure 2" in fit.model.structure_.streams
               or "interact 2" in fit.model.structure_.streams for fit in fits)


def test_same_seed_same_result(numbers):
    table, fits = numbers
    again = own_data.fit_splits(table, 1, 0, **TINY)[0]
    for model, values in again.predictions.items():
        np.testing.assert_array_equal(values, fits[0].predictions[model])


def test_scores_and_leads_have_intervals(fitted):
    table, fits = fitted
    comparison = own_data.compared(table, fits[0], resamples=200)
    assert (comparison["low"] <= comparison["score"]).all()
    assert (comparison["score"] <= comparison["high"]).all()
    own = comparison.set_index("model").loc["network"]
    assert own["lead"] == own["lead_low"] == own["lead_high"] == 0
    others = comparison[comparison["model"] != "network"]
    said = own_data.verdicts(comparison)
    for row, sentence in zip(others.to_dict("records"), said, strict=True):
        assert ("better than" in sentence) == (row["lead_low"] > 0)
        assert ("worse than" in sentence) == (row["lead_high"] < 0)
    overview = own_data.score_table(own_data.scores(table, fits), comparison)
    assert ("rmse" in overview) == (table.task == "regression")
    assert list(overview["model"]) == list(own_data.MODELS)


@given(st.integers(0, 100), st.integers(3, 30))
@settings(deadline=None, max_examples=25)
def test_drawn_scores_are_those_of_scikit_learn(seed, n):
    rng = np.random.default_rng(seed)
    y, predicted = rng.normal(size=n), rng.normal(size=n)
    draws = np.array([np.arange(n), rng.permutation(n)])
    drawn = own_data._drawn_scores("regression", y, predicted, draws)
    np.testing.assert_allclose(drawn, r2_score(y, predicted))


def test_the_shown_formula_is_the_one_that_predicts(fitted):
    table, (fit, *_) = fitted
    shown = own_formula.outputs(fit.model, table.X.iloc[fit.train], table.target)
    assert own_formula.largest_gap(fit.model, table.X.iloc[fit.test], shown) < 1e-9
    wrong = [output._replace(constant=output.constant + 1) for output in shown]
    assert own_formula.largest_gap(fit.model, table.X.iloc[fit.test], wrong) > 1e-3
    for output in shown:
        assert list(output.effects) == sorted(output.effects, reverse=True)
    text = own_formula.latex(shown, table.task, n_terms=2)
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    for markup in own_formula.all_mathml(shown, table.task):
        assert markup.startswith("<math") and markup.endswith("</math>")
    assert len(own_formula.terms_table(shown)) == sum(len(output.terms) for output in shown)
    json.dumps(own_formula.facts(shown))


def test_terms_of_categories_are_centred_and_powers_of_them_joined():
    a, b, x = sp.symbols("c=a c=b x")
    group = {a: 0.25, b: 0.75}
    columns = {a: np.array([1.0, 0, 0, 0]), b: np.array([0.0, 1, 1, 1]), x: np.arange(4.0)}
    written = 1 + 3 * a + 5 * a**2 + 4 * b * x + a * b * 7
    shown = own_formula._output("y", written, columns, {a, b}, [group])
    terms = dict(zip((str(term) for term in shown.terms), shown.effects, strict=True))
    assert shown.constant == 1 + 8 * 0.25
    assert sum(shown.terms) == 6.0 * a - 2.0 * b + 3.0 * x - 3.0 * a * x + 1.0 * b * x
    assert terms["3.0*x"] == pytest.approx(3 * np.std(np.arange(4)))
    values = shown.constant + sum(own_formula.evaluated(term, columns) for term in shown.terms)
    np.testing.assert_allclose(values, own_formula.evaluated(written, columns))


def test_products_of_linear_forms_are_kept_as_they_are():
    x, y = sp.symbols("x y")
    columns = {x: np.arange(3.0), y: np.array([1.0, 0.0, 2.0])}
    product = 3 * (x + 1) * (y - 2)
    shown = own_formula._output("y", 2 + product, columns, set(), [])
    assert shown.constant == 2 and len(shown.terms) == 1 and shown.terms[0].is_Mul
    assert sp.expand(shown.terms[0] - product) == 0
    assert shown.effects[0] == pytest.approx(np.std([-3.0, -12.0, 0.0]))


def test_outputs_of_streams_add_up(fitted):
    table, (fit, *_) = fitted
    search = fit.model.search_
    inputs = fit.model.formula_inputs(table.X.iloc[fit.train])
    outputs = own_streams.stream_outputs(search, inputs)
    rest = search.decision(inputs).reshape(len(inputs), -1) - sum(outputs.values())
    np.testing.assert_allclose(rest, np.broadcast_to(rest[0], rest.shape), atol=1e-9)


def test_a_needed_stream_is_worth_something_and_others_nothing(fitted):
    table, fits = fitted
    worth = own_streams.worth(table, fits[0], 2)
    of_formula = set(fits[0].model.structure_.streams)
    assert set(worth.loc[worth["found"], "stream"]) == of_formula
    assert worth.groupby(["resample", "found"])["share"].sum()[0, True] == pytest.approx(1)
    assert worth[worth["found"]]["change"].max() > 0.05
    others = worth[~worth["found"]]
    assert own_streams.by_refit(table, fits[0]) == bool(len(others))
    assert others["change"].abs().max() < 0.05 or table.task == "classification"
    chosen = own_streams.frequencies(fits)
    assert chosen["frequency"].between(0, 1).all()
    summary = own_streams.stream_table(chosen, worth).set_index("stream")
    assert set(summary.index[summary["found"]]) == of_formula
    assert summary.loc[list(of_formula), "change_min"].notna().all()


def test_effects_are_of_the_features_that_matter(fitted):
    table, fits = fitted
    effects = own_streams.effects(table, fits, 2, n_points=5, n_rows=20)
    assert list(effects["feature"].unique())[0] == "x"
    curve = effects.query("feature == 'x' and model == 'found formula' and split == @fits[0].seed")
    assert curve["effect"].iloc[-1] > curve["effect"].iloc[0]
    classes = table.task == "classification"
    assert set(effects["output"]) == {"dear" if classes else "price"}
    assert not classes or effects["effect"].between(0, 1).all()
    city = effects[effects["feature"] == "city"]
    assert city.empty or set(city["label"]) == {"Rome", "Oslo", "Lima"}


def test_bundled_sets_and_files_are_loaded_alike(tmp_path, monkeypatch):
    bundled = own_data.load("", "iris")
    assert bundled.table.task == "classification" and bundled.rows_found == 150
    frame().to_csv(tmp_path / "my.csv", index=False)
    monkeypatch.setenv("NSLIB_STARTED_IN", str(tmp_path))
    own = own_data.load("my.csv", "iris", "price", drop=["city"], max_rows=100)
    assert (own.name, own.rows_found, len(own.table.y)) == ("my.csv", 160, 100)
    assert own.checksum.startswith("sha256:") and len(own.checksum) == 23
    assert list(own.table.X) == ["x", "z_{1}"]
    assert "100 of 160 rows are used" in own.table.warnings[-1]
    with pytest.raises(ValueError, match="did you mean 'iris'"):
        own_data.load("", "irs")
    assert own_data.load("", "diabetes", "bmi").table.target == "bmi"


def test_too_many_classes_for_a_split_are_refused():
    rows = frame(60).assign(price=np.repeat([f"c{i}" for i in range(30)], 2))
    with pytest.raises(ValueError, match="found 30 classes in 60 rows"):
        own_data.fit_splits(make_table(rows), 1, 0, **TINY)


def test_a_record_of_other_data_is_not_shown():
    source = own_data.load("", "iris")
    record = {"data": {"table": source.checksum}}
    assert own_data.same_table(record, source) is record
    assert own_data.same_table({"data": {"table": "sha256:0"}}, source) is None
    assert own_data.same_table(None, source) is None


def test_paths_start_where_the_user_is(monkeypatch, tmp_path):
    monkeypatch.delenv("NSLIB_STARTED_IN", raising=False)
    assert paths.given("a/b.csv").parts == ("a", "b.csv")
    monkeypatch.setenv("NSLIB_STARTED_IN", str(tmp_path))
    assert paths.given("b.csv") == tmp_path / "b.csv"
    assert paths.given(str(tmp_path / "c")) == tmp_path / "c"


def test_the_page_holds_everything_and_no_markup_of_the_data(tmp_path):
    (tmp_path / "a.svg").write_text("<svg/>")
    own_page.write(tmp_path / "page.html", "price <of> my.csv", {
        "One": ["a < b", ["<script>", "second"], pd.DataFrame({"<x>": [0.123456]}),
                own_page.Markup("<math/>"), tmp_path / "a.svg"],
        **own_page.provenance({"path": "", "seed": 0}, {"data": "sha256:0"}),
    })
    text = (tmp_path / "page.html").read_text()
    for part in ("price &lt;of&gt;", "a &lt; b", "&lt;script&gt;", "0.123", "&lt;x&gt;", "<math/>",
                 "data:image/svg+xml;base64,", "path: (none)", "seed: 0", "torch: "):
        assert part in text, part
    assert "<script" not in text
