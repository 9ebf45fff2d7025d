"""Imported embeddings are matched to programs; invalid tables are refused."""

from __future__ import annotations

import io
import json
from csv import reader

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import encoders
from core.corpus import Corpus, imported_embedding_table_reader
from core.corpus.imported_embedding_table_reader import (
    MAX_VECTOR_DIMENSIONS,
    read_imported_embeddings,
)
from core.encoders.imported_embeddings_spec import is_imported_encoder, make_imported_encoder_id
from core.errors import EarshotError
from core.pipeline.import_embeddings import import_external_embeddings
from core.programs.program import Program

PROGRAMS = [Program(f"play {50 + i}\nsleep 1\n", name=f"note-{i}") for i in range(6)]
VECTORS = np.arange(24, dtype=np.float32).reshape(6, 4) / 7


@pytest.fixture
def corpus(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "workspace"))
    corpus = Corpus.create("notes")
    corpus.add_programs(PROGRAMS)
    return corpus


def parquet(key: str, values: list[str], vectors=VECTORS, column: str = "vector") -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame({key: values, column: list(vectors)}).to_parquet(buffer)
    return buffer.getvalue()


def csv(key: str, values: list[str], vectors=VECTORS) -> bytes:
    texts = [json.dumps(vector.tolist()) for vector in vectors]
    return pd.DataFrame({key: values, "vector": texts}).to_csv(index=False).encode()


@pytest.mark.parametrize("kind", [parquet, csv])
@pytest.mark.parametrize("key", ["program", "source", "name"])
def test_a_row_names_its_program_by_id_source_or_name(corpus, kind, key):
    values = [{"program": p.id, "source": p.source, "name": p.name}[key] for p in PROGRAMS]
    suffix = "csv" if kind is csv else "parquet"
    report = import_external_embeddings(
        Corpus.open("notes"), kind(key, values), "code", "mine", file_name=f"v.{suffix}"
    )
    assert (report.vectors_added, report.vectors_read, report.programs_without_vector) == (6, 6, 0)
    ids, vectors = corpus.load_embeddings("own/code/mine")
    assert ids == [p.id for p in PROGRAMS]
    np.testing.assert_array_equal(vectors, VECTORS)


def test_windows_line_ends_do_not_change_a_source(corpus):
    sources = [p.source.replace("\n", "\r\n") for p in PROGRAMS]
    assert (
        import_external_embeddings(
            Corpus.open("notes"), csv("source", sources), "code", "mine", file_name="v.csv"
        ).vectors_added
        == 6
    )


def test_the_column_of_the_embeddings_can_be_chosen(corpus):
    names = [p.name for p in PROGRAMS]
    content = parquet("name", names, column="embedding:sonicpi")
    assert (
        import_external_embeddings(
            Corpus.open("notes"), content, "code", "a", file_name="v.parquet"
        ).vectors_added
        == 6
    )
    content = parquet("name", names, column="mine")
    with pytest.raises(EarshotError, match="mine"):
        import_external_embeddings(
            Corpus.open("notes"), content, "code", "b", file_name="v.parquet"
        )
    assert (
        import_external_embeddings(
            Corpus.open("notes"), content, "code", "b", file_name="v.parquet", vector_column="mine"
        ).vectors_added
        == 6
    )
    with pytest.raises(EarshotError, match="no column 'yours'"):
        import_external_embeddings(
            Corpus.open("notes"), content, "code", "c", file_name="v.parquet", vector_column="yours"
        )


def test_invalid_embeddings_are_skipped(corpus):
    rows = pd.DataFrame(
        {
            "name": [p.name for p in PROGRAMS] + ["note-0", "stranger", None],
            "vector": [
                "[1, 2]",
                "[1, 2, 3]",
                "[NaN, 1]",
                "words",
                "[]",
                "[[1, 2]]",
                "[3, 4]",
                "[5, 6]",
                "[7, 8]",
            ],
        }
    )
    content = rows.to_csv(index=False).encode()
    report = import_external_embeddings(
        Corpus.open("notes"), content, "audio", "ears", file_name="v.csv"
    )
    assert report.vectors_added == 1 and report.dimensions == 2
    assert report.unknown_programs == ["stranger"]
    reasons = list(report.skipped.values())
    assert "not finite" in reasons[0]
    assert all("not a list of numbers" in reason for reason in reasons[1:4])
    assert "same program" in reasons[4] and "no name" in reasons[5]
    assert "3 dimensions, most have 2" in reasons[6]
    assert "stranger" in str(report) and "row 2" in str(report)


def test_existing_embeddings_are_never_changed(corpus):
    names = [p.name for p in PROGRAMS]
    import_external_embeddings(
        Corpus.open("notes"),
        parquet("name", names[:3], VECTORS[:3]),
        "code",
        "mine",
        file_name="v.parquet",
    )
    again = import_external_embeddings(
        Corpus.open("notes"), parquet("name", names), "code", "mine", file_name="v.parquet"
    )
    assert again.vectors_added == 3
    with pytest.raises(EarshotError, match="other vectors of the name") as refused:
        import_external_embeddings(
            Corpus.open("notes"),
            parquet("name", names, VECTORS + 1),
            "code",
            "mine",
            file_name="v.parquet",
        )
    assert "another name" in refused.value.remedy
    np.testing.assert_array_equal(corpus.load_embeddings("own/code/mine")[1], VECTORS)


def test_imported_embeddings_may_be_incomplete(corpus):
    names = [p.name for p in PROGRAMS[:2]]  # not all programs, and none with a clip
    for modality in ("code", "audio"):
        import_external_embeddings(
            Corpus.open("notes"),
            parquet("name", names, VECTORS[:2]),
            modality,
            "mine",
            file_name="v.parquet",
        )
    assert not [fault for fault in corpus.find_corpus_faults() if "embedding" in fault.kind]


