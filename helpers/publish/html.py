"""HTML pages: a head with style sheets, scripts and a Content-Security-Policy, around a given body."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

# The page's own files, from a server ('self') or opened from disk (file:). Pages hold no inline scripts, so injected
# text can't run. Plotly and reveal.js set style attributes. Only a script that already runs can make a blob: site.js
# makes one of plotly.js, which is shipped compressed.
POLICY = (
    "default-src 'none'",
    "script-src 'self' file: blob:{scripts}",
    "style-src 'self' file: 'unsafe-inline'",
    "img-src 'self' file: data: blob:",
    "font-src 'self' file: data:",
    "frame-src 'self' file:",
    "base-uri 'none'",
    "form-action 'none'",
)
WITHOUT_SCRIPTS = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def policy(hashes: Sequence[str] = ()) -> str:
    """The Content-Security-Policy of a page with scripts (W3C, CSP Level 3).

    `hashes` ("sha256-…") allow inline scripts with these contents, in windows that the page opens.
    """
    return "; ".join(POLICY).format(scripts="".join(f" '{each}'" for each in hashes))


def hash_of(script: str) -> str:
    """The hash by which a Content-Security-Policy names an inline script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def document(
    title: str,
    body: str,
    sheets: Sequence[str] = (),
    scripts: Sequence[str] = (),
    early: Sequence[str] = (),
    style: str = "",
    allowed: str | None = None,
    about: Sequence[str] = (),
) -> str:
    """A page of HTML.

    `sheets` and `scripts` are addresses of files; the scripts in `early` run before anything is drawn. `style` is an
    inline style sheet. `allowed` is the page's Content-Security-Policy, by default `policy()`. `about` are tags for the
    head that describe the page to other programs.
    """
    icon = '<link rel="icon" href="data:,">'  # without it browsers ask the server for one
    tags = [
        *about,
        *(f'<script src="{script}"></script>' for script in early),
        *(f'<link rel="stylesheet" href="{sheet}">' for sheet in sheets),
        *([f"<style>{style}</style>"] if style else []),
        *([icon] if (sheets or scripts) and not any('rel="icon"' in tag for tag in about) else []),
        *(f'<script defer src="{script}"></script>' for script in scripts),
    ]
    head = "\n".join(tags)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy() if allowed is None else allowed}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
{head}
</head>
<body>
{body}
</body>
</html>
"""


def data_script(data: Mapping[str, Any]) -> str:
    """The data for the scripts of a page, as a script, since a page opened from disk may load no other files.

    A Plotly template that many figures share is written once; the script assigns it to each figure when it runs.
    """
    looks: list[str] = []
    text = _json({name: _with_number_of_look(each, looks) for name, each in data.items()})
    return f"globalThis.courseData={text};\n{SHARE_LOOKS.format(looks=','.join(looks))}"


SHARE_LOOKS = (
    "(looks=>{{for(const{{spec}}of Object.values(courseData))"
    "if(spec)spec.figure.layout.template=looks[spec.figure.layout.template]}})([{looks}]);\n"
)


def _with_number_of_look(each: Mapping[str, Any], looks: list[str]) -> Mapping[str, Any]:
    """A page's data on a figure, with its template, if it has one, replaced by the template's index in `looks`."""
    if "template" not in each.get("spec", {}).get("figure", {}).get("layout", {}):
        return each
    spec, figure = each["spec"], each["spec"]["figure"]
    look = _json(figure["layout"]["template"])
    if look not in looks:
        looks.append(look)
    layout = {**figure["layout"], "template": looks.index(look)}
    return {**each, "spec": {**spec, "figure": {**figure, "layout": layout}}}


def _json(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def heading_id(title: str) -> str:
    """The id of a heading; no cell has one that ends so."""
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"<[^>]*>", "", title).lower()).strip("-") + "-heading"
