"""Exported files are read back by the libraries that they are made for."""

from __future__ import annotations

import io
import json
import re
import subprocess
import zipfile

import numpy as np
import pandas as pd
import pytest
import soundfile
from pyarrow import parquet

import core.sonicpi
from core import encoders
from core.corpus import (
    Corpus,
    count_corpus_contents,
    delete_corpus,
    imported_program_file_reader,
    list_corpora,
)
from core.errors import EarshotError
from core.pipeline.corpus_data_card import make_data_card
from core.pipeline.corpus_export import ExportOptions, export_corpus
from core.pipeline.hugging_face_dataset_card import choose_licence_tag
from core.programs import Program, compose_programs, generate
from core.sonicpi.audio_clip_and_render_result import Clip, RenderProblem, RenderResult
from tests.fake_rendering import compute_fake_render_id

CODE, AUDIO = "sentence-transformers/all-MiniLM-L6-v2", "log-mel"
SECONDS, RATE = 0.5, 44_100


def use_workspace(monkeypatch: pytest.MonkeyPatch, folder) -> None:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(folder))
    # The real one asks the installed Sonic Pi for its version, which does not matter here.
    monkeypatch.setattr(core.sonicpi, "compute_render_id", compute_fake_render_id)


def make_corpus(name: str, count: int = 6) -> Corpus:
    """A corpus of noise with awkward names, one failure and one warning."""
    corpus = Corpus.create(name, seconds=SECONDS)
    names = ["Größe", "größe", "a:b", "..", "x", "y"][:count]
    programs = [
        Program(
            f"# {n}\nplay {60 + n}\n",
            each,
            "beeps" if n % 2 else "",
            seed=n,
            parameters={"note": 60 + n, "synth": "saw"},
        )
        for n, each in enumerate(names)
    ]
    corpus.add_programs(programs)
    for number, program in enumerate(programs):
        if number == 4:
            rendering = RenderResult(
                None, error=RenderProblem("runtime", "It broke.", 2), render_s=0.1
            )
        else:
            noise = np.random.default_rng(number).uniform(-0.5, 0.5, (round(SECONDS * RATE), 2))
            warnings = (RenderProblem("limits", "Too loud.", None),) if number == 5 else ()
            clip = Clip(noise.astype(np.float32))
            rendering = RenderResult(clip, warnings=warnings, render_s=0.1)
        corpus.store_render_result(program.id, rendering, SECONDS)
    ids = [program.id for program in programs]
    rng = np.random.default_rng(9)
    corpus.store_embeddings(CODE, "r1", ids, rng.normal(size=(count, 384)).astype(np.float32))
    ids_with_clip = [each for at, each in enumerate(ids) if at != 4]
    dim = encoders.find_encoder_spec(AUDIO).dim
    vectors = rng.normal(size=(len(ids_with_clip), dim)).astype(np.float32)
    corpus.store_embeddings(AUDIO, "r2", ids_with_clip, vectors)
    return corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A corpus that most tests only read."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_workspace(monkeypatch, tmp_path_factory.mktemp("workspace"))
        yield make_corpus("tiny")


@pytest.fixture
def writable_corpus(tmp_path, monkeypatch: pytest.MonkeyPatch):
    use_workspace(monkeypatch, tmp_path)
    return make_corpus("own", 2)


def test_a_parquet_file_holds_every_program_and_embedding(corpus, tmp_path):
    path = export_corpus(Corpus.open("tiny"), "parquet", tmp_path)
    assert path == tmp_path / "tiny.parquet"
    table, rows = pd.read_parquet(path), corpus.load_programs()
    for column in ("program", "name", "template", "split", "state", "source", "seed"):
        assert table[column].tolist() == rows[column].tolist()
    assert [json.loads(each) for each in table["parameters"]] == rows["parameters"].tolist()
    assert table["error_message"].dropna().tolist() == ["It broke."]
    for encoder in (CODE, AUDIO):
        result = table.set_index("program")[f"embedding:{encoder}"].dropna()
        ids, matrix = corpus.load_embeddings(encoder)
        assert list(result.index) == ids
        assert np.array_equal(np.stack(result), matrix) and result.iloc[0].dtype == np.float32
    metadata = parquet.read_schema(path).metadata
    assert json.loads(metadata[b"earshot"])["counts"]["programs"] == 6


