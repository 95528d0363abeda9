"""What both estimators share: parameters, the two stages of `fit`, and what is known after it."""

from __future__ import annotations

import copy
import inspect
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import nn

from .. import checks
from ..networks import n_parameters, task_net
from ..networks.sizing import Make
from ..search import METHODS, search
from ..search.columns import finite_columns
from ..structure import NeuronStructure
from ..training import Part, TrainingOptions, train
from . import saving
from .features import Features

FEWEST_ROWS = 3  # two to train on, one to validate
MOST = {"max_order": checks.MAX_ORDER, "rank": checks.MAX_RANK, "budget": checks.MAX_BUDGET,
        "members": 1000, "n_bins": 1000}
MAX_CANDIDATES = 100


@dataclass(kw_only=True, eq=False, repr=False)
class NeuronSeekEstimator(BaseEstimator, ABC):
    """Base of the regressor and the classifier; their docstrings end with what follows.

    Stage one finds the formula of one neuron by `nslib.search`; stage two trains a network of
    neurons of that formula by `nslib.training`, for several learning rates and weight decays at
    once, and keeps the best on a part of the rows held out. X is a DataFrame or array (N, D) of
    numbers, booleans, text and pandas categories; values may be missing (NaN, None) but not
    infinite. Numbers are imputed by the median, text becomes columns of zeros and ones or codes
    (see `nslib.data.TableEncoder`); networks see features clipped smoothly, so that none diverges.

    Parameters
    ----------
    method : str
        Of the search, a key of `nslib.search.METHODS`.
    structure : NeuronStructure or str, optional
        Used as it is instead of a search, such as "pure(1,2)+interact(2;rank=8)".
    max_order : int
        The highest order of the search, at most `nslib.checks.MAX_ORDER`.
    rank : int
        Rank-one terms of an interaction: the most in the search and, where its layers are as wide,
        those in the network; at most `nslib.checks.MAX_RANK`.
    enrich : bool
        Whether the network's neurons have the streams pure 1, pure 2 and interact 2 beside those
        of the search: what suffices for one neuron on the data may not do for stacked ones.
    budget, members, n_bins : int
        The most parameters of the network, up to `nslib.checks.MAX_BUDGET`; the members of its
        ensemble, which share most of them; the bins of the piecewise-linear encoding of each
        feature that it sees besides (0: none); up to 1000 of each.
    learning_rates, weight_decays : sequence of float
        Each pair is a candidate, of which there are at most 100.
    steps, batch_size : int
        Of the training, the steps at most.
    validation_fraction : float
        Share of the rows held out.
    random_state : int, RandomState or None
        The same int, on the same machine, gives the same estimator. A fit that is refused draws
        nothing from a RandomState.
    progress : bool
        Whether to print plain lines on stderr.

    Attributes
    ----------
    structure_, formula_ : NeuronStructure, sympy expression
        The formula's streams, and the formula: for classes a dict by class.
    search_ : SearchResult
        This and the formula are None for a given structure.
    network_, n_parameters_ : torch module, int
    history_ : DataFrame
        A row an evaluation and candidate.
    classes_ : ndarray (C,)
        Of a classifier, sorted.
    n_features_in_, feature_names_in_ : int, ndarray (D,)
        The names where the columns had any.

    Source: NeuronSeek (arXiv 2506.15715 v2), stages 1 and 2.
    """

    method: str = "als"
    structure: NeuronStructure | str | None = None
    max_order: int = 5
    rank: int = 8
    enrich: bool = False
    budget: int = 10_000
    members: int = 4
    n_bins: int = 0
    learning_rates: Sequence[float] = (0.003, 0.01)
    weight_decays: Sequence[float] = (0.1, 1.0)
    steps: int = 2000
    batch_size: int = 256
    validation_fraction: float = 0.2
    random_state: int | np.random.RandomState | None = None
    progress: bool = False

    def __init_subclass__(cls, **options: Any) -> None:
        """Put what both estimators share into the docstring, before the examples."""
        super().__init_subclass__(**options)
        own, examples, rest = inspect.cleandoc(cls.__doc__ or "").partition("\nExamples\n")
        shared = inspect.cleandoc(NeuronSeekEstimator.__doc__ or "").partition("\n\n")[2]
        cls.__doc__ = f"{own.rstrip()}\n\n{shared}\n{examples}{rest}"

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    @property
    def formula_(self):
        """The single neuron that the search fitted to the training rows, as sympy expression(s).

        For a regression one expression in the units of y; for classes a dict of each class's
        logit; None where `structure` was given. The symbols are the columns by their names, or x_1,
        x_2, … where these are not text; `formula_inputs` has their values. It is the formula that
        gives the network its neurons, not the network, which predicts by many such neurons. A sum
        of monomials, or of products of linear forms where that would be too long or lose digits.
        """
        check_is_fitted(self)
        if self.search_ is None:
            return None
        try:
            return self.search_.formula(raw=True)
        except ValueError:
            return self.search_.formula(raw=True, expand=False)

    def formula_inputs(self, X: Any) -> pd.DataFrame:
        """Return what the symbols of `formula_` stand for: a column each, for the rows of X (N, D).

        Numbers are as in X, missing ones the training median; "name=category" is 1 for this
        category, else 0. Raises what `predict` does.
        """
        check_is_fitted(self)
        return self._features.encoded(self._table(X, reset=False))

    @property
    def network_(self) -> nn.Module:
        """The trained `TaskNet`, in double precision, for features from `Features.bounded`."""
        check_is_fitted(self)
        return self._fitted.network

    @property
    def n_parameters_(self) -> int:
        """The number of trained parameters of the network."""
        check_is_fitted(self)
        return n_parameters(self._fitted.network)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted estimator to one file, without pickle; see `nslib.load_estimator`.

        All at once, or not at all. Raises NotFittedError before `fit`, TypeError for a subclass
        and for classes other than text, numbers and booleans, ValueError for a missing folder.
        """
        check_is_fitted(self)
        if type(self).__module__.rpartition(".")[0] != __package__:
            raise TypeError(f"self: found the subclass {type(self).__name__}, expected an "
                            "estimator of nslib")
        saving.write(self, path)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NeuronSeekEstimator:
        """Search and train on X (N, D), at least three rows, and the target y (N,).

        `sample_weight` (N,), at least 0: how much each row counts in the training, and in the
        search where its method takes weights (`nslib.search.METHODS`); rows of weight 0 are left
        out. Rows are drawn by chance, so that a weight of 2 is not quite two rows.

        A fit that is refused or interrupted leaves the estimator as it was. Raises TypeError or
        ValueError for parameters out of range, columns that are neither numbers nor text, infinity
        in X; numbers y that are missing, infinite or constant; classes y missing or fewer than two;
        weights that are negative, not finite, all zero or not as many as rows.
        """
        fitted, state = copy.copy(self), self._random_state()
        fitted._fit(X, y, sample_weight, int(copy.deepcopy(state).randint(2**31 - 1)))
        state.randint(2**31 - 1)  # only a fit that succeeds draws
        self.__dict__ = fitted.__dict__  # all at once, and only here
        return self

    def _table(self, X: Any, *, reset: bool) -> pd.DataFrame:
        """Return X as a DataFrame, checked as scikit-learn does, its values as they are."""
        fewest = FEWEST_ROWS if reset else 1
        if not isinstance(X, pd.DataFrame):
            X = check_array(checks.as_array(X, "X"), dtype=None, ensure_all_finite=False,
                            ensure_min_samples=fewest, input_name="X", estimator=self)
        elif len(X) < fewest or not X.shape[1]:
            raise ValueError(f"X: found shape {X.shape}, expected at least {fewest} samples and "
                             "one column")
        validate_data(self, X, reset=reset, skip_check_array=True)
        return X if isinstance(X, pd.DataFrame) else pd.DataFrame(X)

    def _random_state(self) -> np.random.RandomState:
        """Return what `random_state` stands for; ValueError for what is none."""
        try:
            return check_random_state(self.random_state)
        except (TypeError, ValueError, RecursionError):
            raise ValueError(
                f"random_state: found {checks.shown(self.random_state)}, expected None, an int "
                "from 0 to 4294967295 or a numpy.random.RandomState"
            ) from None

    def _check_parameters(self) -> None:
        """Raise TypeError or ValueError for a parameter out of range.

        `structure`, `steps`, `batch_size` and `random_state` are checked where they are used.
        """
        checks.one_of(self.method, "method", METHODS)
        for name, most in MOST.items():
            least = 0 if name == "n_bins" else 1
            checks.positive_int(getattr(self, name), name, least, most)
        fraction = checks.real(self.validation_fraction, "validation_fraction", 0.0, 1.0)
        if fraction in (0.0, 1.0):
            raise ValueError(f"validation_fraction: found {fraction}, expected a number between "
                             "0 and 1")
        if min(checks.reals(self.learning_rates, "learning_rates", 0.0)) == 0.0:
            raise ValueError("learning_rates: found 0, expected positive numbers")
        checks.reals(self.weight_decays, "weight_decays", 0.0)
        n = len(self.learning_rates) * len(self.weight_decays)
        if n > MAX_CANDIDATES:
            raise ValueError(f"learning_rates, weight_decays: found {n} pairs, expected at most "
                             f"{MAX_CANDIDATES}")
        checks.boolean(self.enrich, "enrich")
        checks.boolean(self.progress, "progress")

    @abstractmethod
    def _encoded_target(self, y: np.ndarray) -> tuple[np.ndarray, int]:
        """Return y (N,) as float64 and one output, or class codes and the number of classes."""

    def _fit(self, X: Any, y: Any, sample_weight: Any, seed: int) -> None:
        """Search and train, as `fit` does, which calls this on a copy of the estimator."""
        X = self._table(X, reset=True)
        if y is None:
            raise ValueError("y: fit requires y to be passed, but the target y is None")
        y, weights = column_or_1d(checks.as_given(y), warn=True), None
        if sample_weight is not None:
            check_consistent_length(X, y)
            X, y, weights = _of_positive_weight(X, y, sample_weight)
        y, n_outputs = self._encoded_target(y)
        check_consistent_length(X, y)
        self._check_parameters()
        options = TrainingOptions(steps=self.steps, batch_size=self.batch_size)
        given = self.structure
        if isinstance(given, str):
            given = _parsed(given)
        elif not (given is None or isinstance(given, NeuronStructure)):
            raise TypeError(f"structure: found {checks.shown(given)}, expected None, a "
                            "NeuronStructure or its text")
        regression = y.dtype.kind == "f"
        training, validation = _held_out(y, self.validation_fraction, seed)
        features = Features.learnt(X.iloc[training], self.n_bins)
        bounded = features.bounded(X)
        if given is None:
            self._maker(NeuronStructure((1,), ()), bounded.shape[1], n_outputs)  # before the search
            own = METHODS[self.method].accepted(order=self.max_order, rank=self.rank)
            if weights is not None and METHODS[self.method].weighs:
                own["sample_weight"] = weights[training]
            self.search_ = search(
                features.encoded(X.iloc[training]), y[training], self.method, seed=seed,
                task="regression" if regression else "classification",
                progress=self.progress, **own,
            )
            self.structure_ = self.search_.structure
        else:
            self.search_, self.structure_ = None, given
        self._target = None
        if regression:
            moments = finite_columns(checks.as_target(y[training], len(training)), "y")
            self._target = mean, scale = float(moments.mean), float(moments.scale)
            y = (y - mean) / scale
        self._features = features
        of_rows = () if weights is None else (weights[training], weights[validation])
        part = Part(
            bounded[training], y[training], bounded[validation], y[validation], seed, *of_rows
        )
        self._train(part, n_outputs, options)

    def _train(self, part: Part, n_outputs: int, options: TrainingOptions) -> None:
        """Train a network for each candidate and keep the best on the validation rows."""
        structure, d = self.structure_, part.X_train.shape[1]
        if self.search_ is not None:
            pure, interact = ((1, 2), (2,)) if self.enrich else ((), ())
            structure = replace(
                structure, pure=(*pure, *structure.pure), interact=(*interact, *structure.interact),
                rank=self.rank,
            )
        make = self._maker(structure, d, n_outputs)
        rates = list(product(self.learning_rates, self.weight_decays))
        networks = [make(generator=torch.Generator().manual_seed(part.seed)) for _ in rates]
        training = train(networks, [part] * len(rates), options, rates=rates,
                         report=_report if self.progress else None)
        best = min(training.models, key=lambda model: model.validation_loss)
        self._fitted = replace(best, network=best.network.double().requires_grad_(False))
        history = training.history.rename(columns={"model": "candidate"})
        chosen = pd.DataFrame(rates, columns=["highest_learning_rate", "weight_decay"])
        self.history_ = history.join(chosen, on="candidate")

    def _maker(self, structure: NeuronStructure, d: int, n_outputs: int) -> Make:
        """Return how to make a network for d features; ValueError for too small a budget."""
        make = task_net(d, n_outputs, self.budget, structure, members=self.members)
        if make is None:
            raise ValueError(f"budget: found {self.budget}, expected more parameters for a network "
                             f"of {structure} with {d} features, {n_outputs} outputs and "
                             f"{self.members} members")
        return make

    def _outputs(self, X: Any) -> np.ndarray:
        """Return (N,) standardised targets or (N, C) probabilities of X (N, D)."""
        check_is_fitted(self)
        return self._fitted.predict(self._features.bounded(self._table(X, reset=False)))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_fitted")


def _of_positive_weight(
    X: pd.DataFrame, y: np.ndarray, sample_weight: Any
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return the rows of X (N, D), y (N,) and the weights (N,) whose weight is positive."""
    weights = checks.sample_weights(sample_weight, len(y))
    kept = np.flatnonzero(weights)
    if len(kept) < FEWEST_ROWS:
        raise ValueError(f"sample_weight: found {len(kept)} positive weights, expected at least "
                         f"{FEWEST_ROWS}")
    return X.iloc[kept], y[kept], weights[kept]


