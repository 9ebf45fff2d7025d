"""Programs from outside: a folder, a zip, a table or one file, read with suspicion.

Nothing is ever unpacked to disk, so no name inside an archive can lead anywhere. What is
read is limited in size and number before and while it is read, whatever the archive claims.
A file that is no program costs only itself: it is listed with the reason.
"""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Iterable, Mapping

from core import workspace
from core.corpus.csv_table import read_csv_table
from core.corpus.parquet import read_parquet_columns, iterate_parquet_rows
from core.errors import EarshotError
from core.programs.template_header import PROGRAM_ROLES
from core.programs.program import Program
from core.sonicpi.limits import MAX_SOURCE_BYTES

MAX_IMPORT_PROGRAMS = 100_000
MAX_IMPORT_ENTRIES = 200_000  # of a zip or a folder, programs or not
MAX_IMPORT_BYTES = 512 << 20  # of all programs together, and of a file that is read whole
MAX_NAME_CHARS = 80  # characters
MAX_PARAMETERS = 200
SOURCE_SUFFIX = ".rb"
TABLE_SUFFIXES = (".csv", ".parquet")
SUPPORTED_INPUTS = f"a folder, a {SOURCE_SUFFIX} file, a .zip of {SOURCE_SUFFIX} files, or a {' or '.join(TABLE_SUFFIXES)} table"
# Beginning of a text in an encoding other than UTF-8 that says so itself.
BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass
class ImportResult:
    """What was found outside.

    Attributes
    ----------
    programs : list of (where, Program)
        `where` is the file, or the row of a table.
    skipped : dict of where to str
        What could not be taken, and why.
    detected_encodings : dict of where to str
        Files that are not UTF-8, and as what they were read.
    """

    programs: list[tuple[str, Program]] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    detected_encodings: dict[str, str] = field(default_factory=dict)
    _total_bytes: int = 0

    def add_program(self, where: str, content: bytes | str, metadata: Mapping[str, Any]) -> None:
        """Add one program, or the reason why it is none."""
        size = (
            len(content) if isinstance(content, bytes) else len(content.encode("utf-8", "replace"))
        )
        self._total_bytes += size
        if self._total_bytes > MAX_IMPORT_BYTES or len(self.programs) >= MAX_IMPORT_PROGRAMS:
            raise make_too_large_error(where)
        try:
            if size > MAX_SOURCE_BYTES:
                raise ValueError(f"it has {size / (1 << 20):.1f} MiB; a program has at most 1")
            source, encoding = decode_text(content)
            if encoding:
                self.detected_encodings[where] = encoding
            self.programs.append((where, _build_program(source, metadata)))
        except ValueError as error:
            self.skipped[where] = f"{error}."


def read_programs(path_or_bytes: str | Path | bytes, file_name: str | None = None) -> ImportResult:
    """Read programs.

    Parameters
    ----------
    path_or_bytes : str, Path or bytes
        The path of a folder or file, or a file's content.
    file_name : str, optional
        The file's name; needed with bytes. Its suffix says what it is.

    Raises
    ------
    EarshotError
        When it is nothing that programs can be read from, is damaged, or holds
        more than the limits.
    """
    found = ImportResult()
    if isinstance(path_or_bytes, bytes):
        _read_content(path_or_bytes, file_name or "", found)
    else:
        path = Path(path_or_bytes).expanduser()
        if path.is_dir():
            _read_folder(path, found)
        else:
            _read_content(read_file_bytes(path), file_name or path.name, found)
    return found


def read_file_bytes(path: Path) -> bytes:
    """A file's content, if it is an ordinary file of at most `MOST_BYTES`."""
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise EarshotError("It is no file and no folder.", where=str(path))
        if state.st_size > MAX_IMPORT_BYTES:
            raise make_too_large_error(str(path))
        return path.read_bytes()
    except OSError as error:
        raise EarshotError(f"It cannot be read ({error.strerror}).", where=str(path)) from error


