"""Every synth, FX and sample that Sonic Pi ships sounds."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from core.sonicpi import render_many

SYNTHDEFS = Path("/usr/share/sonic-pi/synthdefs/compiled")
SAMPLES = Path("/usr/share/sonic-pi/samples")
SYNTHINFO = Path("/usr/lib/sonic-pi/app/server/ruby/lib/sonicpi/synths/synthinfo.rb")
# They play what a microphone hears, and there is none.
NEED_A_MICROPHONE = {"sound_in", "sound_in_stereo", "live_audio"}
# They send sound to a place other than the loudspeakers.
SEND_ELSEWHERE = {"sound_out", "sound_out_stereo", "record", "scope_out"}


def named(base_class: str) -> list[str]:
    """Return the names in Sonic Pi's own tables of synths and FX."""
    source = SYNTHINFO.read_text(encoding="utf-8")
    table = source[source.index("@@synth_infos =") :]
    table = table[: table.index("}")]
    names = re.findall(r"^\s*:(\w+) => (\w+)\.new", table, flags=re.MULTILINE)
    prefix = "fx_" if base_class == "FX" else ""
    found = []
    for name, _ in names:
        if name.startswith("fx_") != bool(prefix) or "player" in name or "mixer" in name:
            continue
        found.append(name.removeprefix("fx_"))
    return sorted(set(found))


SYNTHS = [name for name in named("Synth") if name not in NEED_A_MICROPHONE]
FX = [name for name in named("FX") if not name.startswith("replace_")]


def rendered(programs: list[str], seconds: float) -> list:
    results: list = [None] * len(programs)
    for index, rendering in render_many(programs, seconds):
        results[index] = rendering
    return results


def test_tables_were_found():
    assert len(SYNTHS) >= 38 and {"beep", "prophet", "piano", "tb303"} <= set(SYNTHS)
    assert len(FX) >= 36 and {"reverb", "echo", "wobble", "gverb"} <= set(FX)


def test_every_synth_sounds():
    results = rendered([f"synth :{name}, note: 60, sustain: 0.5" for name in SYNTHS], 2.0)
    silent = {n: r.error for n, r in zip(SYNTHS, results) if not r.ok or r.clip.rms < 1e-3}
    assert silent == {}


def test_every_fx_passes_sound_on():
    source = "with_fx(:{}{}) {{ synth :saw, note: 55, sustain: 1.5 }}"
    # What they are nothing without, live too.
    options = {"autotuner": ", note: 60", "record": ", buffer: buffer(:mine, 2)"}
    results = rendered([source.format(name, options.get(name, "")) for name in FX], 3.0)
    silent = {n: r.error for n, r in zip(FX, results) if not r.ok or r.clip.rms < 1e-3}
    assert set(silent) <= SEND_ELSEWHERE
    assert all(error.kind == "silent" for error in silent.values())


def test_fx_change_the_sound():
    plain, *others = rendered(
        ["synth :saw, note: 55, sustain: 1.5"]
        + [
            f"with_fx(:{name}) {{ synth :saw, note: 55, sustain: 1.5 }}"
            for name in ("reverb", "echo", "distortion", "lpf", "wobble", "slicer", "bitcrusher")
        ],
        3.0,
    )
    for other in others:
        assert np.abs(other.clip.samples - plain.clip.samples).max() > 0.01


@pytest.fixture(scope="module")
def samples() -> list[str]:
    return sorted(path.stem for path in SAMPLES.glob("*.flac"))


def test_every_sample_sounds(samples: list[str]):
    assert len(samples) > 100
    results = rendered([f"sample :{name}, amp: 2" for name in samples], 2.0)
    silent = {n: r.error for n, r in zip(samples, results) if not r.ok}
    assert silent == {}
