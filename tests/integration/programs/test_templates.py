"""Variants of every template rendered by Sonic Pi: no errors, and sound in every window."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from core.programs import generate, get_template, list_templates
from core.programs.template_vocabulary import build_names_usable_in_templates
from core.sonicpi import render_programs_in_parallel

IDS = [t.id for t in list_templates()]
VARIANTS = 3
SEED = 20
SILENCE_DB = -55.0  # RMS of a window below which it counts as silent


@pytest.fixture(scope="module")
def renderings():
    """Pairs of program and rendering by template, rendered once."""
    programs = [program for name in IDS for program in generate(name, VARIANTS, SEED)]
    pairs_by_template = {name: [] for name in IDS}
    for index, rendering in render_programs_in_parallel(program.source for program in programs):
        pairs_by_template[programs[index].template].append((programs[index], rendering))
    return pairs_by_template


def level_db(samples: np.ndarray) -> float:
    return 10 * float(np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-12))


@pytest.mark.parametrize("name", IDS)
def test_every_variant_renders_without_error_or_warning(renderings, name):
    assert len(renderings[name]) == VARIANTS
    for program, rendering in renderings[name]:
        assert rendering.error is None, f"{rendering.error}\n{program.source}"
        assert [w for w in rendering.warnings if w.kind != "clipped"] == [], program.source


@pytest.mark.parametrize("name", IDS)
def test_every_sound_window_has_sound(renderings, name):
    for program, rendering in renderings[name]:
        clip = rendering.clip
        assert clip.seconds == pytest.approx(18.0)
        for start, end in get_template(name).sound_windows:
            window = clip.samples[int(start * clip.sample_rate) : int(end * clip.sample_rate)]
            message = f"silent from {start} to {end} s:\n{program.source}"
            assert level_db(window) > SILENCE_DB, message


@pytest.mark.parametrize("name", IDS)
def test_variants_sound_different(renderings, name):
    """The peak cross-correlation of any two mono waveforms is below 0.9."""
    waves = [rendering.clip.samples.mean(axis=1)[::8] for _, rendering in renderings[name]]
    for one, other in combinations(waves, 2):
        spectra = np.fft.rfft(one, 2 * len(one)) * np.conj(np.fft.rfft(other, 2 * len(other)))
        peak = np.abs(np.fft.irfft(spectra)).max()
        assert peak < 0.9 * np.linalg.norm(one) * np.linalg.norm(other)


def test_no_clip_is_at_full_scale_for_long(renderings):
    for pairs in renderings.values():
        for program, rendering in pairs:
            full = np.mean(np.abs(rendering.clip.samples) > 0.99)
            assert full < 0.01, program.source


@pytest.fixture(scope="module")
def inventory():
    """Samples of the installed Sonic Pi, and its synths and FX."""
    info = Path("/usr/lib/sonic-pi/app/server/ruby/lib/sonicpi/synths/synthinfo.rb")
    samples = {path.stem for path in Path("/usr/share/sonic-pi/samples").glob("*.flac")}
    synths = set(re.findall(r"^\s*:(\w+) => +\w+\.new", info.read_text(), re.MULTILINE))
    assert len(samples) > 100 and len(synths) > 70
    return samples, synths


def test_sonic_pi_has_every_word_that_templates_draw_from(inventory):
    samples, synths = inventory
    groups = {
        name: group
        for name, group in build_names_usable_in_templates().items()
        if isinstance(group, list)
    }
    for name, group in groups.items():
        if name not in ("scales", "tonics"):
            assert set(group) <= samples or set(group) <= synths, name


def test_sonic_pi_has_every_synth_sample_and_effect_that_programs_name(inventory):
    samples, synths = inventory
    for name in IDS:
        source = "\n".join(program.source for program in generate(name, 200, SEED))
        assert set(re.findall(r"\bsample :(\w+)", source)) <= samples
        assert set(re.findall(r"\b(?:use_synth|synth) :(\w+)", source)) <= synths
        assert {f"fx_{fx}" for fx in re.findall(r"\bwith_fx :(\w+)", source)} <= synths
