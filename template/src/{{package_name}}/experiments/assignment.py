"""Which of two models serves a unit: decided by a hash, the same at any time on any machine."""

from hashlib import blake2b

from ..serving.records import CHALLENGER, CHAMPION
from .plan import Experiment


def variant_of(unit: str, experiment: Experiment) -> str:
    """Who serves the unit in a split: the challenger for about `share` of all units.

    The experiment's name is the key of the hash, so that two experiments divide the units
    independently of each other; with a checksum such as CRC-32 they would not. When the share
    grows, no unit goes back to the champion.
    """
    key = (experiment.name or "").encode()
    digest = blake2b(unit.encode(), digest_size=8, key=key).digest()
    return CHALLENGER if int.from_bytes(digest, "big") < experiment.share * 2**64 else CHAMPION
