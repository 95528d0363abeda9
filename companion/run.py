"""A run: one execution of a notebook with known parameters, which records and figures belong to."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import files, paths, presets

_current: Run | None = None


@dataclass
class Run:
    """One execution of a notebook.

    `notebook`: its name without suffix. `parameters`: the values it runs with. `preset`: "quick",
    "paper" or "custom". `seed`: its parameter `seed` or `seeds`. `sources`: checksums of the data
    recorded so far.
    """

    notebook: str
    parameters: dict[str, Any]
    preset: str
    seed: Any = None
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
        """Write results/<preset>/<notebook>/<name>.json and return its path.

        `config`: what the experiment ran with; its `seed` or `seeds` is the record's seed, else
        the run's. `metrics`: what came out; numbers, text, None, or lists and mappings of them,
        kept with 6 significant digits. `timing`: measured seconds and the like, which differ every
        time. `data`: name to array, DataFrame, file path or checksum of every data set used.

        A record on disk whose stable part is equal is left as it is. Raises TypeError or
        ValueError for values that no record can hold (NaN, infinity, objects).
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
            "seed": _seed(config, self.seed),
            "data": checksums,
            "versions": records.versions(),
            "metrics": records.rounded(metrics),
        }
        path = paths.results(self.preset, self.notebook) / f"{name}.json"
        if not records.is_current(path, facts):
            run = records.circumstances(paths.root(), self.wall_seconds)
            run["timing"] = records.rounded(timing, "timing") if timing else {}
            files.write({path: files.json_bytes({**facts, "run": run})})
        return path


def _seed(values: Mapping[str, Any], default: Any = None) -> Any:
    return values.get("seed", values.get("seeds", default))


def begin(notebook: str, **parameters: Any) -> Run:
    """Begin the run of a notebook: call it in the cell after the parameters, with all of them.

    The preset is the one whose parameters are equal, else "custom"; outputs of custom runs go
    below build/custom. Where several presets have these parameters, the one in the environment
    variable `NSLIB_PRESET` (which `nslib run` sets) comes first, then the quick one. The run
    becomes the one that `figures.save` uses.

    Raises ValueError for a notebook that presets/quick.yaml does not hold and for names that
    differ from the ones there, so that presets and parameters cell cannot drift apart.
    """
    global _current
    parameters = files.plain(parameters, "parameters")
    presets.check_names(parameters, presets.get("quick", notebook), f"begin({notebook!r})")
    preset = presets.matching(notebook, parameters, first=os.environ.get("NSLIB_PRESET"))
    _current = Run(notebook, parameters, preset, _seed(parameters))
    return _current


def current() -> Run:
    """Return the run begun last; RuntimeError where none was."""
    if _current is None:
        raise RuntimeError("found no run: call companion.begin(notebook, …) first")
    return _current
