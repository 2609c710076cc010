"""Diagnose any `torch.nn.Module`: read its gradients layer by layer and find what is wrong.

    diagnosis = diagnose(model, loss_function, inputs, targets)
    print(diagnosis)

    with watch(model) as monitor:
        train(model)

From a shell: `gradient-doctor module:function`, in the course `python -m helpers.doctor module:function`.
"""

from __future__ import annotations

from . import needed  # before the modules that need what it looks for  # isort: split
from .conclusions import TRAINING_THRESHOLDS, TRAINING_VERDICTS, TrainingDiagnosis
from .diagnosis import Diagnosis
from .examination import DiagnosisError, diagnose
from .history import WatchHistory
from .judgement import THRESHOLDS
from .readings import VERDICTS, Finding, LayerReading, Threshold
from .watch import Monitor, watch

__all__ = [
    "THRESHOLDS",
    "TRAINING_THRESHOLDS",
    "TRAINING_VERDICTS",
    "VERDICTS",
    "Diagnosis",
    "DiagnosisError",
    "Finding",
    "LayerReading",
    "Monitor",
    "Threshold",
    "TrainingDiagnosis",
    "WatchHistory",
    "diagnose",
    "watch",
]
