"""A hub on this machine, and learners at it as browsers are: they log in, start a kernel, talk over its WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp
from jupyter_client.session import Session
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1, serialize_msg_to_ws_v1
from yarl import URL

from tests.browser.lab import ROOT, free_port, serve

CONFIG = ROOT / "hub" / "jupyterhub_config.py"
PASSWORD = "a-class-of-testers"
PROTOCOL = "v1.kernel.websocket.jupyter.org"
PATIENCE = 400.0  # seconds that a busy machine gets to start a server or a kernel

State = list[int]


def start_hub(folder: Path) -> contextlib.AbstractContextManager[str]:
    """The hub of `hub/jupyterhub_config.py` on free ports, which keeps all it has in `folder`; gives its address."""
    port, proxy, hub = free_port(), free_port(), free_port()
    options = {
        "JupyterHub.bind_url": f"http://127.0.0.1:{port}",
        "JupyterHub.hub_port": hub,
        "ConfigurableHTTPProxy.api_url": f"http://127.0.0.1:{proxy}",
    }
    command = [sys.executable, "-m", "jupyterhub", "-f", str(CONFIG)]
    command += [f"--{name}={value}" for name, value in options.items()]
    more = {"COURSE_HUB_FOLDER": str(folder / "class"), "COURSE_HUB_PASSWORD": PASSWORD}
    return serve(command, f"http://127.0.0.1:{port}", "/hub/health", folder, more=more)


@dataclass
class Sliders:
    """The controls of a live figure as its browser half knows them (see `live.Grid`)."""

    channel: str
    comms: list[str]
    grids: list[dict[str, Any]]
    first: State

    def number(self, name: str) -> int:
        """The place of a control among the others."""
        return next(number for number, grid in enumerate(self.grids) if grid["name"] == name)

    def value(self, number: int, index: int) -> dict[str, Any]:
        """What a control tells the kernel when it is moved to a place of its grid."""
        grid = self.grids[number]
        return {"index": index} if grid["kind"] == "index" else {"value": grid["start"] + grid["step"] * index}


class Learner:
    """One browser. `url` is the hub's or the server's, without a slash at the end."""

    def __init__(self, url: str, name: str = "") -> None:
        self.url, self.name = url, name
        self.server = f"{url}/user/{name}" if name else url
        self.web = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))  # 127.0.0.1 is no name
        self.session = Session()
        self.opened: list[dict[str, Any]] = []
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._runs: dict[str, tuple[asyncio.Future[None], list[str]]] = {}
        self._asked: dict[str, asyncio.Future[None]] = {}
        self._tables: dict[str, tuple[asyncio.Future[None], set[str]]] = {}

    async def __aenter__(self) -> Learner:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket:
            await self._socket.close()
        if self._reader:
            await self._reader
        await self.web.close()

    # ------------------------------------------------------------ the hub

    async def log_in(self, password: str) -> bool:
        """Fill in the hub's form; tells whether the hub lets us in."""
        async with self.web.get(f"{self.url}/hub/login") as page:
            form = await page.text()
        secret = re.search(r'name="_xsrf" value="([^"]*)"', form)
        fields = {"username": self.name, "password": password, "_xsrf": secret.group(1) if secret else ""}
        async with self.web.post(f"{self.url}/hub/login?next=/hub/home", data=fields) as answer:
            return answer.status == 200 and answer.url.path == "/hub/home"

    async def open_course(self) -> str:
        """Start our server and open what it opens at; gives the path of that page."""
        (await self.web.get(f"{self.url}/hub/spawn")).close()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            async with self.web.get(f"{self.url}/hub/user-redirect/") as page:
                if page.status == 200 and page.url.path.startswith(f"/user/{self.name}/"):
                    return page.url.path
            await asyncio.sleep(0.3)
        raise TimeoutError(f"the server of {self.name} did not start within {PATIENCE:g} s")

    # ------------------------------------------------------------ the kernel

    async def start_kernel(self, path: str = "notebooks") -> None:
        """Start a kernel in a folder, and connect to it as JupyterLab does."""
        headers = {"X-XSRFToken": self._cookie("_xsrf"), "Origin": self.url}
        content = {"name": "python3", "path": path}
        async with self.web.post(f"{self.server}/api/kernels", json=content, headers=headers) as answer:
            answer.raise_for_status()
            kernel = (await answer.json())["id"]
        channels = f"{self.server}/api/kernels/{kernel}/channels?session_id={self.session.session}"
        self._socket = await self.web.ws_connect(
            channels, protocols=[PROTOCOL], headers={"Origin": self.url}, max_msg_size=0
        )
        self._reader = asyncio.ensure_future(self._read(self._socket))

    def _cookie(self, name: str) -> str:
        found = self.web.cookie_jar.filter_cookies(URL(self.server + "/")).get(name)
        return found.value if found else ""

    async def run(self, code: str) -> str:
        """Run code in the kernel and give what it printed; RuntimeError with the kernel's words where it raised."""
        content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}}
        message = self.session.msg("execute_request", {**content, "allow_stdin": False, "stop_on_error": True})
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        printed: list[str] = []
        self._runs[message["header"]["msg_id"]] = (done, printed)
        await self._send(message)
        await asyncio.wait_for(done, PATIENCE)
        return "".join(printed)

    async def open_panel(self, name: str) -> Sliders:
        """Make a panel of `helpers.panels`; gives the sliders of its first live figure."""
        self.opened.clear()
        await self.run(f"from helpers import panels\npanel = panels.{name}()")
        state = next(state for state in self.opened if "layout_of_row" in state.get("spec", {}))
        ids = [reference.removeprefix("IPY_MODEL_") for reference in (state["channel"], *state["controls"])]
        return Sliders(ids[0], ids[1:], state["spec"]["grids"], state["spec"]["first"])

    # ------------------------------------------------------------ sliders (the messages of live.js)

    async def move(self, sliders: Sliders, number: int, index: int) -> None:
        """Tell the kernel that a control has moved."""
        state = {"method": "update", "state": sliders.value(number, index), "buffer_paths": []}
        await self._send(self.session.msg("comm_msg", {"comm_id": sliders.comms[number], "data": state}))

    async def ask(self, sliders: Sliders, key: State) -> float:
        """Ask the kernel for the row of a state; gives the seconds until it is here."""
        name = json.dumps(key)
        here = self._asked[name] = asyncio.get_running_loop().create_future()
        start = time.perf_counter()
        await self._custom(sliders, {"type": "ask", "view": "one", "key": key, "id": name})
        await asyncio.wait_for(here, PATIENCE)
        return time.perf_counter() - start

    async def fill(self, sliders: Sliders, keys: Sequence[State], arrived: set[str]) -> float:
        """Ask for a table; what has arrived is noted as it comes. Gives the seconds until the table is whole."""
        whole: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        name = json.dumps(keys[0])
        self._tables[name] = (whole, arrived)
        start = time.perf_counter()
        await self._custom(sliders, {"type": "fill", "view": "one", "keys": list(keys), "id": name})
        await asyncio.wait_for(whole, PATIENCE)
        return time.perf_counter() - start

    async def _custom(self, sliders: Sliders, content: dict[str, Any]) -> None:
        data = {"method": "custom", "content": content}
        await self._send(self.session.msg("comm_msg", {"comm_id": sliders.channel, "data": data}))

    async def _send(self, message: dict[str, Any]) -> None:
        assert self._socket is not None, "start_kernel comes first"
        await self._socket.send_bytes(serialize_msg_to_ws_v1(message, "shell", self.session.pack))

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type == aiohttp.WSMsgType.BINARY:
                _, parts = deserialize_msg_from_ws_v1(message.data)
                header, parent, content = (json.loads(parts[place]) for place in (0, 1, 3))
                self._receive(header["msg_type"], parent.get("msg_id", ""), content)

    def _receive(self, kind: str, parent: str, content: dict[str, Any]) -> None:
        if kind == "comm_open":
            self.opened.append(content["data"].get("state", {}))
        elif kind == "comm_msg" and content["data"].get("method") == "custom":
            self._receive_answer(content["data"]["content"])
        elif parent in self._runs:
            done, printed = self._runs[parent]
            if kind == "stream" and content["name"] == "stdout":
                printed.append(content["text"])
            elif kind == "error" and not done.done():
                done.set_exception(RuntimeError(f"{content['ename']}: {content['evalue']}"))
            elif kind == "status" and content["execution_state"] == "idle" and not done.done():
                done.set_result(None)

    def _receive_answer(self, content: dict[str, Any]) -> None:
        if content["type"] == "error":
            self._asked.pop(content["answers"]).set_exception(RuntimeError(content["message"]))
        elif content["type"] == "filled":
            self._tables.pop(content["id"])[0].set_result(None)
        elif "answers" in content:
            self._asked.pop(content["answers"]).set_result(None)
        else:
            for _, arrived in self._tables.values():
                arrived.update(json.dumps(key) for key in content["keys"])
