"""Trained alignments of a corpus: one folder each, whole or not there."""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator, Mapping

import pandas as pd

from core.corpus.legacy_names import translate_alignment_config, translate_metrics
from core.corpus.model_card import format_model_card
from core.errors import EarshotError
from core.workspace import atomic_write, refuse_if_read_only, remove_partial_files

if TYPE_CHECKING:
    import torch

_ALIGNMENT_ID_PATTERN = re.compile(r"(\d{4,})-[0-9a-f]{8}\Z")
_PARTIAL_PREFIX = ".partial-"
MAP_FILE = "map.parquet"


@dataclass(frozen=True)
class AlignmentRecord:
    """A trained pair of projection heads, with all that is known about it.

    Attributes
    ----------
    id : str
        ``0003-5f1c09ab``: the how-manieth of its corpus, and the beginning of a
        hash of config and heads.
    path : Path
        Its folder.
    created : str
        UTC, ISO 8601.
    config : dict
        As it was given to `save`, JSON types only.
    metrics : dict
        Likewise. NaN and infinities are None: JSON has no such numbers.
    """

    id: str
    path: Path
    created: str
    config: dict[str, Any]
    metrics: dict[str, Any]

    def load_heads(self) -> dict[str, torch.Tensor]:
        """Weights of the projection heads by name, on the CPU."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(self.path / "heads.safetensors")
        except (OSError, SafetensorError) as error:
            raise _make_damaged_file_error(self.path / "heads.safetensors", error) from error

    def load_history(self) -> pd.DataFrame:
        """One row an epoch, as the trainer wrote it."""
        return _read_parquet(self.path / "history.parquet")

    def load_map(self) -> pd.DataFrame | None:
        """The map's points; None before one was made."""
        path = self.path / MAP_FILE
        return _read_parquet(path) if path.exists() else None


class AlignmentStore:
    """The folder ``alignments/`` of one corpus.

    Saving takes no part in the corpus's writer lock: an alignment that took an
    hour must not be lost because a build of the same corpus goes on.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    def save(
        self,
        config: Mapping[str, Any],
        heads: Mapping[str, torch.Tensor],
        metrics: Mapping[str, Any],
        history: pd.DataFrame,
        points: pd.DataFrame | None = None,
    ) -> str:
        """Write an alignment's folder, its map's points too, beside its place; rename it there.

        Returns
        -------
        str
            The new alignment's id.
        """
        from safetensors.torch import save

        weights = save({k: v.detach().cpu().contiguous() for k, v in heads.items()})
        settings, results = _dump_json(config, "config"), _dump_json(metrics, "metrics")
        digest = hashlib.sha256(settings.encode() + weights).hexdigest()[:8]
        try:
            with self._lock_folder():
                last = max(
                    (int(_ALIGNMENT_ID_PATTERN.match(i)[1]) for i in self.list_ids()), default=0
                )
                alignment_id = f"{last + 1:04d}-{digest}"
                created = datetime.now(timezone.utc).isoformat(timespec="seconds")
                partial = self._folder / f"{_PARTIAL_PREFIX}{alignment_id}"
                partial.mkdir()
                _write_file(partial / "config.json", settings)
                _write_file(partial / "metrics.json", results)
                _write_file(partial / "record.json", _dump_json({"created": created}, "record"))
                _write_file(partial / "README.md", format_model_card(config, metrics))
                _write_file(partial / "heads.safetensors", weights)
                _write_parquet(partial / "history.parquet", history)
                if points is not None:
                    _write_parquet(partial / MAP_FILE, points)
                os.replace(partial, self._folder / alignment_id)
        except OSError as error:
            raise EarshotError(
                f"The alignment cannot be written ({error.strerror}).",
                where=str(self._folder),
                remedy="Check that you may write there and that the disk is not full.",
            ) from error
        return alignment_id

    def list_ids(self) -> list[str]:
        """All alignments' ids, oldest first."""
        if not self._folder.is_dir():
            return []
        found = [
            entry.name
            for entry in self._folder.iterdir()
            if _ALIGNMENT_ID_PATTERN.match(entry.name)
        ]
        return sorted(found, key=lambda name: (int(_ALIGNMENT_ID_PATTERN.match(name)[1]), name))

    def load(self, alignment_id: str) -> AlignmentRecord:
        """Return the alignment of that id.

        Raises
        ------
        EarshotError
            When there is none, or a file of it is missing or damaged.
        """
        if alignment_id not in self.list_ids():
            raise EarshotError(
                f"There is no alignment {str(alignment_id)[:80]!r} in this corpus.",
                where=str(self._folder),
                remedy=f"There are: {', '.join(self.list_ids()) or 'none; train one first'}.",
            )
        path = self._folder / alignment_id
        return AlignmentRecord(
            id=alignment_id,
            path=path,
            created=_read_json(path / "record.json").get("created", ""),
            config=translate_alignment_config(
                _read_json(path / "config.json"), str(path / "config.json")
            ),
            metrics=translate_metrics(_read_json(path / "metrics.json")),
        )

    def save_map(self, alignment_id: str, points: pd.DataFrame) -> Path:
        """Write the map of an alignment in place of an older one."""
        path = self.load(alignment_id).path / MAP_FILE
        with self._lock_folder():
            remove_partial_files(path)
            _write_parquet(path, points)
        return path

    def save_metrics(self, alignment_id: str, metrics: Mapping[str, Any]) -> None:
        """Write an alignment's metrics, and its card with them, in place of older ones."""
        record = self.load(alignment_id)
        results, about = _dump_json(metrics, "metrics"), format_model_card(record.config, metrics)
        with self._lock_folder():
            _write_file(record.path / "metrics.json", results)
            _write_file(record.path / "README.md", about)

    @contextmanager
    def _lock_folder(self) -> Iterator[None]:
        refuse_if_read_only("Keeping an alignment")
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            # Held only while files are written, so waiting for it is right.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            for leftover in self._folder.glob(f"{_PARTIAL_PREFIX}*"):
                shutil.rmtree(leftover)
            yield
        finally:
            os.close(descriptor)


def _dump_json(value: Mapping[str, Any], part_name: str) -> str:
    try:
        return json.dumps(_replace_non_finite(dict(value)), indent=2, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        message = f"The alignment's {part_name} cannot be written as JSON ({error})."
        raise EarshotError(message) from error


def _replace_non_finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _replace_non_finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replace_non_finite(inner) for inner in value]
    if hasattr(value, "item"):  # a number of numpy's or torch's
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write_file(path: Path, content: str | bytes) -> None:
    with atomic_write(path) as handle:
        handle.write(content.encode() if isinstance(content, str) else content)


def _write_parquet(path: Path, frame: pd.DataFrame) -> None:
    with atomic_write(path) as handle:
        frame.to_parquet(handle, index=False)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise ValueError("not a JSON object")
        return value
    except (OSError, ValueError) as error:
        raise _make_damaged_file_error(path, error) from error


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise _make_damaged_file_error(path, error) from error


def _make_damaged_file_error(path: Path, error: Exception) -> EarshotError:
    return EarshotError(
        f"A file of this alignment is missing or damaged ({error}).",
        where=str(path),
        remedy="Remove the alignment's folder and train it again.",
    )
