"""Seeded randomness that is the same on every machine and in every version of Python."""

from __future__ import annotations

import hashlib


def lot(seed: int | str, name: str) -> int:
    """A pseudorandom number below 2**64, determined by seed and name."""
    return int.from_bytes(hashlib.sha256(f"{seed}|{name}".encode(errors="surrogatepass")).digest()[:8], "big")


def mixed_places(count: int, seed: int | str, name: str, may_stay: bool = True) -> tuple[int, ...]:
    """The indices 0 … count - 1 in an order that the seed draws; never 0, 1, 2, … if `may_stay` is False."""
    places = tuple(sorted(range(count), key=lambda place: lot(seed, f"{name} {place}")))
    return places[1:] + places[:1] if not may_stay and places == tuple(range(count)) else places
