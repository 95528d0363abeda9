"""Stream and NeuronStructure: which streams a task-driven neuron sums, as immutable values.

Source: NeuronSeek (arXiv 2506.15715), the dual-stream neuron
``y = b + sum_k w_k . x^k + sum_k sum_r v_{k,r} prod_m (u_{k,m,r} . x)``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from . import checks

if TYPE_CHECKING:
    import sympy as sp

KINDS = ("pure", "interact", "sin")
MAX_TEXT = 10_000
"""Characters of a structure in text: more than all orders need."""

MAX_DIGITS = 9
"""Of a number in such a text: more than any order or rank has."""

MAX_SYMBOLS = 20_000
"""Weights of `NeuronStructure.to_sympy`, which takes a second for so many."""

_TEXT = re.compile(
    r"pure\((?P<pure>\d+(,\d+)*)\)|interact\((?P<interact>\d+(,\d+)*);rank=(?P<rank>\d+)\)|(?P<sin>sin)"
)


class Stream(str):
    """One stream of a neuron: a value that is its own name, such as ``"pure 2"``.

    Being text, it is a key of dicts, a cell of tables and a value of JSON as it stands, and equals
    the same name read back from a file.

    Parameters
    ----------
    kind : {"pure", "interact", "sin"}
        The element-wise power x^k, the interaction of order k in CP form, or sin(x).
    order : int, optional
        The order k, from 1 to `nslib.checks.MAX_ORDER`; None for sin.

    Raises
    ------
    TypeError, ValueError
        For another kind, an order out of range, a missing order, or an order of sin.

    Examples
    --------
    >>> Stream("pure", 2)
    'pure 2'
    >>> Stream.parse("interact 3").order
    3
    """

    kind: str
    order: int | None

    def __new__(cls, kind: str, order: int | None = None) -> Stream:
        checks.one_of(kind, "kind", KINDS)
        if kind == "sin":
            if order is not None:
                raise ValueError(f"order: found {checks.shown(order)}, expected None for sin")
            stream = super().__new__(cls, kind)
        else:
            order = checks.positive_int(order, "order", maximum=checks.MAX_ORDER)
            stream = super().__new__(cls, f"{kind} {order}")
        stream.kind, stream.order = kind, order
        return stream

    def __reduce__(self) -> tuple[Any, ...]:
        return Stream, (self.kind, self.order)

    @classmethod
    def parse(cls, name: str) -> Stream:
        """Return the stream of a name such as ``"pure 2"``.

        ValueError for any other text, TypeError for anything but text.
        """
        if isinstance(name, Stream):
            return name
        match = isinstance(name, str) and re.fullmatch(r"(pure|interact) ([1-9]\d*)|(sin)", name)
        if not match:
            raise (ValueError if isinstance(name, str) else TypeError)(
                f"stream: found {checks.shown(name)}, "
                "expected a name such as 'pure 2', 'interact 3' or 'sin'"
            )
        _check_digits(match[2] or "", "stream")
        return cls("sin") if match[3] else cls(match[1], int(match[2]))


def _check_digits(text: str, name: str) -> None:
    """Raise ValueError, naming the argument, for a number of too many digits."""
    if len(text) > MAX_DIGITS:
        raise ValueError(f"{name}: found {len(text)} digits, expected at most {MAX_DIGITS}")


def _orders(values: Any, name: str) -> tuple[int, ...]:
    values = checks.sequence(values, name, "a sequence of orders such as (1, 2)")
    orders = {checks.positive_int(order, name, maximum=checks.MAX_ORDER) for order in values}
    return tuple(sorted(orders))


@dataclass(frozen=True)
class NeuronStructure:
    """The streams of a task-driven neuron.

    `pure`: orders k of the element-wise powers x^k. `interact`: orders k of the interactions in CP
    form. `rank`: number of rank-one terms of each interaction. `sin`: whether an element-wise
    sin(x) stream is added.

    The value is canonical, so equal neurons compare and hash equal: orders are sorted and unique,
    an interaction of order 1 is the pure order 1 and becomes it, and `rank` is 1 where there is no
    interaction. Raises TypeError or ValueError for orders that are not within 1 and
    `nslib.checks.MAX_ORDER`, ranks not within 1 and `nslib.checks.MAX_RANK`, and for no stream.
    """

    pure: tuple[int, ...] = (1, 2)
    interact: tuple[int, ...] = (2,)
    rank: int = 8
    sin: bool = False

    def __post_init__(self) -> None:
        pure, interact = _orders(self.pure, "pure"), _orders(self.interact, "interact")
        rank = checks.positive_int(self.rank, "rank", maximum=checks.MAX_RANK)
        checks.boolean(self.sin, "sin")
        if 1 in interact:
            pure, interact = tuple(sorted({1, *pure})), interact[1:]
        if not (pure or interact or self.sin):
            raise ValueError("structure: found no stream, expected a pure, interact or sin stream")
        object.__setattr__(self, "pure", pure)
        object.__setattr__(self, "interact", interact)
        object.__setattr__(self, "rank", rank if interact else 1)

    @cached_property
    def streams(self) -> tuple[Stream, ...]:
        """The streams in the order in which a neuron sums them."""
        return (
            *(Stream("pure", k) for k in self.pure),
            *((Stream("sin"),) if self.sin else ()),
            *(Stream("interact", k) for k in self.interact),
        )

    @classmethod
    def of(cls, streams: Iterable[str], rank: int = 8) -> NeuronStructure:
        """Return the structure of these streams, `Stream` values or their names, and this rank.

        Raises ValueError for a text that names no stream, and for no stream, TypeError for
        anything but a sequence of texts.
        """
        streams = checks.sequence(streams, "streams", "a sequence such as ['pure 2']")
        parsed = [Stream.parse(stream) for stream in streams]
        orders = {kind: [s.order for s in parsed if s.kind == kind] for kind in KINDS}
        return cls(orders["pure"], orders["interact"], rank, bool(orders["sin"]))

    def without(self, stream: str) -> NeuronStructure:
        """Return the structure less one of its streams; ValueError where that leaves none."""
        checks.one_of(stream, "stream", self.streams)
        return NeuronStructure.of([s for s in self.streams if s != stream], self.rank)

    def same_streams(self, other: NeuronStructure) -> bool:
        """Whether `other` sums the same streams, whatever the rank of the interactions."""
        if not isinstance(other, NeuronStructure):
            raise TypeError(f"other: found {checks.shown(other)}, expected a NeuronStructure")
        return self.streams == other.streams

    def n_parameters(self, in_features: int, out_features: int = 1, bias: bool = True) -> int:
        """Number of weights of a `TaskLinear` of this structure, without normalisation.

        D·C for each pure or sin stream, k·D·R + R·C for an interaction of order k, C for the bias,
        with D = `in_features`, C = `out_features` and R = `rank`.
        """
        checks.positive_int(in_features, "in_features")
        checks.positive_int(out_features, "out_features")
        element_wise = (len(self.pure) + self.sin) * in_features * out_features
        interactions = sum(
            k * in_features * self.rank + self.rank * out_features for k in self.interact
        )
        return element_wise + interactions + bias * out_features

    def __str__(self) -> str:
        parts = []
        if self.pure:
            parts.append(f"pure({','.join(map(str, self.pure))})")
        if self.interact:
            parts.append(f"interact({','.join(map(str, self.interact))};rank={self.rank})")
        if self.sin:
            parts.append("sin")
        return "+".join(parts)

    @classmethod
    def parse(cls, text: str) -> NeuronStructure:
        """Read the text form, e.g. ``pure(1,2)+interact(2;rank=8)+sin``; the inverse of `str`.

        Raises ValueError where the text is anything else, or longer than `MAX_TEXT` characters,
        TypeError for anything but text. Nothing is ever evaluated.
        """
        if not isinstance(text, str):
            raise TypeError(f"text: found {checks.shown(text)}, expected a string")
        longest = max(map(len, re.findall(r"\d+", text)), default=0)
        _check_digits("9" * longest, "text")
        if len(text) > MAX_TEXT:
            raise ValueError(f"text: found {len(text)} characters, expected at most {MAX_TEXT}")
        fields: dict[str, Any] = {"pure": (), "interact": ()}
        for part in text.replace(" ", "").split("+"):
            match = _TEXT.fullmatch(part)
            kind = part.split("(")[0]
            if match is None or fields.get(kind):
                raise ValueError(
                    f"text: found {checks.shown(part)} in {checks.shown(text)}, "
                    "expected a form like 'pure(1,2)+interact(2;rank=8)+sin'"
                )
            fields[kind] = True if kind == "sin" else tuple(map(int, match[kind].split(",")))
            if match["rank"]:
                fields["rank"] = int(match["rank"])
        return cls(**fields)

    def to_sympy(self, n_features: int) -> sp.Expr:
        """Return the neuron's output as a sympy expression in named weights and x_1 … x_D.

        D = `n_features`. Weights are named as in the paper: b, w (pure k, feature i), v (order k,
        rank r) and u (order k, mode m, rank r, feature i). ValueError for more than `MAX_SYMBOLS`.
        """
        n = self.n_parameters(checks.positive_int(n_features, "n_features"))
        if n > MAX_SYMBOLS:
            raise ValueError(
                f"n_features: found {checks.shown(n_features)}, with which {self} has "
                f"{checks.shown(n)} weights, expected at most {MAX_SYMBOLS}"
            )
        import sympy as sp  # takes a third of a second, and few who use a structure need it

        x = numbered_symbols("x", n_features)
        terms: list[sp.Expr] = [sp.Symbol("b")]
        for k in self.pure:
            terms += [sp.Symbol(f"w_{{{k},{i + 1}}}") * xi**k for i, xi in enumerate(x)]
        if self.sin:
            terms += [sp.Symbol(rf"w_{{\sin,{i + 1}}}") * sp.sin(xi) for i, xi in enumerate(x)]
        for k in self.interact:
            for r in range(1, self.rank + 1):
                modes = [
                    sp.Add(*(sp.Symbol(f"u_{{{k},{m},{r},{i + 1}}}") * x[i] for i in range(len(x))))
                    for m in range(1, k + 1)
                ]
                terms.append(sp.Symbol(f"v_{{{k},{r}}}") * sp.Mul(*modes))
        return sp.Add(*terms)

    def latex(self) -> str:
        """Return the aggregation formula as LaTeX, in vector notation."""
        terms = ["b"]
        for k in self.pure:
            power = "" if k == 1 else rf"^{{\circ {k}}}"
            terms.append(rf"\mathbf{{w}}_{{{k}}}^\top \mathbf{{x}}{power}")
        if self.sin:
            terms.append(r"\mathbf{w}_{\sin}^\top \sin(\mathbf{x})")
        for k in self.interact:
            product = rf"\prod_{{m=1}}^{{{k}}} \mathbf{{u}}_{{{k},m,r}}^\top \mathbf{{x}}"
            terms.append(rf"\sum_{{r=1}}^{{{self.rank}}} v_{{{k},r}} {product}")
        return "y = " + " + ".join(terms)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


def numbered_symbols(name: str, n: int) -> list[sp.Symbol]:
    """Return the symbols name_1 … name_n."""
    import sympy as sp

    return [sp.Symbol(f"{name}_{{{i}}}" if n > 9 else f"{name}_{i}") for i in range(1, n + 1)]
