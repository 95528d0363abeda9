"""What a search returns: the streams, the fitted neuron, and the range in which it is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import sympy as sp
import torch

from .. import checks, formula
from ..neuron import TaskLinear
from ..stored_weights import load_weights
from ..structure import NeuronStructure, Stream
from ..threads import one_thread
from .columns import finite_chunks
from .result_text import described
from .search_task import Scaling, SearchTask, feature_names

if TYPE_CHECKING:
    from .sparse import SparseFormula


@torch.no_grad()
def without_constants(neuron: TaskLinear, task: SearchTask) -> TaskLinear:
    """Return the neuron, frozen; the weights of constant features, which see zeros, are zero."""
    constant = torch.as_tensor(task.constant)
    for stream, weights in neuron.stream_weights().items():
        if stream.kind != "interact":
            weights[:, constant] = 0
    if neuron.factors is not None:
        neuron.factors[:, constant] = 0
    return neuron.requires_grad_(False)


def check_limits(limits: Any) -> None:
    """Raise ValueError for another value of the option `limits` than "data" and None."""
    if limits is not None and not (isinstance(limits, str) and limits == "data"):
        raise ValueError(f'limits: found {checks.shown(limits)}, expected "data" or None')


def _rows_at_once(neuron: TaskLinear) -> int:
    """Return for how many rows the projections of a neuron of many terms take 64 MB at most."""
    return max(2**23 // (1 if neuron.factors is None else len(neuron.factors)), 1)


@dataclass(frozen=True)
class SearchResult:
    """What a search returns: the streams, and a neuron of these streams fitted to the data.

    Its text, `str(result)`, has the method, the streams, the formula in short and the range in
    which it is used.

    method, seed: of the fit; a method of `nslib.search.METHODS`, or "refit".
    structure: the streams that were kept.
    gate_probabilities: of each candidate stream a score in [0, 1]: the probability that its gate is
        open or, where a method resamples, its selection frequency.
    history: a row an epoch: epoch, loss, penalty weight `lambda`, and a column a stream.
    seconds: wall time; the time of a batch is shared equally by its fits.
    neuron: fitted on scaled features, D -> 1, or D -> C for C classes, which have CP factors of
        their own: their basis has rank C·R.
    scaling: how raw data and the neuron's units belong together.
    limits: the lowest and highest scaled features (D,) with which the neuron is used; a value
        beyond them is moved to the nearer one first. None: it is used everywhere.
    selection_frequencies: of each candidate stream the share of random halves of the rows on which
        it was chosen (Meinshausen & Bühlmann 2010). None where a method does not resample.
    passes: how often all rows were read, to scale and to fit them. None where not counted.
    fit_seconds: the part of `seconds` after the streams were chosen. None where not measured.
    notes: sentences on what was left out, what could not be tried, and what is not sure.
    outlier_rows: the numbers of the rows (n,) that were left out as gross outliers of the target.
    task: the rows of the search, which are not copied. Neither saved nor pickled: None then.
    """

    method: str
    structure: NeuronStructure
    gate_probabilities: dict[str, float]
    history: pd.DataFrame = field(repr=False)
    seconds: float
    seed: int
    neuron: TaskLinear = field(repr=False)
    scaling: Scaling = field(repr=False)
    limits: tuple[np.ndarray, np.ndarray] | None = field(repr=False, default=None)
    selection_frequencies: dict[str, float] | None = field(repr=False, default=None)
    passes: int | None = field(repr=False, default=None)
    fit_seconds: float | None = field(repr=False, default=None)
    notes: tuple[str, ...] = ()
    outlier_rows: np.ndarray = field(
        repr=False, compare=False, default_factory=lambda: np.empty(0, dtype=np.int64)
    )
    task: SearchTask | None = field(repr=False, default=None, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "task": None}

    def __str__(self) -> str:
        return f"{self.method}, seed {self.seed}: {self.structure}\n{described(self)}"

    @property
    def ranks(self) -> dict[int, int]:
        """The number of rank-one terms of each interaction's order that are not zero.

        `structure.rank` is the largest; that of a classification counts the terms of all classes.
        """
        ranks, weights = {}, self.neuron.stream_weights()
        for k in self.structure.interact:
            mixed = (weights[Stream("interact", k)] != 0).any(dim=0)
            present = (self.neuron.factor(k) != 0).any(dim=2).all(dim=0)
            ranks[k] = int((mixed & present).sum())
        return ranks

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features that have a weight in some stream."""
        used = np.zeros(self.neuron.in_features, dtype=bool)
        for stream, weights in self.neuron.stream_weights().items():
            if stream.kind != "interact":
                used |= (weights != 0).any(dim=0).numpy()
        if self.neuron.factors is not None:
            used |= (self.neuron.factors != 0).any(dim=0).numpy()
        names = formula.feature_symbols(self.scaling.feature_names, len(used))
        return tuple(str(name) for name, is_used in zip(names, used, strict=True) if is_used)

    @property
    def classes(self) -> np.ndarray | None:
        """The class names (C,) in the order of the neuron's outputs; None for regression."""
        return self.scaling.classes

    @property
    def feature_ranges(self) -> pd.DataFrame | None:
        """The range of each feature within which `predict` computes `formula`, in raw units.

        D rows of feature, low and high; None where the formula is used everywhere.
        """
        if self.limits is None:
            return None
        low, high = (self.scaling.x_mean + self.scaling.x_scale * end for end in self.limits)
        names = formula.feature_symbols(self.scaling.feature_names, len(low))
        return pd.DataFrame({"feature": list(map(str, names)), "low": low, "high": high})

    def _scaled(self, X: Any, min_rows: int = 1) -> Iterator[torch.Tensor]:
        """Yield raw X (N, D) in the neuron's units and within `limits`, (n, D) by chunks."""
        names, known = feature_names(X), self.scaling.feature_names
        if None not in (names, known) and names != known:
            raise ValueError(f"X: found the columns {list(names)}, expected {list(known)}")
        X = checks.as_rows(X, min_rows=min_rows)
        if X.shape[1] != self.neuron.in_features:
            raise ValueError(
                f"X: found {X.shape[1]} features, expected {self.neuron.in_features}"
            )
        rows = _rows_at_once(self.neuron)
        for Z in finite_chunks(X, "X"):
            Z -= self.scaling.x_mean
            Z /= self.scaling.x_scale
            if self.limits is not None:
                np.clip(Z, *self.limits, out=Z)
            yield from torch.as_tensor(Z, dtype=self.neuron.weight.dtype).split(rows)

    def decision(self, X: Any) -> np.ndarray:
        """Return values (N,) in the units of y, or for C classes logits (N, C), of raw X (N, D).

        An array on disk is read chunk by chunk. A value beyond `feature_ranges` counts as the
        nearer end. Raises ValueError for other features than those of the search, and where powers
        overflow.
        """
        with torch.no_grad(), one_thread():
            parts = [self.neuron(Z).double().numpy() for Z in self._scaled(X)]
        outputs = np.concatenate(parts)
        if not np.isfinite(outputs).all():
            raise ValueError("X: found values so far from the training data that powers overflow")
        if self.classes is not None:
            return outputs
        return outputs[:, 0] * self.scaling.y_scale + self.scaling.y_mean

    def predict(self, X: Any) -> np.ndarray:
        """Return values in the units of y or class names (N,) of raw X (N, D), as `decision`."""
        outputs = self.decision(X)
        return outputs if self.classes is None else self.classes[outputs.argmax(axis=1)]

    def formula(self, raw: bool = False, expand: bool = True) -> sp.Expr | dict[Any, sp.Expr]:
        """Return the fitted formula.

        `predict` computes it (up to rounding, single precision for some methods) within
        `feature_ranges`. A feature beyond its range is moved to the nearer end first, so that far
        from the data predictions differ from the formula. `limits=None` in `search` forgoes this.

        `raw`: in the units of the data, else in the scaled ones of the search; `expand`: as a sum
        of monomials, else of products of linear forms. For classes a dict from name to logit.
        Raises ValueError where the expansion would have more than `nslib.formula.MAX_MONOMIALS`
        monomials, or monomials that cancel to noise.
        """
        s = self.scaling
        names = ("x_mean", "x_scale", "y_mean", "y_scale") if raw else ()
        units = {name: getattr(s, name) for name in names}
        outputs = formula.expressions(self.neuron, s.feature_names, expand=expand, **units)
        if s.classes is None:
            return outputs[0]
        return dict(zip(s.classes.tolist(), outputs, strict=True))

    def simplify(
        self, X: Any = None, y: Any = None, *, degree: int = 5, max_terms: int = 20,
        sample_weight: Any = None, level: float = 0.95, seed: int = 0,
    ) -> SparseFormula:
        """Return the polynomial in raw units with as few terms as the data ask for.

        Terms are chosen as by `nslib.search.sparse_formula`, on the rows of the search. Where all
        monomials of the degree are too many, those of the features that the search kept are tried,
        up to the orders of its streams.

        Parameters
        ----------
        X : array-like (N, D), optional
            Other rows than those of the search.
        y : array-like (N,), optional
            Their target.
        degree, max_terms, sample_weight, level, seed
            Those of `nslib.search.sparse_formula`; weights are of the rows of X, or of the search.

        Returns
        -------
        SparseFormula

        Raises
        ------
        ValueError
            For a result of classes, a result that was loaded and has no rows, other features than
            those of the search, and where the search kept too many features; and what
            `nslib.search.sparse_formula` raises.

        Examples
        --------
        >>> import nslib
        >>> X = np.random.default_rng(0).uniform(1, 5, (300, 2))
        >>> print(nslib.search(X, X[:, 0] * X[:, 1] ** 2).simplify())
        y = x_1*x_2**2
        1 term, R² 1.0000 on held-out rows
        """
        from .sparse.simplification import simplify

        return simplify(self, X, y, degree=degree, max_terms=max_terms,
                        sample_weight=sample_weight, level=level, seed=seed)

    def stream_shares(self, X: Any) -> pd.Series:
        """Return each stream's share of the summed variance of all streams' outputs on X (N, D).

        The streams of a polynomial are correlated, so shares describe this neuron on this data;
        they are not a decomposition of the variance of y. X has at least two rows.
        """
        with torch.no_grad(), one_thread():
            parts = [self.neuron.stream_outputs(Z) for Z in self._scaled(X, min_rows=2)]
        outputs = {k: torch.cat([part[k] for part in parts]) for k in parts[0]}
        variance = pd.Series({k: float(v.var(dim=0).sum()) for k, v in outputs.items()})
        return (variance / variance.sum()).rename("share")

    def to_state(self) -> dict[str, Any]:
        """Return all but classes and the neuron's weights, its `state_dict`, as plain values."""
        neuron, scaling = self.neuron, self.scaling
        return {
            "neuron": {"sizes": [neuron.in_features, neuron.out_features],
                       "structure": str(neuron.structure), "bias": neuron.bias is not None,
                       "norm": neuron.norm, "double": neuron.weight.dtype == torch.float64},
            "scaling": {"x_mean": scaling.x_mean.tolist(), "x_scale": scaling.x_scale.tolist(),
                        "y_mean": scaling.y_mean, "y_scale": scaling.y_scale,
                        "feature_names": scaling.feature_names},
            "method": self.method, "structure": str(self.structure), "seconds": self.seconds,
            "seed": self.seed, "gate_probabilities": self.gate_probabilities,
            "selection_frequencies": self.selection_frequencies, "passes": self.passes,
            "fit_seconds": self.fit_seconds, "history": self.history.to_dict("list"),
            "limits": None if self.limits is None else [end.tolist() for end in self.limits],
            "notes": list(self.notes), "outlier_rows": self.outlier_rows.tolist(),
        }

    @classmethod
    def from_state(
        cls, state: dict[str, Any], weights: dict[str, torch.Tensor], classes: np.ndarray | None
    ) -> SearchResult:
        """Return the result of a state, the neuron's weights by name and the classes (C,).

        Raises KeyError, TypeError, ValueError or RuntimeError where these do not fit each other.
        """
        of_neuron, scaling, limits = state["neuron"], dict(state["scaling"]), state["limits"]
        neuron = TaskLinear(  # on "meta" it has no numbers: nothing is allocated before all fits
            *of_neuron["sizes"], NeuronStructure.parse(of_neuron["structure"]), of_neuron["bias"],
            of_neuron["norm"], dtype=torch.float64 if of_neuron["double"] else torch.float32,
            device="meta",
        )
        load_weights(neuron, weights)
        neuron.eval().requires_grad_(False)
        if neuron.out_features != (1 if classes is None else len(classes)):
            raise ValueError(f"neuron: found {neuron.out_features} outputs, expected those of y")
        d, names = neuron.in_features, scaling["feature_names"]
        scaling["feature_names"] = None if names is None else tuple(names)
        if names is not None and (len(names) != d or not all(isinstance(n, str) for n in names)):
            raise ValueError(f"feature_names: found {checks.shown(names)}, expected {d} names")
        for name, shape in (("x_mean", (d,)), ("x_scale", (d,)), ("y_mean", ()), ("y_scale", ())):
            scaling[name] = checks.finite_numbers(scaling[name], name, shape)
            if name.endswith("scale") and not (scaling[name] >= checks.MIN_SPREAD).all():
                raise ValueError(f"{name}: found a scale that is not positive")
            scaling[name] = scaling[name] if shape else float(scaling[name])
        if limits is not None:
            limits = tuple(checks.finite_numbers(end, "limits", (d,)) for end in limits)
            if len(limits) != 2 or not (limits[0] <= limits[1]).all():
                raise ValueError("limits: found other than lowest and highest features")
        return cls(**{
            **state, "neuron": neuron, "scaling": Scaling(**scaling, classes=classes),
            "structure": NeuronStructure.parse(state["structure"]),
            "history": pd.DataFrame(state["history"]),
            "limits": limits, "notes": tuple(map(str, state.get("notes", ()))),
            "outlier_rows": np.asarray(state.get("outlier_rows", ()), dtype=np.int64),
        })
