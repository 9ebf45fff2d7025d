"""Order of picks by their true sound, with real rendering."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core import operations
from core.cli import main
from core.corpus import Corpus
from core.errors import EarshotError
from core.operations.rendered_pick_order import order_picks_by_rendered_sound
from core.python_api import AlignedCorpus
from core.search import open_aligned_corpus
from core.sonicpi.audio_clip_and_render_result import RenderError
from core.sonicpi.background_render_queue import BackgroundRenderQueue
from core.suggest import SuggestOptions, read_target_from_text, suggest
from core.suggest.sound_target import find_target_of_corpus_program
from pages.components import audition_http_routes, login, target_comparison_http_routes
from pages.components.audition_http_routes import AuditionClips
from tests.integration.suggest.test_suggestion_study import corpus

__all__ = ["corpus"]

PROGRAM = "use_synth :noise\nplay 60, release: 1, cutoff: 120\n"


def test_the_pick_with_the_sound_of_the_target_comes_first_and_failures_last(
    corpus: Corpus,
) -> None:
    aligned_corpus = open_aligned_corpus(corpus)
    program = corpus.load_programs().iloc[0]
    target = find_target_of_corpus_program(aligned_corpus, program["program"])
    assert target is not None
    options = SuggestOptions(candidate_count=12, pick_count=3)
    picks = suggest(aligned_corpus, PROGRAM, options)
    picks = [
        replace(picks[0], source="play nil.foo"),
        picks[1],
        replace(picks[2], source=program["source"]),
    ]
    rendered = order_picks_by_rendered_sound(aligned_corpus, PROGRAM, picks, target)
    assert [item.pick.rank for item in rendered] == [1, 2, 3]
    assert rendered[0].pick.source == program["source"] and rendered[0].verdict == "nearer"
    assert rendered[1].gain is not None and rendered[0].gain > rendered[1].gain
    assert rendered[2].gain is None and rendered[2].error.kind == "runtime"
    assert rendered[2].to_dict()["rendered"]["is_nearer"] is None


def test_words_and_a_program_that_fails_cannot_be_compared(corpus: Corpus) -> None:
    aligned_corpus = open_aligned_corpus(corpus)
    with pytest.raises(EarshotError, match="compared with a clip"):
        order_picks_by_rendered_sound(
            aligned_corpus, PROGRAM, [], read_target_from_text(aligned_corpus, "darker")
        )
    name = corpus.load_programs().iloc[0]["program"]
    target = find_target_of_corpus_program(aligned_corpus, name)
    with pytest.raises(RenderError, match="undefined"):
        order_picks_by_rendered_sound(aligned_corpus, "play nil.foo", [], target)


def test_the_command_prints_whether_each_pick_is_nearer(
    corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "program.rb"
    path.write_text(PROGRAM)
    name = corpus.load_programs().iloc[0]["program"]
    arguments = ["suggest", str(path), "--corpus", "small", "-n", "12", "-k", "2", "--render"]
    assert main([*arguments, "--toward", name, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["rank"] for row in rows] == [1, 2]
    gains = [row["rendered"]["gain"] for row in rows]
    assert gains == sorted(gains, reverse=True)
    assert [row["rendered"]["is_nearer"] for row in rows] == [gain > 0 for gain in gains]
    assert main(arguments) == 1
    assert "Add --toward" in capsys.readouterr().err


def test_the_operation_and_the_python_api_order_their_picks_by_true_sound(corpus: Corpus) -> None:
    name = str(corpus.load_programs().iloc[0]["program"])
    request = operations.SuggestRequest(
        program=PROGRAM,
        corpus="small",
        candidate_count=12,
        pick_count=2,
        mode="toward",
        target=name,
        render=True,
    )
    comparisons = [pick.rendered for pick in operations.suggest_variants(request).picks]
    assert all(item is not None and item.error is None for item in comparisons)
    gains = [item.gain for item in comparisons if item is not None and item.gain is not None]
    assert len(gains) == 2 and gains == sorted(gains, reverse=True)
    assert [item.is_nearer for item in comparisons if item] == [gain > 0 for gain in gains]
    frame = AlignedCorpus.open("small").suggest(PROGRAM, 2, "toward", name, render=True)
    assert frame["rank"].tolist() == [1, 2] and frame["gain"].is_monotonic_decreasing
    assert frame["is_nearer"].tolist() == [gain > 0 for gain in frame["gain"]]


@pytest.fixture
def clips(monkeypatch: pytest.MonkeyPatch) -> Iterator[AuditionClips]:
    queue = BackgroundRenderQueue(worker_count=1)
    queue.start_render_workers()
    clips = AuditionClips(queue)
    monkeypatch.setattr(audition_http_routes, "open_audition_clips", lambda: clips)
    yield clips
    queue.close()


def test_the_route_of_the_cards_compares_rendered_clips(
    corpus: Corpus, clips: AuditionClips, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = TestClient(Starlette(routes=target_comparison_http_routes.build_comparison_routes()))
    aligned_corpus = open_aligned_corpus(corpus)
    program = corpus.load_programs().iloc[0]
    target = find_target_of_corpus_program(aligned_corpus, program["program"])
    assert target is not None
    comparisons = target_comparison_http_routes.get_target_comparisons()
    key = comparisons.register_target(("small",), aligned_corpus, target)
    ids = clips.request_clip_rendering(
        [(PROGRAM, 2.0), (program["source"], 2.0), ("play nil.foo", 2.0)], "one"
    )
    for clip_id in ids:
        future = clips.find_future_result(clip_id)
        assert future is not None and future.result(60)

    def compare(program_clip_id: str, clip_id: str, target_key: str = key) -> dict[str, Any]:
        url = target_comparison_http_routes.build_comparison_url(
            target_key, program_clip_id, clip_id
        )
        assert f"{url}/".startswith(login.PROTECTED_PATH_PREFIXES)
        answer: dict[str, Any] = client.get(url).json()
        return answer

    nearer, farther = compare(ids[0], ids[1]), compare(ids[1], ids[0])
    assert nearer["verdict"] == "nearer" and farther["verdict"] == "not nearer"
    assert nearer["gain"] == pytest.approx(-farther["gain"]) and nearer["gain"] > 0
    assert compare(ids[0], ids[0]) == {"verdict": "not nearer", "gain": 0}
    # The same gain as that of the command, which renders clips of the same length.
    pick = suggest(aligned_corpus, PROGRAM, SuggestOptions(candidate_count=4, pick_count=1))[0]
    pick = replace(pick, source=program["source"])
    (rendered,) = order_picks_by_rendered_sound(aligned_corpus, PROGRAM, [pick], target)
    assert nearer["gain"] == pytest.approx(rendered.gain, abs=1e-6)

    assert "not there" in compare(ids[0], ids[2])["error"]
    assert "not there" in compare(ids[0], "unknown")["error"]
    assert "no longer there" in compare(ids[0], ids[1], "unknown")["error"]
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")
    url = target_comparison_http_routes.build_comparison_url(key, ids[0], ids[1])
    assert client.get(url).status_code == 403