def _read_content(content: bytes, file_name: str, result: ImportResult) -> None:
    if len(content) > MAX_IMPORT_BYTES:
        raise make_too_large_error(file_name)
    suffix = PurePosixPath(file_name.replace("\\", "/")).suffix.lower()
    readers = {".zip": _read_zip, ".csv": _read_csv, ".parquet": _read_parquet}
    if suffix == SOURCE_SUFFIX:
        result.add_program(file_name, content, {"name": _get_file_stem(file_name)})
    elif suffix in readers:
        readers[suffix](content, file_name, result)
    else:
        raise EarshotError(
            f"No programs can be read from {file_name[:80]!r}.", remedy=f"Give {SUPPORTED_INPUTS}."
        )


def _read_folder(folder: Path, result: ImportResult) -> None:
    root = folder.resolve()
    seen = 0
    for top, folders, files in os.walk(root):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        seen += len(files)
        if seen > MAX_IMPORT_ENTRIES:
            raise make_too_large_error(str(folder))
        for file in sorted(files):
            path = Path(top) / file
            if path.suffix.lower() == SOURCE_SUFFIX and not file.startswith("."):
                _read_file(path, root, result)


def _read_file(path: Path, root_folder: Path, result: ImportResult) -> None:
    where = str(path.relative_to(root_folder))
    try:
        if not path.resolve().is_relative_to(root_folder):
            result.skipped[where] = "it is a link to something outside the folder."
            return
        if not stat.S_ISREG(path.stat().st_mode):
            result.skipped[where] = "it is no ordinary file."
            return
        with path.open("rb") as handle:
            content = handle.read(MAX_SOURCE_BYTES + 1)
    except OSError as error:
        result.skipped[where] = f"it cannot be read ({error.strerror})."
        return
    result.add_program(where, content, {"name": _get_file_stem(where)})


def _read_zip(content: bytes, file_name: str, result: ImportResult) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if len(members) > MAX_IMPORT_ENTRIES:
                raise make_too_large_error(file_name)
            for member in members:
                _read_zip_member(archive, member, result)
    except (zipfile.BadZipFile, NotImplementedError, UnicodeError) as error:
        raise EarshotError(f"The zip is damaged ({error}).", where=file_name) from error


def _read_zip_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, result: ImportResult
) -> None:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts if part != "..")
    if member.is_dir() or path.suffix.lower() != SOURCE_SUFFIX or hidden:
        return
    where = str(path)
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        result.skipped[where] = "its path leads out of the zip."
    elif stat.S_ISLNK(member.external_attr >> 16):
        result.skipped[where] = "it is a link."
    elif member.flag_bits & 1:
        result.skipped[where] = "it is encrypted."
    else:
        try:
            with archive.open(member) as handle:
                # No more than this is ever unpacked, whatever size the zip claims.
                unpacked = handle.read(MAX_SOURCE_BYTES + 1)
        except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError) as error:
            result.skipped[where] = f"it is damaged ({error})."
        except Exception as error:  # zlib and lzma raise errors of their own
            result.skipped[where] = f"it is damaged ({type(error).__name__})."
        else:
            result.add_program(where, unpacked, {"name": _get_file_stem(where)})


def _read_csv(content: bytes, file_name: str, result: ImportResult) -> None:
    try:
        text, encoding = decode_text(content)
    except ValueError as error:
        raise EarshotError(f"The table cannot be read: {error}.", where=file_name) from error
    if encoding:
        result.detected_encodings[file_name] = encoding
    columns, rows = read_csv_table(text, file_name)
    _require_source_column(columns, file_name)
    _add_table_rows(rows, file_name, result)


