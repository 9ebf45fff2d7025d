"""Names, addresses and uploads from outside are refused with a message, or are harmless."""

from __future__ import annotations

import ast
import io
import re
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core import jobs, workspace
from core.corpus import Corpus, imported_program_file_reader
from core.errors import EarshotError
from core.pipeline import sweep_results
from core.programs import get_template
from core.search.query_audio_decoding import MAX_AUDIO_BYTES, decode_audio_bytes
from core.sonicpi import Clip
from pages.components import clip_http_routes, markdown_and_errors

fuzz_settings = settings(max_examples=60, deadline=None)
# Text as people, browsers and attackers write it.
texts = st.one_of(
    st.text(max_size=80),
    st.text("./\\%0~-_aA\0\n\u202e", max_size=40),
    st.sampled_from(
        ["..", ".", "~", "-rf", "con", "a/../b", "a\n", "corpus.sqlite", "٣", "a" * 65]
    ),
)


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """A workspace with a clip, and a secret file outside it."""
    base = tmp_path_factory.mktemp("untrusted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(base / "workspace"))
        corpus = Corpus.create("tiny")
        Clip(np.full((4410, 2), 0.25, np.float32)).save(corpus.path / "audio" / "ab" / "a.flac")
        (base / "outside.flac").write_bytes(b"secret")
        (base / "workspace" / "outside.flac").symlink_to(base / "outside.flac")
        yield base


@fuzz_settings
@given(texts)
def test_a_valid_name_is_the_name_of_one_folder(name):
    try:
        valid_name = workspace.validate_folder_name(name)
    except EarshotError as error:
        assert error.remedy and len(str(error)) < 400
        return
    assert valid_name == name and valid_name.isascii() and 1 <= len(valid_name) <= 64
    assert Path(valid_name).name == valid_name and not valid_name.startswith((".", "-"))
    assert re.fullmatch("[A-Za-z0-9_-]+", valid_name)


LOADERS = {
    "corpus": Corpus.open,
    "new corpus": Corpus.create,
    "alignment": lambda name: Corpus.open("tiny").load_alignment(name),
    "program": lambda name: Corpus.open("tiny").load_program(name),
    "job": jobs.get_job,
    "job to remove": jobs.remove_job,
    "sweep": lambda name: sweep_results.load_sweep_results(Corpus.open("tiny"), name),
    "template": get_template,
}


@pytest.mark.parametrize("loader", LOADERS)
@fuzz_settings
@given(texts)
def test_no_name_opens_or_creates_anything(loader, home, name):
    before = {path for path in home.rglob("*") if not path.name.startswith("corpus.sqlite-")}
    if loader == "new corpus" and workspace.NAME_PATTERN.match(name):
        return
    with pytest.raises(EarshotError):
        LOADERS[loader](name)
    after = {path for path in home.rglob("*") if not path.name.startswith("corpus.sqlite-")}
    assert after - before <= {home / "workspace" / "jobs"}


@pytest.fixture(scope="module")
def client():
    return TestClient(Starlette(routes=clip_http_routes.build_audio_routes()))


@fuzz_settings
@given(st.sampled_from(["file/", "made/", "file/corpora/tiny/audio/ab/"]), texts, texts)
def test_the_audio_server_serves_only_audio_of_the_workspace(client, folder, path, name):
    quoted_path = quote(path, safe="/%.~\\", errors="replace")
    response = client.get(f"/sound/{folder}{quoted_path}", params={"name": name})
    assert response.status_code in (200, 404, 307, 405) and b"secret" not in response.content
    assert response.status_code != 200 or response.content.startswith(b"fLaC")


@fuzz_settings
@given(
    st.one_of(
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40),
        st.from_regex(r"bytes=[0-9²³]{0,5}-[0-9²³]{0,5}", fullmatch=True),
        st.just(f"bytes={'9' * 5000}-"),
    )
)
def test_no_range_header_breaks_the_audio_server(client, byte_range):
    address = clip_http_routes.cache_audio_and_build_url(b"fLaC 0123456789", "made")
    for url in (address, "/sound/file/corpora/tiny/audio/ab/a.flac"):
        response = client.get(url, headers={"Range": byte_range.encode("latin-1")})
        assert response.status_code in (200, 206, 400, 416)


