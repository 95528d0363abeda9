"""Deep networks for tables by their authors' packages, stopped early on the validation rows.

The features of the FT-Transformer and TabM pass through `deep_training.Inputs`; TabNet takes them
as they are. All three have a standardised target.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from companion.rivals.peers import imported
from nslib.networks import n_parameters

from .deep_training import Inputs, report, train
from .table_task import Learned, TableTask

N_BINS = 48  # of TabM's piecewise linear embeddings, as in its example
D_EMBEDDING = 16


def fit_ft_transformer(task: TableTask) -> Learned:
    """Return the FT-Transformer with its package's default settings and AdamW.

    Three blocks of width 192, learning rate 1e-4, weight decay 1e-5, batches of 256 rows, patience
    16; two classes have two outputs and the cross-entropy. Source: Gorishniy et al., Revisiting
    deep learning models for tabular data (arXiv 2106.11959), and the example of the package
    rtdl_revisiting_models. ImportError without it.
    """
    kind = imported("rtdl_revisiting_models").FTTransformer
    inputs = Inputs(task.X, task.seed)
    network = kind(
        n_cont_features=len(inputs.kept), cat_cardinalities=[], d_out=task.n_outputs,
        **kind.get_default_kwargs(),
    )
    forward = partial(_one_member, network)
    return train(task, network, network.make_default_optimizer(), inputs, forward)


def _one_member(network: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Return outputs (B, 1, C) for numeric inputs x (B, d), without categories."""
    return network(x, None)[:, None]


def fit_tabm(task: TableTask) -> Learned:
    """Return TabM with its package's default settings, embeddings and AdamW.

    32 members of two layers of width 512 on piecewise linear embeddings of the features; learning
    rate 2e-3, weight decay 3e-4, gradients clipped to norm 1, batches of 256 rows, patience 16.
    Source: Gorishniy et al., TabM (arXiv 2410.24210), and the example of the package tabm.
    ImportError without it.
    """
    kind = imported("tabm").TabM
    embeddings = imported("rtdl_num_embeddings")
    inputs = Inputs(task.X, task.seed)
    with warnings.catch_warnings():  # of features of two values, which have one bin
        warnings.filterwarnings("ignore", message=".* has just two bin edges")
        bins = embeddings.compute_bins(inputs(task.X), n_bins=min(N_BINS, len(task.X) - 1))
        embedding = embeddings.PiecewiseLinearEmbeddings(
            bins, D_EMBEDDING, activation=False, version="B"
        )
    network = kind.make(
        n_num_features=len(inputs.kept), cat_cardinalities=[], d_out=task.n_outputs,
        num_embeddings=embedding,
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=3e-4)
    return train(task, network, optimizer, inputs, network, clip=1.0)


def fit_tabnet(task: TableTask) -> Learned:
    """Return TabNet with its package's default settings and Adam.

    Three steps of width 8, learning rate 0.02, at most 100 epochs of batches of 1024 rows (all
    rows where there are fewer), patience 10; it stops by the mean squared error, the area under
    the ROC curve of two classes or the accuracy of more. Source: Arik and Pfister, TabNet (arXiv
    1908.07442), and the package pytorch-tabnet. ImportError without it.
    """
    package = imported("pytorch_tabnet.tab_model")
    regression = task.n_classes is None
    mean, scale = (task.y.mean(), task.y.std()) if regression else (None, None)

    def target(y: np.ndarray) -> np.ndarray:  # (N,) to (N, 1), or codes (N,)
        return ((y - mean) / scale)[:, None] if regression else y

    kind = package.TabNetRegressor if regression else package.TabNetClassifier
    model = kind(seed=task.seed, verbose=0, device_name="cpu")
    batch = min(1024, len(task.X))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Best weights from best epoch")
        model.fit(
            task.X.astype(np.float32), target(task.y),
            eval_set=[(task.X_validation.astype(np.float32), target(task.y_validation))],
            max_epochs=task.max_epochs or 100, patience=task.patience or 10, batch_size=batch,
            virtual_batch_size=min(128, batch), compute_importance=False,
            callbacks=[_progress(task)] if task.progress else None,
        )
    return Learned(TabNetOutputs(model, mean, scale), n_parameters(model.network))


@dataclass(frozen=True)
class TabNetOutputs:
    """What a TabNet predicts; `mean`, `scale`: of the target, None for classes."""

    model: Any
    mean: float | None
    scale: float | None

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Return targets (N,) or class probabilities (N, C) for features X (N, D)."""
        X = X.astype(np.float32)
        if self.mean is None:
            return self.model.predict_proba(X)
        return self.model.predict(X)[:, 0].astype(float) * self.scale + self.mean


def _progress(task: TableTask) -> Any:
    """Return a callback that reports each epoch's last metric, as TabNet computes it."""

    class EpochReport(imported("pytorch_tabnet.callbacks").Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            metric = self.trainer.history[self.trainer.early_stopping_metric][-1]
            report(task, epoch + 1, metric, time.perf_counter() - self.start)

        def __reduce__(self) -> tuple[Any, ...]:
            return object, ()  # a fitted model keeps its callbacks, and a local class has no pickle

    return EpochReport()
