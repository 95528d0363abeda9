"""Loading by registry: bundled sets, a folder, OpenML, and clear errors."""

from __future__ import annotations

import dataclasses
import gzip
import socket
from types import MappingProxyType
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets
from sklearn.utils import Bunch

from nslib.data import (
    REGISTRY,
    RegistryEntry,
    csv_files,
    list_tabular,
    load_tabular,
    tabular_loading,
)

BUNDLED = ("diabetes", "breast_cancer", "wine", "digits", "iris")
SMALL = RegistryEntry("small", "extra", 4, 2, "length, m", openml_id=12345, openml_name="Small_Set")


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """No folder, and any attempt to open a connection fails the test."""
    monkeypatch.delenv("NSLIB_DATA", raising=False)

    def refuse(*_, **__):
        raise AssertionError("a test reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def register(monkeypatch):
    def add(*rows):
        table = MappingProxyType({**REGISTRY, **{row.name: row for row in rows}})
        monkeypatch.setattr(tabular_loading, "REGISTRY", table)

    return add


@pytest.fixture
def openml(monkeypatch):
    """Replace scikit-learn's fetch_openml by one that gives the frame it is handed."""

    def install(frame, name="Small_Set", error=None):
        calls = []

        def fetch(*, data_id, **options):
            calls.append((data_id, options))
            if error is not None:
                raise error
            return Bunch(data=frame.drop(columns="y"), target=frame["y"], details={"name": name})

        monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch)
        return calls

    return install


def small_frame():
    return pd.DataFrame({
        "a": [1.0, 2.0, np.nan, 4.0],
        "b": pd.Categorical(["1", "2", "1", "2"]),
        "y": [0.1, 0.2, 0.3, 0.4],
    })


def write(folder, frame, name="small"):
    path = folder / f"{name}.csv.gz"
    frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_sets_need_neither_folder_nor_network(name):
    data = load_tabular(name)
    row = REGISTRY[name]
    assert data.X.shape == (row.rows, row.features)
    assert len(data.y) == row.rows
    assert (data.source, data.task) == ("bundled", row.task)
    assert len(data.checksum) == 64
    assert data.checksum == load_tabular(name).checksum


def test_bundled_values_are_the_raw_ones():
    diabetes = load_tabular("diabetes")
    assert diabetes.X["age"].between(15, 90).all()
    assert set(load_tabular("iris").y) == {"setosa", "versicolor", "virginica"}
    assert sorted(load_tabular("digits").y.unique()) == list(range(10))


def test_bundled_sets_ignore_the_folder(monkeypatch, tmp_path):
    write(tmp_path, pd.DataFrame({"a": [1], "target": [1]}), "iris")
    monkeypatch.setenv("NSLIB_DATA", str(tmp_path))
    assert load_tabular("iris").source == "bundled"


def test_the_folder_comes_before_openml(monkeypatch, register, openml, tmp_path):
    register(SMALL)
    calls = openml(small_frame())
    write(tmp_path, small_frame().rename(columns={"y": "target"}))
    monkeypatch.setenv("NSLIB_DATA", str(tmp_path))
    data = load_tabular("small")
    assert (data.source, calls) == ("folder", [])
    np.testing.assert_array_equal(data.y, [0.1, 0.2, 0.3, 0.4])
    assert np.isnan(data.X.loc[2, "a"])


def test_folder_and_openml_give_the_same_types_and_checksum(register, openml, tmp_path):
    register(SMALL)
    openml(small_frame())
    write(tmp_path, small_frame().rename(columns={"y": "target"}))
    local, remote = load_tabular("small", folder=tmp_path), load_tabular("small")
    assert (local.source, remote.source) == ("folder", "openml")
    pd.testing.assert_frame_equal(local.X, remote.X)
    assert local.checksum == remote.checksum


def test_the_checksum_sees_values_names_and_order(register, tmp_path):
    register(SMALL)
    frame = small_frame().rename(columns={"y": "target"})
    changed = frame.assign(a=frame["a"] + 1e-12)
    renamed = frame.rename(columns={"a": "c"})
    reversed_rows = frame.iloc[::-1]
    sums = set()
    for number, version in enumerate((frame, changed, renamed, reversed_rows)):
        folder = tmp_path / str(number)
        folder.mkdir()
        write(folder, version)
        sums.add(load_tabular("small", folder=folder).checksum)
    assert len(sums) == 4


def test_openml_is_asked_by_id_with_the_cache(register, openml, tmp_path):
    register(SMALL)
    calls = openml(small_frame(), name="small_set")
    data = load_tabular("small", cache=tmp_path)
    assert data.source == "openml"
    assert calls[0][0] == 12345
    assert calls[0][1]["data_home"] == tmp_path
    assert socket.getdefaulttimeout() is None


def test_openml_logarithms_are_undone(register, openml):
    register(dataclasses.replace(SMALL, openml_log=True))
    openml(small_frame().assign(y=[np.log1p(9.0), 0.0, -np.log1p(9.0), np.log1p(1e5)]))
    np.testing.assert_allclose(load_tabular("small").y, [9.0, 0.0, -9.0, 1e5], rtol=1e-12)


