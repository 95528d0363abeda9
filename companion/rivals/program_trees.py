"""Expression trees of + - × over features and constants: read, evaluated, split into terms.

A tree is ("add" | "sub" | "mul", left, right), the index of a feature (int) or a constant (float).
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

from nslib import checks

OPERATIONS = {"add": operator.add, "sub": operator.sub, "mul": operator.mul}


def read(program: Iterable[Any]) -> Any:
    """Return the tree of a program in prefix order, as gplearn keeps it.

    Its nodes are functions of two arguments, told by their attribute `name`, feature indices and
    constants. Raises ValueError for another function and for a program that is no one tree.
    """
    stack: list[Any] = []
    for node in reversed(list(program)):
        if hasattr(node, "name"):
            checks.one_of(node.name, "function", OPERATIONS)
            if len(stack) < 2:
                raise ValueError(f"program: found {node.name!r} without its two arguments")
            stack.append((node.name, stack.pop(), stack.pop()))
        else:
            stack.append(node)
    if len(stack) != 1:
        raise ValueError(f"program: found {len(stack)} trees, expected one")
    return stack[0]


def evaluate(tree: Any, Z: Any) -> Any:
    """Return the values (N,) of a tree at Z (N, D), an array or `Graded`; a constant as it is."""
    if isinstance(tree, tuple):
        return OPERATIONS[tree[0]](evaluate(tree[1], Z), evaluate(tree[2], Z))
    return tree if isinstance(tree, float) else Z[:, tree]


def terms(tree: Any) -> list[Any]:
    """Return the distinct trees of which a tree is a weighted sum, constants left out."""
    if isinstance(tree, float):
        return []
    if isinstance(tree, tuple):
        name, left, right = tree
        if name in ("add", "sub"):
            return list(dict.fromkeys(terms(left) + terms(right)))
        if isinstance(left, float) or isinstance(right, float):
            return terms(left) + terms(right)
    return [tree]
