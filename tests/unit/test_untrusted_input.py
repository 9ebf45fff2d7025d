"""Whatever comes in by name, address or upload: refused in a sentence, or harmless."""

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
from core.corpus import Corpus, program_importer
from core.errors import EarshotError
from core.programs import get_template
from core.sonicpi import Clip
from core.pipeline import sweep
from core.search.audio_file import MAX_AUDIO_BYTES, read_audio
from pages.components import formatting, audio_server

often = settings(max_examples=60, deadline=None)
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
    """A workspace with a sound, and a secret beside it."""
    base = tmp_path_factory.mktemp("entrances")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(base / "workspace"))
        corpus = Corpus.create("tiny")
        Clip(np.full((4410, 2), 0.25, np.float32)).save(corpus.path / "audio" / "ab" / "a.flac")
        (base / "outside.flac").write_bytes(b"secret")
        (base / "workspace" / "outside.flac").symlink_to(base / "outside.flac")
        yield base


@often
@given(texts)
def test_a_name_that_passes_is_one_folder_and_nothing_else(name):
    try:
        passed = workspace.validate_name(name)
    except EarshotError as error:
        assert error.remedy and len(str(error)) < 400
        return
    assert passed == name and passed.isascii() and 1 <= len(passed) <= 64
    assert Path(passed).name == passed and not passed.startswith((".", "-"))
    assert re.fullmatch("[A-Za-z0-9_-]+", passed)


ENTRANCES = {
    "corpus": Corpus.open,
    "new corpus": Corpus.create,
    "alignment": lambda name: Corpus.open("tiny").load_alignment(name),
    "program": lambda name: Corpus.open("tiny").load_program(name),
    "job": jobs.get_job,
    "job to remove": jobs.remove_job,
    "sweep": lambda name: sweep.load_sweep(Corpus.open("tiny"), name),
    "template": get_template,
}


@pytest.mark.parametrize("entrance", ENTRANCES)
@often
@given(texts)
def test_no_name_opens_anything_that_is_not_there(entrance, home, name):
    before = {path for path in home.rglob("*") if not path.name.startswith("corpus.sqlite-")}
    if entrance == "new corpus" and workspace.NAME_PATTERN.match(name):
        return
    with pytest.raises(EarshotError):
        ENTRANCES[entrance](name)
    after = {path for path in home.rglob("*") if not path.name.startswith("corpus.sqlite-")}
    assert after - before <= {home / "workspace" / "jobs"}


@pytest.fixture(scope="module")
def client():
    return TestClient(Starlette(routes=audio_server.build_routes()))


@often
@given(st.sampled_from(["file/", "made/", "file/corpora/tiny/audio/ab/"]), texts, texts)
def test_no_address_gives_anything_but_a_sound_of_the_workspace(client, place, path, name):
    sent = quote(path, safe="/%.~\\", errors="replace")
    answer = client.get(f"/sound/{place}{sent}", params={"name": name})
    assert answer.status_code in (200, 404, 307, 405) and b"secret" not in answer.content
    assert answer.status_code != 200 or answer.content.startswith(b"fLaC")


@often
@given(
    st.one_of(
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40),
        st.from_regex(r"bytes=[0-9²³]{0,5}-[0-9²³]{0,5}", fullmatch=True),
        st.just(f"bytes={'9' * 5000}-"),
    )
)
def test_no_range_breaks_the_server(client, span):
    address = audio_server.cache_audio_bytes(b"fLaC 0123456789", "made")
    for at in (address, "/sound/file/corpora/tiny/audio/ab/a.flac"):
        answer = client.get(at, headers={"Range": span.encode("latin-1")})
        assert answer.status_code in (200, 206, 400, 416)


@often
@given(st.text(max_size=200))
def test_no_text_is_markup(text):
    shown = formatting.escape_markdown(text)
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[<>\[\]()`$*_#:!|~]", shown)


# -- Uploads ------------------------------------------------------------------------------------


def sound_file(kind: str, tmp: Path) -> bytes:
    place = tmp / f"x.{kind}"
    if not place.exists():
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, (4410, 2)).astype(np.float32)
        Clip(noise).save(place)
    return place.read_bytes()


@pytest.mark.parametrize("kind", ["flac", "wav", "ogg"])
@often
@given(data=st.data())
def test_a_damaged_sound_is_refused_or_read_and_never_long(tmp_path_factory, kind, data):
    content = bytearray(sound_file(kind, tmp_path_factory.getbasetemp()))
    places = st.tuples(st.integers(0, min(len(content) - 1, 200)), st.integers(0, 255))
    for at, byte in data.draw(st.lists(places, max_size=6)):
        content[at] = byte
    content = bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        clip = read_audio(content, f"x.{kind}")
    except EarshotError:
        return
    assert clip.samples.shape[1] == 2 and len(clip.samples) <= 120 * clip.sample_rate
    assert np.isfinite(clip.samples).all() and np.abs(clip.samples).max() <= 1


def test_a_sound_that_is_too_large_is_refused_by_the_server_too():
    with pytest.raises(EarshotError, match="20 MB is the most"):
        read_audio(bytes(MAX_AUDIO_BYTES + 1), "x.wav")


# Each file is read by a process of its own: tests/unit/corpus/test_parquet.py damages hundreds.
@settings(max_examples=10, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_damaged_parquet_is_refused_or_read(data):
    rows = {"source": ["play 60", "play 61"], "name": ["a", "b"], "seed": [1, 2]}
    buffer = io.BytesIO()
    pd.DataFrame(rows).to_parquet(buffer)
    content = bytearray(buffer.getvalue())
    places = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))
    for at, byte in data.draw(st.lists(places, min_size=1, max_size=12)):
        content[at] = byte
    try:
        found = program_importer.read_programs(bytes(content), "x.parquet")
    except EarshotError as error:
        assert len(str(error)) < 2000
        return
    assert len(found.programs) <= 2


def test_a_parquet_with_text_that_is_not_utf8_is_refused():
    buffer = io.BytesIO()
    pd.DataFrame({"source": ["play 60"]}).to_parquet(buffer, compression=None)
    content = buffer.getvalue().replace(b"play 60", b"\x80lay 60")
    with pytest.raises(EarshotError, match="damaged"):
        program_importer.read_programs(content, "x.parquet")


# -- The threat model ---------------------------------------------------------------------------


def test_the_threat_model_names_tests_that_exist():
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
