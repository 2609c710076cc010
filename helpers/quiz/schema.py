"""The form of banks: the shared definitions of `data/quiz/schema.json` and the fields of each type of question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helpers.quiz.types import TYPES


def whole_schema(shared: Mapping[str, Any], definition: str) -> dict[str, Any]:
    """A JSON Schema (draft 7) for one of the definitions, "bank" or "predictions".

    shared: the content of `schema.json`; KeyError or TypeError where it is malformed.
    """
    definitions = shared["definitions"]
    question = definitions["question"]
    common = dict.fromkeys(question["properties"], True)
    kinds = {
        name: {
            "required": [*kind.fields["required"]],
            "properties": {**common, **kind.fields["properties"]},
            "additionalProperties": False,
        }
        for name, kind in TYPES.items()
    }
    properties = {**question["properties"], "type": {"enum": sorted(TYPES)}}
    cases = [
        {
            "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
            "then": {"$ref": f"#/definitions/{name}"},
        }
        for name in kinds
    ]
    return {
        **shared,
        "$ref": f"#/definitions/{definition}",
        "definitions": {**definitions, **kinds, "question": {**question, "properties": properties, "allOf": cases}},
    }