def _read_parquet(content: bytes, file_name: str, result: ImportResult) -> None:
    there = read_parquet_columns(content, file_name)
    _require_source_column(there, file_name)
    wanted = ["source", *(each for each in COLUMN_PARSERS if each in there)]
    _add_table_rows(
        iterate_parquet_rows(content, file_name, wanted, MAX_IMPORT_PROGRAMS, MAX_IMPORT_BYTES),
        file_name,
        result,
    )


def _require_source_column(columns: Iterable[str], file_name: str) -> None:
    if "source" not in columns:
        raise EarshotError(
            "The table has no column 'source'.",
            where=file_name,
            remedy="Put each program's code into a column of that name.",
        )


def _add_table_rows(
    rows: Iterable[Mapping[str, Any]], file_name: str, result: ImportResult
) -> None:
    for number, row in enumerate(rows, 1):
        where = f"{file_name}, row {number}"
        source = row.get("source")
        if not isinstance(source, str):
            result.skipped[where] = "it has no source."
            continue
        facts = {key: row[key] for key in COLUMN_PARSERS if row.get(key) not in (None, "")}
        facts.setdefault("name", f"{_get_file_stem(file_name)}-{number:04d}")
        result.add_program(where, source, facts)


def decode_text(content: bytes | str) -> tuple[str, str]:
    """A program's text and, if it was not UTF-8, what it was read as."""
    encoding = ""
    if isinstance(content, bytes):
        encoding = next(
            (BYTE_ORDER_MARKS[mark] for mark in BYTE_ORDER_MARKS if content.startswith(mark)), ""
        )
        try:
            content = content.decode(encoding or "utf-8-sig")
        except UnicodeDecodeError:
            if encoding:
                raise ValueError(f"it begins as {encoding} and goes on as something else") from None
            # Old editors' encoding of western Europe; every byte has a meaning in latin-1.
            encoding = "latin-1"
            content = content.decode(encoding)
    if "\0" in content:
        raise ValueError("it is no text: it holds NUL characters")
    try:
        content.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("it holds characters that are no text") from None
    return content.replace("\r\n", "\n").replace("\r", "\n"), encoding


def _build_program(source: str, metadata: Mapping[str, Any]) -> Program:
    if not source.strip():
        raise ValueError("it is empty")
    return Program(source, **{key: COLUMN_PARSERS[key](value) for key, value in metadata.items()})


def _get_file_stem(file_name: str) -> str:
    return PurePosixPath(file_name.replace("\\", "/")).stem


def _clean_name(value: Any) -> str:
    text = "".join(c if c.isprintable() and c not in "/\\" else " " for c in str(value))
    return " ".join(text.split())[:MAX_NAME_CHARS] or "program"


def _clean_template(value: Any) -> str:
    return value if isinstance(value, str) and workspace.NAME_PATTERN.match(value) else ""


def _clean_role(value: Any) -> str:
    return value if value in PROGRAM_ROLES else ""


def _parse_seed(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < 2**63 else None


def _parse_parameters(value: Any) -> dict[str, Any]:
    """A JSON object's plain values; anything else is none of a template's."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, Mapping) or len(found) > MAX_PARAMETERS:
        return {}
    plain = all(
        isinstance(key, str)
        and isinstance(each, (str, int, float, bool))
        and each == each
        and abs(each if isinstance(each, (int, float)) else 0) < 2**63
        for key, each in found.items()
    )
    return dict(found) if plain else {}


# Columns that are taken besides the source, and how; a value that cannot be is as good as none.
COLUMN_PARSERS = {
    "name": _clean_name,
    "template": _clean_template,
    "role": _clean_role,
    "seed": _parse_seed,
    "parameters": _parse_parameters,
}


def make_too_large_error(where: str) -> EarshotError:
    """What to raise when there is more than the limits."""
    return EarshotError(
        f"It holds more than {MAX_IMPORT_BYTES >> 20} MiB, {MAX_IMPORT_PROGRAMS:,} programs or"
        f" {MAX_IMPORT_ENTRIES:,} files.",
        where=where,
        remedy="Import it in parts.",
    )
