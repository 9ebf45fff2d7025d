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
from core.corpus.csv_table import csv_table
from core.corpus.parquet import columns_of, rows_of
from core.errors import EarshotError
from core.programs.template_header import ROLES
from core.programs.program import Program
from core.sonicpi.limits import MOST_SOURCE_BYTES

MOST_PROGRAMS = 100_000
MOST_ENTRIES = 200_000  # of a zip or a folder, programs or not
MOST_BYTES = 512 << 20  # of all programs together, and of a file that is read whole
MOST_NAME = 80  # characters
MOST_PARAMETERS = 200
SUFFIX = ".rb"
TABLES = (".csv", ".parquet")
KINDS = f"a folder, a {SUFFIX} file, a .zip of {SUFFIX} files, or a {' or '.join(TABLES)} table"
# Beginning of a text in an encoding other than UTF-8 that says so itself.
MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass
class Intake:
    """What was found outside.

    Attributes
    ----------
    programs : list of (where, Program)
        `where` is the file, or the row of a table.
    skipped : dict of where to str
        What could not be taken, and why.
    recoded : dict of where to str
        Files that are not UTF-8, and as what they were read.
    """

    programs: list[tuple[str, Program]] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    recoded: dict[str, str] = field(default_factory=dict)
    _bytes: int = 0

    def take(self, where: str, content: bytes | str, facts: Mapping[str, Any]) -> None:
        """Add one program, or the reason why it is none."""
        size = (
            len(content) if isinstance(content, bytes) else len(content.encode("utf-8", "replace"))
        )
        self._bytes += size
        if self._bytes > MOST_BYTES or len(self.programs) >= MOST_PROGRAMS:
            raise too_much(where)
        try:
            if size > MOST_SOURCE_BYTES:
                raise ValueError(f"it has {size / (1 << 20):.1f} MiB; a program has at most 1")
            source, encoding = text_of(content)
            if encoding:
                self.recoded[where] = encoding
            self.programs.append((where, _program(source, facts)))
        except ValueError as error:
            self.skipped[where] = f"{error}."


def read(what: str | Path | bytes, name: str | None = None) -> Intake:
    """Read programs.

    Parameters
    ----------
    what : str, Path or bytes
        The path of a folder or file, or a file's content.
    name : str, optional
        The file's name; needed with bytes. Its suffix says what it is.

    Raises
    ------
    EarshotError
        When it is nothing that programs can be read from, is damaged, or holds
        more than the limits.
    """
    found = Intake()
    if isinstance(what, bytes):
        _read_content(what, name or "", found)
    else:
        path = Path(what).expanduser()
        if path.is_dir():
            _read_folder(path, found)
        else:
            _read_content(bytes_of(path), name or path.name, found)
    return found


def bytes_of(path: Path) -> bytes:
    """A file's content, if it is an ordinary file of at most `MOST_BYTES`."""
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise EarshotError("It is no file and no folder.", where=str(path))
        if state.st_size > MOST_BYTES:
            raise too_much(str(path))
        return path.read_bytes()
    except OSError as error:
        raise EarshotError(f"It cannot be read ({error.strerror}).", where=str(path)) from error


def _read_content(content: bytes, name: str, found: Intake) -> None:
    if len(content) > MOST_BYTES:
        raise too_much(name)
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    readers = {".zip": _read_zip, ".csv": _read_csv, ".parquet": _read_parquet}
    if suffix == SUFFIX:
        found.take(name, content, {"name": _stem(name)})
    elif suffix in readers:
        readers[suffix](content, name, found)
    else:
        raise EarshotError(f"No programs can be read from {name[:80]!r}.", remedy=f"Give {KINDS}.")


def _read_folder(folder: Path, found: Intake) -> None:
    root = folder.resolve()
    seen = 0
    for top, folders, files in os.walk(root):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        seen += len(files)
        if seen > MOST_ENTRIES:
            raise too_much(str(folder))
        for file in sorted(files):
            path = Path(top) / file
            if path.suffix.lower() == SUFFIX and not file.startswith("."):
                _read_file(path, root, found)


def _read_file(path: Path, root: Path, found: Intake) -> None:
    where = str(path.relative_to(root))
    try:
        if not path.resolve().is_relative_to(root):
            found.skipped[where] = "it is a link to something outside the folder."
            return
        if not stat.S_ISREG(path.stat().st_mode):
            found.skipped[where] = "it is no ordinary file."
            return
        with path.open("rb") as handle:
            content = handle.read(MOST_SOURCE_BYTES + 1)
    except OSError as error:
        found.skipped[where] = f"it cannot be read ({error.strerror})."
        return
    found.take(where, content, {"name": _stem(where)})


