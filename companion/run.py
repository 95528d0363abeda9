"""A run: one execution of a notebook with known parameters, which records and figures belong to."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import files, notebooks, paths, presets

_current: Run | None = None


@dataclass
class Run:
    """One execution of a notebook.

    `notebook`: its name without suffix. `parameters`: the values it runs with. `preset`: "quick",
    "paper" or "custom". `seed`: its parameter `seed` or `seeds`. `by`: the command that measured
    in place of the notebook, which cannot make such a record. `sources`: checksums of the data
    recorded so far.
    """

    notebook: str
    parameters: dict[str, Any]
    preset: str
    seed: Any = None
    by: str | None = None
    sources: dict[str, str] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic, repr=False)

    @property
    def wall_seconds(self) -> float:
        """Seconds since `begin`."""
        return time.monotonic() - self.started

    def record(
        self,
        name: str,
        config: Mapping[str, Any],
        metrics: Mapping[str, Any],
        timing: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> Path:
        """Write results/<preset>/<notebook>/<name>.json below `build/` and return its path.

        `config`: what the experiment ran with; its `seed` or `seeds` is the record's seed, else
        the run's. `metrics`: what came out; numbers, text, None, or lists and mappings of them,
        kept with 6 significant digits. `timing`: measured seconds and the like, which differ every
        time. `data`: name to array, DataFrame, file path or checksum of every data set used.

        Raises TypeError or ValueError for values that no record can hold (NaN, infinity, objects).
        """
        from . import records

        paths.valid_name(name, "name")
        config = files.plain(files.mapping(config, "config"), "config")
        timing = files.mapping({} if timing is None else timing, "timing")
        data = files.mapping({} if data is None else data, "data")
        checksums = {key: records.checksum(value) for key, value in data.items()}
        self.sources.update(checksums)
        facts = {
            "experiment": name,
            "notebook": self.notebook,
            "preset": self.preset,
            "config": config,
            "seed": config.get("seed", config.get("seeds", self.seed)),
            "data": checksums,
            "versions": records.versions(),
            "metrics": records.rounded(metrics),
        }
        path = paths.results(self.preset, self.notebook) / f"{name}.json"
        measured = records.rounded(timing, "timing") if timing else {}
        run = records.circumstances(self.notebook, self.wall_seconds)
        if self.by:
            run["by"] = self.by
        files.write({path: files.json_bytes({**facts, "run": {**run, "timing": measured}})})
        return path


def begin(notebook: str, namespace: Mapping[str, Any]) -> Run:
    """Begin the run of a notebook: call it in the cell after the parameters, with `globals()`.

    Its parameters are the names in its parameters cell, with the values that `namespace` holds.
    The preset is the one whose parameters are equal, else "custom"; outputs of custom runs go
    below build/custom. Where both presets have these parameters, the one in the environment
    variable `NSLIB_PRESET` (which `nslib run` sets) comes first, then the quick one. The run
    becomes the one that `figures.save` uses.

    Raises ValueError, with the nearest name, for a notebook that is not there, and for a parameter
    that `namespace` does not hold.
    """
    global _current
    path = notebooks.get(notebook)
    names = presets.parameters(path)
    for name in names:
        if name not in namespace:
            raise ValueError(f"namespace: found no {name}, expected all parameters of {notebook}; "
                             "run its parameters cell first, then pass globals()")
    parameters = files.plain({name: namespace[name] for name in names}, "parameters")
    preset = presets.matching(path, parameters, first=os.environ.get("NSLIB_PRESET"))
    seed = parameters.get("seed", parameters.get("seeds"))
    _current = Run(notebook, parameters, preset, seed)
    return _current


def current() -> Run:
    """Return the run begun last; RuntimeError where none was."""
    if _current is None:
        raise RuntimeError("found no run: call companion.begin(notebook, globals()) first")
    return _current
