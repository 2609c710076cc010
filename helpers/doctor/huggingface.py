"""A callback for Hugging Face's Trainer: `Trainer(..., callbacks=[DoctorCallback()])`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from .conclusions import TrainingDiagnosis
from .files import refuse_unfit
from .report import save_report
from .watch import Monitor, watch


class DoctorCallback(TrainerCallback):
    """Watches the model while the trainer trains it, and prints the diagnosis at the end.

    every: the interval of recorded steps, beginning with the first
    report: a file for the findings as JSON (schema in README.md)
    show: whether to print the diagnosis

    `monitor` is the running monitor, `diagnosis` the diagnosis so far. The trainer doesn't inform its callbacks of an
    error: if the training may end with one, call `close` afterwards, or write `with watch(trainer.model):` around
    `trainer.train()`.
    """

    def __init__(self, every: int = 10, report: str | Path | None = None, show: bool = True) -> None:
        self.monitor: Monitor | None = None
        self._every, self._report, self._show = every, report, show

    @property
    def diagnosis(self) -> TrainingDiagnosis | None:
        """The diagnosis of the training so far; None before it began."""
        return None if self.monitor is None else self.monitor.diagnosis

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Start watching, unless the report can't be written."""
        if self._report is not None:
            refuse_unfit(self._report)
        self.close()
        self.monitor = watch(model, every=self._every, show=False).__enter__()

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop watching, print the diagnosis and write the report."""
        if self.monitor is None:
            return
        self.close()
        if state.is_world_process_zero and self._show:
            print(self.monitor.diagnosis)
        if state.is_world_process_zero and self._report is not None:
            save_report(self._report, self.monitor.diagnosis)

    def close(self) -> None:
        """Stop watching, if that hasn't been done."""
        if self.monitor is not None and self.monitor.is_running:
            self.monitor.__exit__(None, None, None)
