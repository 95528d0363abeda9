"""The bench of arithmetic settings: what moves is found, and nothing runs twice."""

import pandas as pd
import pytest

from companion import cli
from companion.bench import bench_kernels

PARAMETERS = "count: int = 1"
CELLS = ("import os\nimport companion\nrun = companion.begin('01_x', globals())",
         "moved = float('ATEN_CPU_CAPABILITY' in os.environ)",
         "run.record('e1', {}, {'near': 1.0 + 1e-5 * moved, 'far': 1.0 + moved, 'still': 2.0})")


@pytest.fixture
def clone(repo):
    repo.notebook("01_x", PARAMETERS, *CELLS)
    repo.presets({"01_x": {"count": 1}}, {"01_x": {"count": 2}})
    return repo


def test_what_moves_between_settings_is_found_once(clone, capsys):
    arguments = ["bench", "kernels", "--settings", bench_kernels.BASE, "torch without AVX",
                 "--workers", "1"]
    assert cli.main(arguments) == 0
    spread = pd.read_csv(clone.folder / "build" / "kernels" / "spread.csv").set_index("value")
    assert set(spread.index) == {"metrics.near", "metrics.far"}
    assert list(spread["outcome"]) == ["within tolerance", "differs"]
    assert spread.loc["metrics.far", "torch without AVX"] == 2.0
    assert spread.loc["metrics.near", "largest"] == pytest.approx(1e-5, rel=0.01)
    assert not (clone.folder / "results").exists()
    capsys.readouterr()
    assert cli.main(arguments) == 0
    assert "01_x" not in capsys.readouterr().err  # both are there already


def test_a_setting_that_is_not_known_is_refused(clone, capsys):
    with pytest.raises(SystemExit):
        cli.main(["bench", "kernels", "--settings", "torch without"])
    assert "did you mean 'torch without AVX'" in capsys.readouterr().err
