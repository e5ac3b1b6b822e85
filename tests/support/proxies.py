"""nginx and Caddy with the recipes of docs/forward-auth.md, and a back end that says which headers reach it."""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from tests.support.serve_process import free_port, wait_for

DOCUMENT = Path(__file__).parents[2] / "docs" / "forward-auth.md"
PROXIES = ("nginx", "caddy")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
# The addresses in the recipes.
OSTIARY, BACK_END, LISTENING = "127.0.0.1:8000", "127.0.0.1:3000", "8080"
# A whole configuration around the recipe: everything that nginx writes is in one directory.
NGINX = """
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {recipe}
}}
"""
CADDY = "{{\n\tadmin off\n\tauto_https off\n}}\n{recipe}"


def recipe(proxy: str, ostiary: str, back_end: str, port: int, question: str = "") -> str:
    """The recipe of the document, with these addresses, and a question to the policy such as `?action=…`."""
    blocks: list[str] = re.findall(rf"^```{proxy}\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    (text,) = blocks
    changes = {OSTIARY: ostiary, BACK_END: back_end, LISTENING: str(port), "/api/verify": f"/api/verify{question}"}
    for documented, used in changes.items():
        assert text.count(documented) == 1, documented
        text = text.replace(documented, used)
    return text.replace("http://app.example.org", "http://127.0.0.1")


@contextmanager
def proxying(proxy: str, ostiary: str, back_end: str, question: str = "") -> Iterator[str]:
    """Run the proxy with the recipe while the context lasts. Yields its URL.

    Skips the test where the program is not installed; in CI it fails.
    """
    program = shutil.which(proxy, path=PATH)
    if program is None:
        reason = f"{proxy} is not installed (Debian: apt-get install {proxy})"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    port = free_port()
    text = recipe(proxy, ostiary, back_end, port, question)
    with tempfile.TemporaryDirectory(prefix="ostiary-test-") as directory:
        Path(directory).chmod(0o711)
        file = Path(directory) / "configuration"
        file.write_text((NGINX if proxy == "nginx" else CADDY).format(directory=directory, recipe=text))
        arguments = {
            "nginx": ["-p", directory, "-c", str(file), "-e", f"{directory}/error.log"],
            "caddy": ["run", "--adapter", "caddyfile", "--config", str(file)],
        }[proxy]
        with subprocess.Popen(
            [program, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": directory, "XDG_DATA_HOME": directory, "XDG_CONFIG_HOME": directory},
        ) as process:
            try:
                wait_for(lambda: process.poll() is not None or _listens(port))
                assert process.poll() is None, f"{proxy} did not start"
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


@asynccontextmanager
async def back_end() -> AsyncIterator[str]:
    """A back end that answers every request with what reaches it: its first line and its headers, as JSON.

    Yields its address.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request, *lines = head.rstrip("\r\n").split("\r\n")
        headers = [line.partition(":")[::2] for line in lines]
        body = json.dumps({"request": request, "headers": [(name, value.strip()) for name, value in headers]})
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield "{}:{}".format(*server.sockets[0].getsockname())


def as_wsgi_reads(headers: list[list[str]]) -> dict[str, list[str]]:
    """The values of the identity headers, as a server reads them that takes all but letters and digits for `_`.

    Most servers take `-` and `_` for the same; lighttpd does so with every such character, for CGI and FastCGI.
    """
    found = dict[str, list[str]]()
    for name, value in headers:
        key = re.sub("[^A-Z0-9]", "_", name.upper())
        if key.startswith("X_OSTIARY"):
            found.setdefault(key, []).append(value)
    return found


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
