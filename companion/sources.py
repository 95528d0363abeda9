"""The sources that a result depends on, as files and as one hash: the core and its own folder.

A notebook depends on its own file, on all of nslib and of what the companion shares (the core),
and on the folder of its experiment with everything in it, tables of the paper's numbers included;
never on another experiment's folder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

_TOPIC = re.compile(r"companion\.experiments(?:\.| import )(\w+)")
_LOADS = re.compile(r"\b(load_[a-z_]+|read_table)\(")
# of the companion: they change no result
_WITHOUT_EFFECT = ("bench", "job_resources.py", "pyproject.toml", "reproduction")


def files(places: Iterable[Path]) -> list[Path]:
    """Return the files at or below `places`, sorted, without Python's caches."""
    below = (path for place in places
             for path in ([place] if place.is_file() else place.rglob("*")))
    return sorted({path for path in below if path.is_file() and "__pycache__" not in path.parts})


def checksum(places: Iterable[Path], base: Path) -> str:
    """Return `sha256:` and 16 digits of the files at or below `places`.

    Their names relative to the folder `base` count, and their contents; their dates do not.
    """
    digest = hashlib.sha256()
    for path in files(places):
        digest.update(f"{path.relative_to(base).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"sha256:{digest.hexdigest()[:16]}"


def of_notebook(notebook: Path) -> list[Path]:
    """Return the files that a notebook's results depend on, its own aside, sorted.

    The folders of experiments are those that its text names. A folder that is a package, with an
    `__init__.py`, is shared by several notebooks and belongs to the core.
    """
    root = notebook.parent.parent
    _, others = _experiments(notebook)
    apart = {place for place in others if not (place / "__init__.py").is_file()}
    apart.update(root / "companion" / name for name in _WITHOUT_EFFECT)
    core = files([root / "nslib", root / "companion"])
    return [path for path in core if not apart.intersection((path, *path.parents))]


def code(notebook: Path) -> str:
    """Return the checksum of the files that a notebook's results depend on, its own aside."""
    return checksum(of_notebook(notebook), notebook.parent.parent)


def reads_data(notebook: Path) -> bool:
    """Whether a notebook or a folder of experiments that it names loads data sets by name."""
    named, _ = _experiments(notebook)
    code = (path for path in files(named) if path.suffix == ".py")
    return any(_LOADS.search(path.read_text(encoding="utf-8")) for path in (notebook, *code))


def _experiments(notebook: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders of experiments that a notebook's text names, and the other ones."""
    topics = set(_TOPIC.findall(notebook.read_text(encoding="utf-8")))
    folder = notebook.parent.parent / "companion" / "experiments"
    places = sorted(place for place in folder.glob("*") if place.is_dir())
    return ([place for place in places if place.name in topics],
            [place for place in places if place.name not in topics])
