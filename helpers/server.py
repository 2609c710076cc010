"""Extensions of the Jupyter server, used by `python start.py` and by the class hub (folder `hub`)."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jupyter_server.auth.identity import PasswordIdentityProvider
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.web import HTTPError, RequestHandler
from traitlets import Integer


class PromptConnection(ZMQChannelsWebsocketConnection):
    """A kernel's WebSocket that sends every message at once (TCP_NODELAY).

    A kernel answers a slider with several small messages. By default the second waits until the browser has
    acknowledged the first (Nagle, RFC 896), and a browser that is itself sending acknowledges up to 40 ms late
    (delayed ACK, RFC 1122, 4.2.3.2). Every state that a dragged slider requested from the kernel had this delay.
    """

    def connect(self) -> Any:
        """Connect the WebSocket to its kernel."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()


class LimitedKernels(AsyncMappingKernelManager):
    """A kernel manager with a limit on the number of kernels, since more would take memory from those at work."""

    max_kernels = Integer(24, config=True, help="How many kernels may run at a time: two for each lesson.")

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._starting = 0

    async def start_kernel(self, **settings: Any) -> str:  # type: ignore[override]  # declared as if it didn't wait
        """Start a kernel; raise HTTPError 503 with the remedy if the limit is reached."""
        if len(self) + self._starting >= self.max_kernels:
            raise HTTPError(
                503,
                f"{self.max_kernels} kernels are running, which is the limit: shut one down "
                "(in JupyterLab: Kernel, Shut Down All Kernels) and try again.",
            )
        self._starting += 1
        try:
            return str(await super().start_kernel(**settings))
        finally:
            self._starting -= 1


class OwnPagesOnly(PasswordIdentityProvider):
    """Checks the Origin even of requests with the token, so pages of other sites are refused even if they know it."""

    def should_check_origin(self, handler: RequestHandler) -> bool:
        """Return True: always check the Origin."""
        return True


class OneKernel(AsyncMappingKernelManager):
    """A kernel manager with one kernel at a time: opening a page ends the kernel of the previous page."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._turn = asyncio.Lock()

    async def start_kernel(self, **settings: Any) -> str:  # type: ignore[override]  # declared as if it didn't wait
        """Shut down the running kernel and start a new one."""
        async with self._turn:
            for kernel_id in self.list_kernel_ids():
                await self.shutdown_kernel(kernel_id, now=True)
            return str(await super().start_kernel(**settings))


def give_notebooks(notebooks: Iterable[Path], folder: Path) -> None:
    """Copy notebooks that are missing from a learner's folder; existing files belong to the learner and are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    for notebook in notebooks:
        if not (folder / notebook.name).exists():
            draft = folder / f".{notebook.name}.new"
            shutil.copyfile(notebook, draft)
            os.replace(draft, folder / notebook.name)  # atomic: the file is whole or absent
