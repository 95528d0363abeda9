"""Starting points of rank-one interactions, from moment tensors and weighted least squares.

For whitened features z and a residual e the moment tensor E[e · He_k(z)] of a product of k linear
forms is spanned by their directions. Its D^k entries are never formed: the Gram matrix of its
first unfolding is a sum over pairs of rows, a kernel matrix. Its leading directions need
n ≫ Q^(k/2) rows, those of E[|e| · He_2(z)], of the residual's size, only n ≫ Q. Inside the
subspace of both, and from there in all dimensions, alternating least squares fits
e ≈ Π_m (u_m · z), several restarts at once.

Each linear fit weighs a row by 1 / (c + g²), g being the product of the other, still wrong
factors: their error is multiplied by g as well, so this is generalised least squares. Plain least
squares lets the few rows of a large g, the heavy tail of a product, decide.

Sources: unfolding of Hermite moments and its pairwise form: Hopkins, Shi & Steurer (2015),
Montanari & Sun (2018); transformed labels: Damian, Pillaud-Vivien, Lee & Bruna (2024). Moments use
the directions z/|z| alone, so that heavy tails do no harm.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...portable import root

NOISE = 0.3
"""c of the row weights 1 / (c + g²), for factors g that are products of unit projections.

Below g² = c the noise of the target counts, which is the same in every row; above it the error of
the other factors, which grows with g.
"""

ENOUGH = 0.99
"""Share of the weighted squares explained at which a start is good enough: sweeps end, and the
joint steps of `gram` refine it."""


FEW = 1000
"""Rows below which starts are computed in double precision.

There many products explain a target equally well and sweeps do not converge: they turn a difference
in the last bits into another product. Many rows lead to the same product from single precision,
which is twice as fast.
"""


def precision(n_rows: int) -> torch.dtype:
    """Return the precision in which starts on so many rows are computed."""
    return torch.float64 if n_rows < FEW else torch.float32


def eigenvectors(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Return eigenvalues (..., Q), ascending, and vectors (..., Q, Q) of a symmetric matrix.

    The sign of a vector, which LAPACK leaves open and which differs between processors, is that of
    a positive first entry among the largest: random starts in such a basis would differ with it.
    """
    values, vectors = torch.linalg.eigh(matrix)
    # equal up to rounding, as in (1, -1), is equally large
    large = vectors.abs() > 0.99 * vectors.abs().amax(-2, keepdim=True)
    first = large.to(torch.uint8).argmax(-2, keepdim=True)
    return values, vectors * vectors.gather(-2, first).sign()


def whitening(Z: Tensor) -> tuple[Tensor, Tensor]:
    """Return for Z (n, D) its mean (D,) and W (D, Q) such that (Z - mean) W has unit covariance.

    Directions whose variance is below 1e-8 of the largest are left out, hence Q <= D.
    """
    scale = Z.std(dim=0).nan_to_num()
    scale = torch.where(scale > 0, scale, 1.0)
    mean = Z.mean(dim=0)
    unit = (Z - mean) / scale
    variance, vectors = eigenvectors(unit.T @ unit / len(Z))
    # dependent features span less than D dimensions; whitening would blow up rounding errors
    kept = variance > 1e-8 * variance[-1].clamp_min(1e-300)
    return mean, vectors[:, kept] / root(variance[kept]) / scale.unsqueeze(1)


def hermite(order: int, values: Tensor) -> Tensor:
    """Return the probabilists' Hermite polynomial He_order of values of any shape, in this shape.

    By He_{k+1}(x) = x He_k(x) - k He_{k-1}(x).
    """
    previous, current = torch.zeros_like(values), torch.ones_like(values)
    for k in range(order):
        previous, current = current, values * current - k * previous
    return current


def directions(Z: Tensor) -> Tensor:
    """Return the rows of Z (n, Q) with norm √Q, (n, Q)."""
    return Z / Z.norm(dim=1, keepdim=True).clamp_min(1e-150) * math.sqrt(Z.shape[1])


