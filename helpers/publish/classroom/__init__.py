"""What a class knows, as a page to show or print and as tables for a spreadsheet."""

from __future__ import annotations
