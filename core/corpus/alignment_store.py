"""Trained alignments of a corpus: one folder each, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from core.corpus.alignment_model_card import format_model_card
from core.corpus.legacy_saved_names import (
    translate_legacy_alignment_config,
    translate_legacy_metrics,
)
from core.errors import EarshotError
from core.file_errors import convert_read_errors, convert_write_errors
from core.file_locks_and_atomic_writes import (
    atomic_write,
    atomic_write_folder,
    lock_folder_and_remove_partial_folders,
    remove_partial_files,
)
from core.text_formatting import to_json_value
from core.workspace import require_writable_workspace

if TYPE_CHECKING:
    import numpy as np
    import torch

MAP_FILE = "map.parquet"
FORECAST_FILE = "forecast.safetensors"
CHANGE_STAMP_FILE = ".stamp"
_ALIGNMENT_ID_PATTERN = re.compile(r"(?P<number>\d{4,})-[0-9a-f]{8}\Z")


@dataclass(frozen=True)
class AlignmentRecord:
    """A trained pair of projection heads with its config and metrics.

    Attributes
    ----------
    id : str
        Number of the alignment in its corpus and the start of a hash of config and heads:
        ``0003-5f1c09ab``.
    path : Path
        Folder of its files.
    created : str
        UTC, ISO 8601.
    config : dict
        The config that was given to `CorpusAlignments.save_alignment`, JSON types only.
    metrics : dict
        Likewise. NaN and infinities are None, because JSON has no such numbers.
    """

    id: str
    path: Path
    created: str
    config: dict[str, Any]
    metrics: dict[str, Any]

    def load_projection_head_weights(self) -> dict[str, torch.Tensor]:
        """Load the weights of the projection heads by name, on the CPU."""
        # Imports torch, which takes a second that most readers of a record do not need.
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        path = self.path / "heads.safetensors"
        with _convert_alignment_read_errors(path):
            try:
                return load_file(path)
            except SafetensorError as error:
                raise ValueError(error) from error

    def load_training_history(self) -> pd.DataFrame:
        """Load the training history: one row per epoch, as the trainer wrote it."""
        return _read_parquet(self.path / "history.parquet")

    def load_alignment_map_points(self) -> pd.DataFrame | None:
        """Load the points of the map; None if no map was computed yet."""
        path = self.path / MAP_FILE
        return _read_parquet(path) if path.exists() else None

    def load_forecast_model_arrays(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """Load the arrays and the settings of the forecast; None if none was saved yet."""
        from safetensors import SafetensorError, safe_open

        path = self.path / FORECAST_FILE
        if not path.exists():
            return None
        with _convert_alignment_read_errors(path):
            try:
                with safe_open(path, framework="numpy") as file:
                    settings = json.loads((file.metadata() or {}).get("settings", "{}"))
                    return {name: file.get_tensor(name) for name in file.keys()}, settings
            except SafetensorError as error:
                raise ValueError(error) from error


class CorpusAlignments:
    """The folder ``alignments/`` of one corpus: the part of `Corpus` that reads and writes it.

    Saving does not take the corpus's writer lock: an alignment that was trained for an hour must
    not be lost because a build of the same corpus is running.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path):
        self._alignments_folder = folder
        self._alignments_stamp_path = folder / CHANGE_STAMP_FILE

    def save_alignment(
        self,
        config: Mapping[str, Any],
        heads: Mapping[str, torch.Tensor],
        metrics: Mapping[str, Any],
        history: pd.DataFrame,
        points: pd.DataFrame | None = None,
    ) -> str:
        """Write an alignment into a partial folder and rename it into place.

        Parameters
        ----------
        config, metrics : mapping
            Values of JSON types, numpy numbers and torch scalars.
        heads : mapping of str to Tensor
        history : DataFrame
            One row per epoch.
        points : DataFrame, optional
            The map.

        Returns
        -------
        str
            The id of the new alignment.

        Raises
        ------
        EarshotError
            If the workspace is read-only or the alignment cannot be written.
        """
        from safetensors.torch import save  # Imports torch, which the caller has loaded.

        weights = save({name: head.detach().cpu().contiguous() for name, head in heads.items()})
        config_json, metrics_json = (
            _serialize_to_json(config, "config"),
            _serialize_to_json(metrics, "metrics"),
        )
        digest = hashlib.sha256(config_json.encode() + weights).hexdigest()[:8]
        with (
            convert_write_errors("The alignment", self._alignments_folder),
            self._lock_alignments_folder(),
        ):
            newest_number = max(map(_parse_alignment_number, self.list_alignment_ids()), default=0)
            alignment_id = f"{newest_number + 1:04d}-{digest}"
            created = datetime.now(UTC).isoformat(timespec="seconds")
            with atomic_write_folder(self._alignments_folder / alignment_id) as partial:
                _write_file_atomically(partial / "config.json", config_json)
                _write_file_atomically(partial / "metrics.json", metrics_json)
                _write_file_atomically(
                    partial / "record.json", _serialize_to_json({"created": created}, "record")
                )
                _write_file_atomically(
                    partial / "README.md", format_model_card(config, metrics, created)
                )
                _write_file_atomically(partial / "heads.safetensors", weights)
                _write_parquet(partial / "history.parquet", history)
                if points is not None:
                    _write_parquet(partial / MAP_FILE, points)
            update_alignments_change_stamp(self._alignments_folder)
        return alignment_id

    def list_alignment_ids(self) -> list[str]:
        """Return the ids of all alignments, oldest first, without reading their files."""
        if not self._alignments_folder.is_dir():
            return []
        names = (entry.name for entry in self._alignments_folder.iterdir())
        ids = [name for name in names if _ALIGNMENT_ID_PATTERN.match(name)]
        return sorted(ids, key=lambda name: (_parse_alignment_number(name), name))

    def list_misnamed_alignment_folders(self) -> list[str]:
        """Return the names of folders that hold an alignment and do not have the name of one."""
        if not self._alignments_folder.is_dir():
            return []
        return sorted(
            entry.name
            for entry in self._alignments_folder.iterdir()
            if not entry.name.startswith(".")
            and not _ALIGNMENT_ID_PATTERN.match(entry.name)
            and (entry / "heads.safetensors").is_file()
        )

    def load_alignments(self) -> list[AlignmentRecord]:
        """Load the records of all alignments, oldest first."""
        return [self.load_alignment(alignment_id) for alignment_id in self.list_alignment_ids()]

    def load_newest_alignment(self) -> AlignmentRecord | None:
        """Load the record of the alignment that was saved last; None if there is none."""
        ids = self.list_alignment_ids()
        return self.load_alignment(ids[-1]) if ids else None

    def load_alignment(self, alignment_id: str) -> AlignmentRecord:
        """Load the record of an alignment, with today's names of fields and metrics.

        Raises
        ------
        EarshotError
            If there is no alignment of that id, or one of its files is missing or damaged.
        """
        if alignment_id not in self.list_alignment_ids():
            remedy = (
                f"There are: {', '.join(self.list_alignment_ids()) or 'none; train one first'}."
            )
            if renamed := self.list_misnamed_alignment_folders():
                remedy += f" Ignored, because a folder is called NUMBER-HASH: {', '.join(renamed)}."
            raise EarshotError(
                f"There is no alignment {str(alignment_id)[:80]!r} in this corpus.",
                where=str(self._alignments_folder),
                remedy=remedy,
            )
        path = self._alignments_folder / alignment_id
        config = _read_alignment_json(path / "config.json")
        return AlignmentRecord(
            id=alignment_id,
            path=path,
            created=_read_alignment_json(path / "record.json").get("created", ""),
            config=translate_legacy_alignment_config(config, str(path / "config.json")),
            metrics=translate_legacy_metrics(_read_alignment_json(path / "metrics.json")),
        )

    def save_map_points(self, alignment_id: str, points: pd.DataFrame) -> Path:
        """Write the map of an alignment, replacing an older one."""
        path = self.load_alignment(alignment_id).path / MAP_FILE
        with self._lock_alignments_folder():
            remove_partial_files(path)
            _write_parquet(path, points)
            update_alignments_change_stamp(self._alignments_folder)
        return path

    def save_forecast_model_arrays(
        self, alignment_id: str, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]
    ) -> Path:
        """Write the forecast of an alignment, replacing an older one."""
        from safetensors.numpy import save

        path = self.load_alignment(alignment_id).path / FORECAST_FILE
        content = save(
            dict(arrays), metadata={"settings": _serialize_to_json(settings, "forecast")}
        )
        with self._lock_alignments_folder():
            remove_partial_files(path)
            _write_file_atomically(path, content)
            update_alignments_change_stamp(self._alignments_folder)
        return path

    def load_alignment_map_points(self, alignment_id: str) -> pd.DataFrame | None:
        """Load the points of an alignment's map; None if no map was computed yet."""
        return self.load_alignment(alignment_id).load_alignment_map_points()

    def save_alignment_metrics(self, alignment_id: str, metrics: Mapping[str, Any]) -> None:
        """Write the metrics of an alignment and its model card, replacing older ones."""
        record = self.load_alignment(alignment_id)
        metrics_json = _serialize_to_json(metrics, "metrics")
        model_card = format_model_card(record.config, metrics, record.created)
        with self._lock_alignments_folder():
            _write_file_atomically(record.path / "metrics.json", metrics_json)
            _write_file_atomically(record.path / "README.md", model_card)
            update_alignments_change_stamp(self._alignments_folder)

    @contextmanager
    def _lock_alignments_folder(self) -> Iterator[None]:
        require_writable_workspace("Saving an alignment")
        # The lock is held only while files are written, so waiting for it is short.
        with lock_folder_and_remove_partial_folders(self._alignments_folder):
            yield


