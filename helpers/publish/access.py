"""Access control for a server on this machine: requests need its secret address and must come from its own pages."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

LOOPBACK = "127.0.0.1"


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
