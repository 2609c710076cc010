"""Networks with a known state of health, on which the doctor's thresholds are set and its verdicts are counted."""
