"""Vectors that were made elsewhere: whose each is, what is refused, and what they are good for."""

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
from core.corpus import Corpus, embedding_importer
from core.corpus.embedding_importer import MAX_VECTOR_DIMENSIONS, read_vectors
from core.encoders.imported import is_imported_encoder, make_imported_encoder_id
from core.errors import EarshotError
from core.programs.program import Program
from core.pipeline.import_embeddings import import_vectors

PROGRAMS = [Program(f"play {50 + i}\nsleep 1\n", name=f"note-{i}") for i in range(6)]
VECTORS = np.arange(24, dtype=np.float32).reshape(6, 4) / 7


@pytest.fixture
def corpus(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "workspace"))
    found = Corpus.create("notes")
    found.add_programs(PROGRAMS)
    return found


def parquet(key: str, values: list[str], vectors=VECTORS, column: str = "vector") -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame({key: values, column: list(vectors)}).to_parquet(buffer)
    return buffer.getvalue()


def csv(key: str, values: list[str], vectors=VECTORS) -> bytes:
    texts = [json.dumps(each.tolist()) for each in vectors]
    return pd.DataFrame({key: values, "vector": texts}).to_csv(index=False).encode()


@pytest.mark.parametrize("kind", [parquet, csv])
@pytest.mark.parametrize("key", ["program", "source", "name"])
def test_a_row_says_whose_it_is_by_id_code_or_name(corpus, kind, key):
    values = [{"program": p.id, "source": p.source, "name": p.name}[key] for p in PROGRAMS]
    suffix = "csv" if kind is csv else "parquet"
    report = import_vectors(
        Corpus.open("notes"), kind(key, values), "code", "mine", file_name=f"v.{suffix}"
    )
    assert (report.vectors_added, report.vectors_read, report.programs_without_vector) == (6, 6, 0)
    ids, vectors = corpus.load_embeddings("own/code/mine")
    assert ids == [p.id for p in PROGRAMS]
    np.testing.assert_array_equal(vectors, VECTORS)


def test_windows_line_ends_are_the_same_source(corpus):
    sources = [p.source.replace("\n", "\r\n") for p in PROGRAMS]
    assert (
        import_vectors(
            Corpus.open("notes"), csv("source", sources), "code", "mine", file_name="v.csv"
        ).vectors_added
        == 6
    )


def test_a_table_of_other_columns_names_the_one_to_read(corpus):
    names = [p.name for p in PROGRAMS]
    given = parquet("name", names, column="embedding:sonicpi")
    assert (
        import_vectors(
            Corpus.open("notes"), given, "code", "a", file_name="v.parquet"
        ).vectors_added
        == 6
    )
    given = parquet("name", names, column="mine")
    with pytest.raises(EarshotError, match="mine"):
        import_vectors(Corpus.open("notes"), given, "code", "b", file_name="v.parquet")
    assert (
        import_vectors(
            Corpus.open("notes"), given, "code", "b", file_name="v.parquet", vector_column="mine"
        ).vectors_added
        == 6
    )
    with pytest.raises(EarshotError, match="no column 'yours'"):
        import_vectors(
            Corpus.open("notes"), given, "code", "c", file_name="v.parquet", vector_column="yours"
        )


def test_what_is_no_vector_costs_only_itself(corpus):
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
    given = rows.to_csv(index=False).encode()
    report = import_vectors(Corpus.open("notes"), given, "audio", "ears", file_name="v.csv")
    assert report.vectors_added == 1 and report.dimensions == 2
    assert report.unknown_programs == ["stranger"]
    why = list(report.skipped.values())
    assert "3 dimensions, the first has 2" in why[0] and "not finite" in why[1]
    assert all("no list of numbers" in each for each in why[2:5])
    assert "same program" in why[5] and "no name" in why[6]
    assert "stranger" in str(report) and "row 2" in str(report)


def test_vectors_that_are_there_are_never_changed(corpus):
    names = [p.name for p in PROGRAMS]
    import_vectors(
        Corpus.open("notes"),
        parquet("name", names[:3], VECTORS[:3]),
        "code",
        "mine",
        file_name="v.parquet",
    )
    again = import_vectors(
        Corpus.open("notes"), parquet("name", names), "code", "mine", file_name="v.parquet"
    )
    assert again.vectors_added == 3
    with pytest.raises(EarshotError, match="other vectors of the name") as refused:
        import_vectors(
            Corpus.open("notes"),
            parquet("name", names, VECTORS + 1),
            "code",
            "mine",
            file_name="v.parquet",
        )
    assert "another name" in refused.value.remedy
    np.testing.assert_array_equal(corpus.load_embeddings("own/code/mine")[1], VECTORS)


