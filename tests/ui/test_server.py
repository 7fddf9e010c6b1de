"""What a stranger may send to the server without a page: files they name, addresses, and too much of everything."""

import asyncio
import secrets
from pathlib import Path

import pytest
from gradio import processing_utils
from playing import in_a_thread
from starlette.testclient import TestClient

from lmlab.errors import LabError
from lmlab.jobs.messages import Limits
from lmlab.runs import cards
from lmlab.ui.corpora import save_own_corpus
from lmlab.ui.server import make_server


class NoJobs:
    """A job service that knows nothing and answers nothing."""

    limits = Limits()

    def jobs_of(self, owner):
        return []

    async def call(self, *args, **more):
        raise AssertionError("nobody is asked here")


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        patch.setenv("LMLAB_HOME", str(home))
        patch.setenv("GRADIO_TEMP_DIR", str(home / "page"))
        patch.setattr("lmlab.ui.server.warm", lambda context: asyncio.sleep(0))
        before = processing_utils.async_ssrf_protected_download
        with TestClient(make_server(NoJobs()), raise_server_exceptions=False) as client:
            yield client
        processing_utils.async_ssrf_protected_download = before


@pytest.fixture
def secret():
    """A file of the server, where Gradio would look for one: below its own folder."""
    place = Path(__file__).with_name(f"secret-{secrets.token_hex(4)}.txt")
    place.write_text("the server's own")
    yield place
    place.unlink()


def inputs(client, path):
    """For each event of a page that takes a text: its number, and where the text stands among its inputs."""
    config = client.get(f"{path}config").json()
    kinds = {component["id"]: component["type"] for component in config["components"]}
    for event in config["dependencies"]:
        for place, component in enumerate(event["inputs"]):
            if kinds.get(component) in ("textbox", "uploadbutton", "file"):
                yield event["id"], place, len(event["inputs"])
                break


@pytest.mark.parametrize("path", ["/", "/es/"])
def test_no_input_can_name_a_file_of_the_server(client, path, secret):
    """Gradio copies what an input names to where a page can read it, unless it checks whose file it is."""
    events = list(inputs(client, path))
    assert len(events) > 10
    for number, place, length in events:
        data = [None] * length
        data[place] = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
        answer = client.post(
            f"{path}gradio_api/run/predict", json={"fn_index": number, "session_hash": "x", "data": data}
        )
        assert "page/" not in answer.text
        assert "the server's own" not in answer.text
    folder = Path(processing_utils.utils.get_upload_folder())
    assert list(folder.rglob("secret-*")) == []


def test_no_input_can_name_an_address(client):
    fetch = processing_utils.async_ssrf_protected_download
    with pytest.raises(ValueError, match="uploaded, not fetched"):
        in_a_thread(fetch("https://example.org/huge", "/tmp"))


def test_a_full_disk_takes_no_uploads_texts_or_models(client, monkeypatch):
    monkeypatch.setattr(cards, "LEAST_FREE", 10**18)
    answer = client.post("/gradio_api/upload", files={"files": ("a.txt", b"ada")})
    assert answer.status_code == 507
    with pytest.raises(LabError, match="almost full"):
        save_own_corpus("ada\ngrace\nalan", None, "a" * 32)
    monkeypatch.undo()
    assert client.post("/gradio_api/upload", files={"files": ("a.txt", b"ada")}).status_code == 200
