"""Firefox as Debian has it, driven by WebDriver BiDi, which it speaks by itself.

Playwright drives a Firefox of its own making only. Commands and events: https://w3c.github.io/webdriver-bidi/.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp

from tests.browser.lab import end, free_port

FIREFOX_NAMES = ("firefox-esr", "firefox")
QUIET = {
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}
FIGURES_REST = """() => { const all = [...document.querySelectorAll('.live-figure')];
                          return all.length && all.every(e => e.dataset.phase === 'rest'); }"""


def find_firefox() -> str | None:
    """Path of a Firefox on this machine, or None."""
    return next((path for name in FIREFOX_NAMES if (path := shutil.which(name))), None)


class Firefox:
    """One page of Firefox, and the errors that its console has shown."""

    def __init__(self, address: str) -> None:
        self.errors: list[str] = []
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loop = asyncio.new_event_loop()  # in a thread of its own: playwright has one running in this one
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._wait(self._connect(address))
        self.command("session.new", capabilities={})
        self.command("session.subscribe", events=["log.entryAdded"])
        self.context = self.command("browsingContext.getTree")["contexts"][0]["context"]

    def _wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    async def _connect(self, address: str) -> None:
        self._session = aiohttp.ClientSession()
        self._socket = await self._session.ws_connect(address, max_msg_size=0)
        self._reader = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            found = json.loads(message.data)
            if "id" in found:
                self._answers.pop(found["id"]).set_result(found)
            elif found.get("method") == "log.entryAdded" and found["params"]["level"] == "error":
                self.errors.append(found["params"]["text"])

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command; its result. RuntimeError with Firefox's message where it fails."""

        async def ask() -> dict[str, Any]:
            number = time.monotonic_ns()
            answer = self._answers[number] = self._loop.create_future()
            await self._socket.send_json({"id": number, "method": method, "params": parameters})
            return await answer

        answer: dict[str, Any] = self._wait(ask())
        if answer["type"] == "error":
            raise RuntimeError(f"{method}: {answer['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, url: str, width: int = 1366, height: int = 768) -> None:
        """Load a page at a size."""
        self.command("browsingContext.setViewport", context=self.context, viewport={"width": width, "height": height})
        self.command("browsingContext.navigate", context=self.context, url=url, wait="complete")

    def evaluate(self, function: str, *arguments: Any) -> Any:
        """Call a JavaScript function, which may be asynchronous, and give its value by way of JSON."""
        given = ", ".join(json.dumps(each) for each in arguments)
        answer = self.command(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({function})({given})) ?? 'null')()",
            target={"context": self.context},
            awaitPromise=True,
        )
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    def wait_for(self, function: str, *arguments: Any, seconds: float = 120) -> Any:
        """Call a function again and again until what it gives is true; TimeoutError where it never is."""
        deadline = time.monotonic() + seconds
        while not (found := self.evaluate(function, *arguments)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not true after {seconds:g} s: {function}")
            time.sleep(0.1)
        return found

    def drag(self, start: tuple[float, float], end: tuple[float, float], moves: int = 12) -> None:
        """Press the pointer at one place, lead it to another, and let it go there."""
        places = [
            tuple(a + (b - a) * step / moves for a, b in zip(start, end, strict=True)) for step in range(moves + 1)
        ]
        path = [{"type": "pointerMove", "x": round(x), "y": round(y), "duration": 30} for x, y in places]
        actions = [path[0], {"type": "pointerDown", "button": 0}, *path[1:], {"type": "pointerUp", "button": 0}]
        pointer = {"type": "pointer", "id": "mouse", "actions": actions}
        self.command("input.performActions", context=self.context, actions=[pointer])

    def screenshot(self, path: Path) -> None:
        """What is seen, as a PNG."""
        found = self.command("browsingContext.captureScreenshot", context=self.context)
        path.write_bytes(base64.b64decode(found["data"]))

    def close(self) -> None:
        """Hang up; the browser goes on."""

        async def hang_up() -> None:
            self._reader.cancel()
            await self._session.close()

        self._wait(hang_up())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@contextlib.contextmanager
def firefox(executable: str, folder: Path) -> Iterator[Firefox]:
    """A Firefox without a window and with a profile of its own in `folder`, until the block ends."""
    profile = folder / "profile"
    profile.mkdir()
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in QUIET.items()]
    (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
    port = free_port()
    command = [executable, "--headless", "--no-remote", "--profile", str(profile), f"--remote-debugging-port={port}"]
    with (folder / "firefox.log").open("w") as out:
        process = subprocess.Popen([*command, "about:blank"], stdout=out, stderr=subprocess.STDOUT)
    try:
        page = _when_it_listens(process, f"ws://127.0.0.1:{port}/session", folder / "firefox.log")
        yield page
        page.close()
    finally:
        end(process)


def _when_it_listens(process: subprocess.Popen[bytes], address: str, log: Path) -> Firefox:
    deadline = time.monotonic() + 120
    while "WebDriver BiDi listening" not in log.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Firefox did not come up:\n{log.read_text(errors='replace')}")
        time.sleep(0.2)
    return Firefox(address)
