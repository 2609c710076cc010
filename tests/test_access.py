"""Hostile requests to every server that the course starts: none is answered, and no kernel starts."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import start
from helpers.publish.access import LOOPBACK, Access
from helpers.publish.present.serving import page_server
from tests.browser.lab import ROOT, free_port, serve, serve_announced
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
    request,
    upwards,
)


def hostile(server: Server) -> dict[str, tuple[str, str, dict[str, str]]]:
    """Requests by name: method, path and headers. Those below the line know the token; the others don't."""
    page, kernels = server.page, server.kernels or "/api/kernels"
    stranger, socket = page.replace(server.token, secrets.token_urlsafe(24)), f"{kernels}/{'0' * 8}-0000/channels"
    bare = page.replace(server.token, "").replace("//", "/").replace("?token=", "")
    evil_host = {"Host": f"evil.example:{server.port}"}
    return {
        "a page from elsewhere": ("GET", bare, EVIL),
        "an image from elsewhere": ("GET", bare, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}),
        "no token": ("GET", bare, {}),
        "no token, at the root": ("GET", "/voila/render/panel.ipynb", {}),
        "another token": ("GET", stranger, {}),
        "another token of another length": ("GET", page.replace(server.token, server.token[:-1]), {}),
        "the token in the wrong place": ("GET", f"{bare}#{server.token}", {}),
        "a kernel is asked for": ("POST", "/api/kernels", {}),
        "a kernel is asked for by a form": ("POST", "/api/kernels", {"Content-Type": "text/plain", **EVIL}),
        "kernels are listed": ("GET", "/api/kernels", {}),
        "a WebSocket": ("GET", socket.replace(server.token, "x"), UPGRADE),
        "a WebSocket from elsewhere": ("GET", socket.replace(server.token, "x"), UPGRADE | EVIL),
        "a path upwards": ("GET", "/../../../../etc/passwd", {}),
        "a path upwards, encoded": ("GET", "/%2e%2e/%2e%2e/%2e%2e/etc/passwd", {}),
        "DNS rebinding": ("GET", page, evil_host),
        "DNS rebinding, a WebSocket": ("GET", socket, UPGRADE | evil_host | {"Origin": f"http://{evil_host['Host']}"}),
        "another port's name": ("GET", page, {"Host": f"{LOOPBACK}.evil.example:{server.port}"}),
        "a WebSocket of a page that knows the token": ("GET", socket, UPGRADE | EVIL),
        "a form of a page that knows the token": ("POST", kernels, EVIL),
        "a deletion by a page that knows the token": ("DELETE", f"{kernels}/{'0' * 8}-0000", EVIL),
        "a folder upwards, with the token": ("GET", page.rpartition("/")[0] + "/../../../../etc/passwd", {}),
        "a folder upwards, encoded": ("GET", page.rpartition("/")[0] + "/..%2f..%2f..%2f..%2fetc%2fpasswd", {}),
    }


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("slides")
    (folder / "index.html").write_text("slides")
    (folder / "assets").mkdir()
    access = Access(free_port())
    with page_server(folder, access) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Server(access.port, access.token, f"{access.path}index.html")
        server.shutdown()


@pytest.fixture(scope="module")
def projector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder, port = tmp_path_factory.mktemp("projector"), free_port()
    command = [sys.executable, "-m", "helpers.publish.present", "03", "--panel", "--no-browser", f"--port={port}"]
    with serve_announced(command, folder) as url:
        path = urlsplit(url).path
        token = path.split("/")[1]
        yield Server(port, token, path, f"/{token}/api/kernels")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder, port, token = tmp_path_factory.mktemp("lab"), free_port(), secrets.token_urlsafe(24)
    copy = folder / start.FIRST_NOTEBOOK
    copy.parent.mkdir()
    shutil.copy(ROOT / start.FIRST_NOTEBOOK, copy)
    root = f"--ServerApp.root_dir={ROOT}"
    options = [f"--ServerApp.root_dir={folder}" if each == root else each for each in start.lab_command(port, False)]
    command = [sys.executable, *options[1:]]
    ready = f"/api/status?token={token}"
    with serve(command, f"http://{LOOPBACK}:{port}", ready, folder, folder, more={"JUPYTER_TOKEN": token}):
        yield Server(port, token, f"/lab?token={token}", "/api/kernels", copy)


