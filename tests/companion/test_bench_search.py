"""The bench of the search prints a row for each search, and ratios for the peers there are."""

import pytest

from companion.bench import bench_search as search


def test_prints_seconds_a_fit(capsys):
    arguments = "--features 3 --rows 130 --epochs 1 --fits 3".split()
    assert search.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "D = 3, N = 130, 1 epochs" in printed
    for label in ("gated, one fit", "gated, 3 fits as one batch", "threshold, one round"):
        assert label in printed


def test_a_folder_without_the_authors_code_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        search.main(["--official", str(tmp_path)])
    assert stopped.value.code == 2
    assert "found no folder neuronseek" in capsys.readouterr().err
