"""The doctor on the clinic: confusion matrix, false alarms, misses, notes and times."""

from __future__ import annotations

import torch

from tests.clinic.table import all_blind, all_seen, all_unseen, reported, table
from tests.clinic.watched import all_watched


def main() -> None:
    """Print the table; one thread, since the networks are small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        seen, unseen, blind, watched = all_seen(timed=True), all_unseen(), all_blind(), all_watched()
    finally:
        torch.set_num_threads(threads)
    print("The half on which no threshold was set:\n" + table(each for each in seen if reported(each.name)))
    print("\nThe second set of networks written after the doctor:\n" + table(blind))
    print("\nIts healthy networks and its sick trainings under watch:\n" + table(watched))
    print("\nThe first set of networks written after the doctor, now that it is mended:\n" + table(unseen))
    print("\nThe half on which thresholds were set:\n" + table(each for each in seen if not reported(each.name)))
