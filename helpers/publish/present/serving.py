"""A small local server for the slides, since a page opened from disk may not talk to its speaker-notes window."""

from __future__ import annotations

import webbrowser
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from helpers.publish.access import LOOPBACK, Access

USUAL_PORT = 8920


class PresentError(RuntimeError):
    """Nothing can be presented; the message says why and what to do."""


class _Pages(SimpleHTTPRequestHandler):
    """Serves the files of a folder to requests that have access; prints nothing in the teacher's terminal."""

    def __init__(self, *arguments: Any, access: Access, **more: Any) -> None:
        self.access = access
        super().__init__(*arguments, **more)

    def send_head(self) -> Any:
        """Begin the answer to GET and HEAD."""
        if not self.access.allows(self.path, self.headers):  # type: ignore[arg-type]
            return self.send_error(HTTPStatus.FORBIDDEN)
        self.path = self.path.removeprefix(self.access.path.rstrip("/"))
        try:
            return super().send_head()
        except ValueError:  # such as a null byte in the name of a file
            return self.send_error(HTTPStatus.NOT_FOUND)

    def list_directory(self, path: Any) -> None:
        """List no directory."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        """Keep the token from other servers, and this server's answers from their pages."""
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Print nothing."""


def page_server(folder: Path, access: Access) -> ThreadingHTTPServer:
    """A server for the pages of a folder, bound to the port but not yet serving."""
    return ThreadingHTTPServer((LOOPBACK, access.port), partial(_Pages, directory=str(folder), access=access))


def show(url: str, browser: bool) -> None:
    """Open a browser at an address, if wanted, and print the address."""
    opened = browser and webbrowser.open(url)
    if browser and not opened:
        print("No browser could be opened from here: type the address below into one.", flush=True)
    print(f"It is open at {url}", flush=True)
    print("Press Ctrl-C here to end.", flush=True)


def serve_folder(folder: Path, port: int, browser: bool) -> None:
    """Serve the pages of a folder until Ctrl-C."""
    access = Access(port)
    with page_server(folder, access) as server:
        show(f"{access.url}index.html", browser)
        server.serve_forever()
