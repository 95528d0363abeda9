"""Figures: data, images and record together, byte-stable, and drawn again from the files alone."""

import json
import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import companion
from companion import cli, execution, figures, records


@figures.drawing
def sample_lines(data, title="Lines", log=False):
    """Draw y over x, a line for each group."""
    figure, axes = plt.subplots()
    for group, part in data.groupby("group"):
        axes.plot(part.x, part.y, label=group)
    axes.set(title=title, yscale="log" if log else "linear")
    axes.legend()
    return figure


@figures.drawing
def sample_scatter(data):
    """Draw points of one table and the curve of another."""
    figure, axes = plt.subplots()
    axes.scatter(data["points"].x, data["points"].y, s=4)
    axes.plot(data["curve"].x, data["curve"].y)
    return figure


@pytest.fixture
def frame():
    generator = np.random.default_rng(0)
    return pd.DataFrame({"x": np.tile(np.linspace(0, 1, 20), 2), "group": ["a"] * 20 + ["b"] * 20,
                         "y": generator.lognormal(size=40)})


@pytest.fixture
def begun(repo):
    repo.presets({"01_x": {"seed": 3}}, {"01_x": {"seed": 4}})
    companion.begin("01_x", {"seed": 3})
    return repo


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def test_save_writes_images_data_and_record(begun, frame):
    assert figures.save(sample_lines(frame, log=True), "lines", data=frame) is None
    folder = begun.folder / "build" / "figures" / "01_x"
    assert set(contents(folder)) == {"lines.png", "lines.svg", "lines.csv", "lines.json"}
    record = json.loads((folder / "lines.json").read_text())
    assert record["notebook"] == "01_x"
    assert record["preset"] == "quick"
    assert record["parameters"] == {"seed": 3}
    assert record["seed"] == 3
    assert record["drawing"] == {"function": f"{__name__}:sample_lines", "options": {"log": True}}
    assert record["data"][0]["checksum"] == records.checksum(folder / "lines.csv")
    assert record["files"]["lines.png"] == records.checksum(folder / "lines.png")
    assert record["versions"]["matplotlib"] == matplotlib.__version__
    assert set(record["run"]) == {"git", "wall_seconds", "peak_memory_mb", "cpu", "cores",
                                  "written_at", "code", "calibration_seconds"}
    pd.testing.assert_frame_equal(pd.read_csv(folder / "lines.csv"), frame, rtol=1e-5)


def test_the_png_says_what_it_is(begun, frame):
    figures.save(sample_lines(frame, title="Growth"), "lines", data=frame)
    folder = begun.folder / "build" / "figures" / "01_x"
    with Image.open(folder / "lines.png") as image:
        text, size, dpi = image.text, image.size, image.info["dpi"]
    assert text["Title"] == "Growth"
    assert text["nslib:notebook"] == "01_x"
    assert text["nslib:preset"] == "quick"
    assert json.loads(text["nslib:parameters"]) == {"seed": 3}
    assert text["nslib:seed"] == "3"
    assert records.checksum(folder / "lines.csv") in text["nslib:data"]
    assert text["nslib:version"] == records.versions()["nslib"]
    assert size[0] == round(figures.COLUMN * 300)
    assert round(dpi[0]) == 300


def test_numbers_that_differ_beyond_the_stored_digits_give_the_same_files(begun, frame):
    folder = begun.folder / "build" / "figures" / "01_x"
    figures.save(sample_lines(frame), "lines", data=frame)
    before = contents(folder)
    companion.begin("01_x", {"seed": 3})
    nudged = frame.assign(x=frame.x * (1 + 1e-15), y=frame.y * (1 - 1e-15))
    figures.save(sample_lines(nudged), "lines", data=nudged)
    after = contents(folder)
    for facts in (before, after):
        facts["lines.json"] = records.stable(json.loads(facts["lines.json"]))
    assert after == before
    assert float(pd.read_csv(folder / "lines.csv").y[0]) == float(f"{frame.y[0]:.6g}")


