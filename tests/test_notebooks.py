"""The committed notebooks: parameters as in the quick preset, short cells, clean outputs."""

import ast
import re
from pathlib import Path

import nbformat
import papermill
import pytest

from companion import notebooks, presets

ROOT = Path(__file__).parents[1]
FOUND = notebooks.find(ROOT)
# A path from the root of a file system, not part of a web address, a fraction or an HTML tag.
ABSOLUTE = re.compile(r"(?<![\w.:/<\\])/(?:[\w.-]+/)+[\w.-]+|[A-Z]:\\\w")


@pytest.fixture(params=FOUND)
def path(request) -> Path:
    return FOUND[request.param]


@pytest.fixture
def nb(path):
    nb = nbformat.read(path, as_version=4)
    nbformat.validate(nb)
    return nb


def code(nb):
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def texts(output):
    """Return every text of an output that is not an image."""
    found = [output.get("text", ""), *map(str, output.get("traceback", []))]
    found += [value for kind, value in output.get("data", {}).items()
              if isinstance(value, str) and not kind.startswith("image/")]
    return found


def test_there_are_notebooks_and_the_paper_preset_names_no_other():
    assert FOUND
    assert set(presets.differing(ROOT)) <= set(FOUND)


def test_papermill_reads_the_same_parameters(path):
    """What papermill does not see, it could neither show nor warn of."""
    known = {name: (p.type, p.default) for name, p in presets.parameters(path).items()}
    inspected = papermill.inspect_notebook(str(path))
    assert known == {name: (p["inferred_type_name"], ast.literal_eval(p["default"]))
                     for name, p in inspected.items()}


def test_the_paper_preset_names_what_differs_and_nothing_else(path):
    quick, paper = presets.check(path, "quick"), presets.check(path, "paper")
    differing = presets.differing(ROOT).get(path.stem, {})
    assert {name for name in quick if not presets.same(quick[name], paper[name])} == set(differing)


def test_the_notebook_says_what_it_is(path):
    info = notebooks.info(path)
    assert info.title
    assert info.section
    assert set(info.minutes) == set(presets.NAMES)
    assert all(minutes > 0 for minutes in info.minutes.values())


def test_parameters_then_begin_with_all_of_them(path, nb):
    parameters, begin, *_ = code(nb)
    assert parameters.metadata.get("tags") == ["parameters"]
    assert f'companion.begin("{path.stem}", globals())' in begin.source


def test_cells_are_short_and_explained(nb):
    for cell in code(nb):
        assert len(cell.source.splitlines()) <= 15, cell.source
        assert cell.source.strip()
    explained = [cell for cell in nb.cells if cell.cell_type == "markdown"]
    assert explained[0].source.startswith("# ")
    assert len(explained) >= len(code(nb)) / 2


def test_it_ends_in_checks(nb):
    assert "assert " in code(nb)[-1].source


def test_outputs_are_there_and_clean(path, nb):
    assert any(cell.outputs for cell in code(nb))
    for cell in code(nb):
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            assert output.get("name") != "stderr", cell.source
            for text in texts(output):
                assert not ABSOLUTE.search(text), text
                assert " at 0x" not in text
    assert [cell.execution_count for cell in code(nb)] == list(range(1, len(code(nb)) + 1))
    assert set(nb.metadata) == {"kernelspec", "language_info", "nslib"}


def test_some_outputs_are_compared_when_the_notebook_is_tested(nb):
    checked = [c for c in code(nb) if "nbval-check-output" in c.metadata.get("tags", [])]
    assert checked
    # a styled table has a random id in every run
    assert not any("<style type=" in str(cell.outputs) for cell in checked)


@pytest.mark.parametrize(("text", "absolute"), [
    ("read /home/a/b.csv", True), ("'/opt/x/y'", True), ("C:\\Users", True),
    ("see https://a.org/b/c", False), ("1/2 and a/b/c", False), ("</td></tr>", False),
    ("figures/01/x.png", False),
])
def test_absolute_paths_are_seen(text, absolute):
    assert bool(ABSOLUTE.search(text)) is absolute
