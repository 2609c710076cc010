"""Renews helpers/live/plotly after a change of plotly in requirements.txt: `python -m tools.renew_plotly`.

It downloads the build for two-dimensional traces, in the version of plotly.js that the installed plotly package ships,
with `npm pack`, which checks the archive against npm's checksum. This needs npm and the network.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import plotly

from helpers.live.browser import PLOTLY

PACKAGE = "plotly.js-cartesian-dist-min"
SOURCES = Path(__file__).resolve().parents[1] / "data" / "SOURCES.md"


def version_of(script: Path) -> str:
    """The version stated in the first lines of a plotly.js."""
    found = re.search(r"^\* plotly\.js .*?v([\d.]+)$", script.read_text(encoding="utf-8")[:200], re.MULTILINE)
    if found is None:
        raise ValueError(f"{script} doesn't begin as a plotly.js does, with its version")
    return found[1]


def whole() -> Path:
    """The full plotly.js that the plotly package ships."""
    return Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def main() -> int:
    """Download script and licence, and write version and checksum into data/SOURCES.md."""
    version = version_of(whole())
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["npm", "pack", "--silent", f"{PACKAGE}@{version}"], cwd=place, check=True)
        (archive,) = Path(place).glob("*.tgz")
        with tarfile.open(archive) as packed:
            for path in (PLOTLY, PLOTLY.with_name("LICENSE")):
                content = packed.extractfile(f"package/{path.name}")
                assert content is not None
                path.write_bytes(content.read())
    digest = hashlib.sha256(PLOTLY.read_bytes()).hexdigest()
    text = SOURCES.read_text(encoding="utf-8")
    text = re.sub(r"plotly\.js [\d.]+ \(Plotly", f"plotly.js {version} (Plotly", text)
    SOURCES.write_text(re.sub(r"(SHA-256 of the script\s+)`[0-9a-f]{64}`", rf"\1`{digest}`", text), encoding="utf-8")
    print(f"plotly.js {version}: {PLOTLY.stat().st_size:,} bytes, SHA-256 {digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
