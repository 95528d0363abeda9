"""Every committed figure, drawn again from its data, is the committed picture."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from companion import figures, notebooks, presets, records

ROOT = Path(__file__).resolve().parents[1]
RECORDS = sorted((ROOT / "figures").rglob("*.json"))
NUMBER = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")
EMBEDDED = re.compile(r"data:image/png;base64,\s*([A-Za-z0-9+/=\s]+)\"")
FARTHEST = 0.05  # points, of 72 an inch: nothing that an eye could see


def parts(svg: bytes) -> tuple[list[str], np.ndarray, list[np.ndarray]]:
    """Return the text between numbers, the numbers (n,), and the embedded pixel images."""
    text = svg.decode()
    images = [np.asarray(Image.open(io.BytesIO(base64.b64decode(found))), dtype=float)
              for found in EMBEDDED.findall(text)]
    text = re.sub(r"<metadata>.*?</metadata>", "", EMBEDDED.sub('"', text), flags=re.DOTALL)
    return NUMBER.split(text), np.array(NUMBER.findall(text), dtype=float), images


def same_picture(one: bytes, other: bytes) -> bool:
    """Whether two SVG files show the same to an eye, whatever the rounding of their numbers."""
    (text, numbers, images), (text2, numbers2, images2) = parts(one), parts(other)
    return (text == text2 and np.allclose(numbers, numbers2, rtol=0, atol=FARTHEST)
            and len(images) == len(images2)
            and all(a.shape == b.shape and np.abs(a - b).max() <= 2
                    for a, b in zip(images, images2, strict=True)))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: str(path.relative_to(ROOT / "figures")))
def test_a_committed_figure_is_what_its_data_give(path):
    matplotlib.use("Agg")
    record = records.read(path)
    assert record["preset"] in presets.NAMES and record["notebook"] in notebooks.find(ROOT)
    figure, _ = figures.drawn_again(path)
    with figures.style():  # as `save` does, which lays the figure out for its PNG first
        figure.set_dpi(matplotlib.rcParams["savefig.dpi"])
        figure.draw_without_rendering()
    drawn = figures.svg(figure, record["title"])
    plt.close(figure)
    assert same_picture(drawn, path.with_suffix(".svg").read_bytes())
    assert records.checksum(path.with_suffix(".png")) == record["files"][f"{path.stem}.png"]


def test_another_picture_is_not_the_same(tmp_path):
    path = RECORDS[0].with_suffix(".svg").read_bytes()
    moved = re.sub(rb'd="M (\d+)', lambda m: b'd="M %d' % (int(m[1]) + 1), path, count=1)
    assert same_picture(path, path) and moved != path
    assert not same_picture(path, moved)
    assert not same_picture(path, path.replace(b"</svg>", b"<g/></svg>"))
