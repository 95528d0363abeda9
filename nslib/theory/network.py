"""The approximant as a torch module: a fixed set of neurons, repeated.

x ± δ, with δ halved from 1; the bits of every copy; the index k; the value by the construction; the
medians; the range. Every weight is listed in `weights`, and the module is made from that list.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .. import checks
from ..neuron import TaskLinear
from ..structure import NeuronStructure
from .cube_cells import Cells
from .digits import Digits
from .rounding import network_precision
from .trajectory import DenseTrajectory

LINEAR = NeuronStructure(pure=(1,), interact=())
CHAOTIC = NeuronStructure(pure=(1, 2), interact=())
SQUARE = NeuronStructure(pure=(2,), interact=())
SINE = NeuronStructure(pure=(), interact=(), sin=True)
PRODUCT = NeuronStructure(pure=(), interact=(2,), rank=1)

Entries = dict[str, tuple[int | float, ...]]


def weights(approximant) -> Entries:
    """Return every weight and bias of the network by the name of its neuron.

    Exact where it is an int, else the double that the module has. A neuron's weights come first,
    then the factors of its interaction, then its bias. The one number that holds the function in
    construction B, s = sin²(πα), stands here to double precision.
    """
    index: Entries = {
        "whole": (1,), "halve": (0.5,), "shift": (1, -1, 1, 0, 1, 1),
        "ramp": (2, 2, -0.5, -1.5), "difference": (1, -1), "remainder": (2, -1),
        "append": (2, 1), "one": (1, 1),
    }
    held = approximant.construction
    if isinstance(held, Digits):
        values: Entries = {
            "start": (float(held.values.middle[0]),), "first step": (1,),
            "distance": (1, -1), "sides": (1, -1), "gate": (-1, -1, 1),
            "read": (1, 1, 0, 0, 1), "next step": (1, 1), "neuron": (4, -4),
        }
    else:
        dense = isinstance(held, DenseTrajectory)
        offset = float(held.c - 1) if dense else math.pi - 1
        values = {"softsign": (1, offset), **({} if dense else {"winding": (held.w,)}),
                  "angle": (math.pi,), "sine": (1,), "square": (1,),
                  **({"neuron": (4, -4)} if dense else {})}
    return {
        **index, **values,
        "larger": (1, -1), "above": (1, 1, -1), "between": (-1, 1, 2, -1), "median": (1, -1, 1),
        "range": (approximant.scale, approximant.lowest),
    }


def build(approximant, precision: float | None = None) -> ApproximantModule:
    """Return the network in double precision if doubles are proved to hold it.

    `precision`: allowed distance from the exact values in units of f, ε/10 by default. Raises
    ValueError where the bound of `rounding.network_precision` exceeds it.
    """
    precision = approximant.eps / 10 if precision is None else checks.real(precision, "precision")
    if precision <= 0:
        raise ValueError(f"precision: found {precision}, expected a number above 0")
    reached = network_precision(
        approximant.construction, approximant.dim, approximant.lowest, approximant.scale, precision)
    return ApproximantModule(
        weights(approximant), approximant.cells, approximant.construction, reached)


def _neuron(entries: tuple, inputs: int, outputs: int = 1, structure=LINEAR) -> TaskLinear:
    """Return a `TaskLinear` with these weights, then factors, then a bias if there are more."""
    neuron = TaskLinear(inputs, outputs, structure, bias=False, dtype=torch.float64)
    if len(entries) > sum(parameter.numel() for parameter in neuron.parameters()):
        neuron = TaskLinear(inputs, outputs, structure, bias=True, dtype=torch.float64)
    order = [p for p in (neuron.weight, neuron.factors, neuron.bias) if p is not None]
    nn.utils.vector_to_parameters(torch.tensor([float(w) for w in entries], dtype=torch.float64),
                                  order)
    return neuron


def _number(entries: tuple) -> nn.Parameter:
    """Return the entries [n] as a parameter (n,)."""
    return nn.Parameter(torch.tensor(entries, dtype=torch.float64))


class ApproximantModule(nn.Module):
    """A network of fixed size from points (M, d) to values (M,), float64; made by `build`.

    `cells` has the repeat counts of the index, `reader` those of the construction. `precision`:
    proved bound, in units of f, of the distance from the exact values at points whose copies lie
    in no layer. In a layer both lie between the values of the two cells, to within `precision`. So
    the approximant's bound + `precision` bounds the error everywhere. It is assumed that torch's
    sine errs by at most 4 units in the last place.
    """

    def __init__(self, entries: Entries, cells: Cells, construction, precision: float) -> None:
        super().__init__()
        self.cells, self.precision = cells, precision
        self.whole = _number(entries["whole"])
        shapes = {"halve": (1, 1), "shift": (2, 3), "ramp": (1, 2), "difference": (2, 1),
                  "remainder": (2, 1), "append": (2, 1), "one": (1, 1), "larger": (2, 1),
                  "above": (3, 1), "between": (4, 1), "median": (3, 1), "range": (1, 1)}
        self.neurons = nn.ModuleDict({
            name: _neuron(entries[name], *shape) for name, shape in shapes.items()
        })
        self.reader = (Words if isinstance(construction, Digits) else Winds)(entries, construction)
        self.requires_grad_(False)

    def forward(self, points: Tensor) -> Tensor:
        """Map points (M, d) of [0, 1]^d, float64, or (M,) where d = 1, to values (M,)."""
        if points.dim() == 1 and self.cells.dim == 1:
            points = points[:, None]
        if points.dtype != torch.float64 or points.dim() != 2 or points.shape[1] != self.cells.dim:
            raise ValueError(f"points: found {points.dtype} of shape {tuple(points.shape)}, "
                             f"expected torch.float64 of shape (points, {self.cells.dim})")
        if not ((points >= 0) & (points <= 1)).all():
            raise ValueError("points: found a value outside [0, 1] or NaN, expected [0, 1]")
        k = self.neurons["one"](self._index(points)[..., None])
        values = self.reader(k).squeeze(-1)
        for _ in range(self.cells.dim):
            values = self._median(values)
        return self.neurons["range"](values[..., None]).squeeze(-1)

    def _index(self, points: Tensor) -> Tensor:
        """Return the index (M, 3, …, 3) of every copy of points (M, d), from 0."""
        n, shift = self.neurons, self.whole
        for _ in range(self.cells.halvings):
            shift = n["halve"](shift)
        a = n["shift"](torch.stack([points, shift.expand_as(points)], dim=-1))  # (M, d, 3)
        b = points.new_zeros(len(points), *(3,) * self.cells.dim)
        for _ in range(self.cells.digits):
            bit = a[..., None]
            for _ in range(self.cells.ramps):
                bit = n["difference"](F.relu(n["ramp"](bit)))
            a = n["remainder"](torch.cat([a[..., None], bit], dim=-1)).squeeze(-1)
            for i in range(self.cells.dim):
                along = [1] * self.cells.dim
                along[i] = 3
                copies = bit[:, i, :, 0].view(-1, *along).expand_as(b)
                b = n["append"](torch.stack([b, copies], dim=-1)).squeeze(-1)
        return b

    def _median(self, values: Tensor) -> Tensor:
        """Return the medians (…) of values (…, 3), by max and min, which are ReLUs."""
        n, (a, b, c) = self.neurons, values.unbind(-1)
        r = F.relu(n["larger"](torch.stack([a, b], -1)).squeeze(-1))  # max = b + r, min = a - r
        s = F.relu(n["above"](torch.stack([b, r, c], -1)).squeeze(-1))  # min(max, c) = b + r - s
        t = F.relu(n["between"](torch.stack([a, b, r, s], -1)).squeeze(-1))
        return n["median"](torch.stack([a, r, t], -1)).squeeze(-1)


class Winds(nn.Module):
    """Constructions A and C: sin² of an angle, then the chaotic neuron `depth` times (A)."""

    def __init__(self, entries: Entries, construction) -> None:
        super().__init__()
        self.depth = construction.repeats
        self.softsign = _neuron(entries["softsign"], 1)
        self.winding = _neuron(entries["winding"], 1) if "winding" in entries else nn.Identity()
        self.angle = _neuron(entries["angle"], 1)
        self.sine = _neuron(entries["sine"], 1, 1, SINE)
        self.square = _neuron(entries["square"], 1, 1, SQUARE)
        self.neuron = (
            _neuron(entries["neuron"], 1, 1, CHAOTIC) if "neuron" in entries else nn.Identity())

    def forward(self, k: Tensor) -> Tensor:
        """Map indices (…, 1) to values (…, 1)."""
        u = self.square(self.sine(self.angle(self.winding(F.softsign(self.softsign(k))))))
        for _ in range(self.depth):
            u = F.relu(self.neuron(u))
        return u


class Words(nn.Module):
    """Construction B: K steps that read u where step = k, and repeat the neuron m times."""

    def __init__(self, entries: Entries, construction: Digits) -> None:
        super().__init__()
        self.steps, self.word_bits = construction.cells, construction.word_bits
        self.start, self.first = _number(entries["start"]), _number(entries["first step"])
        self.distance = _neuron(entries["distance"], 2)
        self.sides = _neuron(entries["sides"], 1, 2)
        self.gate = _neuron(entries["gate"], 2)
        self.read = _neuron(entries["read"], 2, 1, PRODUCT)
        self.next = _neuron(entries["next step"], 1)
        self.neuron = _neuron(entries["neuron"], 1, 1, CHAOTIC)

    def forward(self, k: Tensor) -> Tensor:
        """Map indices (…, 1) to values (…, 1)."""
        u, step, out = self.start, self.first, torch.zeros_like(k)
        for place in range(self.steps):
            distance = self.distance(torch.cat([step.expand_as(k), k], dim=-1))
            gate = F.relu(self.gate(F.relu(self.sides(distance))))
            out = out + self.read(torch.cat([gate, u.expand_as(k)], dim=-1))
            if place < self.steps - 1:
                for _ in range(self.word_bits):
                    u = F.relu(self.neuron(u))
                step = self.next(step)
        return out
