"""Deep networks for tables by their authors' packages, stopped early on the validation rows.

The features of the FT-Transformer and TabM pass through `deep_training.Inputs`; TabNet takes them
as they are. All three have a standardised target.
"""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import numpy as np
import torch

from companion.rivals.peers import imported
from nslib.networks import n_parameters

from .deep_training import Inputs, train
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
    optimizer = network.make_default_optimizer()
    return train(task, network, optimizer, inputs, partial(_one_member, network))


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
    kind = package.TabNetRegressor if task.regression else package.TabNetClassifier
    model = kind(seed=task.seed, verbose=0, device_name="cpu")
    y, y_validation = task.standardised(task.y), task.standardised(task.y_validation)
    if task.regression:
        y, y_validation = y[:, None], y_validation[:, None]
    batch = min(1024, len(task.X))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Best weights from best epoch")
        model.fit(
            task.X.astype(np.float32), y,
            eval_set=[(task.X_validation.astype(np.float32), y_validation)],
            max_epochs=100, patience=10, batch_size=batch, virtual_batch_size=min(128, batch),
            compute_importance=False,
        )
    return Learned(partial(_tabnet_outputs, task, model), n_parameters(model.network))


def _tabnet_outputs(task: TableTask, model: Any, X: np.ndarray) -> np.ndarray:
    """Return targets (N,) or class probabilities (N, C) for features X (N, D)."""
    X = X.astype(np.float32)
    if not task.regression:
        return model.predict_proba(X)
    return task.in_units(model.predict(X)[:, 0].astype(float))
