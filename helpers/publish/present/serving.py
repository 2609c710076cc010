"""A small server on this machine for a folder of pages: speaker notes open a window, and files may not talk to one."""

from __future__ import annotations

import socket
import webbrowser
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LOOPBACK = "127.0.0.1"
USUAL_PORT, PORTS_TRIED = 8920, 40


class PresentError(RuntimeError):
    """Nothing can be presented; the message says why and what to do."""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing: the terminal is for the teacher."""


def choose_port(asked: int | None) -> int:
    """The port asked for, or the first free one from the usual one on; PresentError where it is taken."""
    ports = [asked] if asked is not None else range(USUAL_PORT, USUAL_PORT + PORTS_TRIED)
    for port in ports:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) != 0:
                return port
    if asked is not None:
        raise PresentError(f"Port {asked} is taken by another program: leave out --port, or give another number.")
    raise PresentError(
        f"All ports from {USUAL_PORT} to {USUAL_PORT + PORTS_TRIED - 1} are taken: give a free one with --port."
    )


def show(url: str, browser: bool) -> None:
    """Open the browser at an address, where it is wanted, and print the address."""
    opened = browser and webbrowser.open(url)
    if browser and not opened:
        print("No browser could be opened from here: type the address below into one.", flush=True)
    print(f"It is open at {url}", flush=True)
    print("Press Ctrl-C here to end.", flush=True)


def serve_folder(folder: Path, port: int, browser: bool) -> None:
    """Serve the pages of a folder until Ctrl-C."""
    with ThreadingHTTPServer((LOOPBACK, port), partial(_Quiet, directory=str(folder))) as server:
        show(f"http://{LOOPBACK}:{port}/index.html", browser)
        server.serve_forever()
