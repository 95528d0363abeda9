"""Which modules of nslib a notebook depends on, read from its imports without running anything.

A name imported through a package is followed to the module that defines it, so that a notebook
which uses one function of `nslib` does not depend on every module that `nslib/__init__.py` names.
"""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = "nslib"


def modules(source: str, package_folder: Path) -> list[Path]:
    """Return the files of the package that `source` needs, sorted.

    `source`: Python code. `package_folder`: the folder `nslib`. Imports inside functions count.
    A name that no package file binds openly stands for the whole package that should hold it.
    Raises SyntaxError where the code cannot be read.
    """
    walk = _Walk(package_folder)
    walk.follow(ast.parse(source), "")
    return sorted(walk.files)


class _Uses(ast.NodeVisitor):
    """Collects (name, attributes) of every use of a name: `a.b.c` gives ("a", ("b", "c"))."""

    def __init__(self) -> None:
        self.found: set[tuple[str, tuple[str, ...]]] = set()

    def visit_Attribute(self, node: ast.Attribute) -> None:
        chain: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            chain.insert(0, inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self.found.add((inner.id, tuple(chain)))
        else:
            self.visit(inner)

    def visit_Name(self, node: ast.Name) -> None:
        self.found.add((node.id, ()))


class _Walk:
    """Follows imports from file to file and keeps the files it meets."""

    def __init__(self, package_folder: Path) -> None:
        self.base = package_folder.parent
        self.files: set[Path] = set()
        self.resolved: set[tuple[str, tuple[str, ...]]] = set()

    def locate(self, module: str) -> Path | None:
        """Return the file of a module of the package, or the folder of a package without one."""
        if module.split(".")[0] != PACKAGE:
            return None
        place = self.base.joinpath(*module.split("."))
        candidates = (place / "__init__.py", place.with_suffix(".py"), place)
        return next((path for path in candidates if path.exists()), None)

    def is_package(self, module: str) -> bool:
        path = self.locate(module)
        return path is not None and (path.is_dir() or path.name == "__init__.py")

    def follow(self, tree: ast.AST, package: str) -> None:
        """Resolve every import of `tree`, a file of `package`, as far as its names are used."""
        aliases: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    bound = alias.name if alias.asname else alias.name.split(".")[0]
                    aliases[alias.asname or bound] = bound
                    self.touch(alias.name)
                    if not self.is_package(alias.name):
                        self.resolve(alias.name, ())
            elif isinstance(node, ast.ImportFrom):
                module = _absolute(node, package)
                for alias in node.names:
                    full = f"{module}.{alias.name}"
                    if self.is_package(full):
                        aliases[alias.asname or alias.name] = full
                        self.touch(full)
                    else:
                        self.resolve(module, () if alias.name == "*" else (alias.name,))
        uses = _Uses()
        uses.visit(tree)
        for name, chain in uses.found:
            if name in aliases and self.is_package(aliases[name]):
                self.resolve(aliases[name], chain)

    def touch(self, module: str) -> None:
        """Keep the `__init__.py` of every package on the way to a module."""
        parts = module.split(".")
        for i in range(1, len(parts) + 1):
            path = self.locate(".".join(parts[:i]))
            if path is not None and path.name == "__init__.py":
                self.files.add(path)

    def resolve(self, module: str, chain: tuple[str, ...]) -> None:
        """Keep what `module.chain[0].chain[1]…` needs."""
        path = self.locate(module)
        if path is None or (module, chain) in self.resolved:
            return
        self.resolved.add((module, chain))
        self.touch(module)
        if not self.is_package(module):
            self.files.add(path)
            self.follow(_parse(path), module.rpartition(".")[0])
        elif not chain:
            self.follow(_parse(path), module)
        elif self.locate(f"{module}.{chain[0]}") is not None:
            self.resolve(f"{module}.{chain[0]}", chain[1:])
        else:
            self.resolve_name(module, chain)

    def resolve_name(self, package: str, chain: tuple[str, ...]) -> None:
        """Keep what a name bound in the `__init__.py` of a package needs."""
        path = self.locate(package)
        tree = _parse(path)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if (alias.asname or alias.name) == chain[0]:
                        self.resolve(_absolute(node, package), (alias.name, *chain[1:]))
                        return
        if chain[0] in _defined(tree):
            self.resolve(package, ())
            return
        folder = path if path.is_dir() else path.parent
        for file in sorted(folder.rglob("*.py")):
            parts = file.relative_to(self.base).with_suffix("").parts
            self.resolve(".".join(part for part in parts if part != "__init__"), ())


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """Return the full name of the module of a from-import in a file of `package`."""
    if node.level == 0:
        return node.module or ""
    parts = package.split(".")
    parts = parts[: len(parts) - node.level + 1]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _defined(tree: ast.Module) -> set[str]:
    """Return the names of functions, classes and variables at the top of a file."""
    names = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names.update(target.id for target in targets if isinstance(target, ast.Name))
    return names


def _parse(path: Path) -> ast.Module:
    if path.is_dir():  # a package without __init__.py
        return ast.Module(body=[], type_ignores=[])
    return ast.parse(path.read_text(encoding="utf-8"), str(path))
