"""Seconds of forward + backward of a TaskLinear, as ratios to nn.Linear and the peers.

One step is the forward pass on a standard normal batch and the gradients of the input and of every
parameter for a given gradient of the output. The yardstick is an nn.Linear D -> m of the same
multiply-adds as the two matrix products of the TaskLinear, D * (R * sum of k) for the projections
and terms * C for the outputs: m is their sum over D, rounded. Steps are taken in turns, on one
thread, with Python's garbage collector off; "ratio" is the median over the turns of a step of the
row over a step of the TaskLinear in the same turn, normalised where the row is; "ratio of least"
that of the least times, which other work on the machine disturbs least.

Peers: the authors' CP layer from a checkout given by --official, and the PyPI package tnlearn where
it is installed (the extra `peers`), whose layer has interactions of its own for every output; it
gets a fifth of the repeats.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import statistics
from collections.abc import Callable

import pandas as pd
import torch
from torch import nn

from companion.experiments.progress import say
from nslib.neuron import TaskLinear
from nslib.structure import NeuronStructure
from nslib.threads import one_thread

from .measuring import add_official, bench_parser, on_path, seconds_of, show

PURE, INTERACT = (1, 2), (2, 3)
TARGETS = {  # ratio to be reached against the TaskLinear of the same normalisation
    "nn.Linear, same multiply-adds": "≥ 1/1.25 = 0.8",
    "authors' CP layer": "≥ 1.2",
    "authors' CP layer, normalised": "≥ 1.5",
    "tnlearn TNLinear": "≥ 40",
}


def main(argv: list[str]) -> int:
    """Measure and print a row for each layer; see --help."""
    parser = bench_parser(
        "layer", __doc__, features=64, outputs=64, batch=1024, rank=8,
        device=("cpu", "cpu (default) or cuda"), repeats=(200, "turns of every layer"),
    )
    add_official(parser)
    options = parser.parse_args(argv)
    for name in ("features", "outputs", "batch", "rank", "repeats"):
        if getattr(options, name) < 1:
            parser.error(f"--{name}: found {getattr(options, name)}, expected 1 or more")
    if options.device != "cpu" and not (options.device == "cuda" and torch.cuda.is_available()):
        parser.error(f"--device: found {options.device!r}, expected cpu"
                     + (" or cuda" if torch.cuda.is_available() else " (here is no CUDA device)"))
    with one_thread():
        table = measure(options)
    structure = NeuronStructure(PURE, INTERACT, options.rank)
    print(f"{structure}, {options.features} -> {options.outputs}, batch {options.batch}, "
          f"{options.device}, forward + backward")
    show(table)
    return 0


def measure(options: argparse.Namespace) -> pd.DataFrame:
    """Return milliseconds a step (least and median) of every layer, its ratio and the target."""
    torch.manual_seed(0)
    steps = {name: step(layer.to(options.device), options.features, options.batch)
             for name, layer in layers(options).items()}
    slow = [name for name in steps if name.startswith("tnlearn")]
    fast = [name for name in steps if name not in slow]
    races = [(fast, options.repeats)]
    if slow:
        races.append(([_ours(""), *slow], -(-options.repeats // 5)))
    rows: dict[str, dict[str, object]] = {}
    for names, repeats in races:
        seconds = race({name: steps[name] for name in names}, repeats, options.device)
        rows = {name: _row(name, own, seconds[_ours(name)]) for name, own in seconds.items()} | rows
    return pd.DataFrame.from_dict({name: rows[name] for name in steps}, orient="index")


def _ours(name: str) -> str:
    """Return the row that a layer's row is compared with."""
    return "nslib TaskLinear" + (", normalised" if "normalised" in name else "")


def _row(name: str, own: list[float], ours: list[float]) -> dict[str, object]:
    """Return the table's row of a layer, given its and our seconds in each turn."""
    ratios = [a / b for a, b in zip(own, ours, strict=True)]
    target = next((TARGETS[t] for t in sorted(TARGETS, key=len) if name.startswith(t)
                   and ("normalised" in name) == ("normalised" in t)), "")
    return {"least ms": 1e3 * min(own), "median ms": 1e3 * statistics.median(own),
            "ratio": statistics.median(ratios), "ratio of least": min(own) / min(ours),
            "target": target}


def layers(options: argparse.Namespace) -> dict[str, nn.Module]:
    """Return the layers D -> C to compare, the peers that are here among them."""
    d, c, rank = options.features, options.outputs, options.rank
    structure = NeuronStructure(PURE, INTERACT, rank)
    built: dict[str, nn.Module] = {
        "nslib TaskLinear": TaskLinear(d, c, structure),
        "nslib TaskLinear, normalised": TaskLinear(d, c, structure, norm="batch"),
        "nn.Linear, same multiply-adds": nn.Linear(d, same_multiply_adds(d, c, structure)),
        f"nn.Linear {d} -> {c}": nn.Linear(d, c),
    }
    if options.official:
        with on_path(options.official):
            module = importlib.import_module("neuronseek.layers.task_based_neurons")
        arguments = (d, c, list(PURE), list(INTERACT), rank)
        built["authors' CP layer"] = module.CPTaskBasedNeuron(*arguments)
        built["authors' CP layer, normalised"] = module.CPTaskBasedNeuron(
            *arguments, use_batchnorm=True
        )
    if importlib.util.find_spec("tnlearn"):
        for r in dict.fromkeys((1, rank)):
            built[f"tnlearn TNLinear, rank {r}"] = _tnlearn(d, c, r)
    else:
        say("tnlearn, of the companion's extra peers, is not installed")
    return built


def same_multiply_adds(d: int, c: int, structure: NeuronStructure) -> int:
    """Return m for which an nn.Linear d -> m has the multiply-adds of a TaskLinear d -> c."""
    projections = d * structure.rank * sum(structure.interact)
    element_wise = len(structure.pure) + structure.sin
    terms = element_wise * d + structure.rank * len(structure.interact)
    return max(1, round((projections + terms * c) / d))


def _tnlearn(d: int, c: int, rank: int) -> nn.Module:
    """Return tnlearn's layer with the same streams, in the words of its own configuration."""
    text = importlib.import_module("tnlearn.operator.inner_product").neuronseek_config_to_string(
        {"pure_indices": list(PURE), "interact_indices": list(INTERACT), "rank": rank}
    )
    module = importlib.import_module("tnlearn.modules.TNlinear")
    return module.TNLinear(d, c, text, already_parametrized=True)


def step(layer: nn.Module, n_features: int, batch: int) -> Callable[[], object]:
    """Return a function that runs one forward and backward pass of the layer."""
    parameters = list(layer.parameters())
    x = torch.randn(batch, n_features, device=parameters[0].device, requires_grad=True)
    wanted = [x, *parameters]
    grad = torch.randn_like(layer(x))
    return lambda: torch.autograd.grad(layer(x), wanted, grad)


def race(
    steps: dict[str, Callable[[], object]], repeats: int, device: str
) -> dict[str, list[float]]:
    """Return the seconds of a call of each function in each of `repeats` turns of them all."""
    wait = torch.cuda.synchronize if device != "cpu" else lambda: None
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(-2, repeats):  # two turns to warm up
        for name, run in steps.items():
            run()
            wait()
            taken = seconds_of(lambda run=run: (run(), wait()))
            if turn >= 0:
                seconds[name].append(taken)
    return seconds
