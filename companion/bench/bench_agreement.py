"""Streams that the authors' gated search keeps on the 15 formulas, beside ours on the same data.

With --save the authors' streams become the record that notebook 02 shows beside its own.
"""

from __future__ import annotations

import contextlib
import io

from companion.experiments.decomposition_search.formula_search import agreement, formula_recovery
from companion.experiments.formula_tasks import formula_tasks
from companion.experiments.progress import say
from companion.run import Run
from nslib.structure import NeuronStructure
from nslib.threads import one_thread

from .measuring import add_official, bench_parser, official_searcher, on_path

NOTEBOOK, RECORD = "02_decomposition_search", "authors_code"


def main(argv: list[str]) -> int:
    """Search all 15 formulas with both, print the streams and how far they agree; see --help."""
    parser = bench_parser("agreement", __doc__, features=10, rows=2000, epochs=200)
    add_official(parser, required=True)
    parser.add_argument("--save", action="store_true", help="write the record")
    options = parser.parse_args(argv)
    with one_thread(), on_path(options.official):
        theirs = _official_structures(options.rows, options.features, options.epochs)
    config = {"n_samples": options.rows, "n_features": options.features, "noise": 0.01,
              "epochs": options.epochs, "data_seeds": [0]}
    _, fits = formula_recovery(**config, seeds=[0])
    table = agreement(fits, theirs)
    print(table.to_string(index=False))
    print(f"mean agreement {table['agreement'].mean():.2f}, exact structures: "
          f"theirs {table['theirs_exact'].sum()}, ours {table['exact'].sum()} of {len(table)}")
    if options.save:
        exact = int(table["theirs_exact"].sum())
        path = Run(NOTEBOOK, {}, "paper", by="nslib bench agreement").record(
            RECORD, config, {"structures": theirs, "exact": exact}
        )
        print(f"wrote {path.name}")
    return 0


def _official_structures(n_samples: int, n_features: int, epochs: int) -> dict[str, str]:
    """Return formula to the text of the structure that the authors' code keeps."""
    structures = {}
    for (name, _), task in formula_tasks(n_samples, n_features, 0.01, [0]).items():
        with contextlib.redirect_stdout(io.StringIO()):
            searcher = official_searcher(task.X, epochs)
            searcher.fit(task.X, task.y)
            orders = searcher.get_structure_info()
        structure = NeuronStructure(orders["pure_indices"], orders["interact_indices"])
        structures[name] = str(structure)
        say(f"{name}: {structure}")
    return structures
