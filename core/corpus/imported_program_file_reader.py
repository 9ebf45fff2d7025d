"""Read untrusted programs from a folder, a zip, a table or a single file.

Nothing is unpacked to disk, so no name inside an archive can lead anywhere. Size and number are
limited before and while something is read, whatever the archive claims. A file that is not a
program is skipped and listed with the reason.
"""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from core import workspace
from core.corpus.csv_row_reader import describe_surplus_fields, parse_csv_text
from core.corpus.untrusted_parquet import iterate_parquet_rows, read_parquet_columns
from core.corpus.untrusted_text_decoding import decode_csv_bytes, decode_text_bytes
from core.errors import EarshotError
from core.programs.program import Program
from core.programs.template_header_parsing import PROGRAM_ROLES
from core.sonicpi.render_limits import MAX_SOURCE_BYTES

MAX_IMPORT_PROGRAMS = 100_000
MAX_IMPORT_ENTRIES = 200_000  # of a zip or a folder, programs or not
MAX_IMPORT_BYTES = 512 << 20  # of all programs together, and of a file that is read whole
MAX_NAME_CHARS = 80
MAX_PARAMETERS = 200
SOURCE_SUFFIX = ".rb"
TABLE_SUFFIXES = (".csv", ".tsv", ".parquet")
SUPPORTED_INPUTS = (
    f"a folder, a {SOURCE_SUFFIX} file, a .zip of {SOURCE_SUFFIX} files,"
    f" or a {' or '.join(TABLE_SUFFIXES)} table"
)


@dataclass
class ImportResult:
    """Programs that were read, and what was skipped.

    Attributes
    ----------
    programs : list of (str, Program)
        Each program with its place: the file, or the row of a table.
    skipped : dict of str to str
        The reason for each place that holds no valid program.
    detected_encodings : dict of str to str
        The encoding of each file that is not UTF-8.
    """

    programs: list[tuple[str, Program]] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    detected_encodings: dict[str, str] = field(default_factory=dict)
    _total_bytes: int = 0

    def add_program_or_record_skip_reason(
        self, where: str, content: bytes | str, metadata: Mapping[str, Any]
    ) -> None:
        """Add one program, or the reason why it is skipped.

        Parameters
        ----------
        where : str
            The file, or the row of a table.
        content : bytes or str
        metadata : mapping
            Values by a key of `COLUMN_PARSERS`; "name" is required.

        Raises
        ------
        EarshotError
            If all programs together exceed the limits.
        """
        encoded = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
        size = len(encoded)
        self._total_bytes += size
        if self._total_bytes > MAX_IMPORT_BYTES or len(self.programs) >= MAX_IMPORT_PROGRAMS:
            raise make_import_too_large_error(where)
        try:
            if size > MAX_SOURCE_BYTES:
                raise ValueError(f"it has {size / (1 << 20):.1f} MiB; a program has at most 1")
            source, encoding = decode_text_bytes(content)
            if encoding:
                self.detected_encodings[where] = encoding
            self.programs.append((where, _build_program_from_metadata(source, metadata)))
        except ValueError as error:
            self.skipped[where] = f"{error}."


def read_imported_programs(
    path_or_bytes: str | Path | bytes, file_name: str | None = None
) -> ImportResult:
    """Read all programs of a folder, a zip, a table or a single file.

    Parameters
    ----------
    path_or_bytes : str, Path or bytes
        The path of a folder or file, or the content of a file.
    file_name : str, optional
        Name of the file, required with bytes. Its suffix decides how it is read.

    Raises
    ------
    EarshotError
        If programs cannot be read from it, it is damaged, or it exceeds the limits.

    Examples
    --------
    >>> result = read_imported_programs(b"play 60", "note.rb")
    >>> [(where, program.name) for where, program in result.programs]
    [('note.rb', 'note')]
    """
    result = ImportResult()
    if isinstance(path_or_bytes, bytes):
        _read_programs_from_bytes(path_or_bytes, file_name or "", result)
    else:
        path = Path(path_or_bytes).expanduser()
        if path.is_dir():
            _read_programs_from_folder(path, result)
        else:
            _read_programs_from_bytes(
                read_file_bytes_within_import_limit(path), file_name or path.name, result
            )
    return result


