"""Dependencies of a piece of code on the modules of a package, on a small package made here."""

import pytest

from companion import imports

PACKAGE = {
    "__init__.py": "from .neuron import Neuron\nfrom .search import search as find\n",
    "checks.py": "import numpy\n",
    "neuron.py": "from . import checks\nfrom .structure import Structure\n",
    "structure.py": "def late():\n    from .formula import symbolic\n",
    "formula.py": "from __future__ import annotations\n",
    "search/__init__.py": "from ..checks import one_of\nfrom .gated import fit\n"
                          "def search():\n    return fit\n",
    "search/gated.py": "from ..neuron import Neuron\n",
    "search/result.py": "",
    "data/__init__.py": "from .synthetic import make\nfrom .tabular import *\nTABLE = {}\n"
                        "def __getattr__(name):\n    return globals()[name]\n",
    "data/synthetic.py": "import nslib.checks\n",
    "data/tabular.py": "",
    "companion/__init__.py": "from .run import begin\ndef __getattr__(name): ...\n",
    "companion/run.py": "def record():\n    from . import records\n",
    "companion/records.py": "",
    "companion/figures.py": "from .run import current\n",
    "theory/orbit.py": "",
}
INIT = "__init__.py"
NEURON = {"neuron.py", "checks.py", "structure.py", "formula.py"}
RUN = {INIT, "companion/__init__.py", "companion/run.py", "companion/records.py"}
SEARCH = {INIT, "search/__init__.py", "search/gated.py", *NEURON}
DATA = {INIT, "data/__init__.py"}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source") / "nslib"
    for name, text in PACKAGE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(("source", "expected"), [
    ("import numpy as np\nnp.ones(3)", set()),
    ("from nslib import Neuron", {INIT, *NEURON}),
    ("import nslib\nnslib.Neuron()", {INIT, *NEURON}),
    ("import nslib as ns\nns.Neuron()", {INIT, *NEURON}),
    ("import nslib", {INIT}),
    ("from nslib import find", SEARCH),
    ("from nslib.search import search", SEARCH),
    ("from nslib.search import gated", {INIT, "search/__init__.py", "search/gated.py", *NEURON}),
    ("from nslib.search.result import x", {INIT, "search/__init__.py", "search/result.py"}),
    ("import nslib.checks", {INIT, "checks.py"}),
    ("import nslib.checks as c\nc.one_of()", {INIT, "checks.py"}),
    ("from nslib.data import make", {*DATA, "data/synthetic.py", "checks.py"}),
    ("import nslib.data\nnslib.data.make()", {*DATA, "data/synthetic.py", "checks.py"}),
    ("from nslib import data\ndata.synthetic.make()", {*DATA, "data/synthetic.py", "checks.py"}),
    ("from nslib.data import TABLE", {*DATA, "data/synthetic.py", "data/tabular.py", "checks.py"}),
    ("from nslib import companion\ncompanion.begin('x')", RUN),
    ("from nslib import companion\ncompanion.figures.save()", {*RUN, "companion/figures.py"}),
    ("from nslib.companion import begin, figures", {*RUN, "companion/figures.py"}),
    ("def f():\n    from nslib.companion import begin", RUN),
    ("from nslib.theory.orbit import visit", {INIT, "theory/orbit.py"}),
    ("from nslib import theory\ntheory.orbit.visit()", {INIT, "theory/orbit.py"}),
])
def test_only_what_is_used_is_followed(package, source, expected):
    found = {str(path.relative_to(package)) for path in imports.modules(source, package)}
    assert found == expected


def test_a_name_bound_nowhere_openly_stands_for_the_whole_package(package):
    found = imports.modules("from nslib.data import load_anything", package)
    assert {path.name for path in found} == {INIT, "synthetic.py", "tabular.py", "checks.py"}


def test_code_that_cannot_be_read_is_an_error(package):
    with pytest.raises(SyntaxError):
        imports.modules("from nslib import", package)


def test_the_science_never_imports_the_companion():
    from pathlib import Path

    import nslib

    package = Path(nslib.__file__).parent
    names = [".".join(path.relative_to(package.parent).with_suffix("").parts)
             for path in package.rglob("*.py") if "companion" not in path.parts]
    source = "\n".join(f"import {name.removesuffix('.__init__')}" for name in names)
    needed = imports.modules(source, package)
    assert len(needed) >= len(names)
    assert not [path for path in needed if "companion" in path.parts]