@pytest.mark.parametrize(("change", "options", "words"), [
    (lambda f: f, {"name": "Other"},
     "OpenML 12345: found the data set 'Other', expected 'Small_Set'"),
    (lambda f: f.iloc[:3], {}, "OpenML 12345: found 3 rows x 2 features, expected 4 x 2 for small"),
    (lambda f: f.drop(columns="b"), {}, "found 4 rows x 1 features, expected 4 x 2"),
    (lambda f: f.assign(y=["a", "b", "c", "d"]), {}, "found text in the target"),
    (lambda f: f.assign(y=[1.0, np.nan, 2.0, np.nan]), {}, "found 2 missing targets"),
    (lambda f: f.assign(y=[1.0, np.inf, -np.inf, 3.0]), {},
     "OpenML 12345: found 2 infinite targets, expected finite numbers"),
])
def test_openml_data_that_are_not_the_registered_ones_are_refused(
    register, openml, change, options, words
):
    register(SMALL)
    openml(change(small_frame()), **options)
    with pytest.raises(ValueError, match=words):
        load_tabular("small")


def test_openml_without_a_single_target_is_refused(register, monkeypatch):
    register(SMALL)
    bunch = Bunch(data=small_frame(), target=None, details={"name": "Small_Set"})
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda **_: bunch)
    with pytest.raises(ValueError, match="found no single target column"):
        load_tabular("small")


def test_offline_the_error_says_both_ways(register, openml):
    register(SMALL)
    openml(small_frame(), error=URLError("no route"))
    with pytest.raises(FileNotFoundError) as caught:
        load_tabular("small")
    text = str(caught.value)
    assert "set NSLIB_DATA to a folder that holds small.csv.gz" in text
    assert "NSLIB_DATA is not set" in text
    assert "let scikit-learn fetch OpenML data set 12345" in text
    assert "no route" in text


def test_without_download_openml_is_not_asked(register, openml, tmp_path):
    register(SMALL)
    calls = openml(small_frame())
    with pytest.raises(FileNotFoundError, match=r"has no small\.csv\.gz.*download=False"):
        load_tabular("small", folder=tmp_path, download=False)
    assert calls == []


def test_a_set_without_public_copy_says_so():
    with pytest.raises(FileNotFoundError, match="no public copy is registered.*Kaggle"):
        load_tabular("asteroid_diameter")


def test_california_housing_comes_from_scikit_learn(monkeypatch):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(20640, 8)), columns=list("abcdefgh"))
    bunch = Bunch(data=X, target=pd.Series(rng.normal(size=20640), name="MedHouseVal"))
    monkeypatch.setattr(sklearn.datasets, "fetch_california_housing", lambda **_: bunch)
    data = load_tabular("california_housing")
    assert (data.source, data.X.shape) == ("scikit-learn", (20640, 8))


def test_bad_files_are_refused_in_words(register, tmp_path):
    register(SMALL)
    path = tmp_path / "small.csv.gz"
    path.write_bytes(b"not gzip at all")
    with pytest.raises(ValueError, match=r"small\.csv\.gz: found no readable gzipped CSV"):
        load_tabular("small", folder=tmp_path)
    path.write_bytes(gzip.compress(b""))
    with pytest.raises(ValueError, match="found no readable gzipped CSV"):
        load_tabular("small", folder=tmp_path)
    whole = gzip.compress(b"a,b,target\n" + b"1,2,3\n" * 1000)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="found no readable gzipped CSV"):
        load_tabular("small", folder=tmp_path)
    write(tmp_path, small_frame())
    with pytest.raises(ValueError, match="found the last column 'y', expected 'target'"):
        load_tabular("small", folder=tmp_path)


@pytest.mark.parametrize(("name", "value"), [("folder", 3), ("cache", ["x"]), ("download", "no")])
def test_arguments_of_other_types_are_named(name, value):
    with pytest.raises(TypeError, match=f"^{name}: found"):
        load_tabular("abalone", **{name: value})


def test_a_file_beyond_the_caps_is_refused_before_it_is_parsed(register, tmp_path, monkeypatch):
    register(SMALL)
    path = tmp_path / "small.csv.gz"
    path.write_bytes(gzip.compress(b"a,b,target\n" + b"1,2,3\n" * 200_000))
    monkeypatch.setattr(pd, "read_csv", None)
    monkeypatch.setattr(csv_files, "MAX_BYTES", 10**6)
    with pytest.raises(ValueError, match=r"small\.csv\.gz.*unfolded, expected at most 1000000"):
        load_tabular("small", folder=tmp_path)
    path.write_bytes(gzip.compress(b"a," * 10**5 + b"target\n"))
    with pytest.raises(ValueError, match=r"small\.csv\.gz.*100001 columns, expected at most 5000"):
        load_tabular("small", folder=tmp_path)


