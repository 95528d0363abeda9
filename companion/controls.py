"""A figure with controls: live where a kernel runs, the figure alone everywhere else."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure


def explore(draw: Callable[..., Figure], **choices: Sequence[Any]) -> None:
    """Show `draw` of the first choices, below a menu for each argument that draws it anew.

    `choices`: argument of `draw` to the values on offer. The figure is an ordinary output of the
    cell, which a new choice replaces; so it stays where no menu works: in a notebook run without a
    reader, on a web page. A choice that `draw` refuses (ValueError, RuntimeError) leaves the figure
    as it is and shows why. The first choices must do: what `draw` raises there is raised.
    """
    import ipywidgets
    from IPython.display import display

    menus = {
        name: ipywidgets.Dropdown(options=list(values), description=name)
        for name, values in choices.items()
    }
    note = ipywidgets.HTML()
    figure = draw(**{name: menu.value for name, menu in menus.items()})
    display(ipywidgets.VBox([ipywidgets.HBox(list(menus.values())), note]))
    shown = display(figure, display_id=True)
    plt.close(figure)  # or it would be shown a second time at the end of the cell

    def anew(_: dict[str, Any]) -> None:
        note.value = "working …"
        try:
            figure = draw(**{name: menu.value for name, menu in menus.items()})
        except (ValueError, RuntimeError) as refused:
            note.value = html.escape(str(refused))
            return
        shown.update(figure)
        plt.close(figure)
        note.value = ""

    for menu in menus.values():
        menu.observe(anew, names="value")
