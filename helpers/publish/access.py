"""Who may come in to a server on this machine: whoever has its address with the token, from its own pages."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Access:
    """The one way in to a server that listens on the loopback interface.

    Every address of the server begins with a token that nobody can guess, so that pages of other servers, which a
    browser lets send requests to this one, can't name anything here. Host and Origin are checked besides: another name
    for this machine, as DNS rebinding makes one, stays outside, and so does a page from elsewhere that knows the token.
    """

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def path(self) -> str:
        """What every path begins with."""
        return f"/{self.token}/"

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"http://{LOOPBACK}:{self.port}{self.path}"

    def allows(self, path: str, headers: Mapping[str, str]) -> bool:
        """Whether a request may be answered; a header that came twice is there twice, or with a comma."""
        hosts = {f"{name}:{self.port}" for name in (LOOPBACK, "localhost")}
        named = [value for name, value in headers.items() if name.lower() == "host"]
        origins = [value for name, value in headers.items() if name.lower() == "origin"]
        return (
            secrets.compare_digest(path[: len(self.path)].encode(), self.path.encode())
            and len(named) == 1
            and named[0] in hosts
            and all(origin in {f"http://{host}" for host in hosts} for origin in origins)
        )
