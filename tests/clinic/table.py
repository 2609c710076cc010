"""The clinic counted: what the doctor says of networks that learn and of networks that don't.

The networks stand in two halves (by a hash of the name). Thresholds were set on one of them, but faults of both were
seen while the doctor was written, and mended: neither half is blind. `unseen.py` says what its networks were called
when the doctor met them for the first time.
"""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import torch

from helpers.doctor import Diagnosis, DiagnosisError, TrainingDiagnosis, diagnose
from tests.clinic.blind_healthy import BLIND_HEALTHY, BLIND_NOT_SHOWN
from tests.clinic.blind_sick import BLIND_SICK
from tests.clinic.fifth import FIFTH_HEALTHY, FIFTH_REPAIRED, FIFTH_SICK
from tests.clinic.fourth import FOURTH_HEALTHY, FOURTH_REPAIRED, FOURTH_SICK
from tests.clinic.healthy import HEALTHY
from tests.clinic.parts import Example, Make
from tests.clinic.sick import SICK
from tests.clinic.third_healthy import THIRD_HEALTHY, THIRD_NOT_SHOWN
from tests.clinic.third_sick import THIRD_SICK
from tests.clinic.unseen import NOT_SHOWN, UNSEEN_HEALTHY, UNSEEN_SICK

SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Seen:
    """One network of one seed: what is right, the findings named, and how many notes there were."""

    name: str
    seed: int
    right: tuple[str, ...]
    named: tuple[str, ...]
    notes: int

    @property
    def hit(self) -> bool:
        """Healthy called healthy, or one of the right verdicts named first or second."""
        return self.named[:1] == self.right if self.right == ("healthy",) else bool({*self.named[:2]} & {*self.right})


def reported(name: str) -> bool:
    """Whether a network belongs to the half on which no threshold was set."""
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 1


def made(make: Make, seed: int) -> Example:
    torch.manual_seed(seed)
    return make()


def examine(name: str, right: tuple[str, ...], make: Make, seed: int) -> Seen:
    """Make a network from a seed and examine it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the sick ones give torch reason to warn
        try:
            diagnosis = diagnose(*made(make, seed))
        except DiagnosisError:
            return Seen(name, seed, right, ("error",), 0)
    return seen_of(name, seed, right, diagnosis)


def seen_of(name: str, seed: int, right: tuple[str, ...], diagnosis: Diagnosis | TrainingDiagnosis) -> Seen:
    """What a diagnosis names; a note counts where it is right."""
    named = tuple(finding.verdict for finding in diagnosis.findings) or (diagnosis.verdict,)
    if named == ("healthy",) and diagnosis.notes and "note" in right:
        named = ("note",)
    return Seen(name, seed, right, named, len(diagnosis.notes))


def all_seen(names: Iterable[str] | None = None, seeds: Iterable[int] = SEEDS) -> list[Seen]:
    """All networks of the clinic, or those named, by every seed."""
    patients = {name: (("healthy",), make) for name, make in HEALTHY.items()} | SICK
    if names is not None:
        patients |= _unseen() | _blind() | _third() | _fourth() | _fifth()
    chosen = patients if names is None else {name: patients[name] for name in names}
    return [examine(name, right, make, seed) for name, (right, make) in chosen.items() for seed in seeds]


Ward = dict[str, tuple[tuple[str, ...], Make]]


def _unseen() -> Ward:
    return _healthy(UNSEEN_HEALTHY, NOT_SHOWN) | UNSEEN_SICK


def _blind() -> Ward:
    return _healthy(BLIND_HEALTHY, BLIND_NOT_SHOWN) | BLIND_SICK


def _third() -> Ward:
    return _healthy(THIRD_HEALTHY, THIRD_NOT_SHOWN) | THIRD_SICK


def _fourth() -> Ward:
    return _healthy(FOURTH_HEALTHY | FOURTH_REPAIRED, frozenset()) | FOURTH_SICK


def _fifth() -> Ward:
    return _healthy(FIFTH_HEALTHY | FIFTH_REPAIRED, frozenset()) | FIFTH_SICK


def _healthy(ward: dict[str, Make], left_out: frozenset[str]) -> Ward:
    return {name: (("healthy",), make) for name, make in ward.items() if name not in left_out}


def all_unseen(seeds: Iterable[int] = SEEDS) -> list[Seen]:
    """The networks that were written after the doctor, by every seed."""
    return all_seen(_unseen(), seeds)


def all_blind(seeds: Iterable[int] = SEEDS) -> list[Seen]:
    """The networks of the second blind set, by every seed."""
    return all_seen(_blind(), seeds)


def all_third(seeds: Iterable[int] = SEEDS) -> list[Seen]:
    """The networks of the third blind set, by every seed."""
    return all_seen(_third(), seeds)


def all_fourth(seeds: Iterable[int] = SEEDS) -> list[Seen]:
    """The networks of the fourth blind set, by every seed."""
    return all_seen(_fourth(), seeds)


def all_fifth(seeds: Iterable[int] = SEEDS) -> list[Seen]:
    """The networks of the fifth blind set, by every seed."""
    return all_seen(_fifth(), seeds)


def table(seen: Iterable[Seen]) -> str:
    """The confusion matrix, false alarms, misses and notes in plain text."""
    rows = list(seen)
    healthy = [each for each in rows if each.right == ("healthy",)]
    sick = [each for each in rows if each.right != ("healthy",)]
    truths = ["healthy", *sorted({each.right[0] for each in sick})]
    verdicts = ["healthy", *sorted({each.named[0] for each in rows} - {"healthy"})]
    counts = Counter((each.right[0], each.named[0]) for each in rows)
    lines = [f"{'truth, then runs by first verdict':<18}" + "".join(f"{each:>13}" for each in verdicts)]
    for truth in truths:
        cells = [counts[truth, each] or "–" for each in verdicts]
        lines.append(f"{truth:<33}" + "".join(f"{each:>13}" for each in cells))
    alarms = [each for each in healthy if not each.hit]
    misses = [each for each in sick if not each.hit]
    missed_as_healthy = [each for each in misses if each.named == ("healthy",)]
    lines += [
        "",
        f"healthy runs {len(healthy)}, false alarms {len(alarms)} ({_share(alarms, healthy)})",
        f"sick runs {len(sick)}, named first or second {len(sick) - len(misses)} ({_share(sick, sick, misses)}), "
        f"called healthy {len(missed_as_healthy)}",
        f"healthy runs with a note {_share([each for each in healthy if each.notes], healthy)}",
        *(f"  false alarm: {each.name}, seed {each.seed}: {', '.join(each.named)}" for each in alarms),
        *(f"  missed: {each.name}, seed {each.seed}: {', '.join(each.named)}" for each in misses),
    ]
    return "\n".join(lines)


def _share(part: list[Seen], whole: list[Seen], without: Iterable[Seen] = ()) -> str:
    return f"{(len(part) - len(list(without))) / len(whole):.1%}" if whole else "–"
