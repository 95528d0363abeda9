"""The files that say what is installed agree with each other and with what is installed here."""

from __future__ import annotations

import importlib.metadata as metadata
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

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
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


def constraints() -> list[Requirement]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def pins(python: str) -> dict[str, str]:
    """Canonical name -> pinned version, as pip reads constraints.txt on the given Python."""
    found = {}
    for line in constraints():
        if applies(line, python):
            assert line.name not in found, f"{line.name} is pinned twice for Python {python}"
            found[line.name] = str(line.specifier).removeprefix("==")
    return found


def conda(path: str) -> dict[str, SpecifierSet]:
    """PyPI name -> range, of all packages that a conda environment file names."""
    found = {}
    for entry in yaml.safe_load((ROOT / path).read_text())["dependencies"]:
        for text in entry["pip"] if isinstance(entry, dict) else [entry]:
            name, rest = re.fullmatch(r"([\w.-]+)(.*)", text).groups()
            rest = re.sub(r"^=(?!=)", "==", rest) + (".*" if re.match(r"=[^=]", rest) else "")
            found[CONDA_NAMES.get(name, name)] = SpecifierSet(rest)
    return found


def test_every_constraint_is_one_exact_version_and_the_file_is_sorted():
    lines = constraints()
    assert all(re.fullmatch(r"==[^=,*]+", str(line.specifier)) for line in lines)
    names = [line.name for line in lines]
    assert names == sorted(names) == [canonicalize_name(name) for name in names]


@pytest.mark.parametrize("python", PYTHONS)
def test_every_requirement_has_a_pin_that_satisfies_it(python):
    assert python in SpecifierSet(PROJECT["requires-python"])
    found = pins(python)
    for requirement in BASE + sum(EXTRAS.values(), []):
        if applies(requirement, python):
            version = found[canonicalize_name(requirement.name)]
            assert version in requirement.specifier, f"{requirement} against {version}"


def test_torch_is_pinned_to_one_release_for_all_pythons():
    assert {python: pins(python)["torch"] for python in PYTHONS} == dict.fromkeys(
        PYTHONS, "2.13.0"
    )


def test_everything_that_the_requirements_bring_along_is_pinned():
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    found, seen = pins(python), set()
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
