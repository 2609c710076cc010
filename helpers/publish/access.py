"""A server on this machine: its port, and the rule that requests need its secret address and come from its own pages.

`start.py` uses it before anything is installed, so it needs only the standard library.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

LOOPBACK = "127.0.0.1"
PORTS_TRIED = 50


class PortError(RuntimeError):
    """A server gets no port; the message says why and what to do."""


def free_port(asked: int | None, first: int) -> int:
    """The port asked for, or the first free one from `first` on; PortError where it is taken, or none is free."""
    if asked is None:
        if found := next(filter(is_free, range(first, first + PORTS_TRIED)), None):
            return found
        raise PortError(
            f"All ports from {first} to {first + PORTS_TRIED - 1} are taken: give a free one, such as --port 9999."
        )
    if not is_free(asked):
        raise PortError(
            f"Port {asked} is taken by another program: leave out --port, "
            f"or give another such as --port {asked % 65535 + 1}."
        )
    return asked


def is_free(port: int) -> bool:
    """Whether a server can listen on this port."""
    with socket.socket() as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


@dataclass(frozen=True)
class Access:
    """The rule for access to a server that listens on the loopback interface.

    Every path of the server begins with a secret token, so that pages of other servers, which a browser allows to send
    requests here, can't address anything. Host and Origin are checked as well, which keeps out DNS rebinding and a
    foreign page that knows the token.
    """

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def path(self) -> str:
        """The prefix of every path."""
        return f"/{self.token}/"

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"http://{LOOPBACK}:{self.port}{self.path}"

    def allows(self, path: str, headers: Mapping[str, str]) -> bool:
        """Whether a request may be answered. A Host sent twice, as two headers or joined by a comma, is refused."""
        hosts = {f"{name}:{self.port}" for name in (LOOPBACK, "localhost")}
        named = [value for name, value in headers.items() if name.lower() == "host"]
        origins = [value for name, value in headers.items() if name.lower() == "origin"]
        return (
            secrets.compare_digest(path[: len(self.path)].encode(), self.path.encode())
            and len(named) == 1
            and named[0] in hosts
            and all(origin in {f"http://{host}" for host in hosts} for origin in origins)
        )
