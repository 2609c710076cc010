"""What a Jupyter server of the course does besides: `python start.py` and the class hub (folder `hub`) switch it on."""

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
    acknowledged the first (Nagle, RFC 896), and a browser that is talking itself acknowledges up to 40 ms late
    (delayed ACK, RFC 1122, 4.2.3.2): that wait came with every state that a dragged slider asked the kernel for.
    """

    def connect(self) -> Any:
        """Connect the WebSocket with its kernel."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()


class LimitedKernels(AsyncMappingKernelManager):
    """Kernels up to a number: more of them take the memory from those that are at work."""

    max_kernels = Integer(24, config=True, help="How many kernels may run at a time: two for each lesson.")

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._starting = 0

    async def start_kernel(self, **settings: Any) -> str:  # type: ignore[override]  # declared as if it didn't wait
        """Start a kernel; HTTPError 503 says what to do where as many run as may."""
        if len(self) + self._starting >= self.max_kernels:
            raise HTTPError(
                503,
                f"{self.max_kernels} kernels are running, which is the limit: shut one down "
                "(in JupyterLab: Kernel, Shut Down All Kernels), and start again.",
            )
        self._starting += 1
        try:
            return str(await super().start_kernel(**settings))
        finally:
            self._starting -= 1


class OwnPagesOnly(PasswordIdentityProvider):
    """Checks the Origin of requests that bring the token, too: a page of elsewhere that knows it stays outside."""

    def should_check_origin(self, handler: RequestHandler) -> bool:
        """Check it always."""
        return True


class OneKernel(AsyncMappingKernelManager):
    """One kernel at a time: a page that is opened anew ends the kernel of the page before."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._turn = asyncio.Lock()

    async def start_kernel(self, **settings: Any) -> str:  # type: ignore[override]  # declared as if it didn't wait
        """End the kernel that runs, and start one."""
        async with self._turn:
            for kernel_id in self.list_kernel_ids():
                await self.shutdown_kernel(kernel_id, now=True)
            return str(await super().start_kernel(**settings))


def give_notebooks(notebooks: Iterable[Path], folder: Path) -> None:
    """Copy the notebooks that are not yet in a learner's folder; what is there stays the learner's own."""
    folder.mkdir(parents=True, exist_ok=True)
    for notebook in notebooks:
        if not (folder / notebook.name).exists():
            draft = folder / f".{notebook.name}.new"
            shutil.copyfile(notebook, draft)
            os.replace(draft, folder / notebook.name)  # there whole or not at all
