"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def write(files: Mapping[Path, bytes]) -> None:
    """Write files by path, making their folders: all under temporary names first, then renamed.

    A failure while writing leaves every file as it was; no temporary file is left in any case.
    """
    temporary: dict[Path, str] = {}
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary[path] = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            os.chmod(temporary[path], 0o644)  # a temporary file is its owner's alone
        for path in files:
            os.replace(temporary[path], path)
            del temporary[path]
    finally:
        for name in temporary.values():
            Path(name).unlink(missing_ok=True)
