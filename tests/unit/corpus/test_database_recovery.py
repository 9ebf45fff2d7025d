"""Every readable row of a damaged database is recovered."""

import random

import numpy as np
import pytest

from core.corpus import Corpus, database_recovery
from core.corpus.database_schema import PAGE_SIZE_BYTES
from core.errors import EarshotError
from core.programs import Program


@pytest.fixture
def corpus(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """Return a corpus of 600 programs with embeddings, on some dozens of pages."""
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    corpus = Corpus.create("tiny", seconds=2.0)
    corpus.add_programs(
        [Program(f"# {'x' * 300}\nplay {n}", f"p{n}", "t", parameters={"n": n}) for n in range(600)]
    )
    ids = list(corpus.load_programs()["program"])
    corpus.store_embeddings("sonicpi", "1", ids, np.ones((600, 16), np.float32))
    corpus.close()
    return corpus


def pages_of(corpus: Corpus, table: str) -> list[int]:
    """Return the page numbers of a table."""
    with corpus._database.open_read_transaction() as connection:
        try:
            rows = connection.execute(
                "SELECT pageno FROM dbstat WHERE name = ?", (table,)
            ).fetchall()
        except Exception:  # SQLite was built without dbstat.
            pytest.skip("this SQLite does not report the pages of a table")
    corpus.close()
    return [page for (page,) in rows]


def damage(corpus: Corpus, page: int) -> None:
    path = corpus.path / "corpus.sqlite"
    content = bytearray(path.read_bytes())
    start = (page - 1) * PAGE_SIZE_BYTES
    content[start : start + 400] = random.Random(page).randbytes(400)
    path.write_bytes(content)


def test_rows_on_intact_pages_are_recovered(corpus: Corpus):
    before = corpus.load_programs().set_index("program")
    corpus.close()
    damage(corpus, pages_of(corpus, "programs")[7])
    with pytest.raises(EarshotError, match="damaged"):
        Corpus.open("tiny").load_programs()
    report = Corpus.recover_database_if_damaged("tiny")
    assert 500 < report.recovered_count < 600 and 0 < report.lost_count < 100
    after = Corpus.open("tiny").load_programs().set_index("program")
    columns = ["name", "template", "source", "split"]
    assert after[columns].equals(before.loc[after.index, columns])
    assert (after["parameters"] == before.loc[after.index, "parameters"]).all()
    assert Corpus.open("tiny").settings["seconds"] == 2.0
    # The damaged database is preserved, and lost programs can be added repaired.
    assert report.damaged_copy_path.exists() and Corpus.recover_database_if_damaged("tiny") is None
    programs = [Program(row.source, row.name, "t") for row in before.itertuples()]
    assert Corpus.open("tiny").add_programs(programs) == 600 - report.recovered_count


def test_damaged_embeddings_lose_no_program(corpus: Corpus):
    damage(corpus, pages_of(corpus, "embeddings")[2])
    report = Corpus.recover_database_if_damaged("tiny")
    assert (report.recovered_count, report.lost_count) == (
        600,
        0,
    ) and "600 programs were recovered" in str(report)
    assert Corpus.open("tiny").count_embeddings_by_encoder() == []


def test_a_damaged_index_is_built_again_and_nothing_is_lost(corpus: Corpus):
    path = corpus.path / "corpus.sqlite"
    content = bytearray(path.read_bytes())
    start = pages_of(corpus, "programs_of_template")[-1] * PAGE_SIZE_BYTES
    content[start - 12] ^= 0x40  # in an entry start the end of the page
    path.write_bytes(content)
    assert database_recovery.is_database_damaged(path)
    assert Corpus.recover_database_if_damaged("tiny") is None
    assert not database_recovery.is_database_damaged(path)
    repaired = Corpus.open("tiny")
    assert (
        len(repaired.load_programs()) == 600 and len(repaired.load_embeddings("sonicpi")[0]) == 600
    )


def test_nothing_is_changed_if_the_settings_are_lost(corpus: Corpus):
    (page,) = pages_of(corpus, "meta")
    damage(corpus, page)
    before = (corpus.path / "corpus.sqlite").read_bytes()
    with pytest.raises(EarshotError, match="Too little") as error_info:
        Corpus.recover_database_if_damaged("tiny")
    assert "build the corpus again" in error_info.value.remedy
    assert (corpus.path / "corpus.sqlite").read_bytes() == before
    assert sorted(p.name for p in corpus.path.iterdir() if p.name.startswith(".")) == []
