"""One page about a run: an HTML file that needs nothing else, neither a network nor a script."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from companion import files, records

_STYLE = """
body{font:15px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#111}
table{border-collapse:collapse;font-size:13px;margin:.5rem 0}
td,th{padding:.15rem .6rem;text-align:left;border-bottom:1px solid #ccc}
img{max-width:100%}
math{overflow-x:auto;display:block;margin:.7rem 0}
"""


class Markup(str):
    """Text that is HTML or MathML already."""


Part = Markup | str | Sequence[str] | pd.DataFrame | Path


def write(path: Path, title: str, sections: Mapping[str, Sequence[Part]]) -> None:
    """Write a page over what the file held, all at once.

    `sections`: heading to its parts: text (a paragraph), a list of texts, a table (rows, columns),
    Markup, or the path of an SVG file, whose contents go into the page. Other text is escaped.
    """
    body = [f"<h1>{html.escape(title)}</h1>"]
    for heading, parts in sections.items():
        body.append(f"<h2>{html.escape(heading)}</h2>")
        body += [_part(part) for part in parts]
    files.write({path: (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n<body>"
        + "\n".join(body) + "</body></html>\n"
    ).encode()})


def provenance(
    parameters: Mapping[str, Any], checksums: Mapping[str, str]
) -> dict[str, list[list[str]]]:
    """Return the sections that say what the run was made of, with the versions of packages."""
    known = {"Parameters": parameters, "Checksums": checksums, "Versions": records.versions()}
    return {title: [[f"{name}: {'(none)' if value in ('', []) else value}"
                     for name, value in facts.items()]] for title, facts in known.items()}


def _part(part: Part) -> str:
    """Return a part of a section as HTML."""
    if isinstance(part, Markup):
        return str(part)
    if isinstance(part, str):
        return f"<p>{html.escape(part)}</p>"
    if isinstance(part, pd.DataFrame):
        return part.to_html(index=False, border=0, na_rep="",
                            float_format=lambda number: f"{number:.3g}")
    if isinstance(part, Path):
        image = base64.b64encode(part.read_bytes()).decode()
        alt = html.escape(part.stem)
        return f'<p><img alt="{alt}" src="data:image/svg+xml;base64,{image}"></p>'
    return "<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in part) + "</ul>"
