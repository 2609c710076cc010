"""The files that all pages share: plotly.js, the scripts and the style sheets."""

from __future__ import annotations

import base64
import gzip
import re
import shutil
from pathlib import Path

from helpers.live import browser
from helpers.publish.cells.text import code_style
from helpers.publish.folder import write_text

HERE = Path(__file__).parent
HELPERS = HERE.parents[1]


def write_assets(folder: Path) -> None:
    """Write the shared files into a new folder."""
    folder.mkdir()
    write_text(folder / "plotly.js", packed_script(browser.PLOTLY.read_bytes()))
    shutil.copyfile(browser.PLOTLY.with_name("LICENSE"), folder / "plotly-license.txt")
    write_text(folder / "live.js", classic_script(browser.script()))
    for name in ("theme.js", "grading.js", "pages.js", "site.js"):
        write_text(folder / name, _read(HERE / name))
    sheets = [browser.style(), _read(HELPERS / "lesson" / "lesson.css"), _read(HERE / "site.css")]
    write_text(folder / "site.css", "\n".join([*sheets, code_style()]))


def packed_script(source: bytes) -> str:
    """plotly.js compressed to half its size, as a script, since a page opened from disk may load only scripts."""
    packed = base64.b64encode(gzip.compress(source, compresslevel=9, mtime=0)).decode("ascii")
    return f'globalThis.coursePlotly="{packed}";\n'


def classic_script(module: str) -> str:
    """`live.js` as a classic script, since browsers refuse modules on a page opened from disk."""
    body = re.sub(r"^export default ", "const jupyterWidget = ", module, flags=re.MULTILINE)
    body = re.sub(r"^export ", "", body, flags=re.MULTILINE)
    return f"const courseLive = (() => {{\n{body}\nreturn {{ Live, unpackRows, inflate, nearestIndex }};\n}})();\n"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
