"""The bench of the theory prints a table for each construction."""

from companion.bench import bench_theory as theory


def test_prints_three_tables(capsys):
    arguments = "--cells 2 3 --eps 0.1 --scan-cells 2 --scan-bits 10".split()
    assert theory.main([*arguments, "--random", "0"]) == 0
    printed = capsys.readouterr().out
    for text in ("A, dense trajectory", "B, digits", "C, winding", "positions/s", "bits/bound"):
        assert text in printed
    assert theory.main(arguments) == 0
    assert capsys.readouterr().out != printed
