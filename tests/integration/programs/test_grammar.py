"""Grammar programs rendered by Sonic Pi: no errors, no silence, and effects of rewriting."""

from __future__ import annotations

import numpy as np
import pytest

from core.programs import MUSIC_STYLES, compose_programs, generate, list_templates
from core.sonicpi import render_programs_in_parallel
from core.sonicpi.render_worker import RenderWorker
from core.studies.experiments.hard_negative_generation import make_hard_negative
from core.studies.experiments.sound_preserving_program_rewriter import (
    rewrite_without_changing_sound,
)

SEED = 3
SECONDS = 6.0
SILENCE_DB = -55.0


@pytest.fixture(scope="module")
def programs():
    """Three programs of each style."""
    return [program for style in MUSIC_STYLES for program in compose_programs(3, SEED, style)]


@pytest.fixture(scope="module")
def renderings(programs):
    return dict(
        render_programs_in_parallel((program.source for program in programs), seconds=SECONDS)
    )


def test_all_render_without_error_or_warning(programs, renderings):
    assert len(renderings) == len(programs)
    for index, rendering in renderings.items():
        assert rendering.error is None, f"{rendering.error}\n{programs[index].source}"
        others = [warning for warning in rendering.warnings if warning.kind != "clipped"]
        assert others == [], programs[index].source


def test_all_are_audible_from_the_start_and_none_is_distorted(programs, renderings):
    for index, rendering in renderings.items():
        clip, source = rendering.clip, programs[index].source
        assert 20 * np.log10(clip.rms + 1e-9) > SILENCE_DB, source
        start = clip.samples[: 3 * clip.sample_rate]
        assert 10 * np.log10(np.mean(np.square(start)) + 1e-12) > SILENCE_DB, source
        assert np.mean(np.abs(clip.samples) > 0.99) < 0.01, source


@pytest.fixture(scope="module")
def worker():
    worker = RenderWorker()
    yield worker
    worker.close()


def collect_messages(worker: RenderWorker, source: str) -> list[tuple]:
    messages, result = worker.collect_osc_messages(source, 3.0)
    assert result.error is None, f"{result.error}\n{source}"
    return [(message.time, message.address, message.arguments) for message in messages]


def test_augmented_programs_give_the_same_events(programs, worker):
    variants = [generate(template, 1, SEED)[0] for template in list_templates()]
    changed_count = 0
    for index, program in enumerate([*programs, *variants]):
        augmented = rewrite_without_changing_sound(program.source, index)
        changed_count += augmented != program.source
        events = collect_messages(worker, augmented)
        assert events == collect_messages(worker, program.source), augmented
    assert changed_count > 0.95 * (len(programs) + len(variants))


def test_hard_negatives_give_other_events(programs, worker):
    same = 0
    for index, program in enumerate(programs):
        hard_negative = make_hard_negative(program.source, index)
        assert hard_negative != program.source
        same += collect_messages(worker, hard_negative) == collect_messages(worker, program.source)
    # A change may affect only what is played after these seconds.
    assert same <= 0.1 * len(programs)


def test_augmentation_keeps_the_clip_and_a_hard_negative_changes_it(programs):
    """Augmented programs have bit-identical clips; most hard negatives have other clips."""
    chosen = [program.source for program in programs[::4]]
    sources = [
        *chosen,
        *(rewrite_without_changing_sound(source, 5) for source in chosen),
        *(make_hard_negative(source, 5) for source in chosen),
    ]
    clips = {
        index: rendering.clip
        for index, rendering in render_programs_in_parallel(iter(sources), seconds=4.0)
    }
    n, changed_count = len(chosen), 0
    assert sum(one != two for one, two in zip(chosen, sources[n:])) > 0.9 * n
    for index, source in enumerate(chosen):
        original, augmented, hard_negative = (clips[index + i * n].samples for i in range(3))
        assert np.array_equal(original, augmented), source
        changed_count += np.abs(original - hard_negative).max() > 0.01
    # A change may affect only what is played after these seconds.
    assert changed_count >= 0.9 * n


def test_styles_differ_in_their_density(worker):
    """Busy styles start sounds at more moments per second than calm ones.

    The moments are counted in events, because in the level of a clip a slicer or two beating saws
    look like attacks.
    """

    def compute_median_density(style: str) -> float:
        densities = []
        for program in compose_programs(12, SEED, style):
            messages, _ = worker.collect_osc_messages(program.source, SECONDS)
            start_times = {
                round(message.time, 3)
                for message in messages
                if message.synthdef_name and not message.synthdef_name.startswith("fx_")
            }
            densities.append(len(start_times) / SECONDS)
        return float(np.median(densities))

    calm = [compute_median_density(style) for style in ("drone", "ambient")]
    busy = [compute_median_density(style) for style in ("chiptune", "techno", "breakbeat")]
    assert min(busy) > 1.5 * max(calm), (calm, busy)
