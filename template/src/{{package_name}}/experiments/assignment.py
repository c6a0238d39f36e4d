"""Assignment of units to champion and challenger by a hash, the same on every machine."""

from hashlib import blake2b

from ..serving.records import CHALLENGER, CHAMPION
from .plan import Experiment


def variant_of(unit: str, experiment: Experiment) -> str:
    """Return the variant that serves a unit: the challenger for about `share` of all units.

    The hash is keyed with the experiment's name, so experiments divide units independently of each
    other, as they would not with CRC-32. A larger share moves no unit back to the champion.
    """
    key = (experiment.name or "").encode()
    digest = blake2b(unit.encode(), digest_size=8, key=key).digest()
    return CHALLENGER if int.from_bytes(digest, "big") < experiment.share * 2**64 else CHAMPION
