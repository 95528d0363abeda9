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
import contextlib
import gc
import importlib
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import torch
from torch import nn

from nslib.neuron import TaskLinear
from nslib.structure import NeuronStructure
from nslib.threads import one_thread

from .bench_search import check_official, on_path

PURE, INTERACT = (1, 2), (2, 3)
TARGETS = {  # ratio to be reached against the TaskLinear of the same normalisation
    "nn.Linear, same multiply-adds": "≥ 1/1.25 = 0.8",
    "authors' CP layer": "≥ 1.2",
    "authors' CP layer, normalised": "≥ 1.5",
    "tnlearn TNLinear": "≥ 40",
}


def main(argv: list[str]) -> int:
    """Measure and print a row for each layer; see --help."""
    parser = argparse.ArgumentParser(prog="nslib bench layer", description=__doc__)
    parser.add_argument("--features", type=int, default=64, metavar="D")
    parser.add_argument("--outputs", type=int, default=64, metavar="C")
    parser.add_argument("--batch", type=int, default=1024, metavar="N")
    parser.add_argument("--rank", type=int, default=8, metavar="R")
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    parser.add_argument("--official", type=Path, help="folder of a checkout of the authors' code")
    parser.add_argument("--repeats", type=int, default=200, help="turns of every layer")
    options = parser.parse_args(argv)
    for name in ("features", "outputs", "batch", "rank", "repeats"):
        if getattr(options, name) < 1:
            parser.error(f"--{name}: found {getattr(options, name)}, expected 1 or more")
    if options.official:
        check_official(parser, options.official)
    if options.device != "cpu" and not (options.device == "cuda" and torch.cuda.is_available()):
        parser.error(f"--device: found {options.device!r}, expected cpu"
                     + (" or cuda" if torch.cuda.is_available() else " (here is no CUDA device)"))
    with one_thread():
        table = measure(options)
    structure = NeuronStructure(PURE, INTERACT, options.rank)
    print(f"{structure}, {options.features} -> {options.outputs}, batch {options.batch}, "
          f"{options.device}, forward + backward")
    print(table.to_string(float_format=lambda v: f"{v:.3g}", na_rep=""), flush=True)
    return 0


def measure(options: argparse.Namespace) -> pd.DataFrame:
    """Return milliseconds a step (least and median) of every layer, its ratio and the target."""
    torch.manual_seed(0)
    built = layers(options)
    tnlearn = [name for name in built if name.startswith("tnlearn")]
    steps = {
        name: step(layer.to(options.device), options.features, options.batch)
        for name, layer in built.items()
    }
    fast = {name: run for name, run in steps.items() if name not in tnlearn}
    seconds = race(fast, options.repeats, options.device)
    rows = {}
    for name, own in seconds.items():
        rows[name] = _row(name, own, seconds[_ours(name)])
    if tnlearn:
        pairs = race(
            {name: steps[name] for name in (_ours(""), *tnlearn)},
            -(-options.repeats // 5), options.device,
        )
        for name in tnlearn:
            rows[name] = _row(name, pairs[name], pairs[_ours("")])
    return pd.DataFrame.from_dict(rows, orient="index")


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
        print("tnlearn, of the companion's extra peers, is not installed", file=sys.stderr)
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
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    with _no_collector():
        for turn in range(-2, repeats):  # two turns to warm up
            for name, run in steps.items():
                run()
                _wait(device)
                start = time.perf_counter()
                run()
                _wait(device)
                if turn >= 0:
                    seconds[name].append(time.perf_counter() - start)
    return seconds


def _wait(device: str) -> None:
    """Wait until the device has done what it was given."""
    if device != "cpu":
        torch.cuda.synchronize()


@contextlib.contextmanager
def _no_collector() -> Iterator[None]:
    """Keep Python's garbage collector from running inside."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
