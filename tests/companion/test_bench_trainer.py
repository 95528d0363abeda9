"""The bench of the trainer prints a row for each network and budget."""

import re

import pytest

from companion.bench import bench_trainer as trainer

ARGUMENTS = "--features 3 --rows 100 --seeds 2 --steps 2 --repeats 1 --budgets".split()


def test_prints_a_row_for_each_network(capsys):
    assert trainer.main([*ARGUMENTS, "60", "120"]) == 0
    printed = capsys.readouterr().out
    assert "D = 3, N = 100" in printed and "2 seeds as a batch within 3 × one seed: " in printed
    for kind in trainer.SIZED:
        sizes = re.search(rf"^{kind} +(\d+) .*\n +(\d+) ", printed, re.M).groups()
        assert int(sizes[0]) <= int(sizes[1]) <= 120
    assert re.search(r"of 6; at most \d", printed)


def test_a_budget_that_is_too_small(capsys):
    with pytest.raises(SystemExit, match="--budgets: found 2, too few for LN"):
        trainer.main([*ARGUMENTS, "2"])
