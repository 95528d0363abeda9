"""How far a scan has come, in a small file that is always whole."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any


class Checkpoint:
    """The position and seconds of the scan described by `scan`, kept in the JSON file `path`.

    Without a path nothing is kept. Raises ValueError where the file is of another scan or broken.
    """

    def __init__(self, path: str | Path | None, scan: dict[str, Any]) -> None:
        self.path, self.scan = None if path is None else Path(path), scan
        self.position, self.seconds = 0, 0.0
        self._written = time.monotonic()
        if self.path is None:
            return
        if not self.path.parent.is_dir():
            raise ValueError(f"checkpoint: found no folder {self.path.parent} to write to")
        if not self.path.exists():
            return
        try:
            state = json.loads(self.path.read_text(encoding="utf-8"))
            found, position, seconds = state["scan"], state["position"], float(state["seconds"])
            if not isinstance(found, dict) or type(position) is not int or position < 0:
                raise ValueError(f"scan {found!r}, position {position!r}")
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"checkpoint: found no checkpoint in {self.path} ({error})") from None
        for key, value in scan.items():
            if found.get(key) != value:
                raise ValueError(
                    f"checkpoint: found the scan of other {key} in {self.path}, "
                    "expected one of the same c, eps and targets"
                )
        self.position, self.seconds = position, seconds

    def write(self, position: int, seconds: float, every: float = 0.0) -> None:
        """Replace the file, if the last one is at least `every` seconds old."""
        if self.path is None or time.monotonic() - self._written < every:
            return
        text = json.dumps({"scan": self.scan, "position": position, "seconds": seconds})
        handle, temporary = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text + "\n")
            os.replace(temporary, self.path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        self._written = time.monotonic()
