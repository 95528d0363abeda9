"""The state of a training in a file: safetensors with a JSON header, written whole."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

TENSORS = ("alive", "rates", "decays", "matrix", "first", "second",
           "best_matrix", "best", "best_step", "waited")


def save(file: str | os.PathLike[str], state: Any) -> None:
    """Write the state of a training, after an evaluation, over what the file held."""
    path = Path(file)
    header = {"identity": json.dumps(state.identity), "step": str(state.step),
              "history": json.dumps(state.history)}
    tensors = {name: getattr(state, name).contiguous() for name in TENSORS}
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    os.close(handle)
    try:
        save_file(tensors, temporary, header)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def resume(file: str | os.PathLike[str], state: Any) -> None:
    """Put the state that the file holds into `state`; nothing happens where there is no file.

    Raises ValueError for a file that is no checkpoint, or one of another training, and where no
    file can be written.
    """
    path = Path(file)
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"checkpoint_file: found {path}, expected a file in a folder that exists")
    if not path.exists():
        return
    try:
        with safe_open(path, "pt") as stored:
            header = stored.metadata()
            tensors = {name: stored.get_tensor(name) for name in TENSORS}
        identity, history = json.loads(header["identity"]), json.loads(header["history"])
        step = int(header["step"])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"checkpoint_file: found no checkpoint in {path} ({error})") from error
    if identity != state.identity:
        differ = sorted(k for k in state.identity if identity.get(k) != state.identity[k])
        raise ValueError(
            f"checkpoint_file: found one of another training in {path} (other "
            f"{', '.join(differ)}), expected one of this training; remove the file to start anew"
        )
    for name, tensor in tensors.items():
        setattr(state, name, tensor)
    state.step, state.history = step, history
    state.summed_loss = torch.zeros(len(state.alive))


def remove(file: str | os.PathLike[str]) -> None:
    """Remove a checkpoint that is no longer needed."""
    Path(file).unlink(missing_ok=True)
