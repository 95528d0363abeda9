"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def write(files: Mapping[Path, bytes]) -> None:
    """Write files by path, making their folders: all under temporary names first, then renamed.

    A failure while writing leaves every file as it was; no temporary file is left in any case but
    that of a killed process, whose files `clear` removes. Raises OSError that names the path where
    the disk is full or the folder takes no file.
    """
    temporary: dict[Path, str] = {}
    path = Path()
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary[path] = tempfile.mkstemp(".part", f".{path.name}.", path.parent)
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            os.chmod(temporary[path], 0o644)  # a temporary file is its owner's alone
        for path in files:
            os.replace(temporary[path], path)
            del temporary[path]
    except OSError as error:  # that of a full disk names no file at all
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        for name in temporary.values():
            Path(name).unlink(missing_ok=True)


def clear(folder: Path, name: str = "*") -> None:
    """Remove what writers that were killed left in a folder, where no other writer is at work.

    `name`: of the file that they wrote; by default of any.
    """
    for path in folder.glob(f".{name}.????????.part"):
        path.unlink(missing_ok=True)
