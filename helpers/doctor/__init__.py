"""Instruments for any `torch.nn.Module`: what its gradient does, layer by layer, and what is wrong with it.

    diagnosis = diagnose(model, loss_function, inputs, targets)
    print(diagnosis)

From a shell: `python -m helpers.doctor module:function`.
"""

from __future__ import annotations

from helpers.doctor.diagnosis import Diagnosis
from helpers.doctor.examination import DiagnosisError, diagnose
from helpers.doctor.judgement import THRESHOLDS
from helpers.doctor.readings import VERDICTS, Finding, LayerReading, Threshold

__all__ = [
    "THRESHOLDS",
    "VERDICTS",
    "Diagnosis",
    "DiagnosisError",
    "Finding",
    "LayerReading",
    "Threshold",
    "diagnose",
]