def refused(server: Server) -> dict[str, int]:
    return {name: server.ask(*request) for name, request in hostile(server).items()}


def test_the_slides_open_to_nobody_else(slides: Server) -> None:
    assert slides.ask("GET", slides.page) == 200
    assert slides.ask("GET", slides.page, {"Host": f"localhost:{slides.port}"}) == 200
    found = refused(slides)
    assert len(found) >= 20
    assert set(found.values()) <= {403, 404, 501}, found
    assert slides.ask("GET", f"/{slides.token}/assets/") == 404, "no folder is listed"
    assert slides.ask("GET", f"/{slides.token}/%00") == 404, "no file has such a name"


def test_the_slides_take_the_token_nowhere_but_in_the_path_and_read_only(slides: Server) -> None:
    page, token = "/index.html", slides.token
    elsewhere = [
        *(("GET", page, {name: value}) for name, value in (("Cookie", f"token={token}"), ("X-Token", token))),
        *(("GET", page, {"Authorization": f"{kind} {token}"}) for kind in ("token", "Bearer", "Basic")),
        *(("GET", f"{page}?{name}={token}", {}) for name in ("token", "access_token")),
        *(("GET", slides.page, {"Host": f"{host}:{slides.port}"}) for host in ("[::1]", "localhost.", "0.0.0.0")),
        *(("GET", slides.page, {"Origin": origin}) for origin in ("null", "file://", "http://localhost")),
    ]
    assert [request for request in elsewhere if slides.ask(*request) != 403] == []
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"):
        assert slides.ask(method, slides.page) == 501, method


def test_the_slides_answer_no_odd_request(slides: Server) -> None:
    page = slides.page
    odd = by_other_hosts(slides, page) | by_other_origins(slides, page) | malformed(slides, "/index.html")
    odd |= upwards(slides, f"/{slides.token}/") | malformed(slides, f"/{slides.token}/nothing")
    assert let_in(slides, odd) == {}
    assert slides.send(request(page, f"Host: {slides.host}"))[0] == 200, "a good one still is"


@pytest.mark.slow
def test_the_panel_for_the_projector_opens_to_nobody_else(projector: Server) -> None:
    assert projector.ask("GET", projector.page) == 200
    before = kernels_below(os.getpid())  # of tests that ran here earlier
    found = refused(projector)
    assert len(found) >= 20
    assert set(found.values()) <= {403, 404}, found
    for path in ("voila/tree", "voila/api/contents", "voila/files/panel.ipynb", "api/kernels"):
        assert projector.ask("GET", f"/{projector.token}/{path}") in (302, 403, 404), (
            path
        )  # 302: to a file that isn't given
    assert kernels_below(os.getpid()) <= before
    for _ in range(3):
        assert projector.ask("GET", f"/{projector.token}/") == 200
        assert kernels_below(os.getpid()) <= before + 1, "one kernel, however often the page is opened"


@pytest.mark.slow
def test_jupyterlab_opens_to_nobody_else(lab: Server) -> None:
    before = kernels_below(os.getpid())  # of tests that ran here earlier
    assert lab.ask("GET", lab.page) == 200
    found = refused(lab)
    assert len(found) >= 20
    # 302: to the page that asks for the token
    assert set(found.values()) <= {302, 400, 401, 403, 404, 405}, found
    assert kernels_below(os.getpid()) <= before


@pytest.mark.slow
def test_the_panel_for_the_projector_answers_no_odd_request(projector: Server) -> None:
    before = kernels_below(os.getpid())
    page, socket = projector.page, f"{projector.kernels}/{'0' * 8}-0000/channels"
    odd = by_other_hosts(projector, page) | by_other_origins(projector, page) | malformed(projector, "/voila/")
    odd |= {f"a WebSocket, {name}": each for name, each in by_other_origins(projector, socket, *HANDSHAKE).items()}
    odd |= upwards(projector, f"/{projector.token}/voila/files/") | upwards(projector, f"/{projector.token}/static/")
    assert let_in(projector, odd) == {}
    assert kernels_below(os.getpid()) <= before, "nor has one of them started a kernel"