def test_an_infinite_target_in_a_file_is_refused(register, tmp_path):
    register(SMALL)
    write(tmp_path, small_frame().rename(columns={"y": "target"}).assign(target=[1, 2, np.inf, 3]))
    with pytest.raises(ValueError, match=r"small\.csv\.gz: found 1 infinite targets"):
        load_tabular("small", folder=tmp_path)


def test_a_file_of_another_shape_is_refused(monkeypatch, tmp_path):
    write(tmp_path, small_frame().rename(columns={"y": "target"}), "abalone")
    monkeypatch.setenv("NSLIB_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=r"abalone\.csv\.gz: found 4 rows x 2 features, expected "
                                         "4177 x 8 for abalone"):
        load_tabular("abalone")


def test_a_wrong_number_of_classes_is_refused(register, openml):
    register(dataclasses.replace(SMALL, classes=3))
    openml(small_frame().assign(y=["u", "v", "u", "v"]))
    with pytest.raises(ValueError, match="found 2 classes in the target, expected 3"):
        load_tabular("small")


def test_a_missing_folder_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("NSLIB_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="NSLIB_DATA: found '.*nowhere', expected an existing"):
        load_tabular("abalone")


@pytest.mark.parametrize("folder", ["x" * 10**6, "a\0b"])
def test_a_folder_that_cannot_be_is_refused_briefly(folder):
    words = "folder: found '.*', expected an existing folder"
    with pytest.raises(ValueError, match=words) as error:
        load_tabular("abalone", folder=folder)
    assert len(str(error.value)) < 400


def test_unknown_names_get_the_nearest_one():
    with pytest.raises(ValueError, match=r"name: found 'diabets'.*did you mean 'diabetes'"):
        load_tabular("diabets")


def test_true_and_false_become_numbers(register, openml):
    register(SMALL)
    openml(small_frame().assign(b=[True, False, True, False]))
    assert load_tabular("small").X["b"].tolist() == [1, 0, 1, 0]


def test_the_registry_holds_the_predecessors_sets_and_is_consistent():
    groups = pd.Series([row.group for row in REGISTRY.values()]).value_counts()
    assert groups["table6"] == 20
    assert groups["real-world"] == 4
    assert groups["bundled"] == len(BUNDLED)
    for name, row in REGISTRY.items():
        assert name == row.name
        assert row.openml_id or not row.openml_name, name
        assert not row.log_scaled or row.task == "regression", name
        assert row.bundled == (row.group == "bundled"), name
        if row.loader:
            assert hasattr(sklearn.datasets, row.loader), name
        elif row.openml_id is None:
            assert row.note, f"{name} must say where it is from"
    ids = [row.openml_id for row in REGISTRY.values() if row.openml_id]
    assert len(ids) == len(set(ids))


def test_list_tabular_says_where_each_set_would_come_from(monkeypatch, tmp_path):
    table = list_tabular()
    assert list(table.index) == list(REGISTRY)
    assert table.loc["iris", "source"] == "bundled"
    assert table.loc["phoneme", "source"] == "OpenML 1489"
    assert table.loc["california_housing", "source"] == "scikit-learn"
    assert table.loc["heart_failure", "source"] == "file needed"
    assert (table.loc["vehicle", "classes"], table.loc["vehicle", "rows"]) == (4, 846)
    assert pd.isna(table.loc["diabetes", "classes"])
    (tmp_path / "heart_failure.csv.gz").write_bytes(b"")
    monkeypatch.setenv("NSLIB_DATA", str(tmp_path))
    assert list_tabular().loc["heart_failure", "source"] == "folder"


def test_missing_and_infinite_features_are_kept_as_they_are(register, tmp_path):
    # whether they can be used is for the encoder to say, which names the column
    register(SMALL)
    write(tmp_path, small_frame().rename(columns={"y": "target"}).assign(b=[1.0, np.inf, 2, 3]))
    X = load_tabular("small", folder=tmp_path).X
    assert np.isnan(X.loc[2, "a"]) and np.isinf(X.loc[1, "b"])


def test_one_class_is_refused(register, openml):
    register(dataclasses.replace(SMALL, classes=2))
    openml(small_frame().assign(y="u"))
    with pytest.raises(ValueError, match="found 1 classes in the target, expected 2"):
        load_tabular("small")


def test_one_row_and_more_features_than_rows_are_loaded(register, tmp_path):
    register(dataclasses.replace(SMALL, rows=1))
    frame = small_frame().rename(columns={"y": "target"})
    write(tmp_path, frame.iloc[:1])
    assert load_tabular("small", folder=tmp_path).X.shape == (1, 2)
    register(dataclasses.replace(SMALL, name="wide", rows=2, features=30))
    wide = pd.DataFrame(np.ones((2, 30))).rename(columns=str).assign(target=[0.0, 1.0])
    write(tmp_path, wide, "wide")
    assert load_tabular("wide", folder=tmp_path).X.shape == (2, 30)
