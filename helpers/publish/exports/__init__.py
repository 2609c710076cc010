"""Export the question banks: an Anki deck, Moodle XML, GIFT, a printed paper with its key.

`choose` selects the questions, `export` writes them in one of `FORMATS`. Nothing here grades, displays or stores.
"""

from __future__ import annotations

from helpers.publish.exports.choosing import ChoiceError, choose
from helpers.publish.exports.formats import FORMATS, export

__all__ = ["ChoiceError", "FORMATS", "choose", "export"]
