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
_WIDGET = "application/vnd.jupyter.widget-view+json"  # shows nothing without a kernel


def clean(nb: nbformat.NotebookNode, root: Path) -> nbformat.NotebookNode:
    """Return a copy of an executed notebook that is equal wherever it was executed.

    Without papermill's cell and metadata, what was printed to stderr, widgets' states, outputs of
    cells tagged `volatile` (timings), paths of this machine and addresses of objects.
    """
    from nbconvert.preprocessors import ClearMetadataPreprocessor, TagRemovePreprocessor

    nb = copy.deepcopy(nb)
    for step in (
        TagRemovePreprocessor(enabled=True, remove_cell_tags={"injected-parameters"},
                              remove_all_outputs_tags={"volatile"}),
        ClearMetadataPreprocessor(enabled=True, preserve_nb_metadata_mask={"nslib"},
                                  preserve_cell_metadata_mask={"tags"}),
    ):
        nb, _ = step.preprocess(nb, {})
    nb.metadata.update(kernelspec=_KERNEL, language_info={"name": "python"})
    for cell in nb.cells:
        if not cell.metadata.get("tags"):
            cell.metadata.pop("tags", None)
    for count, cell in enumerate((c for c in nb.cells if c.cell_type == "code"), start=1):
        cell.execution_count = count
        cell.outputs = [output for output in cell.outputs
                        if output.get("name") != "stderr" and _WIDGET not in output.get("data", {})]
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
            if "metadata" in output:
                output.metadata.clear()
            texts = output.get("data", output)
            for kind in texts:
                if isinstance(texts[kind], str) and not kind.startswith("image/png"):
                    texts[kind] = _scrubbed(texts[kind], root)
    return nb


def _scrubbed(text: str, root: Path) -> str:
    """Return text without the repository's folder, the home folder and addresses of objects."""
    text = text.replace(f"{root}{os.sep}", "").replace(str(root), ".")
    text = text.replace(str(Path.home()), "~") if len(str(Path.home())) > 1 else text
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


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