@pytest.mark.parametrize(
    "content, file_name, message",
    [
        (b"", "v.csv", "does not name the programs"),
        (b"vector\n[1]\n", "v.csv", "does not name the programs"),
        (b"name,vector\n", "v.csv", "No vector"),
        (b"name,vector\nnobody,[1]\n", "v.csv", "None of its 1 programs"),
        (b"name\nnote-0\n", "v.csv", "which column"),
        (b"PAR1 nothing", "v.parquet", "damaged"),
        (b'name,vector\n"note-0,[1]', "v.csv", "damaged"),
        (b"play 60", "v.rb", "No embeddings can be read"),
    ],
)
def test_a_file_that_is_not_a_table_of_embeddings_is_refused(corpus, content, file_name, message):
    with pytest.raises(EarshotError, match=message):
        import_external_embeddings(
            Corpus.open("notes"), content, "code", "mine", file_name=file_name
        )
    assert corpus.count_embeddings_by_encoder() == []


@pytest.mark.parametrize("name", ["../x", "a/b", "", "x" * 65, "a b", "."])
def test_an_invalid_name_is_refused(corpus, name):
    with pytest.raises(EarshotError, match="cannot be the name"):
        import_external_embeddings(
            Corpus.open("notes"),
            csv("name", ["note-0"], VECTORS[:1]),
            "code",
            name,
            file_name="v.csv",
        )
    assert not is_imported_encoder(f"own/code/{name}")


def test_an_imported_encoder_embeds_nothing_new(corpus):
    entry = encoders.find_encoder_spec(make_imported_encoder_id("audio", "ears"))
    assert (entry.modality, entry.is_available_offline()) == ("audio", False)
    with pytest.raises(EarshotError, match="Their encoder is not available"):
        encoders.get_encoder("own/audio/ears")
    with pytest.raises(EarshotError, match="not a modality"):
        make_imported_encoder_id("smell", "ears")


def test_lists_that_decompress_to_more_than_the_limit_are_refused(
    corpus, monkeypatch: pytest.MonkeyPatch
):
    content = parquet("name", [p.name for p in PROGRAMS], np.zeros((6, 9000), np.float32))
    assert len(content) < 10_000
    monkeypatch.setattr(imported_embedding_table_reader, "MAX_IMPORT_BYTES", 400_000)
    with pytest.raises(EarshotError, match="more than"):
        import_external_embeddings(
            Corpus.open("notes"), content, "code", "mine", file_name="v.parquet"
        )
    monkeypatch.setattr(imported_embedding_table_reader, "MAX_IMPORT_BYTES", 500_000)
    assert (
        import_external_embeddings(
            Corpus.open("notes"), content, "code", "mine", file_name="v.parquet"
        ).dimensions
        == 9000
    )


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["csv", "parquet"]))
def test_arbitrary_bytes_are_refused_or_read(content, suffix):
    try:
        table = read_imported_embeddings(content, f"v.{suffix}")
    except EarshotError:
        return
    assert all(np.isfinite(vector).all() for vector in table.vectors.values())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=10))
def test_arbitrary_texts_in_a_table_are_refused_or_skipped(rows):
    content = pd.DataFrame(rows, columns=["name", "vector"]).to_csv(index=False)
    try:
        table = read_imported_embeddings(content.encode("utf-8", "replace"), "v.csv")
    except EarshotError:
        return
    assert len({len(vector) for vector in table.vectors.values()}) <= 1


def test_a_long_field_is_read_after_a_short_table():
    read_imported_embeddings(b"name,vector\nx,[1]\n", "short.csv")
    wide = np.linspace(-1, 1, MAX_VECTOR_DIMENSIONS)
    table = read_imported_embeddings(f'name,vector\nx,"{wide.tolist()}"\n'.encode(), "long.csv")
    np.testing.assert_allclose(table.vectors["x"], wide, rtol=1e-6)
    # The limit is global to the process, so other tables profit too.
    assert list(reader(["x" * 200_000])) == [["x" * 200_000]]


def test_the_most_frequent_width_counts_not_the_first(corpus):
    vectors = [np.ones(3), *VECTORS[1:]]
    content = csv("name", [program.name for program in PROGRAMS], vectors)
    report = import_external_embeddings(corpus, content, "code", "mine", file_name="v.csv")
    assert (report.vectors_added, report.dimensions) == (5, 4)
    assert report.skipped == {"v.csv, row 1": "its vector has 3 dimensions, most have 4."}
    assert "1 programs of the corpus have none" in str(report)


@pytest.mark.parametrize(
    ("vectors", "warning"),
    [
        (np.ones((6, 4)), "all 6 vectors are equal"),
        (np.repeat(np.eye(2, 4), 3, axis=0), "only 2 of 6 vectors differ"),
        (np.hstack([np.ones((6, 2)), VECTORS[:, :2]]), "2 of 4 dimensions have the same value"),
    ],
)
def test_vectors_without_information_are_reported(corpus, vectors, warning):
    content = parquet("name", [program.name for program in PROGRAMS], vectors)
    report = import_external_embeddings(corpus, content, "code", "mine", file_name="v.parquet")
    assert report.warnings[0].startswith(warning)
    assert f"Warning: {warning}" in str(report)


def test_varied_vectors_are_not_warned_about(corpus):
    content = parquet("name", [program.name for program in PROGRAMS])
    report = import_external_embeddings(corpus, content, "code", "mine", file_name="v.parquet")
    assert report.warnings == []
