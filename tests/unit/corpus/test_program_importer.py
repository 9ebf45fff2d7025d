"""Programs from outside: what is good is taken, what is not costs only itself."""

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

from core.corpus import Corpus, program_importer, parquet
from core.errors import EarshotError
from core.pipeline.build import ClipFormat
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


def names(found: program_importer.ImportResult) -> list[str]:
    return [program.name for _, program in found.programs]


def sources(found: program_importer.ImportResult) -> list[str]:
    return [program.source for _, program in found.programs]


def test_a_folder_is_read_in_order_with_those_below_and_nothing_hidden(tmp_path):
    folder = tmp_path / "songs"
    (folder / "b").mkdir(parents=True)
    (folder / ".git").mkdir()
    for name in ("z.rb", "a.RB", "b/m.rb", ".hidden.rb", ".git/x.rb", "notes.txt"):
        (folder / name).write_text(f"# {name}\n{BEEP}")
    assert names(program_importer.read_programs(folder)) == ["a", "z", "m"]


def test_links_out_of_a_folder_and_what_is_no_file_are_left_out(tmp_path):
    folder = tmp_path / "songs"
    folder.mkdir()
    (tmp_path / "secret.rb").write_text("# secret\n")
    (folder / "leads_out.rb").symlink_to(tmp_path / "secret.rb")
    (folder / "good.rb").write_text(BEEP)
    (folder / "again.rb").symlink_to(folder / "good.rb")
    (folder / "lost.rb").symlink_to(folder / "gone.rb")
    (folder / "room.rb").mkdir()
    os.mkfifo(folder / "pipe.rb")  # reading it would wait for ever
    found = program_importer.read_programs(folder)
    assert names(found) == ["again", "good"]
    assert set(found.skipped) == {"leads_out.rb", "lost.rb", "pipe.rb"}
    assert "outside" in found.skipped["leads_out.rb"]


def test_no_path_in_a_zip_leads_out_of_it(tmp_path):
    slips = ["../up.rb", "/etc/root.rb", "a/../../b.rb", "C:/windows.rb", "..\\back.rb"]
    found = program_importer.read_programs(
        zipped({**dict.fromkeys(slips, BEEP), "good/x.rb": BEEP}), "songs.zip"
    )
    assert names(found) == ["x"] and len(found.skipped) == len(slips)
    assert all("leads out" in why for why in found.skipped.values())


def test_a_bomb_is_never_unpacked():
    content = zipped({"bomb.rb": b"#" * (64 << 20), "good.rb": BEEP})
    assert len(content) < 1 << 20
    found = program_importer.read_programs(content, "songs.zip")
    assert names(found) == ["good"] and "at most 1" in found.skipped["bomb.rb"]
    assert found._total_bytes < 3 << 20


def test_many_that_are_together_too_much_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(program_importer, "MAX_IMPORT_BYTES", 10_000)
    content = zipped({f"{n}.rb": f"# {n}\n" + "#" * 3000 for n in range(9)})
    assert len(content) < 10_000
    with pytest.raises(EarshotError, match="holds more than"):
        program_importer.read_programs(content, "songs.zip")
    with pytest.raises(EarshotError, match="holds more than"):
        program_importer.read_programs(b"#" * 10_001, "x.rb")


@pytest.mark.parametrize("limit", ["MAX_IMPORT_PROGRAMS", "MAX_IMPORT_ENTRIES"])
def test_more_programs_or_files_than_the_limit_are_refused(
    limit, monkeypatch: pytest.MonkeyPatch, tmp_path
):
    monkeypatch.setattr(program_importer, limit, 3)
    files = {f"{n}.rb": f"# {n}\n{BEEP}" for n in range(4)}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    for what, name in ((zipped(files), "x.zip"), (tmp_path, None)):
        with pytest.raises(EarshotError, match="holds more than"):
            program_importer.read_programs(what, name)


def test_links_and_encrypted_files_in_a_zip_are_left_out():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("link.rb")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("locked.rb", BEEP)
    content = bytearray(buffer.getvalue())
    # The bit that says so, in the central directory's second entry.
    at = content.rindex(b"PK\x01\x02") + 8
    content[at] |= 1
    found = program_importer.read_programs(bytes(content), "songs.zip")
    assert found.programs == [] and "link" in found.skipped["link.rb"]
    assert "encrypted" in found.skipped["locked.rb"]


def test_a_damaged_file_in_a_zip_costs_only_itself():
    content = bytearray(zipped({"bad.rb": "# one" + BEEP, "good.rb": BEEP}, zipfile.ZIP_STORED))
    content[content.index(b"# one") + 2] ^= 0xFF
    found = program_importer.read_programs(bytes(content), "songs.zip")
    assert names(found) == ["good"] and "damaged" in found.skipped["bad.rb"]


