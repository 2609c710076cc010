"""A callback for PyTorch Lightning's Trainer: `Trainer(callbacks=[DoctorCallback()])`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

try:
    from lightning.pytorch import Callback
except ImportError:  # the package's former name
    from pytorch_lightning import Callback

from .conclusions import TrainingDiagnosis
from .files import refuse_unfit
from .report import save_report
from .watch import Monitor, watch


class DoctorCallback(Callback):
    """Watches the module while the trainer fits it, and prints the diagnosis at the end.

    every: the interval of recorded steps, beginning with the first
    report: a file for the findings as JSON (schema in README.md), written also if the training ends with an error
    show: whether to print the diagnosis

    `monitor` is the running monitor, `diagnosis` the diagnosis so far.
    """

    def __init__(self, every: int = 10, report: str | Path | None = None, show: bool = True) -> None:
        self.monitor: Monitor | None = None
        self._every, self._report, self._show = every, report, show

    @property
    def diagnosis(self) -> TrainingDiagnosis | None:
        """The diagnosis of the training so far; None before it began."""
        return None if self.monitor is None else self.monitor.diagnosis

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Start watching, unless the report can't be written."""
        if self._report is not None:
            refuse_unfit(self._report)
        self.monitor = watch(pl_module, every=self._every, show=False).__enter__()

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Stop watching, print the diagnosis and write the report."""
        self._end(trainer.is_global_zero)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Do the same if the training ends with an error or Ctrl-C."""
        self._end(trainer.is_global_zero)

    def _end(self, is_first: bool) -> None:
        if self.monitor is None or not self.monitor.is_running:
            return
        self.monitor.__exit__(None, None, None)
        if is_first and self._show:
            print(self.monitor.diagnosis)
        if is_first and self._report is not None:
            save_report(self._report, self.monitor.diagnosis)