def test_a_parquet_file_of_many_batches_and_of_selected_programs(
    corpus, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("core.pipeline.export_parquet.WRITE_BATCH_SIZE", 2)
    table = pd.read_parquet(export_corpus(Corpus.open("tiny"), "parquet", tmp_path / "a.parquet"))
    assert table["program"].tolist() == corpus.load_programs()["program"].tolist()
    selected_ids = table["program"].tolist()[1:3]
    path = export_corpus(
        Corpus.open("tiny"), "parquet", tmp_path / "b.parquet", options=ExportOptions(selected_ids)
    )
    assert pd.read_parquet(path)["program"].tolist() == selected_ids
    with pytest.raises(EarshotError, match="no program"):
        options = ExportOptions(program_ids=["nope"])
        export_corpus(Corpus.open("tiny"), "parquet", tmp_path / "c.parquet", options=options)


def test_a_zip_holds_each_program_and_its_clip_unchanged(corpus, tmp_path):
    path = export_corpus(Corpus.open("tiny"), "zip", tmp_path / "out.zip")
    rows = corpus.load_programs().set_index("program")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = [name.casefold() for name in archive.namelist()]
        assert len(names) == len(set(names))  # also where case makes no difference
        assert not any(".." in name.split("/") or ":" in name for name in names)
        table = pd.read_csv(archive.open("programs.csv"))
        for row in table.itertuples():
            source = archive.read(row.code_file).decode()
            assert source == rows.loc[row.program, "source"]
            if rows.loc[row.program, "state"] == "ok":
                samples, rate = soundfile.read(io.BytesIO(archive.read(row.audio_file)))
                expected, _ = soundfile.read(rows.loc[row.program, "audio"])
                assert rate == RATE and np.array_equal(samples, expected)
            else:
                assert pd.isna(row.audio_file)
        assert archive.read("README.md").decode().startswith("# tiny")
        assert json.loads(archive.read("card.json"))["corpus"] == "tiny"


def test_a_zip_can_be_imported_and_is_the_same_for_the_same_corpus(corpus, tmp_path):
    first, second = (
        export_corpus(Corpus.open("tiny"), "zip", tmp_path / name) for name in ("a.zip", "b.zip")
    )
    assert first.read_bytes() == second.read_bytes()
    result = imported_program_file_reader.read_imported_programs(first)
    assert {each.id for _, each in result.programs} == set(corpus.load_programs()["program"])


def test_an_audio_folder_holds_the_clips_and_metadata_of_each_split(corpus, tmp_path):
    """As `datasets` documents it: folders of the splits, metadata.jsonl with file_name in each."""
    (tmp_path / "other").touch()
    folder = export_corpus(Corpus.open("tiny"), "audiofolder", tmp_path)
    assert folder == tmp_path / "tiny-audiofolder"
    rows = corpus.load_programs()
    rows = rows[rows["state"] == "ok"].set_index("program")
    exported_ids = []
    for metadata in folder.glob("*/metadata.jsonl"):
        for row in pd.read_json(metadata, lines=True).itertuples():
            samples, _ = soundfile.read(metadata.parent / row.file_name)
            expected, _ = soundfile.read(rows.loc[row.program, "audio"])
            assert np.array_equal(samples, expected)
            assert metadata.parent.name == rows.loc[row.program, "split"]
            assert row.source == rows.loc[row.program, "source"]
            exported_ids.append(row.program)
    assert sorted(exported_ids) == sorted(rows.index)
    assert (folder / "README.md").read_text().startswith("---\npretty_name")


def test_the_card_of_an_audio_folder_loads_it_with_the_datasets_library(
    corpus, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    """The code of the card runs without torchcodec, which needs FFmpeg."""
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    folder = export_corpus(Corpus.open("tiny"), "audiofolder", tmp_path / "out")
    (code,) = re.findall("```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    assert '"this folder"' in code
    variables: dict = {}
    exec(code.replace("this folder", str(folder)), variables)
    rows = corpus.load_programs()
    rows = rows[rows["state"] == "ok"]
    corpus_splits = variables["corpus"]
    assert {name: len(part) for name, part in corpus_splits.items()} == (
        rows["split"].value_counts().to_dict()
    )
    expected = rows.set_index("program")
    for part in corpus_splits.values():
        for row in part:
            assert row["source"] == expected.loc[row["program"], "source"]
    first = variables["rows"][0]["program"]
    assert np.array_equal(variables["samples"], soundfile.read(expected.loc[first, "audio"])[0])


def test_an_export_overwrites_nothing_and_leaves_nothing_incomplete(
    corpus, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    existing_file = tmp_path / "taken.zip"
    existing_file.write_text("mine")
    with pytest.raises(EarshotError, match="something at that path already"):
        export_corpus(Corpus.open("tiny"), "zip", existing_file)
    assert existing_file.read_text() == "mine"
    with pytest.raises(EarshotError, match="cannot be exported as"):
        export_corpus(Corpus.open("tiny"), "tar", tmp_path / "x")

    def raise_disk_full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.pipeline.corpus_export.shutil.copyfileobj", raise_disk_full)
    for kind in ("zip", "audiofolder"):
        with pytest.raises(EarshotError, match="No space left"):
            export_corpus(Corpus.open("tiny"), kind, tmp_path / f"new-{kind}")
    assert [path.name for path in tmp_path.iterdir()] == ["taken.zip"]


def test_the_data_card_counts_the_contents_and_names_the_licences(corpus):
    card = make_data_card(Corpus.open("tiny"))
    facts = json.loads(card.json_text)
    assert facts == card.facts
    assert facts["counts"] == {"programs": 6, "ok": 5, "failed": 1, "pending": 0}
    assert facts["templates"] == {"": 3, "beeps": 3} and facts["seeds"] == list(range(6))
    assert facts["failures"] == {"runtime": 1} and facts["warnings"] == {"limits": 1}
    assert {each["id"]: each["embeddings"] for each in facts["encoders"]} == {CODE: 6, AUDIO: 5}
    assert facts["bytes"] == count_corpus_contents(Corpus.open("tiny")).size_bytes > 100_000
    assert any("CC0" in each["licence"] for each in facts["licence"])
    for word in ("# tiny", "runtime 1", CODE, "## Licence"):
        assert word in card.markdown_text


def test_the_change_stamp_changes_with_every_write_and_with_nothing_else(writable_corpus):
    program = Program("play 99\n", "new")
    rendering = RenderResult(
        Clip(np.full((round(SECONDS * RATE), 2), 0.1, np.float32)), render_s=0.1
    )
    vector = np.ones((1, 384), np.float32)
    writes = [
        lambda: writable_corpus.add_programs([program]),
        lambda: writable_corpus.store_render_result(program.id, rendering, SECONDS),
        lambda: writable_corpus.store_embeddings(CODE, "r1", [program.id], vector),
        lambda: writable_corpus.set_corpus_setting("encoders", {"code": CODE, "audio": AUDIO}),
    ]
    stamps = [writable_corpus.change_stamp]
    for write in writes:
        write()
        stamps.append(writable_corpus.change_stamp)
        (
            writable_corpus.load_programs(),
            writable_corpus.count_programs_by_state(),
            writable_corpus.load_embeddings(CODE),
            writable_corpus.find_corpus_faults(),
        )
        assert Corpus.open("own").change_stamp == stamps[-1]
    assert len(set(stamps)) == len(stamps)


def test_a_corpus_is_deleted_completely_but_not_while_another_process_writes(writable_corpus):
    with writable_corpus.lock_for_writing("test"):
        with pytest.raises(EarshotError):
            delete_corpus(Corpus.open("own"))
    assert list_corpora() == ["own"]
    contents = delete_corpus(writable_corpus)
    assert contents.size_bytes > 0 and list_corpora() == []
    assert list(writable_corpus.path.parent.iterdir()) == []
    with pytest.raises(EarshotError):
        delete_corpus(writable_corpus)


def test_a_registered_clip_restores_its_warnings(writable_corpus):
    program = Program("play 98\n", "new")
    writable_corpus.add_programs([program])
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (round(SECONDS * RATE), 2))
    warnings = (RenderProblem("limits", "Zu laut: größer als 1.", 3),)
    rendering = RenderResult(Clip(noise.astype(np.float32)), warnings=warnings, render_s=0.1)
    writable_corpus.store_render_result(program.id, rendering, SECONDS)
    before = writable_corpus.load_program(program.id)["warnings"]
    writable_corpus.close()
    (writable_corpus.path / "corpus.sqlite").unlink()
    recreated = Corpus.create("own", exist_ok=True, seconds=SECONDS)
    recreated.add_programs([program])
    assert recreated.register_existing_clip(program.id, SECONDS) is not None
    assert recreated.load_program(program.id)["warnings"] == before
    assert before[0]["message"] == warnings[0].message


def test_every_format_describes_each_of_its_columns(corpus, tmp_path):
    for kind in ("parquet", "zip", "audiofolder"):
        path = export_corpus(Corpus.open("tiny"), kind, tmp_path / kind)
        if kind == "parquet":
            schema = parquet.read_schema(path)
            descriptions = json.loads(schema.metadata[b"columns"])
            assert list(descriptions) == schema.names
            assert schema.field("seed").metadata[b"description"].decode() == descriptions["seed"]
            continue
        if kind == "zip":
            with zipfile.ZipFile(path) as archive:
                readme = archive.read("README.md").decode()
                columns = pd.read_csv(archive.open("programs.csv")).columns
        else:
            readme = (path / "README.md").read_text()
            columns = pd.read_json(next(path.glob("*/metadata.jsonl")), lines=True).columns
        assert re.findall(r"^\| `(.+?)` \| .+ \|$", readme, re.MULTILINE) == list(columns)


def test_seed_and_variant_generate_the_program_again(tmp_path, monkeypatch: pytest.MonkeyPatch):
    use_workspace(monkeypatch, tmp_path)
    corpus = Corpus.create("generated", seconds=SECONDS)
    imported = Program("play 60\n", "take-7")
    corpus.add_programs([*generate("02_1_beeps", 5, seed=11)[2:], imported])
    corpus.add_programs(compose_programs(3, seed=4, style="acid")[1:])
    table = pd.read_parquet(export_corpus(corpus, "parquet", tmp_path / "out.parquet"))
    assert table["variant"].dropna().tolist() == [2, 3, 4, 1, 2]
    for row in table[table["template"] == "02_1_beeps"].itertuples():
        assert generate("02_1_beeps", int(row.variant) + 1, int(row.seed))[-1].source == row.source
    grammar_rows = table[table["template"] == "composed-acid"]
    assert set(grammar_rows["seed"]) == {4}
    programs = compose_programs(3, seed=4, style="acid")
    assert grammar_rows["source"].tolist() == [programs[1].source, programs[2].source]
    assert table.set_index("name").loc["take-7", ["seed", "variant"]].isna().all()
    assert table["audio_file"].isna().all()  # Nothing is rendered.


def test_the_clip_file_of_the_parquet_table_is_that_of_zip_and_audio_folder(corpus, tmp_path):
    table = pd.read_parquet(export_corpus(Corpus.open("tiny"), "parquet", tmp_path))
    audio_files = table["audio_file"].dropna().tolist()
    with zipfile.ZipFile(export_corpus(Corpus.open("tiny"), "zip", tmp_path)) as archive:
        assert set(audio_files) == {name for name in archive.namelist() if "audio/" in name}
    folder = export_corpus(Corpus.open("tiny"), "audiofolder", tmp_path)
    assert {name.removeprefix("audio/") for name in audio_files} == {
        path.name for path in folder.glob("*/*.flac")
    }


def test_no_path_of_this_machine_is_published(tmp_path, monkeypatch: pytest.MonkeyPatch):
    use_workspace(monkeypatch, tmp_path / "workspace")
    corpus = make_corpus("own", 3)
    ids = corpus.load_programs()["program"].tolist()
    for parent in ("first", "second"):
        folder = tmp_path / parent / "tiny-clap"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text('{"model_type": "wav2vec2", "hidden_size": 4}')
        corpus.store_embeddings(str(folder), "r1", ids, np.ones((3, 4), np.float32))
    path = export_corpus(corpus, "parquet", tmp_path / "out.parquet")
    schema = parquet.read_schema(path)
    assert {"embedding:local/tiny-clap", "embedding:local/tiny-clap-2"} <= set(schema.names)
    published = str(schema.metadata) + str(schema.names)
    readme_folder = export_corpus(corpus, "audiofolder", tmp_path / "out")
    published += (readme_folder / "README.md").read_text()
    published += (readme_folder / "card.json").read_text()
    assert str(tmp_path) not in published


def test_a_dataset_card_has_the_licence_tag_that_its_sources_allow(
    corpus, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    def read_tag(name: str, licence: str | None = None) -> str:
        options = ExportOptions(licence=licence)
        folder = export_corpus(Corpus.open("tiny"), "audiofolder", tmp_path / name, options=options)
        return re.findall("^license: (.+)$", (folder / "README.md").read_text(), re.MULTILINE)[0]

    assert read_tag("derived") == "other"
    assert read_tag("stated", "cc-by-4.0") == "cc-by-4.0"
    with pytest.raises(EarshotError, match="not a licence tag"):
        read_tag("wrong", "CC BY\n4.0")
    only_imports = {"templates": {"": 2}, "imports": [{"licence": "CC0-1.0"}]}
    assert choose_licence_tag(only_imports) == "cc0-1.0"
    assert choose_licence_tag({**only_imports, "templates": {"": 2, "beeps": 1}}) == "other"
    assert choose_licence_tag({**only_imports, "imports": [{"licence": None}]}) == "unknown"


def test_the_checksums_of_an_audio_folder_tell_whether_clips_are_the_same(corpus, tmp_path):
    folders = [
        export_corpus(Corpus.open("tiny"), "audiofolder", tmp_path / name) for name in ("a", "b")
    ]
    checksums = [(folder / "SHA256SUMS").read_bytes() for folder in folders]
    assert checksums[0] == checksums[1] and checksums[0].count(b"\n") == 5
    command = ["sha256sum", "--check", "--quiet", "--strict", folders[0] / "SHA256SUMS"]
    subprocess.run(command, cwd=folders[1], check=True)
    next(folders[1].glob("*/*.flac")).write_bytes(b"another clip")
    assert subprocess.run(command, cwd=folders[1], capture_output=True).returncode == 1