def test_a_change_of_one_point_is_seen(begun, frame):
    folder = begun.folder / "build" / "figures" / "01_x"
    figures.save(sample_lines(frame), "lines", data=frame)
    before = contents(folder)
    frame.loc[5, "y"] *= 1.001
    figures.save(sample_lines(frame), "lines", data=frame)
    after = contents(folder)
    assert all(after[name] != before[name] for name in before)


def test_the_users_settings_change_nothing(begun, frame):
    folder = begun.folder / "build" / "figures" / "01_x"
    figures.save(sample_lines(frame), "lines", data=frame)
    before = contents(folder)
    with plt.rc_context({"font.size": 20, "savefig.dpi": 50, "savefig.bbox": "tight",
                         "svg.hashsalt": None, "axes.facecolor": "red"}):
        figures.save(sample_lines(frame), "lines", data=frame)
    after = contents(folder)
    assert all(after[name] == before[name] for name in before if name != "lines.json")


@pytest.mark.parametrize("remove", [("lines.png", "lines.svg"), ()])
def test_redraw_from_the_data_gives_the_same_bytes(begun, frame, remove):
    folder = begun.folder / "build" / "figures" / "01_x"
    figures.save(sample_lines(frame, log=True), "lines", data=frame)
    before = contents(folder)
    for name in remove:
        (folder / name).unlink()
    outcome = figures.redraw(begun.folder / "build" / "figures")
    assert outcome == {folder / "lines.json": "redrawn" if remove else "unchanged"}
    assert contents(folder) == before


def test_a_notebook_shows_the_figure_and_its_files_are_those_of_a_redraw(repo, frame):
    """The backend of a notebook and the one without a window give the same bytes."""
    path = repo.notebook(
        "01_x", None, f"import io\nimport sys\nimport pandas as pd\nimport companion\n"
        f"from companion import figures\nsys.path.append({str(Path(__file__).parent)!r})\n"
        f"from {__name__} import sample_lines",
        f"companion.begin('01_x', globals())\nframe = pd.read_csv(io.StringIO({frame.to_csv()!r}))",
        *["figures.save(sample_lines(frame), 'lines', data=frame)"] * 2,
    )
    executed = repo.folder / "executed.ipynb"
    execution.execute(path, {}, executed, repo.folder / "x.log")
    for cell in nbformat.read(executed, as_version=4).cells[-2:]:
        assert [set(output.data) for output in cell.outputs] == [{"image/png", "text/plain"}]
    folder = repo.folder / "build" / "figures" / "01_x"
    before = contents(folder)
    assert figures.redraw(folder) == {folder / "lines.json": "unchanged"}
    (folder / "lines.png").unlink()
    figures.redraw(folder)
    assert contents(folder) == before