def test_a_check_asks_nothing_of_them_but_that_they_are_whole(corpus):
    some = [p.name for p in PROGRAMS[:2]]  # of programs without a clip, and not of all
    for modality in ("code", "audio"):
        import_vectors(
            Corpus.open("notes"),
            parquet("name", some, VECTORS[:2]),
            modality,
            "mine",
            file_name="v.parquet",
        )
    assert not [fault for fault in corpus.find_faults() if "vector" in fault.kind]


@pytest.mark.parametrize(
    "content, file, told",
    [
        (b"", "v.csv", "whose"),
        (b"vector\n[1]\n", "v.csv", "whose"),
        (b"name,vector\n", "v.csv", "No vector"),
        (b"name,vector\nnobody,[1]\n", "v.csv", "None of its 1 programs"),
        (b"name\nnote-0\n", "v.csv", "which column"),
        (b"PAR1 nothing", "v.parquet", "damaged"),
        (b'name,vector\n"note-0,[1]', "v.csv", "damaged"),
        (b"play 60", "v.rb", "No vectors can be read"),
    ],
)
def test_what_is_no_table_of_vectors_is_refused_in_words(corpus, content, file, told):
    with pytest.raises(EarshotError, match=told):
        import_vectors(Corpus.open("notes"), content, "code", "mine", file_name=file)
    assert corpus.list_encoders() == []


@pytest.mark.parametrize("name", ["../x", "a/b", "", "x" * 65, "a b", "."])
def test_a_name_that_is_none_is_refused(corpus, name):
    with pytest.raises(EarshotError, match="cannot be the name"):
        import_vectors(
            Corpus.open("notes"),
            csv("name", ["note-0"], VECTORS[:1]),
            "code",
            name,
            file_name="v.csv",
        )
    assert not is_imported_encoder(f"own/code/{name}")


def test_nothing_new_can_be_embedded_by_them(corpus):
    entry = encoders.find_encoder_spec(make_imported_encoder_id("audio", "ears"))
    assert (entry.modality, entry.is_available_offline()) == ("audio", False)
    with pytest.raises(EarshotError, match="Their encoder is not available"):
        encoders.get_encoder("own/audio/ears")
    with pytest.raises(EarshotError, match="not a modality"):
        make_imported_encoder_id("smell", "ears")


def test_lists_that_unfold_to_more_than_the_limit_are_refused(
    corpus, monkeypatch: pytest.MonkeyPatch
):
    given = parquet("name", [p.name for p in PROGRAMS], np.zeros((6, 9000), np.float32))
    assert len(given) < 10_000
    monkeypatch.setattr(embedding_importer, "MAX_IMPORT_BYTES", 400_000)
    with pytest.raises(EarshotError, match="more than"):
        import_vectors(Corpus.open("notes"), given, "code", "mine", file_name="v.parquet")
    monkeypatch.setattr(embedding_importer, "MAX_IMPORT_BYTES", 500_000)
    assert (
        import_vectors(
            Corpus.open("notes"), given, "code", "mine", file_name="v.parquet"
        ).dimensions
        == 9000
    )


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["csv", "parquet"]))
def test_no_bytes_do_more_than_be_refused(content, suffix):
    try:
        table = read_vectors(content, f"v.{suffix}")
    except EarshotError:
        return
    assert all(np.isfinite(each).all() for each in table.vectors.values())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=10))
def test_no_text_in_a_table_does_more_than_be_skipped(rows):
    content = pd.DataFrame(rows, columns=["name", "vector"]).to_csv(index=False)
    try:
        table = read_vectors(content.encode("utf-8", "replace"), "v.csv")
    except EarshotError:
        return
    assert len({len(each) for each in table.vectors.values()}) <= 1


def test_a_short_table_leaves_long_fields_to_the_next():
    read_vectors(b"name,vector\nx,[1]\n", "short.csv")
    wide = np.linspace(-1, 1, MAX_VECTOR_DIMENSIONS)
    table = read_vectors(f'name,vector\nx,"{wide.tolist()}"\n'.encode(), "long.csv")
    np.testing.assert_allclose(table.vectors["x"], wide, rtol=1e-6)
    # The limit is the whole process's: other tables are read in it too.
    assert list(reader(["x" * 200_000])) == [["x" * 200_000]]
