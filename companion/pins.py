"""The hashes of the pinned packages: `python companion/pins.py FILE ...` writes them anew.

A file of pins has one line a package, `name==version; marker`, and below it the SHA-256 of every
file of that release (wheels of all platforms and the source), as PyPI's index lists them. Only the
standard library is used, so that no environment is needed. The versions are left as they are.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import Request, urlopen

INDEX = "https://pypi.org/simple"
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[^\s;]+)")
HASH = re.compile(r"\s*--hash=sha256:(?P<digest>[0-9a-f]{64})")


def read(text: str) -> tuple[str, dict[str, list[str]]]:
    """Split a file of pins.

    Returns
    -------
    tuple of str and dict
        The comment at its head, and each pin (`name==version; marker`) with the digests below it.
    """
    lines = text.replace("\\\n", " ").splitlines()
    head = "".join(f"{line}\n" for line in lines if line.startswith("#"))
    pins = {
        HASH.sub("", line).strip(): [match["digest"] for match in HASH.finditer(line)]
        for line in lines if line and not line.startswith("#")
    }
    return head, pins


def write(head: str, pins: dict[str, Iterable[str]]) -> str:
    """Return the text that `read` splits, with pins and digests sorted."""
    parts = [
        " \\\n".join([pin, *(f"    --hash=sha256:{digest}" for digest in sorted(set(pins[pin])))])
        for pin in sorted(pins, key=lambda pin: (PIN.match(pin)["name"], pin))
    ]
    return head + "".join(f"{part}\n" for part in parts)


def belongs(filename: str, version: str) -> bool:
    """Whether a file of an index is of that release: a wheel or a source archive."""
    wheel = filename.endswith(".whl") and filename.split("-")[1] == version
    source = re.search(rf"-{re.escape(version)}\.(tar\.gz|tar\.bz2|zip)$", filename)
    return wheel or source is not None


def digests_of(pin: str, kept: Iterable[str] = ()) -> list[str]:
    """Return the digests of all files of a pinned release, and those that stand below it already.

    The latter are dropped if none is of a file of that release: the version has been changed.

    Raises
    ------
    ValueError
        If the index has no file of that release.
    """
    name, version = PIN.match(pin).group("name", "version")
    accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
    with urlopen(Request(f"{INDEX}/{name}/", headers=accept), timeout=60) as answer:
        files = json.load(answer)["files"]
    digests = [file["hashes"]["sha256"] for file in files if belongs(file["filename"], version)]
    if not digests:
        raise ValueError(f"{pin}: no file found at {INDEX}, expected a release of {name}")
    return [*digests, *kept] if set(kept) & set(digests) else digests


def main(paths: list[str]) -> int:
    """Write the hashes of these files anew; see `digests_of` for what is kept."""
    for path in map(Path, paths):
        head, pins = read(path.read_text(encoding="utf-8"))
        with ThreadPoolExecutor(8) as threads:
            digests = threads.map(digests_of, pins, pins.values())
            path.write_text(write(head, dict(zip(pins, digests, strict=True))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