def _read_zip(content: bytes, name: str, found: Intake) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if len(members) > MOST_ENTRIES:
                raise too_much(name)
            for member in members:
                _read_member(archive, member, found)
    except (zipfile.BadZipFile, NotImplementedError, UnicodeError) as error:
        raise EarshotError(f"The zip is damaged ({error}).", where=name) from error


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, found: Intake) -> None:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts if part != "..")
    if member.is_dir() or path.suffix.lower() != SUFFIX or hidden:
        return
    where = str(path)
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        found.skipped[where] = "its path leads out of the zip."
    elif stat.S_ISLNK(member.external_attr >> 16):
        found.skipped[where] = "it is a link."
    elif member.flag_bits & 1:
        found.skipped[where] = "it is encrypted."
    else:
        try:
            with archive.open(member) as handle:
                # No more than this is ever unpacked, whatever size the zip claims.
                unpacked = handle.read(MOST_SOURCE_BYTES + 1)
        except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError) as error:
            found.skipped[where] = f"it is damaged ({error})."
        except Exception as error:  # zlib and lzma raise errors of their own
            found.skipped[where] = f"it is damaged ({type(error).__name__})."
        else:
            found.take(where, unpacked, {"name": _stem(where)})


def _read_csv(content: bytes, name: str, found: Intake) -> None:
    try:
        text, encoding = text_of(content)
    except ValueError as error:
        raise EarshotError(f"The table cannot be read: {error}.", where=name) from error
    if encoding:
        found.recoded[name] = encoding
    columns, rows = csv_table(text, name)
    _require_source(columns, name)
    _take_rows(rows, name, found)


def _read_parquet(content: bytes, name: str, found: Intake) -> None:
    there = columns_of(content, name)
    _require_source(there, name)
    wanted = ["source", *(each for each in FACTS if each in there)]
    _take_rows(rows_of(content, name, wanted, MOST_PROGRAMS, MOST_BYTES), name, found)


def _require_source(columns: Iterable[str], name: str) -> None:
    if "source" not in columns:
        raise EarshotError(
            "The table has no column 'source'.",
            where=name,
            remedy="Put each program's code into a column of that name.",
        )


def _take_rows(rows: Iterable[Mapping[str, Any]], name: str, found: Intake) -> None:
    for number, row in enumerate(rows, 1):
        where = f"{name}, row {number}"
        source = row.get("source")
        if not isinstance(source, str):
            found.skipped[where] = "it has no source."
            continue
        facts = {key: row[key] for key in FACTS if row.get(key) not in (None, "")}
        facts.setdefault("name", f"{_stem(name)}-{number:04d}")
        found.take(where, source, facts)


def text_of(content: bytes | str) -> tuple[str, str]:
    """A program's text and, if it was not UTF-8, what it was read as."""
    encoding = ""
    if isinstance(content, bytes):
        encoding = next((MARKS[mark] for mark in MARKS if content.startswith(mark)), "")
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


def _program(source: str, facts: Mapping[str, Any]) -> Program:
    if not source.strip():
        raise ValueError("it is empty")
    return Program(source, **{key: FACTS[key](value) for key, value in facts.items()})


def _stem(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).stem


def _name(value: Any) -> str:
    text = "".join(c if c.isprintable() and c not in "/\\" else " " for c in str(value))
    return " ".join(text.split())[:MOST_NAME] or "program"


def _template(value: Any) -> str:
    return value if isinstance(value, str) and workspace.NAME.match(value) else ""


def _role(value: Any) -> str:
    return value if value in ROLES else ""


def _seed(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < 2**63 else None


def _parameters(value: Any) -> dict[str, Any]:
    """A JSON object's plain values; anything else is none of a template's."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, Mapping) or len(found) > MOST_PARAMETERS:
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
FACTS = {
    "name": _name,
    "template": _template,
    "role": _role,
    "seed": _seed,
    "parameters": _parameters,
}


def too_much(where: str) -> EarshotError:
    """What to raise when there is more than the limits."""
    return EarshotError(
        f"It holds more than {MOST_BYTES >> 20} MiB, {MOST_PROGRAMS:,} programs or"
        f" {MOST_ENTRIES:,} files.",
        where=where,
        remedy="Import it in parts.",
    )
