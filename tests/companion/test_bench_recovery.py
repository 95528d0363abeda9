"""The recovery bench counts exact structures on data of the seeds it prints."""

import re

from companion.bench import bench_recovery as recovery


def test_counts_what_is_found(capsys):
    arguments = "--features 3 --rows 300 --repeats 1 --first-seed 5".split()
    assert recovery.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "data seeds 5 to 5" in printed
    exact, total = map(int, re.search(r"exact: (\d+) of (\d+)", printed).groups())
    assert total == 15 and exact == 15 - printed.count("missed: ")
    assert exact >= 10


def test_a_rank_above_one_must_be_found_too(capsys):
    arguments = "--features 5 --rows 600 --repeats 1 --first-seed 5 --rank 2".split()
    assert recovery.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "pure 0" not in printed and "of 10 (" in printed
    assert printed.count("missed: ") == printed.count(", ranks by order {")
    assert int(re.search(r"exact: (\d+) of", printed).group(1)) >= 6


def test_fresh_data_each_time(capsys):
    seeds = set()
    for _ in range(2):
        recovery.main("--features 2 --rows 60 --repeats 1 --method threshold".split())
        seeds.add(re.search(r"data seeds (\d+)", capsys.readouterr().out).group(1))
    assert len(seeds) == 2
