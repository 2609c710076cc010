"""A class on a hub: what the configurations say, what a server of the course does, and three learners at once."""

from __future__ import annotations

import asyncio
import csv
import os
import re
import secrets
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.kernelmanager import MappingKernelManager
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
from jupyterlab.labapp import LabApp
from tornado import netutil
from tornado.httpserver import HTTPServer
from tornado.web import Application
from tornado.websocket import WebSocketHandler
from traitlets import HasTraits, import_item
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader
from yarl import URL

import start
from helpers.course import notebooks
from helpers.progress import Progress
from helpers.publish.classroom.__main__ import main as look_at_class
from helpers.server import PromptConnection, give_notebooks
from tests.browser.lab import ROOT
from tests.learner import CONFIG, PASSWORD, Learner, start_hub
from tests.odd_requests import (
    EVIL,
    HANDSHAKE,
    UPGRADE,
    Server,
    by_other_hosts,
    by_other_origins,
    kernels_below,
    let_in,
    malformed,
    upwards,
)

HUB = ROOT / "hub"
VALUES = yaml.safe_load((HUB / "values.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (HUB / "Dockerfile").read_text(encoding="utf-8")


def load(path: Path) -> Config:
    return PyFileConfigLoader(path.name, str(path.parent)).load_config()


def unknown(config: Config, classes: dict[str, type[HasTraits]]) -> list[str]:
    """The settings of a configuration that the programs it is for don't have."""
    return [
        f"{section}.{name}"
        for section, settings in config.items()
        for name in settings
        if section not in classes or name not in classes[section].class_traits(config=True)
    ]


# ---------------------------------------------------------------- the hub on this machine


@pytest.fixture
def hub_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    if sys.platform == "win32":
        pytest.skip("JupyterHub needs a Unix")
    monkeypatch.setenv("COURSE_HUB_PASSWORD", PASSWORD)
    monkeypatch.setenv("COURSE_HUB_FOLDER", str(tmp_path / "class"))
    return load(CONFIG)


def test_the_hub_knows_every_setting(hub_config: Config) -> None:
    from jupyterhub.app import JupyterHub
    from jupyterhub.auth import Authenticator
    from jupyterhub.authenticators.shared import SharedPasswordAuthenticator
    from jupyterhub.proxy import ConfigurableHTTPProxy
    from jupyterhub.spawner import SimpleLocalProcessSpawner, Spawner

    classes = [JupyterHub, Authenticator, SharedPasswordAuthenticator, ConfigurableHTTPProxy, Spawner]
    named = {each.__name__: each for each in [*classes, SimpleLocalProcessSpawner]}
    assert unknown(hub_config, named) == []
    assert unknown(Config(JupyterHub={"bind_ulr": ""}), named) == ["JupyterHub.bind_ulr"]
    assert SharedPasswordAuthenticator(config=hub_config).user_password == PASSWORD


def test_the_hub_is_for_this_machine_and_this_account_alone(hub_config: Config, tmp_path: Path) -> None:
    assert hub_config.JupyterHub.bind_url.startswith("http://127.0.0.1:")
    assert (tmp_path / "class").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("password", [None, "", "7letter"])
def test_the_hub_does_not_start_without_a_password(password: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COURSE_HUB_PASSWORD", raising=False)
    if password is not None:
        monkeypatch.setenv("COURSE_HUB_PASSWORD", password)
    with pytest.raises(SystemExit, match="COURSE_HUB_PASSWORD must hold"):
        load(CONFIG)


@pytest.mark.parametrize("name", ["..", "../ada", "ada/..", "", ".ada", "ada x", "x" * 33])
def test_no_name_leads_out_of_the_learners_folder(name: str, hub_config: Config) -> None:
    from jupyterhub.auth import Authenticator

    authenticator = Authenticator(config=hub_config)
    assert authenticator.validate_username("ada-2")
    assert not authenticator.validate_username(name)


# ---------------------------------------------------------------- a learner's server


def test_the_server_of_a_learner_knows_every_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    config = load(HUB / "server" / "jupyter_server_config.py")
    named = {each.__name__: each for each in (ServerApp, MappingKernelManager, LabApp)}
    assert unknown(config, named) == []
    assert import_item(config.ServerApp.kernel_websocket_connection_class) is PromptConnection
    assert config.ServerApp.root_dir == str(tmp_path)
    assert {path.name for path in (tmp_path / "notebooks").iterdir()} == {path.name for path in notebooks().values()}


def test_a_learner_keeps_own_notebooks_and_gets_missing_ones(tmp_path: Path) -> None:
    for name in ("00_a.ipynb", "01_b.ipynb"):
        (tmp_path / name).write_text("the course's", encoding="utf-8")
    home = tmp_path / "home"
    home.mkdir()
    (home / "00_a.ipynb").write_text("mine", encoding="utf-8")
    give_notebooks(sorted(tmp_path.glob("*.ipynb")), home)
    assert {path.name: path.read_text(encoding="utf-8") for path in home.iterdir()} == {
        "00_a.ipynb": "mine",
        "01_b.ipynb": "the course's",
    }


def test_start_py_opens_a_lab_that_sends_at_once() -> None:
    option = "--ServerApp.kernel_websocket_connection_class="
    (named,) = (word.removeprefix(option) for word in start.lab_command(8888, False) if word.startswith(option))
    assert import_item(named) is PromptConnection


async def nodelay(connection: type[ZMQChannelsWebsocketConnection]) -> int:
    """TCP_NODELAY of a WebSocket that this connection has connected."""
    seen: list[int] = []

    class Handler(KernelWebsocketHandler):  # its methods take no id: there is one kernel
        def prepare(self) -> None:  # type: ignore[override]
            """Ask for no login."""

        def check_origin(self, origin: str | None = None) -> bool:
            return True

        async def get(self) -> None:  # type: ignore[override]
            self.connection = connection(websocket_handler=self)
            await WebSocketHandler.get(self)

        async def open(self) -> None:  # type: ignore[override]
            self.connection.connect()
            seen.append(self.ws_connection.stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            self.close()

        def on_close(self) -> None:
            """Leave no kernel behind."""

    server = HTTPServer(Application([("/", Handler)]))
    sockets = netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    async with ClientSession() as web, web.ws_connect(f"http://127.0.0.1:{sockets[0].getsockname()[1]}/") as browser:
        await browser.receive()
    server.stop()
    return seen[0]


def test_messages_of_a_kernel_leave_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "connect", lambda self: None)
    assert asyncio.run(nodelay(ZMQChannelsWebsocketConnection)) == 0  # without us they wait
    assert asyncio.run(nodelay(PromptConnection)) != 0


# ---------------------------------------------------------------- Kubernetes


def gigabytes(text: str) -> float:
    return float(text[:-1]) * {"M": 1e-3, "G": 1}[text[-1]]


def test_values_let_nobody_in_by_default() -> None:
    config = VALUES["hub"]["config"]
    assert config["JupyterHub"]["authenticator_class"] == "native"
    assert config["NativeAuthenticator"]["open_signup"] is False
    assert config["Authenticator"]["admin_users"] == []
    assert VALUES["proxy"]["https"]["enabled"] is True


def test_values_agree_with_image_and_hub(hub_config: Config) -> None:
    learner = VALUES["singleuser"]
    assert learner["storage"]["type"] == "dynamic"
    assert f"WORKDIR {learner['storage']['homeMountPath']}\n" in DOCKERFILE
    assert learner["defaultUrl"] == hub_config.Spawner.default_url
    assert learner["startTimeout"] == hub_config.Spawner.start_timeout
    assert f"--timeout={VALUES['cull']['timeout']}" in hub_config.JupyterHub.services[0]["command"]
    assert gigabytes(learner["memory"]["guarantee"]) < gigabytes(learner["memory"]["limit"])


def test_the_image_is_set_up_like_every_other_course(hub_config: Config) -> None:
    variables = dict(re.findall(r"(\w+)=(\S+)", re.search(r"^ENV (.*?)\n\n", DOCKERFILE, re.S | re.M).group(1)))
    for name, value in hub_config.Spawner.environment.items():
        assert variables[name] == value.replace(str(ROOT), "/srv/course")
    assert "python start.py setup --cpu-torch" in DOCKERFILE  # the pins of requirements.txt, and no others
    assert "pip install --no-cache-dir --require-hashes --no-deps --only-binary=:all: -r locks/hub.txt" in DOCKERFILE
    assert DOCKERFILE.count("pip install") == 1 and "==" not in DOCKERFILE
    release = re.search(r"^FROM python:(\d+)\.(\d+)-", DOCKERFILE, re.M)
    assert start.OLDEST <= tuple(map(int, release.groups())) <= start.NEWEST


def test_the_readme_names_the_versions_of_the_image() -> None:
    text = (HUB / "README.md").read_text(encoding="utf-8")
    pin = (HUB / "requirements.txt").read_text(encoding="utf-8")
    minor = re.search(r"^jupyterhub==(\d+\.\d+)\.\d+$", pin, re.M).group(1)
    chart = re.search(r"# .*?(\d+\.\d+) belongs to version (\S+) of the Helm chart", pin)
    assert chart.group(1) == minor
    assert f"--version={chart.group(2)}" in text


# ---------------------------------------------------------------- three learners and their teacher

ANSWER = """
from helpers import lesson
view = lesson.quiz("01")
question = view.questions[{number}]
chosen = next(answer for answer in question.question.answers if answer.correct is {correct})
question.input.put(chosen.text)
question.button.click()
print(question.question.id)
print(chosen.text)
"""
PROXY = shutil.which("configurable-http-proxy") or (HUB / "node_modules/.bin/configurable-http-proxy").exists()


@pytest.fixture(scope="module")
def class_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A hub that runs: its address and its folder."""
    if sys.platform == "win32":
        pytest.skip("JupyterHub needs a Unix")
    if not PROXY:
        pytest.skip("JupyterHub's proxy is missing: npm install --prefix hub")
    folder = tmp_path_factory.mktemp("hub")
    with start_hub(folder) as url:
        yield url, folder


@pytest.mark.slow
def test_three_learners_keep_progress_of_their_own_and_the_teacher_sees_all(
    class_hub: tuple[str, Path], tmp_path: Path
) -> None:
    async def learn(learner: Learner, number: int, correct: bool) -> list[str]:
        assert not await learner.log_in("not the password")
        assert await learner.log_in(PASSWORD)
        assert await learner.open_course() == f"/user/{learner.name}/lab/tree/notebooks/00_start_here.ipynb"
        await learner.start_kernel()
        answered = await learner.run(ANSWER.format(number=number, correct=correct))
        sliders = await learner.open_panel("deep_sigmoid_nets")
        state = [place - 1 if name == 0 else place for name, place in enumerate(sliders.first)]
        assert await learner.ask(sliders, state) > 0  # the row came through the hub's proxy
        return answered.strip().split("\n")

    async def together(url: str) -> Any:
        async with Learner(url, "ada") as ada, Learner(url, "ben") as ben, Learner(url, "cyd") as cyd:
            answered = await asyncio.gather(learn(ada, 0, True), learn(ben, 1, True), learn(cyd, 1, False))
            async with ben.web.get(f"{ada.server}/api/contents/notebooks") as other:
                return answered, other.status

    url, folder = class_hub
    answered, status = asyncio.run(together(url))
    assert status in (403, 404)  # no learner reads another's files
    learners = folder / "class" / "learners"
    for name, (question, _) in zip(("ada", "ben", "cyd"), answered, strict=True):
        assert set(Progress(learners / name / ".local/share/gradient-course").answers("01")) == {question}
    (first, _), (second, _), (same, wrong) = answered
    assert second == same != first

    # The servers run on, with their records open, while the teacher looks.
    assert look_at_class([str(learners), "--to", str(tmp_path / "view")]) == 0
    with (tmp_path / "view" / "class_questions.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["question"]: row for row in csv.DictReader(file)}
    counts = {question: (row["asked"], row["right at first"]) for question, row in rows.items()}
    assert counts == {first: ("1", "1"), second: ("2", "1")}
    assert rows[second]["commonest wrong answer"] == wrong
    with (tmp_path / "view" / "class_learners.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {row["learner"] for row in csv.DictReader(file)} == {"ada", "ben", "cyd"}


# ---------------------------------------------------------------- requests from elsewhere


def hostile(host: str, cookies: str, token: str) -> dict[str, tuple[str, str, dict[str, str]]]:
    """Requests to ada's server by name: method, path and headers. The last ones come from her own browser."""
    lab, kernels = "/user/ada/lab", "/user/ada/api/kernels"
    channels = f"{kernels}/{'0' * 8}-0000/channels"
    port, hers = host.rpartition(":")[2], {"Cookie": cookies}
    evil_host = {"Host": f"evil.example:{port}"}
    return {
        "nobody, the lab": ("GET", lab, {}),
        "nobody, by the name of another": ("GET", "/user/ben/lab", {}),
        "nobody, from elsewhere": ("GET", lab, EVIL),
        "a guessed token": ("GET", f"{lab}?token={token}", {}),
        "a guessed token in a header": ("GET", kernels, {"Authorization": f"token {token}"}),
        "a guessed cookie": ("GET", lab, {"Cookie": f"jupyterhub-user-ada={token}"}),
        "kernels are listed": ("GET", kernels, {}),
        "a kernel is asked for": ("POST", kernels, {}),
        "a kernel is asked for by a form": ("POST", kernels, {"Content-Type": "text/plain", **EVIL}),
        "a file is read": ("GET", "/user/ada/api/contents/notebooks", {}),
        "a file is written": ("PUT", "/user/ada/api/contents/notebooks/00_start_here.ipynb", {}),
        "a terminal": ("POST", "/user/ada/api/terminals", {}),
        "the server is ended": ("POST", "/user/ada/api/shutdown", {}),
        "a WebSocket": ("GET", channels, UPGRADE),
        "a WebSocket from elsewhere": ("GET", channels, UPGRADE | EVIL),
        "a path upwards": ("GET", "/user/ada/files/../../../../etc/passwd", {}),
        "a path upwards, encoded": ("GET", "/user/ada/files/%2e%2e/%2e%2e/%2e%2e/etc/passwd", {}),
        "DNS rebinding": ("GET", lab, evil_host),
        "DNS rebinding, a WebSocket": (
            "GET",
            channels,
            UPGRADE | evil_host | {"Origin": f"http://evil.example:{port}"},
        ),
        "the hub's users": ("GET", "/hub/api/users", {}),
        "the proxy's routes": ("GET", "/api/routes", {}),
        "her cookies, a form from elsewhere": ("POST", kernels, hers | EVIL),
        "her cookies, a WebSocket from elsewhere": ("GET", channels, hers | UPGRADE | EVIL),
        "her cookies, a deletion from elsewhere": ("DELETE", f"{kernels}/{'0' * 8}-0000", hers | EVIL),
        "her cookies, the server ended from elsewhere": ("POST", "/user/ada/api/shutdown", hers | EVIL),
        "her cookies, ben's files": ("GET", "/user/ben/api/contents/notebooks", hers),
    }


@pytest.mark.slow
def test_a_learners_server_opens_to_nobody_else(class_hub: tuple[str, Path]) -> None:
    async def cookies_of_ada(url: str) -> str:
        async with Learner(url, "ada") as ada:
            assert await ada.log_in(PASSWORD)
            await ada.open_course()
            jar = ada.web.cookie_jar.filter_cookies(URL(f"{ada.server}/"))
            return "; ".join(f"{name}={cookie.value}" for name, cookie in jar.items())

    url, _ = class_hub
    cookies, port = asyncio.run(cookies_of_ada(url)), int(url.rpartition(":")[2])
    server = Server(port, "", "/user/ada/lab")
    assert server.ask("GET", server.page, {"Cookie": cookies}) == 200
    before = kernels_below(os.getpid())
    requests = hostile(server.host, cookies, secrets.token_urlsafe(24))
    answers = {name: server.ask(*request) for name, request in requests.items()}
    # 302: to the hub's form, which asks for the password; 503: no server runs under this name
    assert len(answers) >= 22 and set(answers.values()) <= {302, 400, 401, 403, 404, 405, 424, 503}, answers
    odd = by_other_hosts(server, server.page) | malformed(server, server.page) | malformed(server, "/hub/api/users")
    odd |= upwards(server, "/user/ada/files/") | upwards(server, "/hub/static/")
    kernels, hers = "/user/ada/api/kernels", f"Cookie: {cookies}"
    channels = by_other_origins(server, f"{kernels}/{'0' * 8}-0000/channels", hers, *HANDSHAKE)
    odd |= {f"her cookies, a WebSocket, {name}": each for name, each in channels.items()}
    forms = by_other_origins(server, kernels, hers, "Content-Length: 0", method="POST")
    odd |= {f"her cookies, a form, {name}": each for name, each in forms.items()}
    assert let_in(server, odd) == {}
    assert kernels_below(os.getpid()) == before
    assert server.ask("GET", server.page, {"Cookie": cookies}) == 200, "it still runs"
