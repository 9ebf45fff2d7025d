"""Object storage at an fsspec URL: open it, write files, and read byte ranges of them."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from core.errors import EarshotError

MAX_ATTEMPTS = 3
RETRY_PAUSE_S = 0.5
CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 60
_BUCKET_PROTOCOLS = ("s3://", "s3a://", "gs://", "gcs://", "abfs://", "az://")
# Errors that another attempt does not change.
_FINAL_ERRORS = (FileNotFoundError, PermissionError, EarshotError)
_ACCESS_ERROR_NAMES = ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError")

_T = TypeVar("_T")
_file_systems: dict[tuple[int, str], tuple[Any, str]] = {}
_file_systems_lock = threading.Lock()


@dataclass(frozen=True)
class ObjectStorage:
    """A folder at an fsspec URL.

    Every method repeats a failed request and raises an EarshotError if the last one failed too.

    Attributes
    ----------
    url : str
        URL of the folder, without credentials.
    """

    url: str

    def upload_file(self, local_path: Path, name: str) -> None:
        """Write a local file to the storage under a name, and check the size that arrived.

        A file of that name is replaced.
        """
        size_bytes = local_path.stat().st_size

        def upload_and_check_size() -> None:
            file_system, root = self._open_file_system_and_root()
            # Object stores have no folders, and s3fs would create a bucket.
            if not self.url.startswith(_BUCKET_PROTOCOLS):
                file_system.makedirs(root, exist_ok=True)
            file_system.put_file(str(local_path), f"{root}/{name}")
            _flush_to_disk(file_system, f"{root}/{name}")
            file_system.invalidate_cache()
            arrived_bytes = file_system.size(f"{root}/{name}")
            if arrived_bytes != size_bytes:
                raise OSError(f"{arrived_bytes} of {size_bytes} bytes arrived")

        self._repeat_failed_request("written", name, upload_and_check_size)

    def read_range(self, name: str, offset: int, size_bytes: int) -> bytes:
        """Return a range of bytes of a file.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        EarshotError
            If the range cannot be read.
        """

        def read_byte_range() -> bytes:
            file_system, root = self._open_file_system_and_root()
            content: bytes = file_system.cat_file(
                f"{root}/{name}", start=offset, end=offset + size_bytes
            )
            if len(content) != size_bytes:
                raise OSError(f"{len(content)} of {size_bytes} bytes arrived")
            return content

        return self._repeat_failed_request("read", name, read_byte_range)

    def read_ranges(self, ranges: Sequence[tuple[str, int, int]]) -> list[bytes | Exception]:
        """Read ranges of bytes at the same time, each with one attempt.

        Parameters
        ----------
        ranges : sequence of (str, int, int)
            Name, offset and size in bytes.

        Returns
        -------
        list of bytes or Exception
            One per range, in this order.
        """
        file_system, root = self._open_file_system_and_root()
        results: list[bytes | Exception] = file_system.cat_ranges(
            [f"{root}/{name}" for name, _, _ in ranges],
            [offset for _, offset, _ in ranges],
            [offset + size_bytes for _, offset, size_bytes in ranges],
            on_error="return",
        )
        return results

    def get_size(self, name: str) -> int | None:
        """Return the size of a file in bytes; None if there is no such file."""

        def read_file_size() -> int | None:
            file_system, root = self._open_file_system_and_root()
            file_system.invalidate_cache()
            try:
                return int(file_system.size(f"{root}/{name}"))
            except FileNotFoundError:
                return None

        return self._repeat_failed_request("read", name, read_file_size)

    def list_names(self) -> set[str]:
        """Return the names of the files in the folder; none if it is missing."""

        def list_file_names() -> set[str]:
            file_system, root = self._open_file_system_and_root()
            file_system.invalidate_cache()
            try:
                paths = file_system.ls(root, detail=False)
            except FileNotFoundError:
                return set()
            return {path.rstrip("/").rpartition("/")[2] for path in paths}

        return self._repeat_failed_request("read", "", list_file_names)

    def _open_file_system_and_root(self) -> tuple[Any, str]:
        file_system, root = open_file_system(self.url)
        return file_system, root.rstrip("/")

    def _repeat_failed_request(self, action: str, name: str, request: Callable[[], _T]) -> _T:
        attempt = 1
        while True:
            try:
                return request()
            except FileNotFoundError:
                if action == "read":
                    raise
                raise self._convert_to_user_error(
                    action, name, OSError("there is no such bucket or folder")
                ) from None
            # Each file system of fsspec raises the errors of its own library, of no common class.
            except Exception as error:
                if attempt == MAX_ATTEMPTS or isinstance(error, _FINAL_ERRORS):
                    raise self._convert_to_user_error(action, name, error) from error
            time.sleep(RETRY_PAUSE_S * attempt)
            attempt += 1

    def _convert_to_user_error(self, action: str, name: str, error: Exception) -> EarshotError:
        if isinstance(error, EarshotError):
            return error
        where = f"{self.url}/{name}".rstrip("/")
        is_access_error = isinstance(error, PermissionError)
        if is_access_error or type(error).__name__ in _ACCESS_ERROR_NAMES:
            return EarshotError(
                f"Access to the audio store was refused ({_format_storage_error(error)}).",
                where=where,
                remedy="Check the credentials, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,"
                " and that they may read and write there.",
            )
        return EarshotError(
            f"The audio store cannot be {action} ({_format_storage_error(error)}).",
            where=where,
            remedy="Check the address and the connection, then run the command again: it resumes"
            " where it stopped.",
        )


def open_file_system(url: str) -> tuple[Any, str]:
    """Return the file system of fsspec for a URL, and the path in it.

    Credentials come from the environment or the configuration of the file system's own library.

    Raises
    ------
    EarshotError
        If no installed package supports the URL, or it is not valid.
    """
    # A file system must not be used in a forked process, and is shared by all threads of one.
    key = os.getpid(), url
    with _file_systems_lock:
        if key not in _file_systems:
            _file_systems[key] = _create_file_system(url)
        return _file_systems[key]


def _create_file_system(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    address = remove_url_credentials(url)
    try:
        file_system, root = url_to_fs(url, **_choose_filesystem_options(url))
    except ImportError as error:
        raise EarshotError(
            f"A package for this kind of URL is missing ({error}).",
            where=address,
            remedy="For S3: .venv/bin/python -m pip install -r requirements/s3.lock",
        ) from error
    # The file systems' own libraries raise errors of no common class for a bad address or option.
    except Exception as error:
        raise EarshotError(
            f"This URL cannot be opened ({str(error).replace(url, address)}).",
            where=address,
            remedy="Use a path or a URL that fsspec supports, such as s3://BUCKET/FOLDER.",
        ) from error
    return file_system, root


def _choose_filesystem_options(url: str) -> dict[str, Any]:
    if not url.startswith(("s3://", "s3a://")):
        return {}
    # s3fs itself repeats requests.
    timeouts = {"connect_timeout": CONNECT_TIMEOUT_S, "read_timeout": READ_TIMEOUT_S}
    return {"config_kwargs": {**timeouts, "retries": {"total_max_attempts": 1}}}


def remove_url_credentials(url: str) -> str:
    """Return a URL without its user and password.

    Examples
    --------
    >>> remove_url_credentials("s3://key:secret@bucket/clips")
    's3://bucket/clips'
    """
    return re.sub(r"://[^/@]*@", "://", url)


def _format_storage_error(error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return remove_url_credentials(reason).rstrip(".")


def _flush_to_disk(file_system: Any, path: str) -> None:
    """Make a file durable if the file system is that of this machine."""
    from fsspec.implementations.local import LocalFileSystem

    if isinstance(file_system, LocalFileSystem):
        with open(path, "rb") as file:
            os.fsync(file.fileno())
