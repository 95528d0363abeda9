"""FLINT's balls, the independent route of these tests, need more than their 53 bits."""

import flint
import pytest


@pytest.fixture(autouse=True, scope="module")
def precise_balls():
    with flint.ctx.workprec(512):
        yield
