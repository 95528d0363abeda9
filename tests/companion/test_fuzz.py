"""Every door takes odd arguments rightly or refuses them in words; the bench counts faults."""

import time
from importlib import util

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from companion.bench import bench_fuzz

EXAMPLES = {"structure": 200, "layer": 150, "search": 100, "estimators": 100, "saving": 150}
OTHERS = 40  # of doors that are not named here


@pytest.mark.parametrize("door", bench_fuzz.doors())
def test_a_door_has_no_fault(door):
    strategy, judge = bench_fuzz.doors()[door]

    # the same cases every time; `nslib bench fuzz` looks for others
    @settings(max_examples=EXAMPLES.get(door, OTHERS), deadline=None, derandomize=True,
              suppress_health_check=list(HealthCheck))
    @given(strategy)
    def attempt(case):
        judge(case)

    attempt()


def judge_of_ints(case):
    if case > 9:
        raise AssertionError("too large")
    if case < 0:
        raise KeyError(case)


def test_the_bench_counts_faults_and_fails(monkeypatch, capsys):
    monkeypatch.setattr(bench_fuzz, "doors", lambda: {
        "ints": (st.integers(-9, 19), judge_of_ints), "fine": (st.just(1), judge_of_ints)})
    assert bench_fuzz.main(["--cases", "200", "--seed", "3"]) == 1
    printed = capsys.readouterr().out
    assert "ints: 10 × AssertionError: too large; such as 1" in printed
    assert "ints: 1 × KeyError: -9; such as -9" in printed
    assert bench_fuzz.main(["--cases", "20", "--doors", "fine"]) == 0
    with pytest.raises(SystemExit):
        bench_fuzz.main(["--doors", "fin"])
    assert "did you mean 'fine'?" in capsys.readouterr().err


def test_a_hang_is_a_fault(monkeypatch):
    monkeypatch.setattr(bench_fuzz, "LIMIT", 0.05)
    row, faults = bench_fuzz.tried(st.just(0), lambda case: time.sleep(20), 1, 0)
    assert row["faults"] == 1 and "Hang: more than 0.05 s" in next(iter(faults))


def test_no_case_is_begun_after_the_time():
    row, _ = bench_fuzz.tried(st.integers(), lambda case: time.sleep(0.02), 10_000, 0, most=0.1)
    assert 0 < row["cases"] < 10


def test_the_bench_says_what_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    assert bench_fuzz.main([]) == 2
    assert "needs hypothesis" in capsys.readouterr().err
