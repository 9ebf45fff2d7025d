"""The export for embedding-atlas, opened by that package where it is installed."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from pyarrow import parquet

import core.sonicpi
from core.cli.commands import export_corpus as export_command
from core.corpus import Corpus
from core.errors import EarshotError
from core.pipeline.corpus_export import FORMAT_SUFFIXES, ExportOptions, export_corpus
from core.pipeline.embedding_atlas_export import ATLAS_NEIGHBOUR_COUNT, format_atlas_command
from core.programs.program import Program
from core.search.aligned_corpus import AlignedCorpus, open_aligned_corpus
from tests.fake_rendering import compute_fake_render_id


@pytest.fixture(scope="module")
def aligned_corpus(trained_workspace: Path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(trained_workspace))
        patch.setattr(core.sonicpi, "compute_render_id", compute_fake_render_id)
        yield open_aligned_corpus(Corpus.open("tiny"))


@pytest.fixture(scope="module")
def atlas_path(aligned_corpus: AlignedCorpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("atlas")
    return export_corpus(aligned_corpus.corpus, "atlas", folder)


def test_the_table_holds_projection_neighbours_and_sound(
    aligned_corpus: AlignedCorpus, atlas_path: Path
):
    table = pd.read_parquet(atlas_path)
    programs = aligned_corpus.corpus.load_programs().set_index("program")
    assert sorted(table["program"]) == sorted(aligned_corpus.pairs.program_ids)
    points = aligned_corpus.record.load_alignment_map_points()
    if points is not None:
        audio = points[points["modality"] == "audio"].set_index("program")
        expected = audio.loc[table["program"], ["after_x", "after_y"]].to_numpy()
        assert np.array_equal(table[["projection_x", "projection_y"]].to_numpy(), expected)
    rows = [aligned_corpus.row_by_program[program] for program in table["program"]]
    audio_vectors = aligned_corpus.project_audio_embeddings(
        aligned_corpus.pairs.audio_embeddings[rows]
    )
    cosines = audio_vectors @ audio_vectors.T
    np.fill_diagonal(cosines, -np.inf)
    for row, neighbours in enumerate(table["neighbours"]):
        assert len(neighbours["ids"]) == min(ATLAS_NEIGHBOUR_COUNT, len(table) - 1)
        assert neighbours["distances"][0] == pytest.approx(1 - cosines[row].max(), abs=1e-4)
        assert row not in neighbours["ids"]
        assert (np.diff(neighbours["distances"]) >= 0).all()
    clip, name = table["audio"][0]["bytes"], table["audio"][0]["path"]
    samples, rate = soundfile.read(io.BytesIO(clip))
    expected_samples, expected_rate = soundfile.read(programs.loc[table["program"][0], "audio"])
    assert (len(samples), rate) == (len(expected_samples), expected_rate)
    assert name.endswith(".ogg") and clip[:4] == b"OggS"
    assert np.corrcoef(samples[:, 0], expected_samples[:, 0])[0, 1] > 0.5
    assert list(json.loads(parquet.read_schema(atlas_path).metadata[b"columns"])) == list(table)


def test_the_export_is_the_same_for_the_same_corpus(
    aligned_corpus: AlignedCorpus, atlas_path: Path, tmp_path: Path
):
    again = export_corpus(aligned_corpus.corpus, "atlas", tmp_path / "again.parquet")
    assert again.read_bytes() == atlas_path.read_bytes()


def test_a_corpus_without_alignment_is_refused_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    corpus = Corpus.create("untrained", seconds=1)
    corpus.add_programs([Program("play 60\n", "a")])
    with pytest.raises(EarshotError, match="no alignment") as raised:
        export_corpus(corpus, "atlas", tmp_path / "out.parquet")
    assert "./run train untrained" in str(raised.value.remedy)


def test_parquet_holds_the_vectors_of_the_shared_space(
    aligned_corpus: AlignedCorpus, tmp_path: Path
):
    corpus, alignment_id = aligned_corpus.corpus, aligned_corpus.record.id
    table = pd.read_parquet(export_corpus(corpus, "parquet", tmp_path / "out.parquet"))
    pairs = aligned_corpus.pairs
    for modality, project, embeddings in (
        ("code", aligned_corpus.project_code_embeddings, pairs.code_embeddings),
        ("audio", aligned_corpus.project_audio_embeddings, pairs.audio_embeddings),
    ):
        vectors = table.set_index("program")[f"aligned_{modality}:{alignment_id}"]
        assert np.array_equal(np.stack(vectors[pairs.program_ids]), project(embeddings))
        assert vectors.notna().sum() == len(pairs)
    with pytest.raises(EarshotError, match="no alignment '9999-00000000'"):
        options = ExportOptions(alignment_id="9999-00000000")
        export_corpus(corpus, "parquet", tmp_path / "no.parquet", options=options)
    assert not (tmp_path / "no.parquet").exists()


def test_the_command_offers_every_format():
    # Shards are a folder of files, written by an exporter of their own.
    assert set(export_command.EXPORT_FORMATS) == {*FORMAT_SUFFIXES, "shards"}


@pytest.mark.skipif(
    importlib.util.find_spec("embedding_atlas") is None,
    reason="embedding-atlas is not part of Earshot; install it beside to run this test",
)
def test_embedding_atlas_opens_the_file(atlas_path: Path, tmp_path: Path):
    arguments = format_atlas_command(str(atlas_path)).split()[1:]
    run_code = "import embedding_atlas.cli as cli; cli.main()"
    subprocess.run(
        [sys.executable, "-c", run_code, *arguments, "--export-application", tmp_path / "app"],
        check=True,
        capture_output=True,
        timeout=120,
    )
    metadata = json.loads((tmp_path / "app/data/metadata.json").read_text())
    assert metadata["props"]["data"] | {"id": ""} == {
        "id": "",
        "projection": {"x": "projection_x", "y": "projection_y"},
        "text": "source",
        "neighbors": "neighbours",
    }
    dataset = pd.read_parquet(tmp_path / "app/data/dataset.parquet")
    assert dataset["audio"][0]["bytes"][:4] == b"OggS"
