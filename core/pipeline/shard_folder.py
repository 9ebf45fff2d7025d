"""A folder of shards on this machine or at an fsspec URL; its files appear whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from core.corpus.object_storage import open_file_system, remove_url_credentials
from core.errors import EarshotError
from core.file_locks_and_atomic_writes import PARTIAL_PREFIX

INDEX_FILE = "index.json"
DESCRIPTION_FILES = ("README.md", "card.json")
READ_BLOCK_BYTES = 1 << 20


class HashingWriter:
    """A writer that computes the SHA-256 and the size of what it passes on.

    Parameters
    ----------
    file : file object or None
        None to compute only.
    """

    def __init__(self, file: IO[bytes] | None) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """The hash in hex digits of all bytes so far."""
        return self._hash.hexdigest()

    def write(self, content: bytes) -> int:
        """Pass bytes on; return their number."""
        self._hash.update(content)
        self.size += len(content)
        if self._file is not None:
            self._file.write(content)
        return len(content)


@dataclass(frozen=True)
class ShardFolder:
    """A folder that an export of shards writes.

    Attributes
    ----------
    file_system : fsspec.AbstractFileSystem
    root : str
        Path of the folder in it.
    address : str
        Path or URL for messages, without a user or password.
    corpus_name : str
        Begins the names of the shards.
    """

    file_system: Any
    root: str
    address: str
    corpus_name: str

    def list_names(self) -> set[str]:
        """Return the names of the files and folders in the folder; none if it is missing."""
        self.file_system.invalidate_cache()
        try:
            paths = self.file_system.ls(self.root, detail=False)
        except FileNotFoundError:
            return set()
        names = {path.rstrip("/").rpartition("/")[2] for path in paths}
        # An object store may list an empty object for the folder itself.
        return names - {"", self.root.rstrip("/").rpartition("/")[2]}

    def is_empty_or_unfinished(self) -> bool:
        """Return whether the folder holds nothing but an export of this corpus without index."""
        return all(
            name in DESCRIPTION_FILES or name.startswith(PARTIAL_PREFIX) or self.is_shard_name(name)
            for name in self.list_names()
        )

    def is_shard_name(self, name: str) -> bool:
        """Return whether a file name is that of a shard of this corpus."""
        pattern = rf"{re.escape(self.corpus_name)}-[a-z]+-\d{{6,}}\.tar"
        return re.fullmatch(pattern, name) is not None

    def create_and_remove_partial_files(self) -> None:
        """Create the folder, and remove the partial files of an export that was killed.

        Raises
        ------
        EarshotError
            If it holds anything but an unfinished export of this corpus.
        """
        if not self.is_empty_or_unfinished():
            raise EarshotError(
                "There is something at that path already.",
                where=self.address,
                remedy="Remove it, or choose another path.",
            )
        self.file_system.makedirs(self.root, exist_ok=True)
        for name in self.list_names():
            if name.startswith(PARTIAL_PREFIX):
                self.file_system.rm(self._build_url_of_file(name))

    @contextmanager
    def open_atomic_writer(self, name: str) -> Iterator[HashingWriter]:
        """Write a partial file in the block, then rename it; remove it if the block raises."""
        partial_path = self._build_url_of_file(f"{PARTIAL_PREFIX}{name}-{secrets.token_hex(4)}")
        try:
            with self.file_system.open(partial_path, "wb") as file:
                yield HashingWriter(file)
                file.flush()
                if isinstance(self.file_system, _get_local_file_system_class()):
                    os.fsync(file.fileno())
            self.file_system.mv(partial_path, self._build_url_of_file(name))
        except BaseException:
            with suppress(Exception):  # The first error says more than one of the removal.
                self.file_system.rm(partial_path)
            raise

    def write_file(self, name: str, content: bytes) -> None:
        """Write a file that appears whole or not at all; replace an existing one."""
        with self.open_atomic_writer(name) as writer:
            writer.write(content)

    def compute_file_hash(self, name: str) -> str:
        """Return the SHA-256 of a file in hex digits."""
        writer = HashingWriter(None)
        with self.file_system.open(self._build_url_of_file(name), "rb") as file:
            while block := file.read(READ_BLOCK_BYTES):
                writer.write(block)
        return writer.sha256

    def remove_other_shards(self, names: Collection[str]) -> None:
        """Remove the shards of an earlier, unfinished export that are not in `names`."""
        for name in self.list_names() - set(names):
            if self.is_shard_name(name):
                self.file_system.rm(self._build_url_of_file(name))

    @contextmanager
    def convert_file_system_errors(self) -> Iterator[None]:
        """Convert an error of the file system in the block into an EarshotError."""
        try:
            yield
        except EarshotError:
            raise
        # Each file system of fsspec raises the errors of its own library, of no common class.
        except Exception as error:
            reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
            raise EarshotError(
                f"The export cannot be written ({reason or type(error).__name__}).",
                where=self.address,
                remedy="Check the address, that you may write there, and that there is room.",
            ) from error

    def _build_url_of_file(self, name: str) -> str:
        return f"{self.root.rstrip('/')}/{name}"


def open_shard_folder(output: str, corpus_name: str) -> ShardFolder:
    """Return the folder for the shards of a corpus; write nothing.

    Parameters
    ----------
    output : str
        Path of a folder, or a URL. In an existing folder with other files, "CORPUS-shards".
    corpus_name : str

    Raises
    ------
    EarshotError
        If no installed package can write the URL.
    """
    if is_url(output):
        return _open_url(output, corpus_name)
    path = Path(output).expanduser().absolute()
    folder = _open_local_shard_folder(path, corpus_name)
    if path.is_dir() and not folder.is_empty_or_unfinished():
        folder = _open_local_shard_folder(path / f"{corpus_name}-shards", corpus_name)
    return folder


def is_url(output: str) -> bool:
    """Return whether an output is a URL, not a path."""
    return "://" in output


def _open_local_shard_folder(path: Path, corpus_name: str) -> ShardFolder:
    if path.exists() and not path.is_dir():
        raise EarshotError(
            "There is a file at that path, not a folder.",
            where=str(path),
            remedy="Remove it, or choose another path.",
        )
    return ShardFolder(_get_local_file_system_class()(), str(path), str(path), corpus_name)


def _open_url(url: str, corpus_name: str) -> ShardFolder:
    file_system, root = open_file_system(url)
    return ShardFolder(file_system, root, remove_url_credentials(url), corpus_name)


def _get_local_file_system_class() -> Any:
    from fsspec.implementations.local import LocalFileSystem

    return LocalFileSystem