@pytest.mark.parametrize(
    ("content", "source", "encoding"),
    [
        ("# für\r\nplay 60\r".encode(), "# für\nplay 60\n", None),
        (b"\xef\xbb\xbf" + "# für\n".encode(), "# für\n", None),
        ("# für\n".encode("utf-16"), "# für\n", "utf-16"),
        ("# für\n".encode("latin-1"), "# für\n", "latin-1"),
    ],
)
def test_encodings_and_line_ends_are_made_one(content, source, encoding):
    found = program_importer.read_programs(content, "x.rb")
    assert sources(found) == [source] and found.detected_encodings.get("x.rb") == encoding


@pytest.mark.parametrize("content", [b"", b" \n\n", b"\x7fELF\0\0\1", b"\xff\xfe\xd8\xd8\xd8"])
def test_what_is_no_program_is_left_out_with_a_reason(content):
    found = program_importer.read_programs(content, "x.rb")
    assert found.programs == [] and found.skipped["x.rb"].startswith("it ")


def test_a_table_of_either_kind_is_read_alike(tmp_path):
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
        found = program_importer.read_programs(tmp_path / f"t.{kind}")
        programs = [program for _, program in found.programs]
        assert [each.name for each in programs] == ["first", "a .. b", "t-0004"]
        assert [each.seed for each in programs] == [3, None, -1]
        assert [dict(each.parameters) for each in programs] == [{"note": 60}, {}, {}]
        assert [each.template for each in programs] == ["beeps", "", "x"]
        assert list(found.skipped) == [f"t.{kind}, row 3"]


def test_a_text_that_is_too_long_is_never_made_and_costs_only_its_rows(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(parquet, "MAX_TEXT_BYTES", 10_000)
    long = "#" * 10_001
    rows = pd.DataFrame({"source": [long] * 500 + [BEEP], "name": [long] * 500 + ["short"]})
    buffer = io.BytesIO()
    rows.to_parquet(buffer)
    assert len(buffer.getvalue()) < 10_000  # what repeats takes no room
    found = program_importer.read_programs(buffer.getvalue(), "x.parquet")
    assert names(found) == ["short"] and len(found.skipped) == 500


def test_a_parquet_that_unfolds_to_more_than_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch):
    buffer = io.BytesIO()
    pd.DataFrame({"source": [f"play {i}\n" + "#" * 3000 for i in range(500)]}).to_parquet(buffer)
    assert len(program_importer.read_programs(buffer.getvalue(), "x.parquet").programs) == 500
    monkeypatch.setattr(program_importer, "MAX_IMPORT_BYTES", 1 << 20)
    with pytest.raises(EarshotError, match="more than"):
        program_importer.read_programs(buffer.getvalue(), "x.parquet")


def test_a_parquet_with_nested_texts_or_two_columns_of_a_name_is_read_or_refused():
    nested = pa.table({"source": [BEEP], "parameters": [{"a": "x"}], "name": [["a"]]})
    doubled = pa.Table.from_arrays([pa.array([BEEP])] * 2, names=["source", "source"])
    for table, told in ((nested, None), (doubled, "more than one column")):
        buffer = io.BytesIO()
        pq.write_table(table, buffer)
        if told:
            with pytest.raises(EarshotError, match=told):
                program_importer.read_programs(buffer.getvalue(), "x.parquet")
        else:
            ((_, program),) = program_importer.read_programs(
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
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(name, content):
    with pytest.raises(EarshotError):
        program_importer.read_programs(content, name)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_content_whatever_raises_anything_but_an_earshot_error(data):
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
        found = program_importer.read_programs(content, name)
    except EarshotError:
        return
    for program in found.programs:
        assert program[1].source.strip() and "\0" not in program[1].source


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=120), st.text(max_size=40))
def test_every_name_becomes_one_that_a_file_system_bears(name, template):
    given = pd.DataFrame({"source": [BEEP], "name": [name], "template": [template]})
    found = program_importer.ImportResult()
    program_importer._add_table_rows(given.to_dict("records"), "t.csv", found)
    program = found.programs[0][1]
    assert 0 < len(program.name) <= 80 and program.name.isprintable()
    assert "/" not in program.name and "/" not in program.template


def test_an_import_reports_duplicates_and_gives_a_second_of_a_name_another(workspace):
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
    entry = corpus.settings["imports"]
    assert [(each["from"], each["programs"], each["licence"]) for each in entry] == [
        ("songs.zip", 2, "CC0")
    ]


def test_an_import_of_nothing_makes_no_corpus(workspace):
    with pytest.raises(EarshotError, match="No program was found"):
        import_programs("mine", zipped({"notes.txt": "x"}), "songs.zip")
    assert not (workspace / "workspace" / "corpora").exists()
