"""Front ends that Vite serves after their build, with the service behind a proxy."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.serve_process import wait_for


@asynccontextmanager
async def previewed(app: Path, port: int, root: str = ".", **environ: str) -> AsyncIterator[str]:
    """The URL of an app that was built, while the context lasts. `root` is the folder of its index.html."""
    process = await asyncio.create_subprocess_exec(
        "node", "node_modules/vite/bin/vite.js", "preview", root,
        "--host", "localhost", "--port", str(port), "--strictPort",
        cwd=app, env={**os.environ, **environ}, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await asyncio.to_thread(wait_for, lambda: process.returncode is not None or _listens(port))
        assert process.returncode is None
        yield f"http://localhost:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("localhost", port), timeout=1):
            return True
    except OSError:
        return False
