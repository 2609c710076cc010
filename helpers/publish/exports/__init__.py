"""The question banks for other places: an Anki deck, Moodle XML, GIFT, a printed paper with its key.

`choose` takes the questions, `export` writes them in one of `FORMATS`. Nothing here grades, draws on screen or stores.
"""

from __future__ import annotations

from helpers.publish.exports.choosing import ChoiceError, choose
from helpers.publish.exports.formats import FORMATS, export

__all__ = ["ChoiceError", "FORMATS", "choose", "export"]
