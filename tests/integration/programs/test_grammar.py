"""Composed programs through the real Sonic Pi: no error, no silence; rewritten, the same events."""

from __future__ import annotations

import numpy as np
import pytest

from core.programs import MUSIC_STYLES, compose_programs, generate, list_templates
from core.studies.experiments.augment import augment_source
from core.studies.experiments.hard_negatives import make_hard_negative
from core.sonicpi import render_many
from core.sonicpi.worker import RenderWorker

SEED = 3
SECONDS = 6.0
SILENCE_DB = -55.0


@pytest.fixture(scope="module")
def programs():
    """Three of each style."""
    return [program for style in MUSIC_STYLES for program in compose_programs(3, SEED, style)]


@pytest.fixture(scope="module")
def renderings(programs):
    return dict(render_many((program.source for program in programs), seconds=SECONDS))


def test_all_render_without_error_or_warning(programs, renderings):
    assert len(renderings) == len(programs)
    for index, rendering in renderings.items():
        assert rendering.error is None, f"{rendering.error}\n{programs[index].source}"
        others = [warning for warning in rendering.warnings if warning.kind != "clipped"]
        assert others == [], programs[index].source


def test_all_can_be_heard_from_the_beginning_and_none_is_distorted(programs, renderings):
    for index, rendering in renderings.items():
        clip, source = rendering.clip, programs[index].source
        assert 20 * np.log10(clip.rms + 1e-9) > SILENCE_DB, source
        beginning = clip.samples[: 3 * clip.sample_rate]
        assert 10 * np.log10(np.mean(np.square(beginning)) + 1e-12) > SILENCE_DB, source
        assert np.mean(np.abs(clip.samples) > 0.99) < 0.01, source


@pytest.fixture(scope="module")
def worker():
    worker = RenderWorker()
    yield worker
    worker.close()


def events_of(worker: RenderWorker, source: str) -> list[tuple]:
    events, rendering = worker.collect_osc_messages(source, 3.0)
    assert rendering.error is None, f"{rendering.error}\n{source}"
    return [(event.time, event.address, event.arguments) for event in events]


def test_programs_written_otherwise_give_the_same_events(programs, worker):
    variants = [program for each in list_templates() for program in generate(each, 1, SEED)]
    rewritten = 0
    for index, program in enumerate([*programs, *variants]):
        again = augment_source(program.source, index)
        rewritten += again != program.source
        assert events_of(worker, again) == events_of(worker, program.source), again
    assert rewritten > 0.95 * (len(programs) + len(variants))


def test_perturbed_programs_give_other_events(programs, worker):
    same = 0
    for index, program in enumerate(programs):
        other = make_hard_negative(program.source, index)
        assert other != program.source
        same += events_of(worker, other) == events_of(worker, program.source)
    # A change may lie where these seconds do not come.
    assert same <= 0.1 * len(programs)


def test_a_hard_negative_sounds_otherwise_and_a_program_written_otherwise_does_not(programs):
    """By rendering: the same sound bit for bit, and for most another one."""
    chosen = [program.source for program in programs[::4]]
    sources = [
        *chosen,
        *(augment_source(source, 5) for source in chosen),
        *(make_hard_negative(source, 5) for source in chosen),
    ]
    clips = {index: each.clip for index, each in render_many(iter(sources), seconds=4.0)}
    n, other = len(chosen), 0
    assert sum(one != two for one, two in zip(chosen, sources[n:])) > 0.9 * n
    for index, source in enumerate(chosen):
        own, again, changed = (clips[index + turn * n].samples for turn in range(3))
        assert np.array_equal(own, again), source
        other += np.abs(own - changed).max() > 0.01
    # A change may lie where these seconds do not come.
    assert other >= 0.9 * n


def test_styles_differ_in_how_much_is_played(worker):
    """The median number of moments at which a sound starts: calm styles and busy ones.

    Counted in events: in a clip's level a slicer or two beating saws look like attacks.
    """

    def starts(style: str) -> float:
        moments = []
        for program in compose_programs(12, SEED, style):
            events, _ = worker.events(program.source, SECONDS)
            sounds = [e for e in events if e.synthdef and not e.synthdef.startswith("fx_")]
            moments.append(len({round(event.time, 3) for event in sounds}) / SECONDS)
        return float(np.median(moments))

    calm = [starts(style) for style in ("drone", "ambient")]
    busy = [starts(style) for style in ("chiptune", "techno", "breakbeat")]
    assert min(busy) > 1.5 * max(calm), (calm, busy)
