"""Servers that run, requests to them with exactly these headers, and the kernels that they start."""

from __future__ import annotations

import base64
import contextlib
import http.client
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from helpers.publish.access import LOOPBACK


@dataclass(frozen=True)
class Server:
    """A server that is running: its port, its token, a page of it, where its kernels are asked for, a file of its."""

    port: int
    token: str
    page: str
    kernels: str = ""
    file: Path = Path()

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, body: str | None = None) -> int:
        """The status of the answer to a request with exactly these headers."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=30)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": self.host, "Content-Length": str(len(body or "")), **(headers or {})}.items():
            connection.putheader(name, value)
        connection.endheaders((body or "").encode())
        status = connection.getresponse().status
        connection.close()
        return status

    def send(self, request: bytes) -> tuple[int, bytes]:
        """The status of the answer to exactly these bytes, 0 where there is none, and the answer."""
        answer = b""
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, self.port), timeout=5) as connection:
            connection.sendall(request)
            while len(answer) < 100_000 and (part := connection.recv(65536)):
                answer += part
        found = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
        return int(found[1]) if found else 0, answer

    @property
    def host(self) -> str:
        return f"{LOOPBACK}:{self.port}"


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
}
HANDSHAKE = [f"{name}: {value}" for name, value in UPGRADE.items()]
EVIL = {"Origin": "https://evil.example", "Referer": "https://evil.example/", "Sec-Fetch-Site": "cross-site"}


def request(target: str, *lines: str, method: str = "GET", version: str = "HTTP/1.1", end: str = "\r\n") -> bytes:
    """A request as it is sent, of these lines."""
    return end.join([f"{method} {target} {version}", *lines, "Connection: close", "", ""]).encode("latin-1")


def by_other_hosts(server: Server, page: str) -> dict[str, bytes]:
    """Requests for a page whose Host is not this server, however it is written."""
    port, good = server.port, f"Host: {server.host}"
    names = {
        "another name": "evil.example",
        "another name, with the port": f"evil.example:{port}",
        "another name in capitals": f"EVIL.EXAMPLE:{port}",
        "another name with a dot at its end": f"evil.example.:{port}",
        "ours before an at sign": f"{server.host}@evil.example",
        "ours and another": f"{server.host}, evil.example",
        "ours as the beginning of another": f"{LOOPBACK}.evil.example:{port}",
        "localhost as the beginning of another": f"localhost.evil.example:{port}",
        "a dot in another writing": f"{LOOPBACK}%2eevil.example:{port}",
        "an address of elsewhere": f"203.0.113.9:{port}",
        "an address of elsewhere in IPv6": f"[2001:db8::1]:{port}",
        "every address": f"0.0.0.0:{port}",
        "none": "",
        "a blank": "   ",
        "another script": "\u00e9vil.example",
    }
    found = {f"Host: {name}": request(page, f"Host: {host}") for name, host in names.items()}
    for forwarded in ("X-Forwarded-Host", "X-Host", "X-Original-Host", "X-Forwarded-Server"):
        line = f"{forwarded}: {server.host}"
        found[f"the right Host in {forwarded}"] = request(page, "Host: evil.example", line)
    return found | {
        "the right Host in Forwarded": request(page, "Host: evil.example", f"Forwarded: host={server.host}"),
        "two Hosts, the other one first": request(page, "Host: evil.example", good),
        "two Hosts, the other one last": request(page, good, "Host: evil.example"),
        "a Host that goes on in the next line": request(page, f"{good}", " evil.example"),
        "another server's address for a path": request(f"http://evil.example{page}", "Host: evil.example"),
        "no Host": request(page),
    }


def by_other_origins(server: Server, target: str, *lines: str, method: str = "GET") -> dict[str, bytes]:
    """Requests that pages of elsewhere have sent, as their Origin says in one writing or another."""
    origins = {
        "another": "https://evil.example",
        "null": "null",
        "a file": "file://",
        "another scheme": f"https://{server.host}",
        "ours as the beginning of another": f"http://{server.host}.evil.example",
        "ours before an at sign": f"http://{server.host}@evil.example",
        "another port": f"http://{LOOPBACK}:{server.port + 1}",
        "another after a blank": f"http://{server.host} https://evil.example",
    }
    good = f"Host: {server.host}"
    return {
        f"Origin: {name}": request(target, good, f"Origin: {origin}", *lines, method=method)
        for name, origin in origins.items()
    }


def malformed(server: Server, page: str) -> dict[str, bytes]:
    """Requests that keep to no rule."""
    good = f"Host: {server.host}"
    return {
        "a null byte in the path": request(f"{page}\0", good),
        "a null byte in a header": request(page, good, "X-A: \0"),
        "70,000 characters of a path": request(page + "a" * 70_000, good),
        "5,000 characters of a name": request(page + "a" * 5000, good),
        "a header of 200,000 characters": request(page, good, "X-A: " + "a" * 200_000),
        "3,000 headers": request(page, good, *["X-A: b"] * 3000),
        "a header without a colon": request(page, good, "nothing"),
        "no version": request(page, good, version=""),
        "another version": request(page, good, version="HTTP/9.9"),
        "two blanks": request(f" {page}", good),
        "a method in small letters": request(page, good, method="get"),
        "a method that there isn't": request(page, good, method="STEAL"),
        "a tunnel": request("evil.example:443", good, method="CONNECT"),
        "an asterisk": request("*", good, method="OPTIONS"),
        "two lengths": request(page, good, "Content-Length: 0", "Content-Length: 9", method="POST"),
        "a length below zero": request(page, good, "Content-Length: -1", method="POST"),
        "a length and pieces": request(page, good, "Content-Length: 4", "Transfer-Encoding: chunked", method="POST"),
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "TLS": bytes([22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]) + bytes(60) + b"\r\n\r\n",
        "noise": bytes(range(256)) + b"\r\n\r\n",
    }


def upwards(server: Server, folder: str) -> dict[str, bytes]:
    """Requests for a file above a folder that the server gives files from, in all writings."""
    steps = ["../", "..%2f", "%2e%2e/", "%2e%2e%2f", "%252e%252e%252f", "..\\", "..%5c", "....//", "..;/", "..%00/"]
    steps += ["%c0%ae%c0%ae/", "..%c0%af", "./../", "//../"]
    return {step: request(f"{folder}{step * 12}etc/passwd", f"Host: {server.host}") for step in steps} | {
        "from the root": request(f"{folder}/etc/passwd", f"Host: {server.host}"),
        "from the root, in another writing": request(f"{folder}%2fetc%2fpasswd", f"Host: {server.host}"),
        "as an address of a file": request(f"{folder}file:///etc/passwd", f"Host: {server.host}"),
    }


def let_in(server: Server, requests: dict[str, bytes]) -> dict[str, int]:
    """Which of the requests were answered, with what: a success, a WebSocket, or a file of the machine."""
    with ThreadPoolExecutor(16) as senders:  # a server that waits for the end of a request says nothing for seconds
        answers = dict(zip(requests, senders.map(server.send, requests.values()), strict=True))
    return {
        name: status
        for name, (status, answer) in answers.items()
        if 200 <= status < 300 or status == 101 or b"root:" in answer
    }


def kernels_below(process: int) -> int:
    """How many kernels run that this process, or one it has started, has started."""
    parents: dict[int, int] = {}
    commands: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            commands[int(folder.name)] = (folder / "cmdline").read_text()
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue

    def is_below(number: int) -> bool:
        while number in parents:
            if number == process:
                return True
            number = parents[number]
        return False

    return sum("ipykernel_launcher" in command and is_below(number) for number, command in commands.items())
