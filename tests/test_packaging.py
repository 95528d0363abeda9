"""The files that say what is installed agree with each other and with what is installed here."""

from __future__ import annotations

import importlib.metadata as metadata
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import nslib
from companion import pins as pins_file

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
BASE_PINS, EXTRA_PINS = "constraints.txt", "constraints-extras.txt"
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
# what conda-forge calls a package of PyPI, where the names differ
CONDA_NAMES = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib", "seaborn-base": "seaborn"}
PROJECT, COMPANION = (
    tomllib.loads((ROOT / path).read_text())["project"]
    for path in ("pyproject.toml", "companion/pyproject.toml")
)
LIBRARY = [Requirement(text) for text in PROJECT["dependencies"]]
EXTRAS = {
    name: [Requirement(text) for text in texts]
    for name, texts in COMPANION["optional-dependencies"].items()
}


def merged(*groups: list[Requirement]) -> list[Requirement]:
    """All requirements but nslib itself, each package once."""
    return list({str(r): r for group in groups for r in group if r.name != "nslib"}.values())


BASE = merged(LIBRARY, [Requirement(text) for text in COMPANION["dependencies"]])


def applies(requirement: Requirement, python: str) -> bool:
    """Whether a requirement's marker holds on the given Python, e.g. "3.12", extras aside."""
    environment = {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def constraints(path: str) -> dict[Requirement, list[str]]:
    """Each pin of a file and the digests below it."""
    _, lines = pins_file.read((ROOT / path).read_text())
    return {Requirement(line): digests for line, digests in lines.items()}


def pins(python: str, *paths: str) -> dict[str, str]:
    """Canonical name -> pinned version, as pip reads these files on the given Python."""
    versions = {}
    for path in paths:
        names = [line.name for line in constraints(path) if applies(line, python)]
        assert len(names) == len(set(names)), f"{path}: a package is pinned twice"
        for line in constraints(path):
            if applies(line, python):
                version = str(line.specifier).removeprefix("==")
                assert versions.setdefault(line.name, version) == version, line.name
    return versions


def conda(path: str) -> dict[str, SpecifierSet]:
    """PyPI name -> range, of all packages that a conda environment file names."""
    found = {}
    for entry in yaml.safe_load((ROOT / path).read_text())["dependencies"]:
        for text in entry["pip"] if isinstance(entry, dict) else [entry]:
            name, rest = re.fullmatch(r"([\w.-]+)(.*)", text).groups()
            rest = re.sub(r"^=(?!=)", "==", rest) + (".*" if re.match(r"=[^=]", rest) else "")
            found[CONDA_NAMES.get(name, name)] = SpecifierSet(rest)
    return found


@pytest.mark.parametrize("path", [BASE_PINS, EXTRA_PINS])
def test_every_constraint_is_one_exact_version_with_hashes_and_the_file_is_sorted(path):
    lines = constraints(path)
    assert [str(line) for line, digests in lines.items() if not digests] == []
    text = (ROOT / path).read_text()
    assert pins_file.write(*pins_file.read(text)) == text
    assert all(re.fullmatch(r"==[^=,*]+", str(line.specifier)) for line in lines)
    names = [line.name for line in lines]
    assert names == sorted(names) == [canonicalize_name(name) for name in names]


@pytest.mark.parametrize("python", PYTHONS)
def test_every_requirement_has_a_pin_that_satisfies_it(python):
    assert python in SpecifierSet(PROJECT["requires-python"])
    installed, versions = pins(python, BASE_PINS), pins(python, BASE_PINS, EXTRA_PINS)
    for requirement in BASE + sum(EXTRAS.values(), []):
        if applies(requirement, python):
            by_make = requirement in [*BASE, *EXTRAS["test"]]
            version = (installed if by_make else versions)[canonicalize_name(requirement.name)]
            assert version in requirement.specifier, f"{requirement} against {version}"


def test_the_hashes_of_torch_admit_the_builds_for_the_cpu_and_those_on_pypi():
    (digests,) = (value for line, value in constraints(BASE_PINS).items() if line.name == "torch")
    cpu = "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"  # cp311, x86_64
    pypi = "60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7"  # cp311, x86_64
    assert {cpu, pypi} <= set(digests)


def test_hashes_are_those_of_the_release_and_of_an_older_version_none_is_kept(monkeypatch):
    files = {"files": [
        {"filename": f"a_package-{version}-py3-none-any.whl", "hashes": {"sha256": digest}}
        for version, digest in [("1.0", "1" * 64), ("1.0.1", "2" * 64)]
    ] + [{"filename": "a-package-1.0.tar.gz", "hashes": {"sha256": "3" * 64}}]}
    answer = json.dumps(files).encode()
    monkeypatch.setattr(pins_file, "urlopen", lambda *_, **__: io.BytesIO(answer))
    assert pins_file.digests_of("a-package==1.0") == ["1" * 64, "3" * 64]
    assert pins_file.digests_of("a-package==1.0", ["3" * 64, "4" * 64])[2:] == ["3" * 64, "4" * 64]
    assert pins_file.digests_of("a-package==1.0.1", ["1" * 64]) == ["2" * 64]
    with pytest.raises(ValueError, match=r"a-package==2\.0: no file found"):
        pins_file.digests_of("a-package==2.0")


def test_torch_is_pinned_to_one_release_for_all_pythons():
    assert {python: pins(python, BASE_PINS)["torch"] for python in PYTHONS} == dict.fromkeys(
        PYTHONS, "2.13.0"
    )


def test_everything_that_the_requirements_bring_along_is_pinned():
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    found, seen = pins(python, BASE_PINS), set()
    if metadata.version("numpy") != found["numpy"]:
        pytest.skip("the packages of constraints.txt are not those installed here")
    waiting = [r for r in [*BASE, *EXTRAS["test"]] if applies(r, python)]
    while waiting:
        parent = waiting.pop()
        name, extras = canonicalize_name(parent.name), parent.extras or {""}
        assert name in found, f"{name} is not in constraints.txt"
        for extra in extras - {extra for (seen_name, extra) in seen if seen_name == name}:
            seen.add((name, extra))
            for child in map(Requirement, metadata.requires(name) or []):
                if child.marker is None or child.marker.evaluate({"extra": extra}):
                    waiting.append(child)
    assert {"numpy", "jinja2", "nbconvert", "execnet"} <= {name for name, _ in seen}


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("environment.yml", [*BASE, *EXTRAS["test"]]),
        ("binder/environment.yml", [r for r in BASE if r.name != "snakemake"]),
    ],
)
def test_conda_environment_names_the_same_packages_and_ranges(path, wanted):
    found = conda(path)
    assert found.pop("python") == SpecifierSet("==3.11.*")
    found.pop("pip")
    assert found == {requirement.name: requirement.specifier for requirement in wanted}