@fuzz_settings
@given(st.text(max_size=200))
def test_escaped_text_is_not_markup(text):
    escaped = markdown_and_errors.escape_markdown(text)
    assert "\n" not in escaped
    assert not re.search(r"(?<!\\)(?:\\\\)*[<>\[\]()`$*_#:!|~]", escaped)


# -- Uploads ------------------------------------------------------------------------------------


def read_or_create_audio_file(audio_format: str, folder: Path) -> bytes:
    path = folder / f"x.{audio_format}"
    if not path.exists():
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, (4410, 2)).astype(np.float32)
        Clip(noise).save(path)
    return path.read_bytes()


@pytest.mark.parametrize("audio_format", ["flac", "wav", "ogg"])
@fuzz_settings
@given(data=st.data())
def test_a_damaged_audio_file_is_refused_or_read(tmp_path_factory, audio_format, data):
    content = bytearray(read_or_create_audio_file(audio_format, tmp_path_factory.getbasetemp()))
    places = st.tuples(st.integers(0, min(len(content) - 1, 200)), st.integers(0, 255))
    for place, byte in data.draw(st.lists(places, max_size=6)):
        content[place] = byte
    content = bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        clip = decode_audio_bytes(content, f"x.{audio_format}")
    except EarshotError:
        return
    assert clip.samples.shape[1] == 2 and len(clip.samples) <= 120 * clip.sample_rate
    assert np.isfinite(clip.samples).all() and np.abs(clip.samples).max() <= 1


def test_an_audio_file_that_is_too_large_is_refused():
    with pytest.raises(EarshotError, match="20 MB is the maximum"):
        decode_audio_bytes(bytes(MAX_AUDIO_BYTES + 1), "x.wav")


# Each file is read by a process of its own; tests/unit/corpus/test_untrusted_parquet.py damages
# hundreds.
@settings(max_examples=10, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_damaged_parquet_is_refused_or_read(data):
    rows = {"source": ["play 60", "play 61"], "name": ["a", "b"], "seed": [1, 2]}
    buffer = io.BytesIO()
    pd.DataFrame(rows).to_parquet(buffer)
    content = bytearray(buffer.getvalue())
    places = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))
    for place, byte in data.draw(st.lists(places, min_size=1, max_size=12)):
        content[place] = byte
    try:
        result = imported_program_file_reader.read_imported_programs(bytes(content), "x.parquet")
    except EarshotError as error:
        assert len(str(error)) < 2000
        return
    assert len(result.programs) <= 2


def test_a_parquet_with_text_that_is_not_utf8_is_refused():
    buffer = io.BytesIO()
    pd.DataFrame({"source": ["play 60"]}).to_parquet(buffer, compression=None)
    content = buffer.getvalue().replace(b"play 60", b"\x80lay 60")
    with pytest.raises(EarshotError, match="damaged"):
        imported_program_file_reader.read_imported_programs(content, "x.parquet")


# -- The security page --------------------------------------------------------------------------


def test_the_security_page_names_tests_that_exist():
    text = (workspace.PROJECT_FOLDER / "docs" / "security.md").read_text()
    named = re.findall(r"`((?:tests/)?[\w/*]*test_[\w*]+\.py)(?:::(\w+))?`", text)
    assert len(named) >= 10
    for pattern, test in named:
        files = [f for f in (workspace.PROJECT_FOLDER / "tests").rglob(Path(pattern).name)]
        assert files, f"there is no {pattern}"
        names = {
            node.name
            for file in files
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.FunctionDef)
        }
        assert not test or test in names, f"there is no {test} in {pattern}"
        assert any(name.startswith("test_") for name in names)
