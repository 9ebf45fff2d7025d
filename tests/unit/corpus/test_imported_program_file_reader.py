"""Untrusted programs are read; anything invalid is skipped with a reason or refused."""

from __future__ import annotations

import io
import os
import stat
import zipfile

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq

from core.corpus import Corpus, imported_program_file_reader, untrusted_parquet
from core.errors import EarshotError
from core.pipeline.generate_render_and_embed_corpus import ClipFormat
from core.pipeline.import_programs import import_programs

BEEP = "play 60\nsleep 1\n"


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "workspace"))
    return tmp_path


def zipped(files: dict[str, bytes | str], compression=zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def names(result: imported_program_file_reader.ImportResult) -> list[str]:
    return [program.name for _, program in result.programs]


def sources(result: imported_program_file_reader.ImportResult) -> list[str]:
    return [program.source for _, program in result.programs]


def test_a_folder_is_read_in_order_with_subfolders_and_without_hidden_files(tmp_path):
    folder = tmp_path / "songs"
    (folder / "b").mkdir(parents=True)
    (folder / ".git").mkdir()
    for name in ("z.rb", "a.RB", "b/m.rb", ".hidden.rb", ".git/x.rb", "notes.txt"):
        (folder / name).write_text(f"# {name}\n{BEEP}")
    assert names(imported_program_file_reader.read_imported_programs(folder)) == ["a", "z", "m"]


def test_links_out_of_a_folder_and_special_files_are_skipped(tmp_path):
    folder = tmp_path / "songs"
    folder.mkdir()
    (tmp_path / "secret.rb").write_text("# secret\n")
    (folder / "leads_out.rb").symlink_to(tmp_path / "secret.rb")
    (folder / "good.rb").write_text(BEEP)
    (folder / "again.rb").symlink_to(folder / "good.rb")
    (folder / "lost.rb").symlink_to(folder / "gone.rb")
    (folder / "room.rb").mkdir()
    os.mkfifo(folder / "pipe.rb")  # Reading it would block forever.
    result = imported_program_file_reader.read_imported_programs(folder)
    assert names(result) == ["again", "good"]
    assert set(result.skipped) == {"leads_out.rb", "lost.rb", "pipe.rb"}
    assert "outside" in result.skipped["leads_out.rb"]


def test_no_path_in_a_zip_leads_out_of_it(tmp_path):
    escaping_paths = ["../up.rb", "/etc/root.rb", "a/../../b.rb", "C:/windows.rb", "..\\back.rb"]
    result = imported_program_file_reader.read_imported_programs(
        zipped({**dict.fromkeys(escaping_paths, BEEP), "good/x.rb": BEEP}), "songs.zip"
    )
    assert names(result) == ["x"] and len(result.skipped) == len(escaping_paths)
    assert all("leads out" in reason for reason in result.skipped.values())


def test_a_zip_bomb_is_not_unpacked():
    content = zipped({"bomb.rb": b"#" * (64 << 20), "good.rb": BEEP})
    assert len(content) < 1 << 20
    result = imported_program_file_reader.read_imported_programs(content, "songs.zip")
    assert names(result) == ["good"] and "at most 1" in result.skipped["bomb.rb"]
    assert result._total_bytes < 3 << 20


def test_programs_that_are_too_large_together_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(imported_program_file_reader, "MAX_IMPORT_BYTES", 10_000)
    content = zipped({f"{n}.rb": f"# {n}\n" + "#" * 3000 for n in range(9)})
    assert len(content) < 10_000
    with pytest.raises(EarshotError, match="holds more than"):
        imported_program_file_reader.read_imported_programs(content, "songs.zip")
    with pytest.raises(EarshotError, match="holds more than"):
        imported_program_file_reader.read_imported_programs(b"#" * 10_001, "x.rb")


@pytest.mark.parametrize("limit", ["MAX_IMPORT_PROGRAMS", "MAX_IMPORT_ENTRIES"])
def test_more_programs_or_files_than_the_limit_are_refused(
    limit, monkeypatch: pytest.MonkeyPatch, tmp_path
):
    monkeypatch.setattr(imported_program_file_reader, limit, 3)
    files = {f"{n}.rb": f"# {n}\n{BEEP}" for n in range(4)}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    for path_or_bytes, name in ((zipped(files), "x.zip"), (tmp_path, None)):
        with pytest.raises(EarshotError, match="holds more than"):
            imported_program_file_reader.read_imported_programs(path_or_bytes, name)


def test_links_and_encrypted_files_in_a_zip_are_skipped():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("link.rb")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("locked.rb", BEEP)
    content = bytearray(buffer.getvalue())
    # The encryption bit of the second entry in the central directory.
    at = content.rindex(b"PK\x01\x02") + 8
    content[at] |= 1
    result = imported_program_file_reader.read_imported_programs(bytes(content), "songs.zip")
    assert result.programs == [] and "link" in result.skipped["link.rb"]
    assert "encrypted" in result.skipped["locked.rb"]


def test_a_damaged_file_in_a_zip_is_skipped():
    content = bytearray(zipped({"bad.rb": "# one" + BEEP, "good.rb": BEEP}, zipfile.ZIP_STORED))
    content[content.index(b"# one") + 2] ^= 0xFF
    result = imported_program_file_reader.read_imported_programs(bytes(content), "songs.zip")
    assert names(result) == ["good"] and "damaged" in result.skipped["bad.rb"]


@pytest.mark.parametrize(
    ("content", "source", "encoding"),
    [
        ("# für\r\nplay 60\r".encode(), "# für\nplay 60\n", None),
        (b"\xef\xbb\xbf" + "# für\n".encode(), "# für\n", None),
        ("# für\n".encode("utf-16"), "# für\n", "utf-16"),
        ("# für\n".encode("latin-1"), "# für\n", "latin-1"),
    ],
)
def test_encodings_and_line_ends_are_unified(content, source, encoding):
    result = imported_program_file_reader.read_imported_programs(content, "x.rb")
    assert sources(result) == [source] and result.detected_encodings.get("x.rb") == encoding


@pytest.mark.parametrize("content", [b"", b" \n\n", b"\x7fELF\0\0\1", b"\xff\xfe\xd8\xd8\xd8"])
def test_content_that_is_not_a_program_is_skipped_with_a_reason(content):
    result = imported_program_file_reader.read_imported_programs(content, "x.rb")
    assert result.programs == [] and result.skipped["x.rb"].startswith("it ")


def test_csv_and_parquet_tables_are_read_alike(tmp_path):
    rows = pd.DataFrame(
        {
            "source": [BEEP, "play 61\n", None, "play 62\n"],
            "name": ["first", "a/../b", "none", ""],
            "seed": [3, 2**80, 1, -1],
            "parameters": ['{"note": 60}', "[1]", "{}", '{"deep": {"a": 1}}'],
            "template": ["beeps", "../up", "", "x"],
        }
    )
    rows["seed"] = rows["seed"].astype(str)
    rows.to_csv(tmp_path / "t.csv", index=False)
    rows.to_parquet(tmp_path / "t.parquet")
    for kind in ("csv", "parquet"):
        result = imported_program_file_reader.read_imported_programs(tmp_path / f"t.{kind}")
        programs = [program for _, program in result.programs]
        assert [program.name for program in programs] == ["first", "a .. b", "t-0004"]
        assert [program.seed for program in programs] == [3, None, -1]
        assert [dict(program.parameters) for program in programs] == [{"note": 60}, {}, {}]
        assert [program.template for program in programs] == ["beeps", "", "x"]
        assert list(result.skipped) == [f"t.{kind}, row 3"]


def test_rows_with_a_text_that_is_too_long_are_skipped(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(untrusted_parquet, "MAX_TEXT_BYTES", 10_000)
    long = "#" * 10_001
    rows = pd.DataFrame({"source": [long] * 500 + [BEEP], "name": [long] * 500 + ["short"]})
    buffer = io.BytesIO()
    rows.to_parquet(buffer)
    assert len(buffer.getvalue()) < 10_000  # Repeated texts take no space.
    result = imported_program_file_reader.read_imported_programs(buffer.getvalue(), "x.parquet")
    assert names(result) == ["short"] and len(result.skipped) == 500


def test_a_parquet_table_that_decompresses_to_more_than_the_limit_is_refused(
    monkeypatch: pytest.MonkeyPatch,
):
    buffer = io.BytesIO()
    pd.DataFrame({"source": [f"play {i}\n" + "#" * 3000 for i in range(500)]}).to_parquet(buffer)
    assert (
        len(
            imported_program_file_reader.read_imported_programs(
                buffer.getvalue(), "x.parquet"
            ).programs
        )
        == 500
    )
    monkeypatch.setattr(imported_program_file_reader, "MAX_IMPORT_BYTES", 1 << 20)
    with pytest.raises(EarshotError, match="more than"):
        imported_program_file_reader.read_imported_programs(buffer.getvalue(), "x.parquet")


def test_nested_texts_are_ignored_and_repeated_column_names_are_refused():
    nested = pa.table({"source": [BEEP], "parameters": [{"a": "x"}], "name": [["a"]]})
    doubled = pa.Table.from_arrays([pa.array([BEEP])] * 2, names=["source", "source"])
    for table, message in ((nested, None), (doubled, "more than one column")):
        buffer = io.BytesIO()
        pq.write_table(table, buffer)
        if message:
            with pytest.raises(EarshotError, match=message):
                imported_program_file_reader.read_imported_programs(buffer.getvalue(), "x.parquet")
        else:
            ((_, program),) = imported_program_file_reader.read_imported_programs(
                buffer.getvalue(), "x.parquet"
            ).programs
            assert (program.name, dict(program.parameters)) == ("x-0001", {})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", b"code,name\nplay 60,a\n"),
        ("x.csv", b'source\n"never closed'),
        ("x.parquet", b"PAR1 no PAR1"),
        ("x.zip", b"PK\x03\x04 no"),
        ("x.exe", b"MZ"),
        ("", b"play 60"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(name, content):
    with pytest.raises(EarshotError):
        imported_program_file_reader.read_imported_programs(content, name)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_arbitrary_content_raises_nothing_but_an_earshot_error(data):
    good = data.draw(
        st.sampled_from([zipped({"a.rb": BEEP, "b/c.rb": "play 61"}), b"source,name\nplay 60,a\n"])
    )
    content = bytearray(good)
    for at, byte in data.draw(
        st.lists(st.tuples(st.integers(0, len(good) - 1), st.integers(0, 255)), max_size=8)
    ):
        content[at] = byte
    content = bytes(content[: data.draw(st.integers(0, len(good)))])
    name = data.draw(st.sampled_from(["x.zip", "x.csv", "x.parquet", "x.rb"]))
    try:
        result = imported_program_file_reader.read_imported_programs(content, name)
    except EarshotError:
        return
    for program in result.programs:
        assert program[1].source.strip() and "\0" not in program[1].source


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=120), st.text(max_size=40))
def test_every_name_becomes_a_valid_file_name(name, template):
    rows = pd.DataFrame({"source": [BEEP], "name": [name], "template": [template]})
    result = imported_program_file_reader.ImportResult()
    imported_program_file_reader._add_programs_from_rows(rows.to_dict("records"), "t.csv", result)
    program = result.programs[0][1]
    assert 0 < len(program.name) <= 80 and program.name.isprintable()
    assert "/" not in program.name and "/" not in program.template


def test_an_import_reports_duplicates_and_renames_equal_names(workspace):
    files = {"a/x.rb": BEEP, "b/x.rb": "play 61\n", "c/y.rb": BEEP, "d.rb": ""}
    report = import_programs(
        "mine", zipped(files), "songs.zip", licence="CC0", clip_format=ClipFormat(1)
    )
    assert (report.programs_read, report.programs_added) == (3, 2)
    assert report.duplicates == {"c/y.rb": "x"} and report.renamed == {"b/x.rb": "x.2"}
    assert list(report.skipped) == ["d.rb"] and "c/y.rb has the same code as x" in str(report)
    again = import_programs("mine", zipped(files), "songs.zip")
    assert again.programs_added == 0 and len(again.duplicates) == 3
    corpus = Corpus.open("mine")
    assert sorted(corpus.load_programs()["name"]) == ["x", "x.2"]
    origins = corpus.settings["imports"]
    assert [(origin["from"], origin["programs"], origin["licence"]) for origin in origins] == [
        ("songs.zip", 2, "CC0")
    ]


def test_an_import_without_programs_creates_no_corpus(workspace):
    with pytest.raises(EarshotError, match="No program was found"):
        import_programs("mine", zipped({"notes.txt": "x"}), "songs.zip")
    assert not (workspace / "workspace" / "corpora").exists()


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_semicolons_and_tabs_separate_columns_too(delimiter):
    content = f'source{delimiter}name\n"play 60, release: 2"{delimiter}a\n'.encode()
    result = imported_program_file_reader.read_imported_programs(content, "programs.csv")
    assert sources(result) == ["play 60, release: 2"] and names(result) == ["a"]


def test_a_row_with_more_fields_than_columns_is_not_cut():
    content = b"source\nplay 60, release: 2\nplay 62\n"
    result = imported_program_file_reader.read_imported_programs(content, "programs.csv")
    assert sources(result) == ["play 62"]
    assert "1 more field than the table has columns" in result.skipped["programs.csv, row 1"]


@pytest.mark.parametrize("type_name", ["string_view", "binary", "large_binary", "binary_view"])
def test_all_parquet_types_of_text_are_read(type_name):
    values = ["play 60", "play 61"] if "string" in type_name else [b"play 60", b"play 61"]
    buffer = io.BytesIO()
    column = pa.array(values, getattr(pa, type_name)())
    pq.write_table(pa.table({"source": column}), buffer)
    result = imported_program_file_reader.read_imported_programs(
        buffer.getvalue(), "programs.parquet"
    )
    assert sources(result) == ["play 60", "play 61"]


def test_bytes_that_are_not_text_are_refused_with_that_reason():
    buffer = io.BytesIO()
    pq.write_table(pa.table({"source": pa.array([b"\xff\xfe\x00"], pa.binary())}), buffer)
    with pytest.raises(EarshotError, match="not UTF-8"):
        imported_program_file_reader.read_imported_programs(buffer.getvalue(), "programs.parquet")


def _read_csv(content: bytes) -> imported_program_file_reader.ImportResult:
    return imported_program_file_reader.read_imported_programs(content, "songs.csv")


def test_a_nul_character_refuses_its_row_and_names_it() -> None:
    result = _read_csv(b'name,source\na,play 60\nb,"play\x00 61"\nc,play 62\n')
    assert sources(result) == ["play 60", "play 62"]
    assert list(result.skipped) == ["songs.csv, row 2"]
    assert "NUL characters" in result.skipped["songs.csv, row 2"]


def test_a_binary_file_is_no_table() -> None:
    with pytest.raises(EarshotError, match="NUL characters"):
        _read_csv(b"\x00\x01source\nplay 60\n")


@pytest.mark.parametrize("column", ["source", "name"])
def test_a_column_that_occurs_twice_is_refused(column: str) -> None:
    with pytest.raises(EarshotError, match=f"more than one column '{column}'"):
        _read_csv(f"name,source,{column}\na,play 60,b\n".encode())
