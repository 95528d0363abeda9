"""A figure with menus: drawn anew on a choice, left alone where the choice is refused."""

import matplotlib.pyplot as plt
import pytest

from companion import controls


class Shown:
    """Stands for what a notebook shows: widgets, the figure, and what replaced it."""

    def __init__(self):
        self.objects, self.updates = [], []

    def display(self, thing, display_id=None):
        self.objects.append(thing)
        return self if display_id else None

    def update(self, thing):
        self.updates.append(thing)

    @property
    def menus(self):
        return self.objects[0].children[0].children

    @property
    def note(self):
        return self.objects[0].children[1].value


@pytest.fixture
def shown(monkeypatch):
    shown = Shown()
    monkeypatch.setattr("IPython.display.display", shown.display)
    return shown


def draw(name, size):
    if size > 2:
        raise ValueError(f"size: found {size}, expected a < b")
    return plt.figure(label=f"{name} {size}")


def test_the_first_choices_are_shown_and_a_new_one_replaces_them(shown):
    controls.explore(draw, name=["a", "b"], size=[1, 2, 3])
    assert [menu.description for menu in shown.menus] == ["name", "size"]
    assert shown.objects[1].get_label() == "a 1"
    shown.menus[0].value = "b"
    shown.menus[1].value = 2
    assert [figure.get_label() for figure in shown.updates] == ["b 1", "b 2"]
    assert not plt.get_fignums()  # none is left open to be shown a second time


def test_a_refused_choice_says_why_and_leaves_the_figure(shown):
    controls.explore(draw, name=["a"], size=[1, 3, 2])
    shown.menus[1].value = 3
    assert not shown.updates and shown.note == "size: found 3, expected a &lt; b"
    shown.menus[1].value = 2
    assert len(shown.updates) == 1 and shown.note == ""


def test_first_choices_that_are_refused_raise(shown):
    with pytest.raises(ValueError, match="size"):
        controls.explore(draw, name=["a"], size=[3])
