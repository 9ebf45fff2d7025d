"""Tests of the routes that follow a slider, and of what the cards mark in the code."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.search.aligned_corpus import AlignedCorpus
from core.suggest import SuggestOptions, suggest_and_return_all_candidates
from core.suggest.candidate_sound_map import ScaledCandidateMap, build_candidate_map
from core.suggest.sound_target import read_target_from_text
from pages.components import login, slider_http_routes
from pages.components.audition_player import AuditionVersion, AuditionView, build_audition_data
from pages.components.slider_http_routes import PredictedPrograms
from pages.components.utf16_offsets import count_utf16_units
from pages.suggest.suggested_version_building import list_code_changes
from tests.unit.suggest.conftest import aligned_corpus, corpus

__all__ = ["aligned_corpus", "corpus"]
CODE = "puts '🎵'; use_synth :saw; play 60, cutoff: 90\n"


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> PredictedPrograms:
    programs = PredictedPrograms()
    monkeypatch.setattr(slider_http_routes, "get_predicted_programs", lambda: programs)
    monkeypatch.setattr(slider_http_routes, "MAX_WAIT_S", 0.1)
    return programs


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=slider_http_routes.build_slider_routes()))


def test_a_slider_is_followed(
    programs: PredictedPrograms, client: TestClient, aligned_corpus: AlignedCorpus
) -> None:
    result = suggest_and_return_all_candidates(aligned_corpus, CODE, SuggestOptions(10, 2))
    candidate_map = ScaledCandidateMap(build_candidate_map(result.predicted))
    programs.register_program_for_sliders("key", aligned_corpus, CODE, candidate_map)
    sliders = client.get("/prediction/key/sliders").json()["sliders"]
    assert [slider["name"] for slider in sliders] == ["synth", "note", "cutoff"]
    cutoff = sliders[2]
    # JavaScript counts the emoji twice.
    assert cutoff["from"] == CODE.index("90") + 1 and cutoff["to"] - cutoff["from"] == 2
    assert cutoff["values"][cutoff["position"]] == "90"

    rows = client.get("/prediction/key/sensitivity").json()["rows"]
    assert len(rows) == 3 and max(row["strength"] for row in rows) == 1
    assert all(0 <= row["strength"] <= 1 and row["title"] for row in rows)

    own = client.get(f"/prediction/key/values/2/{cutoff['position']}").json()
    assert own["place"] == [0, 0] and own["distance"] == 0
    other = client.get("/prediction/key/values/0/5").json()
    assert other["text"] == sliders[0]["values"][5] and len(other["neighbours"]) == 3
    assert other["place"] != [0, 0] and other["distance"] > 0


def test_a_slider_shows_the_value_that_leads_to_the_target(
    programs: PredictedPrograms, client: TestClient, aligned_corpus: AlignedCorpus
) -> None:
    def fetch_rows() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = client.get("/prediction/key/sensitivity").json()["rows"]
        return rows

    programs.register_program_for_sliders("key", aligned_corpus, CODE)
    assert all(not row["advice"] and row["target"] is None for row in fetch_rows())
    target = read_target_from_text(aligned_corpus, "tone-1")
    programs.register_program_for_sliders("key", aligned_corpus, CODE, target=target)
    sliders = client.get("/prediction/key/sliders").json()["sliders"]
    leading = [(slider, row) for slider, row in zip(sliders, fetch_rows()) if row["advice"]]
    assert leading
    for slider, row in leading:
        assert 0 <= row["target"] < len(slider["values"]) and row["target"] != slider["position"]
        assert row["advice"].endswith("to get nearer to tone-1")
        assert row["advice"][1:] in row["title"]


def test_unknown_programs_values_and_broken_code_are_answered(
    programs: PredictedPrograms, client: TestClient, aligned_corpus: AlignedCorpus
) -> None:
    assert client.get("/prediction/unknown/sliders").status_code == 404
    programs.register_program_for_sliders("broken", aligned_corpus, "play (")
    answer = client.get("/prediction/broken/sliders").json()
    assert answer["sliders"] == [] and answer["error"]
    programs.register_program_for_sliders("key", aligned_corpus, CODE)
    assert "no slider 9" in client.get("/prediction/key/values/9/0").json()["error"]
    assert client.get("/prediction/key/values/-1/0").status_code == 404
    assert client.get("/prediction/key/values/0/0").json()["place"] is None


def test_old_programs_are_dropped(aligned_corpus: AlignedCorpus) -> None:
    programs = PredictedPrograms()
    for number in range(slider_http_routes.MAX_KEPT_PROGRAMS + 1):
        programs.register_program_for_sliders(str(number), aligned_corpus, f"play {40 + number}")
    assert (
        programs.find_program_of_sliders("0") is None
        and programs.find_program_of_sliders("1") is not None
    )


def test_the_routes_need_a_login() -> None:
    url = slider_http_routes.build_slider_url("key")
    assert f"{url}/".startswith(login.PROTECTED_PATH_PREFIXES)


def test_the_changes_of_a_card_restore_its_program(
    aligned_corpus: AlignedCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")
    (pick, _) = suggest_and_return_all_candidates(aligned_corpus, CODE, SuggestOptions(10, 2)).picks
    changes = list_code_changes(CODE, pick)
    versions = [
        AuditionVersion(CODE, "Current"),
        AuditionVersion(pick.source, "Pick", changes=changes),
    ]
    data = build_audition_data(versions, AuditionView(1))
    changed = CODE.encode("utf-16-le")
    for change in reversed(data["versions"][1]["changes"]):
        start, end = 2 * change["from"], 2 * change["to"]
        changed = changed[:start] + change["text"].encode("utf-16-le") + changed[end:]
    assert data["program"] == CODE and changed.decode("utf-16-le") == pick.source


def test_offsets_are_counted_in_utf_16() -> None:
    assert count_utf16_units(CODE, len(CODE)) == len(CODE) + 1
    assert count_utf16_units("a", 5) == 1 and count_utf16_units("a", -1) == 0