@pytest.mark.slow
def test_jupyterlab_answers_no_odd_request(lab: Server) -> None:
    before, token = kernels_below(os.getpid()), f"token={lab.token}"
    notebook, socket = f"/api/contents/{start.FIRST_NOTEBOOK}", f"/api/kernels/{'0' * 8}-0000/channels"
    odd = by_other_hosts(lab, lab.page) | malformed(lab, notebook) | upwards(lab, "/files/") | upwards(lab, "/static/")
    odd |= {f"{name}, with the token": each for name, each in by_other_hosts(lab, f"{notebook}?{token}").items()}
    odd |= {f"a WebSocket, {name}": each for name, each in by_other_origins(lab, socket, *HANDSHAKE).items()}
    for path in ("/api/contents/{}", "/files/{}", "/static/{}", "/lab/tree/{}", "/nbconvert/html/{}"):
        climbs = upwards(lab, path.format(""))
        odd |= {f"{path}, {name}": each.replace(b" HTTP", f"?{token} HTTP".encode()) for name, each in climbs.items()}
    for method in ("PUT", "PATCH", "POST", "DELETE"):
        odd |= {f"{method}, no token": request(notebook, f"Host: {lab.host}", "Content-Length: 0", method=method)}
        for name, each in by_other_origins(lab, f"{notebook}?{token}", "Content-Length: 0", method=method).items():
            odd[f"{method}, {name}"] = each
    # What has this very host and port for an origin, though with https, is this server; /lab/tree/ gives the page
    # of JupyterLab, which then says that there is no such notebook.
    odd = {name: each for name, each in odd.items() if not name.endswith("another scheme")}
    found = let_in(lab, odd)
    assert {name: status for name, status in found.items() if not name.startswith("/lab/tree/")} == {}
    assert not [name for name in found if b"root:" in lab.send(odd[name])[1]]
    assert lab.file.read_bytes() == (ROOT / start.FIRST_NOTEBOOK).read_bytes()
    assert kernels_below(os.getpid()) <= before


@pytest.mark.slow
def test_jupyterlab_starts_kernels_up_to_a_number(tmp_path: Path) -> None:
    port, token = free_port(), secrets.token_urlsafe(24)
    command = [sys.executable, *start.lab_command(port, False)[1:], "--LimitedKernels.max_kernels=1"]
    more, headers = {"JUPYTER_TOKEN": token}, {"Authorization": f"token {token}", "Content-Type": "application/json"}
    with serve(command, f"http://{LOOPBACK}:{port}", f"/api/status?token={token}", tmp_path, ROOT, more=more):
        server = Server(port, token, "/lab")
        asked = [server.ask("POST", "/api/kernels", headers, json.dumps({"name": "python3"})) for _ in range(3)]
    assert asked == [201, 503, 503]


def test_a_door_compares_host_origin_and_token() -> None:
    access = Access(8920, "secret")
    good = {"Host": "127.0.0.1:8920"}
    assert access.allows("/secret/", good) and access.allows(
        "/secret/a.html", good | {"Origin": "http://localhost:8920"}
    )
    strange_paths = ("/secre/", "/secret", "/", "//secret/", "/secr\u00e9t/")
    strange_hosts = ("127.0.0.1", "127.0.0.1:8921", "[::1]:8920", "evil.example:8920", "")
    strange_origins = ("null", "https://127.0.0.1:8920", "http://127.0.0.1", "")
    refused = [
        *((path, good) for path in strange_paths),
        *(("/secret/", {"Host": host}) for host in strange_hosts),
        *(("/secret/", good | {"Origin": origin}) for origin in strange_origins),
        ("/secret/", {}),
    ]
    assert not [request for request in refused if access.allows(*request)]
    assert Access(1).token != Access(1).token and len(Access(1).token) == 32
