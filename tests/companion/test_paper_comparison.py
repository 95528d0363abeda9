"""A run's numbers beside the committed record's."""

import numpy as np
import pandas as pd

from companion.experiments.paper_comparison import beside_paper


def test_this_run_stands_beside_the_paper_preset():
    table = beside_paper({"a": np.int64(3), "b": 0.5, "names": {"x": 1}}, {"metrics": {"a": 4}})
    assert table.index.tolist() == ["a", "b"]
    assert table["this run"].tolist() == [3, 0.5] and pd.isna(table["paper preset"]["b"])
    assert beside_paper({"a": 1}, None)["paper preset"].isna().all()
