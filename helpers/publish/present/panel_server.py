"""Voila with access control: it serves one panel with one kernel, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher
from tornado.web import HTTPError, RequestHandler
from voila.app import Voila

from helpers.publish.access import LOOPBACK, Access

TEMPLATES = Path(__file__).parent / "voila"
IDLE_SECONDS = 600  # until the kernel of a closed page is ended


class Refused(Matcher):
    """Matches the requests that are refused."""

    def __init__(self, access: Access) -> None:
        self.access = access

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """An empty dictionary for a request that is refused, None for the others."""
        return None if self.access.allows(request.path, request.headers) else {}


class Refusal(RequestHandler):
    """Answers refused requests, including those for WebSockets."""

    def prepare(self) -> None:
        """Refuse before any method is called."""
        raise HTTPError(403)


def serve_panel(notebook: Path, access: Access, files: Sequence[str]) -> None:
    """Serve a notebook and the given files beside it until Ctrl-C."""

    class Projector(Voila):
        """Voila with our template before its own, and the access check before every handler."""

        def setup_template_dirs(self) -> None:
            super().setup_template_dirs()
            self.template_paths.insert(0, str(TEMPLATES))

        def init_handlers(self) -> list[Any]:
            return [(Refused(access), Refusal), *super().init_handlers()]

    settings = [
        f"--Voila.ip={LOOPBACK}",
        f"--Voila.base_url={access.path}",
        f"--port={access.port}",
        "--Voila.port_retries=0",
        "--no-browser",
        "--Voila.log_level=40",
        "--VoilaConfiguration.allow_template_override=NO",
        "--VoilaConfiguration.allow_theme_override=NO",
        "--VoilaConfiguration.multi_kernel_manager_class=helpers.server.OneKernel",
        f"--MappingKernelManager.cull_idle_timeout={IDLE_SECONDS}",
        "--MappingKernelManager.cull_interval=60",
        "--Voila.kernel_websocket_connection_class=helpers.server.PromptConnection",
        *(f"--VoilaConfiguration.file_allowlist={name}" for name in files),
    ]
    Projector.launch_instance([str(notebook), *settings])