def read_file_bytes_within_import_limit(path: Path) -> bytes:
    """Return the content of a regular file of at most `MAX_IMPORT_BYTES`.

    Raises
    ------
    EarshotError
        If it is anything else or cannot be read.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise EarshotError("It is neither a file nor a folder.", where=str(path))
        if status.st_size > MAX_IMPORT_BYTES:
            raise make_import_too_large_error(str(path))
        return path.read_bytes()
    except OSError as error:
        raise EarshotError(f"It cannot be read ({error.strerror}).", where=str(path)) from error


def _read_programs_from_bytes(content: bytes, file_name: str, result: ImportResult) -> None:
    if len(content) > MAX_IMPORT_BYTES:
        raise make_import_too_large_error(file_name)
    suffix = PurePosixPath(file_name.replace("\\", "/")).suffix.lower()
    readers = {
        ".zip": _read_programs_from_zip,
        ".csv": _read_programs_from_csv,
        ".tsv": _read_programs_from_csv,  # The delimiter is detected.
        ".parquet": _read_programs_from_parquet,
    }
    if suffix == SOURCE_SUFFIX:
        result.add_program_or_record_skip_reason(
            file_name, content, {"name": _get_file_stem(file_name)}
        )
    elif suffix in readers:
        readers[suffix](content, file_name, result)
    else:
        raise EarshotError(
            f"No programs can be read from {file_name[:80]!r}.", remedy=f"Give {SUPPORTED_INPUTS}."
        )


def _read_programs_from_folder(folder: Path, result: ImportResult) -> None:
    root = folder.resolve()
    entry_count = 0
    for parent, subfolders, files in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        entry_count += len(files)
        if entry_count > MAX_IMPORT_ENTRIES:
            raise make_import_too_large_error(str(folder))
        for file in sorted(files):
            path = Path(parent) / file
            if path.suffix.lower() == SOURCE_SUFFIX and not file.startswith("."):
                _read_program_file(path, root, result)


def _read_program_file(path: Path, root_folder: Path, result: ImportResult) -> None:
    where = str(path.relative_to(root_folder))
    try:
        if not path.resolve().is_relative_to(root_folder):
            result.skipped[where] = "it is a link to something outside the folder."
            return
        if not stat.S_ISREG(path.stat().st_mode):
            result.skipped[where] = "it is not a regular file."
            return
        with path.open("rb") as handle:
            content = handle.read(MAX_SOURCE_BYTES + 1)
    except OSError as error:
        result.skipped[where] = f"it cannot be read ({error.strerror})."
        return
    result.add_program_or_record_skip_reason(where, content, {"name": _get_file_stem(where)})


def _read_programs_from_zip(content: bytes, file_name: str, result: ImportResult) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if len(members) > MAX_IMPORT_ENTRIES:
                raise make_import_too_large_error(file_name)
            for member in members:
                _read_program_from_zip_member(archive, member, result)
    except (zipfile.BadZipFile, NotImplementedError, UnicodeError) as error:
        raise EarshotError(f"The zip is damaged ({error}).", where=file_name) from error


def _read_program_from_zip_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, result: ImportResult
) -> None:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    is_hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts if part != "..")
    if member.is_dir() or path.suffix.lower() != SOURCE_SUFFIX or is_hidden:
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
                # No more than this is unpacked, whatever size the zip claims.
                content = handle.read(MAX_SOURCE_BYTES + 1)
        except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError) as error:
            result.skipped[where] = f"it is damaged ({error})."
        except Exception as error:  # zlib and lzma raise errors of their own.
            result.skipped[where] = f"it is damaged ({type(error).__name__})."
        else:
            result.add_program_or_record_skip_reason(
                where, content, {"name": _get_file_stem(where)}
            )


def _read_programs_from_csv(content: bytes, file_name: str, result: ImportResult) -> None:
    text, encoding = decode_csv_bytes(content, file_name)
    if encoding:
        result.detected_encodings[file_name] = encoding
    columns, rows = parse_csv_text(text, file_name)
    _require_source_column(columns, file_name)
    _add_programs_from_rows(rows, file_name, result)


def _read_programs_from_parquet(content: bytes, file_name: str, result: ImportResult) -> None:
    columns = read_parquet_columns(content, file_name)
    _require_source_column(columns, file_name)
    needed_columns = ["source", *(name for name in COLUMN_PARSERS if name in columns)]
    rows = iterate_parquet_rows(
        content, file_name, needed_columns, MAX_IMPORT_PROGRAMS, MAX_IMPORT_BYTES
    )
    _add_programs_from_rows(rows, file_name, result)


def _require_source_column(columns: Sequence[str], file_name: str) -> None:
    for name in ("source", *COLUMN_PARSERS):
        if list(columns).count(name) > 1:
            raise EarshotError(
                f"The table has more than one column {name!r}.",
                where=file_name,
                remedy="Rename or remove all of them but one.",
            )
    if "source" not in columns:
        raise EarshotError(
            "The table has no column 'source'.",
            where=file_name,
            remedy="Put the code of each program into a column of that name.",
        )


def _add_programs_from_rows(
    rows: Iterable[Mapping[str, Any]], file_name: str, result: ImportResult
) -> None:
    for number, row in enumerate(rows, 1):
        where = f"{file_name}, row {number}"
        source = row.get("source")
        if problem := describe_surplus_fields(row):
            result.skipped[where] = f"{problem}."
            continue
        if not isinstance(source, str):
            is_missing = source is None
            result.skipped[where] = (
                "it has no source." if is_missing else "the column 'source' holds no text."
            )
            continue
        metadata = {key: row[key] for key in COLUMN_PARSERS if row.get(key) not in (None, "")}
        metadata.setdefault("name", f"{_get_file_stem(file_name)}-{number:04d}")
        result.add_program_or_record_skip_reason(where, source, metadata)


def _build_program_from_metadata(source: str, metadata: Mapping[str, Any]) -> Program:
    if not source.strip():
        raise ValueError("it is empty")
    values = {key: COLUMN_PARSERS[key](value) for key, value in metadata.items()}
    return Program(source, **values)


def _get_file_stem(file_name: str) -> str:
    return PurePosixPath(file_name.replace("\\", "/")).stem


def _clean_program_name(value: Any) -> str:
    text = "".join(c if c.isprintable() and c not in "/\\" else " " for c in str(value))
    return " ".join(text.split())[:MAX_NAME_CHARS] or "program"


def _clean_template_id(value: Any) -> str:
    return value if isinstance(value, str) and workspace.NAME_PATTERN.match(value) else ""


def _clean_program_role(value: Any) -> str:
    return value if value in PROGRAM_ROLES else ""


def _parse_seed_or_none(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < 2**63 else None


def _parse_parameters_json(value: Any) -> dict[str, Any]:
    """Return the parameters of a JSON object with plain values; of anything else, none."""
    try:
        parameters = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return {}
    if not isinstance(parameters, Mapping) or len(parameters) > MAX_PARAMETERS:
        return {}
    is_plain = all(
        isinstance(key, str) and _is_storable_scalar(item) for key, item in parameters.items()
    )
    return dict(parameters) if is_plain else {}


def _is_storable_scalar(value: Any) -> bool:
    """Return whether a value is a text, a truth value, or a number that SQLite can hold."""
    if isinstance(value, (int, float)):
        return value == value and abs(value) < 2**63  # NaN differs from itself.
    return isinstance(value, str)


# Columns that are read besides the source. A value that cannot be used counts as missing.
COLUMN_PARSERS: dict[str, Callable[[Any], Any]] = {
    "name": _clean_program_name,
    "template": _clean_template_id,
    "role": _clean_program_role,
    "seed": _parse_seed_or_none,
    "parameters": _parse_parameters_json,
}


def make_import_too_large_error(where: str) -> EarshotError:
    """Return the error to raise when an import exceeds the limits."""
    return EarshotError(
        f"It holds more than {MAX_IMPORT_BYTES >> 20} MiB, {MAX_IMPORT_PROGRAMS:,} programs or"
        f" {MAX_IMPORT_ENTRIES:,} files.",
        where=where,
        remedy="Import it in parts.",
    )
