"""The embeddings of a corpus: the part of `Corpus` that reads and writes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.corpus import encoder_and_embedding_tables
from core.corpus.database_connections_and_transactions import Database
from core.corpus.encoder_and_embedding_tables import EmbeddingPairs
from core.encoders import find_encoder_spec


class CorpusEmbeddings:
    """The embeddings in the database of a corpus.

    Parameters
    ----------
    database : Database
    """

    def __init__(self, database: Database):
        self._database = database

    def list_programs_without_embedding(
        self, encoder_id: str, revision: str | None = None
    ) -> list[str]:
        """Return the ids of programs that an encoder has not embedded, in insertion order.

        A code encoder embeds all programs, an audio encoder those with a clip.

        Parameters
        ----------
        encoder_id : str
            For encoders concatenated by "+", programs that lack any of the parts.
        revision : str, optional
            Embeddings of another revision count as missing.
        """
        modality = self._get_encoder_modality(encoder_id)
        with self._database.open_read_transaction() as connection:
            return encoder_and_embedding_tables.list_programs_without_embedding(
                connection, encoder_id, modality, revision
            )

    def store_embeddings(
        self,
        encoder_id: str,
        revision: str,
        program_ids: Sequence[str],
        embeddings: np.ndarray,
    ) -> None:
        """Store one embedding per program, all or none.

        Parameters
        ----------
        encoder_id, revision : str
            Embeddings of another revision of this encoder are deleted.
        program_ids : sequence of str
        embeddings : array, float [n, dim]
            Row i belongs to program i. Stored as float32.

        Raises
        ------
        EarshotError
            If a value is not finite, the shape is wrong, or a program is unknown or given twice.
        """
        modality = self._get_encoder_modality(encoder_id)
        with self._database.open_write_transaction("embedding") as connection:
            encoder_and_embedding_tables.store_embeddings(
                connection, encoder_id, modality, revision, program_ids, embeddings
            )

    def delete_encoder(self, encoder_id: str) -> None:
        """Delete an encoder and its embeddings; nothing happens if the corpus has none by it.

        `core.corpus.embedding_deletion.delete_embeddings` first checks that nothing needs them.
        """
        with self._database.open_write_transaction("embedding") as connection:
            row = encoder_and_embedding_tables.find_encoder_row(connection, encoder_id)
            if row is not None:
                encoder_and_embedding_tables.delete_encoder(connection, row)

    def _get_encoder_modality(self, encoder_id: str) -> str:
        with self._database.open_read_transaction() as connection:
            row = encoder_and_embedding_tables.find_encoder_row(connection, encoder_id)
        if row:
            return row.modality
        return find_encoder_spec(encoder_id).modality

    def load_embeddings(
        self, encoder_id: str, program_ids: Sequence[str] | None = None
    ) -> tuple[list[str], np.ndarray]:
        """Load the embeddings of an encoder.

        Parameters
        ----------
        encoder_id : str
        program_ids : sequence of str, optional
            Only these programs, in this order. Default: all, in insertion order.

        Returns
        -------
        program_ids : list of str
        embeddings : array, float32 [n, dim]
            Row i belongs to program i.

        Raises
        ------
        EarshotError
            If the encoder has no embeddings here, or none of a requested program.
        """
        with self._database.open_read_transaction() as connection:
            return encoder_and_embedding_tables.read_embeddings(connection, encoder_id, program_ids)

    def load_embedding_pairs(self, code_encoder: str, audio_encoder: str) -> EmbeddingPairs:
        """Load code and audio embeddings of all programs that have a clip and both."""
        with self._database.open_read_transaction() as connection:
            return encoder_and_embedding_tables.read_embedding_pairs(
                connection, code_encoder, audio_encoder
            )

    def count_embeddings_by_encoder(self) -> list[tuple[str, str, int]]:
        """Return (encoder id, modality, number of embeddings) of each encoder, code first."""
        with self._database.open_read_transaction() as connection:
            return encoder_and_embedding_tables.count_embeddings_by_encoder(connection)

    def get_encoder_revision(self, encoder_id: str) -> str | None:
        """Return the revision of an encoder's embeddings; None if there are none."""
        with self._database.open_read_transaction() as connection:
            row = encoder_and_embedding_tables.find_encoder_row(connection, encoder_id)
        return row.revision if row else None