def update_alignments_change_stamp(alignments_folder: Path) -> None:
    """Replace the change stamp of a folder of alignments by a new random token.

    Call it after the changed file is in place, so that a reader that sees the new stamp sees the
    new file too. The stamp is a file and not a row of the database, because saving an alignment
    must not wait for the corpus's writer lock.
    """
    path = alignments_folder / CHANGE_STAMP_FILE
    remove_partial_files(path)
    _write_file_atomically(path, secrets.token_hex(8))


def _parse_alignment_number(alignment_id: str) -> int:
    return int(alignment_id.partition("-")[0])


def _serialize_to_json(value: Mapping[str, Any], part_name: str) -> str:
    try:
        return json.dumps(to_json_value(dict(value)), indent=2, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        message = f"The alignment's {part_name} cannot be written as JSON ({error})."
        raise EarshotError(message) from error


def _write_file_atomically(path: Path, content: str | bytes) -> None:
    with atomic_write(path) as handle:
        handle.write(content.encode() if isinstance(content, str) else content)


def _write_parquet(path: Path, frame: pd.DataFrame) -> None:
    with atomic_write(path) as handle:
        frame.to_parquet(handle, index=False)


def _read_alignment_json(path: Path) -> dict[str, Any]:
    with _convert_alignment_read_errors(path):
        value = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise ValueError("not a JSON object")
        return value


def _read_parquet(path: Path) -> pd.DataFrame:
    with _convert_alignment_read_errors(path):
        return pd.read_parquet(path)


def _convert_alignment_read_errors(path: Path) -> AbstractContextManager[None]:
    return convert_read_errors(
        "A file of this alignment is missing or damaged",
        path,
        "Remove the alignment's folder and train it again.",
    )
