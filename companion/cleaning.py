"""Notebooks as they are committed: outputs without timings or traces of the machine."""

from __future__ import annotations

import copy
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from . import files

if TYPE_CHECKING:
    import nbformat

_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def clean(nb: nbformat.NotebookNode, root: Path) -> nbformat.NotebookNode:
    """Return a copy of an executed notebook that is equal wherever it was executed.

    Without papermill's cell and metadata, what was printed to stderr, widgets' states, outputs of
    cells tagged `volatile` (timings), paths of this machine and addresses of objects.
    """
    import nbformat

    nb = copy.deepcopy(nb)
    nb.cells = [c for c in nb.cells if "injected-parameters" not in c.metadata.get("tags", [])]
    nb.metadata = nbformat.from_dict({
        "kernelspec": _KERNEL, "language_info": {"name": "python"},
        **({"nslib": nb.metadata["nslib"]} if "nslib" in nb.metadata else {}),
    })
    count = 0
    for cell in nb.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            cell.outputs = [] if "volatile" in tags else [
                _clean_output(output, root, count) for output in cell.outputs if _lasting(output)
            ]
    return nb


def _lasting(output: nbformat.NotebookNode) -> bool:
    return (output.get("name") != "stderr"
            and "application/vnd.jupyter.widget-view+json" not in output.get("data", {}))


def _clean_output(
    output: nbformat.NotebookNode, root: Path, count: int
) -> nbformat.NotebookNode:
    def scrub(text: str) -> str:
        text = text.replace(f"{root}{os.sep}", "").replace(str(root), ".")
        text = text.replace(str(Path.home()), "~") if len(str(Path.home())) > 1 else text
        return re.sub(r" at 0x[0-9a-fA-F]+", "", text)

    if "execution_count" in output:
        output.execution_count = count
    if output.output_type in ("display_data", "execute_result"):
        output.metadata.clear()
        for kind, value in output.data.items():
            if isinstance(value, str) and not kind.startswith("image/png"):
                output.data[kind] = scrub(value)
    elif "text" in output:
        output.text = scrub(output.text)
    return output


def refresh(path: Path, executed: Path) -> None:
    """Write the cleaned outputs of an executed copy into the notebook, as they are committed.

    Raises ValueError where the notebook changed since it was executed.
    """
    import nbformat

    nb = nbformat.read(path, as_version=4)
    cleaned = clean(nbformat.read(executed, as_version=4), path.parent.parent)
    if [cell.source for cell in nb.cells] != [cell.source for cell in cleaned.cells]:
        raise ValueError(f"{path.name}: found other cells than in {executed}; run it again")
    cleaned.nbformat, cleaned.nbformat_minor = nb.nbformat, nb.nbformat_minor
    for cell, source in zip(cleaned.cells, nb.cells, strict=True):
        if "id" in source:
            cell.id = source.id
    files.write({path: (nbformat.writes(cleaned).rstrip("\n") + "\n").encode()})
