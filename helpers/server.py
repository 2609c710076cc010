"""What a Jupyter server of the course does besides: `python start.py` and the class hub (folder `hub`) switch it on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


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


def give_notebooks(notebooks: Iterable[Path], folder: Path) -> None:
    """Copy the notebooks that are not yet in a learner's folder; what is there stays the learner's own."""
    folder.mkdir(parents=True, exist_ok=True)
    for notebook in notebooks:
        if not (folder / notebook.name).exists():
            draft = folder / f".{notebook.name}.new"
            shutil.copyfile(notebook, draft)
            os.replace(draft, folder / notebook.name)  # there whole or not at all
