""" "Check my file": only where the app runs on the student's own machine, because it runs the student's code.

Asked twice: when the page is built, and again by the handler for each request.
"""

import asyncio
import ipaddress
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request

from lmlab.errors import LabError
from lmlab.grading.gradescope import read_results
from lmlab.strings import t

PATIENCE = 120.0  # seconds that a check may take in all
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


def is_loopback(host: str | None) -> bool:
    """Whether a host is this machine itself.

    >>> [is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "192.168.0.7", None)]
    [True, True, True, False, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def may_check(host: str | None) -> bool:
    """Whether an app that listens on `host` is a student's own: loopback only, and not on a Space."""
    return is_loopback(host) and not os.environ.get("SPACE_ID")


def is_own(request: Request | Any) -> bool:
    """Whether a request comes from this machine, straight and by its own name.

    A proxy says for whom it asks, and a page of elsewhere that had its name point here would ask by that name.
    """
    headers = request.headers
    if any(name in headers for name in ("x-forwarded-for", "forwarded", "x-real-ip", "via")):
        return False
    asked = urlsplit(f"//{headers.get('host', '')}").hostname
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):  # another port is another program
        return False
    return asked in LOCAL_HOSTS and is_loopback(request.client.host if request.client else None)


def is_mine(path: Path) -> bool:
    """Whether a file belongs to whoever started the app: on a machine of many, the others can reach its port, too."""
    return not hasattr(os, "getuid") or path.stat().st_uid == os.getuid()


async def check_folder(lab: str, folder: str) -> dict[str, Any]:
    """Check the lab.py in a folder, as `python -m lmlab check` does, in a process of its own.

    Returns the content of results.json. Raises `LabError` with the command's own sentence.
    """
    place = Path(folder.strip()).expanduser()
    if not folder.strip() or not (place / "lab.py").is_file():
        raise LabError(t("labs.no_folder", folder=folder.strip()[:200]))
    if not all(is_mine(path) for path in (place, place / "lab.py")):
        raise LabError(t("labs.not_yours", folder=folder.strip()[:200]))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lmlab", "check", lab, "--folder", str(place), "--json",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.communicate()
        raise LabError(t("labs.check_too_long", seconds=PATIENCE)) from None
    lines = out.decode("utf-8", "replace").strip().splitlines()
    try:
        json.loads(lines[-1])
    except (IndexError, ValueError):
        said = err.decode("utf-8", "replace").strip().splitlines()
        raise LabError(said[-1].removeprefix("Error: ")[:300] if said else t("labs.check_failed")) from None
    return read_results(lines[-1])