def test_committed_figures_of_both_presets_are_redrawn(begun, frame, capsys, monkeypatch):
    monkeypatch.setenv("NSLIB_OUTPUT", str(begun.folder))
    for seed in (3, 4):
        companion.begin("01_x", {"seed": seed})
        figures.save(sample_lines(frame, title=f"Seed {seed}"), "lines", data=frame)
    folders = [begun.folder / "figures" / "01_x", begun.folder / "figures" / "01_x" / "paper"]
    before = [contents(folder) for folder in folders]
    assert before[0]["lines.svg"] != before[1]["lines.svg"]
    for folder in folders:
        (folder / "lines.svg").unlink()
    assert cli.main(["figures"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["redrawn"] * 2
    assert [contents(folder) for folder in folders] == before


def test_several_tables_are_redrawn_too(begun, frame):
    folder = begun.folder / "build" / "figures" / "01_x"
    data = {"points": frame[["x", "y"]], "curve": pd.DataFrame({"x": [0.0, 1], "y": [1, 2]})}
    figures.save(sample_scatter(data), "both", data=data)
    before = contents(folder)
    assert {"both.points.csv", "both.curve.csv"} <= set(before)
    (folder / "both.svg").unlink()
    figures.redraw(folder)
    assert contents(folder) == before


def test_redraw_follows_a_changed_drawing_and_keeps_the_facts(begun, frame, monkeypatch):
    folder = begun.folder / "build" / "figures" / "01_x"
    figures.save(sample_lines(frame), "lines", data=frame)
    before = records.read(folder / "lines.json")

    def sample_lines_now(data):
        return plt.figure()

    monkeypatch.setattr(sys.modules[__name__], "sample_lines", sample_lines_now)
    assert set(figures.redraw(folder).values()) == {"redrawn"}
    after = records.read(folder / "lines.json")
    assert after["files"] != before["files"]
    assert {**after, "files": before["files"]} == before


def test_redraw_refuses_data_changed_by_hand(begun, frame):
    folder = begun.folder / "build" / "figures" / "01_x"
    figures.save(sample_lines(frame), "lines", data=frame)
    (folder / "lines.csv").write_text("x,group,y\n1,a,2\n")
    with pytest.raises(ValueError, match="as in its record"):
        figures.redraw(folder)


def test_redraw_names_the_drawing_it_does_not_know(begun, frame, monkeypatch):
    figures.save(sample_lines(frame), "lines", data=frame)
    monkeypatch.delattr(sys.modules[__name__], "sample_lines")
    with pytest.raises(ValueError, match=f"found '{__name__}:sample_lines'"):
        figures.redraw(begun.folder / "build" / "figures")


def test_a_figure_of_no_registered_drawing_is_saved_and_left_alone(begun, frame):
    figure, axes = plt.subplots()
    axes.plot(frame.x, frame.y)
    figures.save(figure, "plain", data=frame)
    folder = begun.folder / "build" / "figures" / "01_x"
    assert records.read(folder / "plain.json")["drawing"] is None
    assert figures.redraw(folder) == {folder / "plain.json": "no drawing"}


def test_the_figure_stays_open_for_the_notebook(begun, frame):
    figure = sample_lines(frame)
    figures.save(figure, "lines", data=frame)
    assert plt.fignum_exists(figure.number)


@pytest.mark.parametrize(("seed", "place"), [
    (3, "build/figures/01_x"), (4, "build/figures/01_x/paper"),
    (5, "build/custom/figures/01_x"),
])
def test_presets_do_not_overwrite_each_other(begun, frame, seed, place):
    companion.begin("01_x", {"seed": seed})
    figures.save(sample_lines(frame), "lines", data=frame)
    written = [path.parent for path in begun.folder.rglob("lines.png")]
    assert written == [begun.folder / place]


@pytest.mark.parametrize(("data", "error", "message"), [
    (None, TypeError, "data: found None, expected the plotted data"),
    ({}, TypeError, "data: found {}"),
    ([1, 2], TypeError, "expected the plotted data"),
    ({"a": [1, 2]}, TypeError, r"data\['a'\]: found list"),
    (pd.DataFrame({"x": []}), ValueError, "at least one row"),
    ({"a": pd.DataFrame({"x": []})}, ValueError, r"data\['a'\]: found shape \(0, 1\)"),
    ({"a b": pd.DataFrame({"x": [1]})}, ValueError, "data key: found 'a b'"),
    (pd.DataFrame({"x": ["a", None]}), ValueError, "column 'x'"),
    (pd.DataFrame({"x": pd.Categorical(["b", "a"])}), ValueError, "column 'x'"),
    (pd.DataFrame({"x": [1, "a"]}), ValueError, "column 'x'"),
    (pd.DataFrame({1: [1]}), ValueError, "unique texts"),
    (pd.DataFrame([[1, 2]], columns=["a", "a"]), ValueError, "unique texts"),
    (pd.DataFrame({"x": [1]}, index=pd.Index([7], name="seed")), ValueError,
     r"data: found the index 'seed', .*reset_index\(\)"),
    ({"a": pd.DataFrame({"x": [1]}, index=["row"])}, ValueError,
     r"data\['a'\]: found the index \['row'\]"),
    (pd.DataFrame({"x": [1]}, index=pd.MultiIndex.from_tuples([(1, 2)], names=["u", "v"])),
     ValueError, "data: found the index 'u', 'v'"),
])
def test_save_refuses_data_that_cannot_be_kept(begun, data, error, message):
    with pytest.raises(error, match=message):
        figures.save(plt.figure(), "lines", data=data)
    assert not (begun.folder / "build" / "figures").exists()


def test_one_of_several_parts_of_the_data_may_be_empty(begun):
    """No half point lies in a small grid: its figure has fewer marks, and can be redrawn."""
    figures.save(plt.figure(), "lines", data={
        "points": pd.DataFrame({"x": [1]}), "half": pd.DataFrame(columns=["order", "N"])})
    assert (begun.folder / "build" / "figures").exists()
    with pytest.raises(ValueError, match=r"data\['half'\]: found shape \(0, 0\)"):
        figures.save(plt.figure(), "lines", data={"points": pd.DataFrame({"x": [1]}),
                                                  "half": pd.DataFrame()})


@pytest.mark.parametrize("name", ["", "a b", "a/b", "../a", "a.png", None, "é"])
def test_save_refuses_names_that_are_no_file_names(begun, frame, name):
    with pytest.raises(ValueError, match="name: found"):
        figures.save(plt.figure(), name, data=frame)


def test_save_needs_a_run_and_a_figure(repo, frame):
    with pytest.raises(RuntimeError, match="begin"):
        figures.save(plt.figure(), "lines", data=frame)
    with pytest.raises(TypeError, match="expected a matplotlib Figure"):
        figures.save("no figure", "lines", data=frame)
    for run in ("r", "", 0):
        with pytest.raises(TypeError, match=f"run: found {run!r}, expected a Run"):
            figures.save(plt.figure(), "lines", data=frame, run=run)


def test_numbers_of_rows_left_by_a_selection_are_no_data(begun, frame):
    figures.save(plt.figure(), "part", data=frame[frame.group == "b"])
    back = pd.read_csv(begun.folder / "build" / "figures" / "01_x" / "part.csv")
    pd.testing.assert_frame_equal(back, frame[20:].reset_index(drop=True), rtol=1e-5)


def test_a_failed_save_leaves_the_old_figure_whole(begun, frame, monkeypatch):
    folder = begun.folder / "build" / "figures" / "01_x"
    figures.save(sample_lines(frame), "lines", data=frame)
    before = contents(folder)
    monkeypatch.setattr("os.fdopen", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        figures.save(sample_lines(frame, log=True), "lines", data=frame)
    monkeypatch.undo()
    assert contents(folder) == before


def test_tables_of_an_earlier_form_go_away(begun, frame):
    data = {"points": frame[["x", "y"]], "curve": frame[["x", "y"]]}
    figures.save(sample_scatter(data), "both", data=data)
    figures.save(sample_lines(frame), "both", data=frame)
    names = {path.name for path in (begun.folder / "build" / "figures" / "01_x").iterdir()}
    assert names == {"both.png", "both.svg", "both.csv", "both.json"}


columns = st.one_of(
    st.lists(st.floats(width=64), min_size=3, max_size=3),
    st.lists(st.floats(width=32), min_size=3, max_size=3).map(lambda v: np.array(v, np.float32)),
    st.lists(st.integers(-2**63, 2**63 - 1), min_size=3, max_size=3),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=3, max_size=3),
)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.text("abcdefgh", min_size=1), columns, min_size=1, max_size=4))
def test_csv_gives_back_every_value_exactly_or_refuses(values):
    frame = pd.DataFrame(values)
    try:
        content = figures._csv(frame, "f.csv")
    except ValueError as error:
        assert "does not survive" in str(error)
        assert any(dtype.kind not in "fib" for dtype in frame.dtypes)
        return
    back = figures._read_csv(content, figures._columns(frame))
    pd.testing.assert_frame_equal(back, frame, check_exact=True)


def test_a_drawing_stands_at_the_top_of_its_module():
    def inner(data):
        return plt.figure()

    with pytest.raises(ValueError, match="at the top of its module"):
        figures.drawing(inner)


def test_drawing_options_are_values_of_a_record(frame):
    with pytest.raises(TypeError, match=r"options\.title"):
        sample_lines(frame, title=object())


def test_the_palette_is_told_apart_in_grey():
    linear = np.array([matplotlib.colors.to_rgb(colour) for colour in figures.PALETTE]) ** 2.2
    lightness = 116 * np.cbrt(linear @ [0.2126, 0.7152, 0.0722]) - 16
    assert np.diff(np.sort(lightness[:4])).min() > 8
    assert len({str(dash) for dash in figures._DASHES}) == len(figures.PALETTE)
