"""The sources that a result depends on, as files and as one hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

_WITHOUT_EFFECT = {"__pycache__", "pyproject.toml", "bench"}  # none of these changes a result


def files(places: Iterable[Path]) -> list[Path]:
    """Return the files at or below `places`, sorted, without caches and benches."""
    below = (path for place in places
             for path in ([place] if place.is_file() else place.rglob("*")))
    return sorted({path for path in below
                   if path.is_file() and not _WITHOUT_EFFECT.intersection(path.parts)})


def checksum(places: Iterable[Path], base: Path) -> str:
    """Return `sha256:` and 16 digits of the files at or below `places`.

    Their names relative to the folder `base` count, and their contents; their dates do not.
    """
    digest = hashlib.sha256()
    for path in files(places):
        digest.update(f"{path.relative_to(base).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"sha256:{digest.hexdigest()[:16]}"
