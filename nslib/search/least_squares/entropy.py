"""Cross-entropy as the objective of the least-squares search: streams for classification.

Residuals, starting points and tangent columns are those of least squares. Two classes are fitted by
iteratively reweighted least squares, more by L-BFGS; resamples use the reweighted form for both.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from .gram import Data, minimise
from .objective import EFFORTS, Fitted, Objective
from .polynomial import Polynomial

PENALTY = 0.5
"""Weight of the squared coefficients of unit-variance columns, as in scikit-learn's default."""


def spread_of_power(data: Data, order: int) -> Tensor:
    """Return the standard deviation (D,) of every feature's power, 1 for constant features."""
    total, squares, n = 0, 0, data.n_rows
    for rows, _ in data.chunks():
        total = total + rows.power(order).sum(0)
        squares = squares + rows.power(order).square().sum(0)
    spread = (squares / n - (total / n) ** 2).clamp_min(0).sqrt()
    return torch.where(spread > 1e-12 * (squares / n).sqrt(), spread, 1.0)


def _entropy(
    output: Tensor, target: Tensor, weight: Tensor | None = None
) -> tuple[Tensor, Tensor, float]:
    """Return curvature p(1 - p) and slope y - p of the cross-entropy, and its sum, all weighed.

    output (log odds), target, weight and the first two results have one shape, (n,) or (n, 1).
    """
    probability = output.sigmoid()
    # rows of certain class keep a little weight, so that steps (y - p)/(p(1 - p)) stay finite
    weights = (probability * (1 - probability)).clamp_min(1e-4)
    slope, loss = target - probability, F.softplus(output) - target * output
    if weight is not None:
        weights, slope, loss = weight * weights, weight * slope, weight * loss
    return weights, slope, float(loss.sum())


class Logistic(Objective):
    """Cross-entropy of two classes as one output, the log odds; the loss is the deviance."""

    def __init__(self, data: Data) -> None:
        super().__init__(data)
        self._variances: dict[int, Tensor] = {}

    def fit(self, model: Polynomial, effort: str = "normal") -> Fitted:
        """Minimise the penalised loss over all parameters by damped Newton steps."""
        penalty = [torch.zeros(1, dtype=torch.float64)]
        for k in model.pure:
            if k not in self._variances:
                self._variances[k] = spread_of_power(self.data, k).square()
            penalty.append(2 * PENALTY * self._variances[k])
        penalty += [torch.full((f.numel(),), 2 * PENALTY).double() for f in model.factors.values()]
        model, _ = minimise(model, self.data, *EFFORTS[effort], _entropy, torch.cat(penalty))
        loss = 0.0
        for rows, target in self.data.chunks():
            loss += 2 * _entropy(model.outputs(rows)[:, 0], target[:, 0], rows.weight)[2]
        return self._fitted(model, loss, loss / self.data.n_rows)

    def mean(self, output: Tensor) -> Tensor:
        return output.sigmoid()

    def predicted_loss(self, fitted: Fitted, gain: Tensor) -> float:
        """Return the deviance after a Newton step that removes `gain` (1,) of the residual."""
        # p(1 - p) of a typical row, from the mean deviance: 1/4 where nothing is known yet
        curvature = max(fitted.error / (2 * math.log(2)) / 4, 1e-3)
        return max(fitted.loss - float(gain.sum()) / curvature, 0.0)

    def working(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        weights, slope, _ = _entropy(output, target)
        return weights, slope / weights

    def row_errors(self, output: Tensor, moved: Tensor, target: Tensor) -> Tensor:
        logits = output + moved
        return (F.softplus(logits) - target * logits)[:, 0]


class Softmax(Objective):
    """Cross-entropy of several classes; the loss is twice its sum, the deviance."""

    def fit(self, model: Polynomial, effort: str = "normal") -> Fitted:
        """Minimise the penalised loss over all parameters, from where they are."""
        steps, tolerance = EFFORTS[effort]
        fitted = self._minimise(model, 5 * steps, tolerance) if model.terms else self._prior(model)
        loss = 0.0
        for rows, target in self.data.chunks():
            scores = (F.log_softmax(fitted.outputs(rows), dim=1) * target).sum(1)
            loss -= 2 * float(rows.weighed(scores).sum())
        return self._fitted(fitted, loss, loss / self.data.n_rows)

    def _prior(self, model: Polynomial) -> Polynomial:
        """Return the constant model whose probabilities are the shares of the classes."""
        return replace(model, bias=self.data.target.mean(0).clamp_min(1e-12).log())

    def _minimise(self, model: Polynomial, steps: int, tolerance: float) -> Polynomial:
        """Return the model after at most `steps` of L-BFGS on weights of unit-variance columns."""
        scales = {k: spread_of_power(self.data, k) for k in model.pure}
        bias = model.bias.clone().requires_grad_()
        pure = {k: (w * scales[k]).requires_grad_() for k, w in model.pure.items()}
        factors = {k: f.clone().requires_grad_() for k, f in model.factors.items()}
        mix = {k: v.clone().requires_grad_() for k, v in model.mix.items()}

        def current() -> Polynomial:
            unscaled = {k: w / scales[k] for k, w in pure.items()}
            return Polynomial(model.n_features, bias, unscaled, factors, mix)

        parameters = [bias, *pure.values(), *factors.values(), *mix.values()]
        optimizer = torch.optim.LBFGS(
            parameters, max_iter=steps, history_size=20, line_search_fn="strong_wolfe",
            tolerance_grad=1e-7, tolerance_change=tolerance * 1e-3,
        )

        def closure() -> Tensor:
            """Return the penalised mean entropy, a scalar, and set the gradients of it."""
            optimizer.zero_grad()
            n = self.data.n_rows
            shrink = sum(w.square().sum() for w in parameters[1:])
            total = PENALTY * shrink / n
            total.backward()
            total = total.detach()
            for rows, target in self.data.chunks():
                scores = (F.log_softmax(current().outputs(rows), dim=1) * target).sum(1)
                part = -rows.weighed(scores).sum() / n
                part.backward()
                total = total + part.detach()
            return total

        optimizer.step(closure)
        if not all(bool(p.isfinite().all()) for p in parameters):
            return model
        for parameter in parameters:
            parameter.requires_grad_(False)
        return current()

    def mean(self, output: Tensor) -> Tensor:
        return output.softmax(dim=1)

    def predicted_loss(self, fitted: Fitted, gain: Tensor) -> float:
        """Return the deviance after a Newton step that removes `gain` (C,) of the residual."""
        # as for two classes; p(1 - p) of C equal classes is (C - 1)/C²
        outputs = len(gain)
        entropy = min(fitted.error / 2, math.log(outputs))
        curvature = max(entropy / math.log(outputs) * (outputs - 1) / outputs**2, 1e-3)
        return max(fitted.loss - float(gain.sum()) * (outputs - 1) / outputs / curvature, 0.0)

    def working(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        # the curvature's diagonal alone: each class is fitted as though against all others
        probability = output.softmax(dim=1)
        weights = (probability * (1 - probability)).clamp_min(1e-4)
        return weights, (target - probability) / weights

    def row_errors(self, output: Tensor, moved: Tensor, target: Tensor) -> Tensor:
        return -(F.log_softmax(output + moved, dim=1) * target).sum(1)
