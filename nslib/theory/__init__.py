"""Networks of fixed size that come near any continuous function: `approximate`.

What depends on the function is held by one number: A, `find_depth`, by the number of repetitions;
B, `encode`, by the digits of one parameter; C, `find_winding`, by the size of one weight. Each
result is a `Construction` with its certificate. Theorems C8 and C9 of the paper (arXiv 2506.15715).
"""

from .approximant import Approximant, approximate
from .bounds import angle_intervals, hoelder, information_bound, waiting_bits, waiting_time
from .construction import Construction
from .digits import Digits, encode, word_bits
from .expansion import DEFAULT_C, angles_along, start_angles
from .intervals import Intervals
from .logistic_map import angle_orbit, chaotic_neuron, orbit_intervals, prove_conjugacy
from .trajectory import DenseTrajectory, find_depth
from .typed import TypedFunction, parse_function
from .winding import Winding, find_winding

__all__ = [
    "DEFAULT_C", "Approximant", "Construction", "DenseTrajectory", "Digits", "Intervals",
    "TypedFunction", "Winding", "angle_intervals", "angle_orbit", "angles_along", "approximate",
    "chaotic_neuron", "encode", "find_depth", "find_winding", "hoelder", "information_bound",
    "orbit_intervals", "parse_function", "prove_conjugacy", "start_angles", "waiting_bits",
    "waiting_time", "word_bits",
]
