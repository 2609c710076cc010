"""The research benchmark trained, judged by the doctor, by the thresholds of two papers and by another package."""

from __future__ import annotations

import torch

from tests.clinic.peers import all_trained, table_of


def main() -> None:
    """Print the table; one thread, since the networks are small. Takes some ten minutes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        print(table_of(all_trained()))
    finally:
        torch.set_num_threads(threads)