def leading_subspace(
    Z: Tensor, residual: Tensor, order: int, size: int, kernel: Tensor | None = None
) -> Tensor:
    """Return an orthonormal basis (Q, size) that leans towards the directions of a product.

    Z (n, Q) whitened, residual (n, C). Half of it from the moment tensor of the residual, half from
    the second moments of its size: |e| of a product is large where all its forms are, whatever
    the order, so that n need only grow like Q. kernel (n, n): see `unfolding_gram`.
    """
    S = directions(Z)
    # a long tail of the residual would decide alone: it is cut at twice, its size at four times,
    # the median
    typical = residual.abs().quantile(0.5, dim=0).clamp_min(1e-150)
    scaled = residual / typical
    unfolded = eigenvectors(unfolding_gram(S, scaled.clamp(-2, 2), order, kernel))[1]
    magnitude = scaled.abs().clamp_max(4).mean(dim=1)
    values, vectors = eigenvectors(S.T @ ((magnitude - magnitude.mean()).unsqueeze(1) * S))
    # the moments are centred, so that both ends of their spectrum tell directions
    outermost = vectors[:, values.abs().argsort(descending=True)[: size - size // 2]]
    return torch.linalg.qr(torch.cat([outermost, unfolded[:, -(size // 2) :]], dim=1))[0]


def pair_kernel(S: Tensor, order: int, first: int = 0, last: int | None = None) -> Tensor:
    """Return κ(s_i · s_j) of `unfolding_gram` for rows first to last of S (n, Q): (m, n)."""
    n, q = S.shape
    S = S.to(precision(n))
    kernel = hermite(order - 1, S[first:last] @ S.T / math.sqrt(q))
    kernel.diagonal(first).zero_()
    return kernel


def unfolding_gram(
    S: Tensor, residual: Tensor, order: int, kernel: Tensor | None = None
) -> Tensor:
    """Return the Gram matrix (Q, Q) of the unfolding E[e s ⊗ He_{order-1}(s)] of the moments.

    S (n, Q), residual (n, C). A sum over pairs of rows, Σ_{i≠j} (e_i · e_j) κ(s_i · s_j) s_i s_jᵀ
    with s = √Q z/|z| and κ(t) = He_{order-1}(t/√Q); the terms i = j carry only noise. kernel
    (n, n): the κ of all pairs, which do not depend on the residual; None: made block by block.
    """
    n, q = S.shape
    converted, residual = S.to(precision(n)), residual.to(precision(n))
    matrix = torch.zeros(q, q, dtype=converted.dtype)
    for first in range(0, n, 1024):  # many rows have too many pairs to hold
        part = slice(first, first + 1024)
        block = pair_kernel(S, order, first, first + 1024) if kernel is None else kernel[part]
        for e in residual.T:
            weighted = e.unsqueeze(1) * converted
            matrix += weighted[part].T @ (block @ weighted)
    return (matrix + matrix.T).double()


def alternate(
    Z: Tensor, target: Tensor, factors: Tensor, sweeps: int, weighted: bool = True
) -> tuple[Tensor, Tensor]:
    """Fit target ≈ constant + Π_m (u_m · z) by alternating least squares from B starts at once.

    Z (n, Q), target (B, n), factors (B, k, Q). Returns the factors and the share (B,) of the
    (weighted) squares explained. Ends early when one start explains nearly everything.
    """
    starts, order, q = factors.shape
    factors = factors.clone()
    projections = (factors.flatten(0, 1) @ Z.T).unflatten(0, (starts, order)).transpose(0, 1)
    projections = projections / _spread(projections)
    # all products of two features turn the Gram matrices of all starts into one product; beyond
    # 24 features they would take too much memory, n·Q² numbers
    squares = (Z.unsqueeze(2) * Z.unsqueeze(1)).flatten(1) if q <= 24 else None
    share = torch.zeros(starts, dtype=Z.dtype)
    for _ in range(sweeps):
        for m in range(order):
            others = [projections[j] for j in range(order) if j != m]
            rest = torch.stack(others).prod(0)
            # weighted least squares of the target on rest · z and a constant, which is eliminated
            weight = 1 / (NOISE + rest * rest) if weighted else torch.ones_like(rest)
            total = weight.sum(1, keepdim=True)
            mean = (weight * target).sum(1, keepdim=True) / total
            centred = target - mean
            right = (weight * rest * centred) @ Z
            mass = (weight * rest) @ Z
            gram = _grams(Z, weight * rest * rest, squares)
            gram = gram - mass.unsqueeze(2) * (mass / total).unsqueeze(1)
            # single precision has seven digits: a ridge of 1e-5 keeps the solution finite
            ridge = 1e-5 * gram.diagonal(dim1=1, dim2=2).mean(1)
            gram.diagonal(dim1=1, dim2=2).add_(ridge.clamp_min(1e-30).unsqueeze(1))
            solution = torch.linalg.solve(gram, right)
            explained = (solution * right).sum(1)
            share = explained / (weight * centred * centred).sum(1).clamp_min(1e-150)
            projection = solution @ Z.T
            # the scale belongs to no factor: each projection has unit size
            spread = _spread(projection)
            factors[:, m], projections[m] = solution / spread, projection / spread
        if share.max() > ENOUGH:
            break
    return factors, share


def _spread(values: Tensor) -> Tensor:
    """Return the root mean square over the last dimension, (..., n) -> (..., 1)."""
    return root(values.square().mean(-1, keepdim=True)).clamp_min(1e-150)


def _grams(Z: Tensor, weights: Tensor, squares: Tensor | None) -> Tensor:
    """Return Zᵀ diag(w) Z for Z (n, Q) and each row w of weights (B, n): (B, Q, Q).

    squares (n, Q²): the products of all pairs of columns of Z, or None.
    """
    if squares is not None:
        return (weights @ squares).unflatten(1, (Z.shape[1], -1))
    roots = (root(row).unsqueeze(1) * Z for row in weights)
    return torch.stack([root.T @ root for root in roots])


def contrasts(residual: Tensor, most: int = 3) -> Tensor:
    """Return up to `most` leading combinations of the columns of residual (n, C), unit size (B, n).

    They are the directions in which the residuals of several outputs vary most.
    """
    variance, vectors = eigenvectors(residual.T @ residual)
    kept = variance > 1e-6 * variance[-1]
    combined = (residual @ vectors[:, kept][:, -most:]).T.flip(0)
    combined = combined - combined.mean(dim=1, keepdim=True)
    return combined / _spread(combined)


class Starts:
    """Rank-one candidates for a residual on fixed rows.

    Z (n, D): the rows, whitened once. `restarts`, `sweeps`: starts inside the leading subspace, and
    sweeps of the best of them in all dimensions.
    """

    HELD = 4096
    """Most rows of which the kernels of all pairs are kept, one an order: 64 MB each."""

    HOPELESS, HOPELESS_INSIDE = 0.1, 0.04
    """Share of what a term has to explain below which the first sweeps end the search for it: in
    all dimensions, and in the leading subspace only, which may hold a part of its forms.

    Measured on the 15 formulas at D = 10, 30 and 100 with noise .01 and .5: terms that were
    accepted had at least .2 and .06 of it, most of the refused less than .08 and .04.
    """

    SUBSPACE, SHORT, BEST = 12, 10, 2
    """Dimensions of the leading subspace, at least (2k for order k, so that both halves can hold k
    forms); sweeps in it; how many of the starts go on from there in all dimensions."""

    def __init__(self, Z: Tensor, restarts: int, sweeps: int, generator: torch.Generator) -> None:
        self.restarts, self.sweeps, self.generator = restarts, sweeps, generator
        mean, self.matrix = whitening(Z)
        self.whitened = (Z - mean) @ self.matrix
        self.offset = mean @ self.matrix
        self.raw, self.precision = Z, precision(len(Z))
        self._kernels: dict[int, Tensor] = {}

    def candidate(
        self, residual: Tensor, order: int, effort: int = 1, needed: float = 0.0
    ) -> Tensor | None:
        """Return factors (order, D) whose product explains the residual (n, C), up to a scale.

        `effort` multiplies the number of starts and of sweeps; `needed`: the share of the residual
        that a term must explain. None where the first sweeps are far from it.
        """
        targets = contrasts(residual)
        if order == 2:
            return self._second(targets)
        q = self.whitened.shape[1]
        size = min(q, max(self.SUBSPACE, 2 * order))
        Z, targets = self._swept(), targets.to(self.precision)
        inside = Z
        if size < q:
            basis = leading_subspace(self.whitened, residual, order, size, self._kernel(order))
            basis = basis.to(self.precision)
            inside = Z @ basis
        restarts = effort * self.restarts
        shape = (len(targets) * restarts, order, inside.shape[1])
        # torch draws single precision another way on another processor
        drawn = torch.randn(shape, generator=self.generator, dtype=torch.float64)
        repeated = targets.repeat_interleave(restarts, dim=0)
        factors, share = alternate(inside, repeated, drawn.to(self.precision), self.SHORT)
        hopeless = self.HOPELESS_INSIDE if size < q else self.HOPELESS
        if float(share.nan_to_num().max()) < hopeless * needed:
            return None
        best = share.nan_to_num().argsort(descending=True, stable=True)[: effort * self.BEST]
        factors = factors[best] @ basis.T if size < q else factors[best]
        sweeps = effort * min(self.sweeps, 10 + q // 2)
        factors, share = alternate(Z, repeated[best], factors, sweeps)
        return factors[share.nan_to_num().argmax()].double() @ self.matrix.T

    def _kernel(self, order: int) -> Tensor | None:
        """Return the kernel (n, n) of an order, kept; None for too many rows."""
        if len(self.raw) > self.HELD:
            return None
        if order not in self._kernels:
            self._kernels[order] = pair_kernel(directions(self.whitened), order)
        return self._kernels[order]

    def polished(self, target: Tensor, factors: Tensor) -> Tensor:
        """Return factors (k, D) after further weighted sweeps for the target (n,) from there."""
        Z, q = self._swept(), self.whitened.shape[1]
        inside = (factors @ torch.linalg.pinv(self.matrix).T).to(self.precision).unsqueeze(0)
        centred = (target - target.mean()).to(self.precision)
        centred = (centred / _spread(centred)).unsqueeze(0)
        fitted, _ = alternate(Z, centred, inside, min(self.sweeps, 10 + q // 2))
        return fitted[0].double() @ self.matrix.T

    def _swept(self) -> Tensor:
        """Return the whitened rows with their means (n, Q), in the precision of the sweeps."""
        return (self.whitened + self.offset).to(self.precision)

    def _second(self, targets: Tensor) -> Tensor:
        """Return factors (2, D) from the outermost eigenvalues of E[e z zᵀ], e in targets (B, n).

        The symmetric part of u vᵀ is a aᵀ - b bᵀ with u = a + b and v = a - b, so that it has one
        positive and one negative eigenvalue: no random starts are needed.
        """
        Z = self.whitened
        values, vectors = eigenvectors(Z.T @ (targets.unsqueeze(2) * Z) / len(Z))
        plus, minus = values[:, -1].clamp_min(0), (-values[:, 0]).clamp_min(0)
        # where one of the signs is missing, as for a square, u and v differ a little all the same
        small = 1e-3 * torch.maximum(plus, minus)
        a = vectors[:, :, -1] * root(torch.maximum(plus, small)).unsqueeze(1)
        b = vectors[:, :, 0] * root(torch.maximum(minus, small)).unsqueeze(1)
        factors = torch.stack([a + b, a - b], dim=1)
        factors, share = alternate(Z + self.offset, targets, factors, 6, weighted=False)
        return factors[share.nan_to_num().argmax()] @ self.matrix.T