def _held_out(y: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted numbers of the rows of y (N,) to train on, and of those to validate.

    Classes keep their shares, as far as whole rows can, and each has a row to train on.
    """
    order = np.random.default_rng(seed).permutation(len(y))
    n = min(max(1, round(fraction * len(y))), len(y) - 2)
    if y.dtype.kind == "f":
        return np.sort(order[n:]), np.sort(order[:n])
    order = order[np.argsort(y[order], kind="stable")]
    first = np.r_[True, np.diff(y[order]) != 0]  # these rows of each class are to train on
    free = order[~first]
    if not len(free):
        raise ValueError("y: found one row for each class, expected a class with two rows or more")
    n = min(n, len(free))
    places = ((np.arange(n) + 0.5) * len(free) / n).astype(np.int64)
    validation = np.sort(free[places])
    return np.setdiff1d(np.arange(len(y)), validation), validation


def _parsed(text: str) -> NeuronStructure:
    """Return the structure of a text; ValueError that names the parameter."""
    try:
        return NeuronStructure.parse(text)
    except ValueError as error:
        raise ValueError(f"structure: {str(error).removeprefix('text: ')}") from None


def _report(done: int, total: int, loss: float) -> None:
    print(f"network: {done}/{total}, validation loss {loss:.4g}", file=sys.stderr, flush=True)
