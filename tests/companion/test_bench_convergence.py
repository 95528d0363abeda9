"""The bench of the authors' searches: ratios of hand-made curves, and a checkout in miniature."""

import sys

import pandas as pd
import pytest

from companion.bench import bench_convergence as bench

GATED = '''
class NeuronSeekSearcherExpand:
    def __init__(self, input_dim, num_classes, epochs):
        self.epochs = epochs
    def get_structure_info(self):
        return {"type": "neuronseek", "pure_indices": [1, 2], "interact_indices": [3], "rank": 8}
    def fit(self, X, y, callback):
        for epoch in range(self.epochs):
            if callback(epoch=epoch, loss=1.0):
                break
'''
GENETIC = '''
class Engine:
    neuron, best_prog = None, "x**2"
class TNSRSearcher:
    def __init__(self, input_dim, population_size, generations):
        self.engine = Engine()
    def get_structure_info(self):
        assert self.engine.neuron == "x**2"
        return {"type": "neuronseek", "pure_indices": [2], "interact_indices": [], "rank": 1}
    def fit(self, X, y, callback):
        for _ in range(3):
            callback(generation=0)
'''
METASYMNET = '''
class OfficialMetaSymNetSearcher:
    def __init__(self, input_dim, iterations, time_limit):
        self.engine = self
    def fit(self, X, y, callback):
        self.global_best_r2 = 0.25
        callback(iteration=0, loss=1.0)
'''
EVALUATOR = '''
def retrain_and_evaluate(searcher, structure, X, y, X_test, y_test, epochs):
    assert len(X) == len(y) == 40 and len(X_test) == len(y_test) == 20
    return 0.4 if structure["interact_indices"] else 0.1
'''


@pytest.fixture
def checkout(tmp_path):
    for name, text in {
        "neuronseek/searchers/neuronseek_searcher_expand": GATED,
        "neuronseek/searchers/tnsr_searcher": GENETIC,
        "neuronseek/searchers/official_metasymnet_searcher": METASYMNET,
        "experiments/common/structure_evaluator": EVALUATOR,
    }.items():
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    yield tmp_path
    theirs = ("neuronseek", "experiments")
    for name in [name for name in sys.modules if name.split(".")[0] in theirs]:
        del sys.modules[name]


def test_searches_are_looked_at_and_their_structures_retrained(checkout, monkeypatch, capsys):
    monkeypatch.setattr(bench.importlib.util, "find_spec", lambda name: None)
    arguments = f"--official {checkout} --features 2 --rows 40 --repetitions 2".split()
    assert bench.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "{'pure': [1, 2], 'interact': [3]}" in printed
    assert "tnlearn_over_td: None" in printed
    assert "vsr_over_td: 0.0\nvsr_over_td_spread: [0.0, 0.0]" in printed  # 0.4 never gets to 0.1
    options = bench.argparse.Namespace(features=2, rows=40, seconds=9.0)
    with bench.on_path(checkout):
        looks = pd.concat([bench.measure(seed, options) for seed in (0, 3)])
    assert list(looks["search"].value_counts(sort=False).items()) == [
        ("authors' gated", 20), ("authors' VSR", 6), ("MetaSymNet", 1)]
    assert set(looks["seed"]) == {0, 3} and looks["seconds"].ge(0).all()
    assert list(looks.groupby("search", sort=False)["error"].last())[:2] == [0.4, 0.1]


def curve(search, seed, *points):
    return [{"search": search, "seed": seed, "seconds": seconds, "error": error}
            for seconds, error in points]


def test_ratios_are_to_the_errors_that_either_ends_at():
    rows = [row for seed, late in enumerate((40.0, 10.0, 20.0)) for row in (
        *curve("authors' gated", seed, (2.0, 0.62), (5.0, 0.6)),
        *curve("authors' VSR", seed, (late, 0.5), (90.0, 0.3)),
        *curve("MetaSymNet", seed, (7.0, 1.2), (8.0, 1.0)))]
    ratios = bench.time_ratios(pd.DataFrame(rows))
    assert ratios["vsr_over_td"] == 0.0  # TD never gets to 0.3
    assert ratios["vsr_over_td_to_td_error"] == 10.0  # it is within 5 % of 0.6 after two seconds
    assert ratios["vsr_over_td_to_td_error_spread"] == [5.0, 20.0]
    assert ratios["metasymnet_over_td"] == 8.0 / 2.0
    assert ratios["metasymnet_over_td_to_td_error"] == 8.0 / 2.0  # never there: all its time
    assert ratios["tnlearn_over_td"] is ratios["tnlearn_over_td_spread"] is None


def test_a_search_is_stopped_after_its_seconds(monkeypatch):
    now = iter([0.0, 1.0, 2.0, 3.0, 4.5])
    monkeypatch.setattr(bench.time, "process_time", lambda: next(now))
    looks = bench.Looks(lambda: "state", seconds=4.0, every=2)
    assert [looks(epoch=i) for i in range(4)] == [False, False, False, True]
    assert looks.kept == [(1.0, "state"), (3.0, "state")]


def test_formulas_are_written_as_pure_streams():
    assert bench._pure(bench.polynomial("3@x - 2@x**2 + 1"))["pure_indices"] == [1, 2]


def test_it_needs_the_authors_code(tmp_path, capsys):
    with pytest.raises(SystemExit):
        bench.main([])
    assert "--official" in capsys.readouterr().err
