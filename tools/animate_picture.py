"""Make the animation at the top of README, and the still that lesson 00 shows before it is run.

    python -m tools.animate_picture

Draws pictures of the course's own networks, frame by frame, with the live figures' JavaScript in Chromium. Needs
Chromium, and playwright and Pillow from the development extras.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from helpers import picture
from helpers.live import browser
from helpers.network import NetworkSpec, gradient_profile
from helpers.picture import Packed
from helpers.residual import ResidualSpec, residual_profile

ROOT = Path(__file__).resolve().parents[1]
MOVING, STILL = ROOT / "data" / "network.webp", ROOT / "data" / "network.png"
WIDTH, HEIGHT, FRAMES_A_SECOND, MOST_BYTES = 880, 222, 20, 1_500_000
PULSE, REST = 1.15, 1.6
"""The seconds that a pulse takes, and those that its last frame is held."""

PAGE = """<!doctype html><meta charset="utf-8"><style>
body { margin: 0; width: %(width)dpx; background: #10161f; font-family: Inter, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { margin: 0; padding: 12px 14px 4px; color: #f3f6f9; font-size: 19px; font-weight: 600; }
.live-net-play { display: none; }
%(style)s
.live-net { margin: 0; } .live-net canvas { border-radius: 0; outline: none; } .live-net-play { display: none; }
</style><h1></h1><div class="live-net"></div><div id="plot"></div>
<script type="module">
%(script)s
const plot = document.getElementById("plot");
plot.style.height = "1px";
const axis = { type: "linear", offset: 84, length: %(width)d - 168, c2p: (place) => place };
const strip = new Strip(document.querySelector(".live-net"), plot, { of: () => axis });
window.draw = (title, net, places, time) => {
  document.querySelector("h1").textContent = title;
  axis.c2p = (place) => ((place - (net.kind === "blocks" ? -0.5 : 0.5)) / places) * axis.length;
  strip.show([net]);
  strip.paint(time);
};
</script>"""


def scenes() -> list[tuple[str, Packed, int]]:
    """The title of each scene, its network, and the number of columns in which it is drawn."""

    def layers(**spec: Any) -> Packed:
        found = picture.layers(gradient_profile(NetworkSpec(batch=32, seeds=1, **spec)))
        return {**found.packed(), "nets": 1}

    sigmoid = {"init": "pytorch_default", "bias_std": 0.0722}
    blocks = picture.blocks(residual_profile(ResidualSpec(40, 64, norm="pre_layer", seeds=1))).packed()
    return [
        ("40 sigmoid layers: the gradient dies out", layers(depth=40, **sigmoid), 40),
        ("40 ReLU layers, He’s weights: it arrives", layers(depth=40, activation="relu", init="he_normal"), 40),
        (
            "50 ReLU layers with batch normalization: it burns out",
            layers(depth=50, activation="relu", init="he_normal", norm="batch"),
            50,
        ),
        ("40 residual blocks with layer normalization: the skips carry it", blocks, 41),
    ]


def opened(chromium: Browser) -> Page:
    """A page that draws networks."""
    page = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.set_content(PAGE % {"width": WIDTH, "style": browser.style(), "script": browser.script()})
    page.wait_for_function("() => window.draw")
    return page


def frame(page: Page, title: str, net: Packed, places: int, time: float) -> Image.Image:
    """One frame; `time` is from 0 to 1 over the pulse."""
    page.evaluate("([title, net, places, time]) => draw(title, net, places, time)", [title, net, places, time])
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def draw(moving: Path, still: Path) -> None:
    """Write both pictures. RuntimeError where no Chromium is found, or the animation is too large."""
    chromium = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    if chromium is None:
        raise RuntimeError("no Chromium found: install it (Debian: apt install chromium)")
    images: list[Image.Image] = []
    durations: list[int] = []
    with sync_playwright() as playwright:
        page = opened(playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"]))
        for title, net, places in scenes():
            count = round(PULSE * FRAMES_A_SECOND)
            for step in range(count):
                images.append(frame(page, title, net, places, step / count))
                durations.append(round(1000 / FRAMES_A_SECOND))
            images.append(frame(page, title, net, places, 1.0))
            durations.append(round(1000 * REST))
        still.parent.mkdir(parents=True, exist_ok=True)
        few = frame(page, *scenes()[0], 1.0).quantize(256, Image.Quantize.MAXCOVERAGE, 2, dither=Image.Dither.NONE)
        few.save(still, optimize=True)
    images[0].save(moving, save_all=True, append_images=images[1:], duration=durations, loop=0, quality=72, method=6)
    if moving.stat().st_size > MOST_BYTES:
        raise RuntimeError(f"{moving} has {moving.stat().st_size} bytes; README takes {MOST_BYTES} at most")
    print(json.dumps({path.name: path.stat().st_size for path in (moving, still)}))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--moving", type=Path, default=MOVING, help="where the moving picture goes")
    parser.add_argument("--still", type=Path, default=STILL, help="where the still goes")
    given = parser.parse_args()
    draw(given.moving, given.still)


if __name__ == "__main__":
    main()