def test_console_script_can_be_called():
    (script,) = metadata.entry_points(group="console_scripts", name="nslib")
    assert script.value == COMPANION["scripts"]["nslib"]
    assert callable(script.load())


def test_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert PROJECT["version"] == str(citation["version"]) == COMPANION["version"]
    assert PROJECT["version"] == nslib.__version__
    for package in ("nslib", "nslib-companion"):
        assert metadata.version(package) == PROJECT["version"]


def test_repo2docker_builds_a_conda_image_from_the_binder_folder(tmp_path):
    folder, home = tmp_path / "checkout", tmp_path / "home"
    home.mkdir()
    shutil.copytree(ROOT / "binder", folder / "binder")
    for name in ("environment.yml", "pyproject.toml", "constraints.txt", "Makefile", "Snakefile"):
        shutil.copy(ROOT / name, folder)

    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(folder)]
    environment = {**os.environ, "HOME": str(home)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Building conda environment for python=3.11" in done.stderr
    steps = done.stdout.splitlines()
    assert "RUN ./binder/postBuild" in steps
    assert any("env update" in step and '--file "binder/environment.yml"' in step for step in steps)
    assert not any('"environment.yml"' in step for step in steps)


def test_repo2docker_picks_the_conda_buildpack(monkeypatch):
    from repo2docker.app import Repo2Docker

    monkeypatch.chdir(ROOT)
    app = Repo2Docker()
    packs = (kind(app.base_image) for kind in app.buildpacks)
    picked = next(pack for pack in packs if pack.detect())
    assert type(picked).__name__ == "CondaBuildPack"
    assert picked.python_version == "3.11"
    assert picked.get_post_build_scripts() == ["binder/postBuild"]
    assert os.access("binder/postBuild", os.X_OK)
    script = Path("binder/postBuild").read_text().splitlines()
    assert script[:2] == ["#!/bin/bash", "set -e"]


def needed(requirements: list[Requirement]) -> set[str]:
    """The names of all packages that these bring along, as installed here."""
    names: set[str] = set()
    waiting = [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
    while waiting:
        name = canonicalize_name(waiting.pop().name)
        if name not in names:
            names.add(name)
            children = map(Requirement, metadata.requires(name) or [])
            waiting += [r for r in children if r.marker is None or r.marker.evaluate({"extra": ""})]
    return names


def test_the_library_alone_needs_few_packages():
    torch = needed([Requirement("torch")])
    assert len(needed(LIBRARY) - torch) <= 25
    assert not {"jupyterlab", "papermill", "snakemake", "matplotlib"} & needed(LIBRARY)


@pytest.mark.parametrize(("project", "package"), [(".", "nslib"), ("companion", "companion")])
def test_a_wheel_holds_its_package_alone(project, package, tmp_path):
    """Built by the backend that both projects name, without a network."""
    folder = tmp_path / "checkout"
    for name in ("nslib", "companion", "README.md", "LICENSE", "CITATION.cff", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name) if folder.exists() or folder.mkdir() is None else None
    build = "import sys, hatchling.build; print(hatchling.build.build_wheel(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=folder / project,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in names} == {package}
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / package).rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == sources
    if package == "nslib":
        assert "nslib/py.typed" in names
