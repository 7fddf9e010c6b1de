"""What a lab hands out, as files of our own server: the starter, the notebook and the picture of the statement."""

import functools

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from lmlab.errors import LabError
from lmlab.grading.labs import find_lab
from lmlab.grading.notebook import to_notebook

PLACE = "lmlab/labs"  # relative: the app may stand below a path of its proxy
PICTURES = {".svg": "image/svg+xml", ".png": "image/png"}


def address(lab: str, file: str = "") -> str:
    """Where a lab's file lies, as the page asks for it.

    >>> address("lab01", "lab.py"), address("lab01")
    ('lmlab/labs/lab01/lab.py', 'lmlab/labs/lab01')
    """
    return f"{PLACE}/{lab}/{file}".rstrip("/")


@functools.lru_cache(maxsize=100)
def content(lab: str, file: str) -> tuple[bytes, str] | None:
    """A file and its media type; None for one that is not handed out."""
    try:
        found = find_lab(lab)
    except LabError:
        return None
    if found.id != lab:
        return None
    if file == "lab.py":
        return found.stub.encode("utf-8"), "text/x-python; charset=utf-8"
    if file == "lab.ipynb":
        return to_notebook(found.stub).encode("utf-8"), "application/x-ipynb+json"
    # only what lies in the folder itself: a name with a slash is not among the names there
    media = PICTURES.get(file[-4:])
    return ((found.folder / file).read_bytes(), media) if media and file in found.files else None


async def _file(request: Request) -> Response:
    lab, file = request.path_params["lab"], request.path_params["file"]
    found = content(lab, file)
    if found is None:
        return PlainTextResponse("There is no such file of a lab.", status_code=404)
    body, media = found
    headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
    if file.startswith("lab."):
        headers["Content-Disposition"] = f'attachment; filename="{lab}{file.removeprefix("lab")}"'
    # a picture opened alone is a document: it must not run anything
    headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    return Response(body, media_type=media, headers=headers)


def labs_route() -> Route:
    """The route that serves the labs' files."""
    return Route(f"/{PLACE}/{{lab}}/{{file}}", _file)
