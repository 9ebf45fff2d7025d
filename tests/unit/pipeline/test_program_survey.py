"""A survey reads every kind of input, renders equal sources once, and resumes from its table."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from core import sonicpi
from core.errors import EarshotError
from core.pipeline.program_survey import SurveyFinding, SurveyOptions, SurveyReport, survey_programs
from core.pipeline.render_outcome_classification import Classification, MissingName
from core.pipeline.survey_findings_csv import open_survey_table, read_survey_table
from core.sonicpi import Clip, RenderProblem, RenderResult

CLIP = Clip(np.full((10, 2), 0.5, np.float32))


class FakeExecutor:
    """Gives a clip to each program with "play", in reverse order, and an error to the others."""

    def __init__(self) -> None:
        self.sources: list[str] = []

    @contextmanager
    def render_programs(
        self, sources: Iterable[str], seconds: float, sonic_pi: str = "3.2"
    ) -> Iterator[Iterator[tuple[int, RenderResult]]]:
        assert seconds > 0 and sonic_pi in ("3.2", "5")
        self.sources = list(sources)
        error = RenderProblem("runtime", "NameError: …", 1, "missing_function", "kick")
        results = [
            RenderResult(CLIP) if "play" in source else RenderResult(None, error)
            for source in self.sources
        ]
        yield reversed(list(enumerate(results)))


@pytest.fixture(autouse=True)
def _use_fake_render_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sonicpi,
        "compute_render_id",
        lambda source, seconds, sonic_pi: f"{source} {seconds} {sonic_pi}",
    )


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    folder = tmp_path / "songs"
    (folder / "later").mkdir(parents=True)
    (folder / "a.rb").write_text("kick 1")
    (folder / "b.rb").write_text("play 60")
    (folder / "later" / "b.rb").write_text("play 60")
    (folder / "empty.rb").write_text(" ")
    (folder / "picture.rb").write_bytes(b"\x89PNG\0\0")
    return folder


def test_every_file_has_a_finding_in_order(songs: Path) -> None:
    report = survey_programs([songs], executor=FakeExecutor())
    outcomes = {
        finding.program: (finding.classification.outcome, finding.classification.cause)
        for finding in report.findings
    }
    assert outcomes == {
        "a.rb": ("failed", "missing_function"),
        "b.rb": ("sound", None),
        "later/b.rb": ("sound", None),
        "empty.rb": ("silent", "no_sound"),
        "picture.rb": ("failed", "unreadable"),
    }
    assert report.count_programs_by_outcome() == {
        "sound": 2,
        "partial": 0,
        "silent": 1,
        "failed": 2,
    }
    assert report.program_count == 5


def test_equal_sources_are_rendered_once(songs: Path) -> None:
    executor = FakeExecutor()
    survey_programs([songs], executor=executor)
    assert executor.sources == ["kick 1", "play 60"]


def test_findings_are_received_as_they_become_known(songs: Path) -> None:
    names: list[str] = []
    survey_programs(
        [songs],
        executor=FakeExecutor(),
        receive_finding=lambda finding: names.append(finding.program),
    )
    assert names == ["empty.rb", "picture.rb", "b.rb", "later/b.rb", "a.rb"]


def test_a_zip_a_table_and_a_file_are_read(tmp_path: Path) -> None:
    archive = tmp_path / "songs.zip"
    with zipfile.ZipFile(archive, "w") as handle:
        handle.writestr("one.rb", "play 60")
    table = tmp_path / "songs.csv"
    table.write_text("source\nplay 62\n")
    file = tmp_path / "three.rb"
    file.write_text("play 64")
    report = survey_programs([archive, table, file], executor=FakeExecutor())
    names = [finding.program for finding in report.findings]
    assert names == ["one.rb", "songs.csv, row 1", "three.rb"]


def test_files_of_the_same_name_in_two_folders_are_both_counted(tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "song.rb").write_text(f"play 60 # {name}")
    report = survey_programs([tmp_path / "x", tmp_path / "y"], executor=FakeExecutor())
    assert len(report.findings) == report.program_count == 2


def test_a_folder_without_programs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EarshotError, match="No program was found"):
        survey_programs([tmp_path], executor=FakeExecutor())


def test_causes_and_names_are_counted_by_program() -> None:
    names = (MissingName("missing_sample", ":kick"), MissingName("missing_sample", ":snare"))
    partial = Classification("partial", "missing_sample", 1, "…", names)
    silent = Classification("silent", "missing_sample", 1, "…", names[:1])
    failed = Classification("failed", "syntax", 1, "…")
    found = [SurveyFinding(f"{i}", c) for i, c in enumerate([failed, partial, silent])]
    report = SurveyReport(found, 3)
    assert list(report.count_programs_by_cause().items()) == [
        ("missing_sample", {"partial": 1, "silent": 1, "failed": 0}),
        ("syntax", {"partial": 0, "silent": 0, "failed": 1}),
    ]
    assert report.count_missing_names() == [(names[0], 2), (names[1], 1)]
    assert report.count_missing_names(1) == [(names[0], 2)]


def test_a_survey_resumes_from_its_table(songs: Path, tmp_path: Path) -> None:
    table = tmp_path / "survey.csv"
    with open_survey_table(table) as write_finding:
        first = survey_programs([songs], executor=FakeExecutor(), receive_finding=write_finding)
    (songs / "new.rb").write_text("play 70")
    executor = FakeExecutor()
    second = survey_programs([songs], executor=executor, earlier_findings=read_survey_table(table))
    assert executor.sources == ["play 70"]
    assert [f for f in second.findings if f.program != "new.rb"] == first.findings


def test_other_settings_are_not_resumed(songs: Path, tmp_path: Path) -> None:
    table = tmp_path / "survey.csv"
    with open_survey_table(table) as write_finding:
        survey_programs([songs], executor=FakeExecutor(), receive_finding=write_finding)
    for options in (
        SurveyOptions(seconds=2.0),
        SurveyOptions(is_strict=True),
        SurveyOptions(sonic_pi="5"),
    ):
        executor = FakeExecutor()
        earlier = read_survey_table(table)
        survey_programs([songs], options, executor=executor, earlier_findings=earlier)
        assert executor.sources == ["kick 1", "play 60"]


def test_a_row_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    table = tmp_path / "survey.csv"
    with open_survey_table(table) as write_finding:
        for name in ("a", "b"):
            found = Classification("failed", "runtime", 1, 'NameError: "kick"\nDid you mean?')
            write_finding(SurveyFinding(name, found, key=f"key-{name}"))
    content = table.read_text()
    for cut in (1, 20, 60):
        table.write_text(content[: len(content) - cut])
        assert list(read_survey_table(table)) == ["key-a"]


def test_a_missing_table_is_empty_and_another_table_is_refused(tmp_path: Path) -> None:
    assert read_survey_table(tmp_path / "none.csv") == {}
    other = tmp_path / "programs.csv"
    other.write_text("source\nplay 60\n")
    with pytest.raises(EarshotError, match="not the table of a survey"):
        read_survey_table(other)
    with pytest.raises(EarshotError, match="cannot be written"), open_survey_table(tmp_path):
        pass
