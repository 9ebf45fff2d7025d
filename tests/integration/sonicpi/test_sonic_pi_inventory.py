"""Every synth, FX and sample of Sonic Pi produces sound."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from core.sonicpi import RenderResult, render_programs_in_parallel
from core.sonicpi.newer_sonic_pi_sounds import load_newer_sample_seconds, load_newer_synth_options

SAMPLES = Path("/usr/share/sonic-pi/samples")
SYNTHINFO = Path("/usr/lib/sonic-pi/app/server/ruby/lib/sonicpi/synths/synthinfo.rb")
# These play the input of a microphone, and there is none.
MICROPHONE_SYNTHS = {"sound_in", "sound_in_stereo", "live_audio"}
# These send their sound to other outputs than the clip's.
FX_WITH_OTHER_OUTPUTS = {"sound_out", "sound_out_stereo", "record", "scope_out"}


def list_names(kind: str) -> list[str]:
    """Return the names of all synths or FX in Sonic Pi's own table."""
    source = SYNTHINFO.read_text(encoding="utf-8")
    table = source[source.index("@@synth_infos =") :]
    table = table[: table.index("}")]
    names = re.findall(r"^\s*:(\w+) => (\w+)\.new", table, flags=re.MULTILINE)
    is_fx = kind == "FX"
    listed = set()
    for name, _ in names:
        if name.startswith("fx_") == is_fx and "player" not in name and "mixer" not in name:
            listed.add(name.removeprefix("fx_"))
    return sorted(listed)


SYNTHS_OF_3_2 = [name for name in list_names("synth") if name not in MICROPHONE_SYNTHS]
SYNTHS = SYNTHS_OF_3_2 + list(load_newer_synth_options())
FX = [name for name in list_names("FX") if not name.startswith("replace_")]


def render_in_order(programs: list[str], seconds: float) -> list[RenderResult]:
    results = dict(render_programs_in_parallel(programs, seconds))
    return [results[index] for index in range(len(programs))]


def test_the_table_lists_synths_and_fx():
    assert len(SYNTHS_OF_3_2) >= 38 and {"beep", "prophet", "piano", "tb303"} <= set(SYNTHS)
    assert len(FX) >= 36 and {"reverb", "echo", "wobble", "gverb"} <= set(FX)


def test_every_synth_produces_sound():
    results = render_in_order([f"synth :{name}, note: 60, sustain: 0.5" for name in SYNTHS], 2.0)
    silent = {n: r.error for n, r in zip(SYNTHS, results) if not r.has_clip or r.clip.rms < 1e-3}
    assert silent == {}


def test_every_fx_outputs_sound():
    source = "with_fx(:{}{}) {{ synth :saw, note: 55, sustain: 1.5 }}"
    # These FX need options in live Sonic Pi too.
    options = {"autotuner": ", note: 60", "record": ", buffer: buffer(:mine, 2)"}
    results = render_in_order([source.format(name, options.get(name, "")) for name in FX], 3.0)
    silent = {n: r.error for n, r in zip(FX, results) if not r.has_clip or r.clip.rms < 1e-3}
    assert set(silent) <= FX_WITH_OTHER_OUTPUTS
    assert all(error.kind == "silent" for error in silent.values())


def test_fx_change_the_sound():
    plain, *with_fx = render_in_order(
        ["synth :saw, note: 55, sustain: 1.5"]
        + [
            f"with_fx(:{name}) {{ synth :saw, note: 55, sustain: 1.5 }}"
            for name in ("reverb", "echo", "distortion", "lpf", "wobble", "slicer", "bitcrusher")
        ],
        3.0,
    )
    for result in with_fx:
        assert np.abs(result.clip.samples - plain.clip.samples).max() > 0.01


@pytest.fixture(scope="module")
def samples() -> list[str]:
    return sorted(path.stem for path in SAMPLES.glob("*.flac")) + list(load_newer_sample_seconds())


def test_every_sample_produces_sound(samples: list[str]):
    assert len(samples) > 100
    results = render_in_order([f"sample :{name}, amp: 2" for name in samples], 2.0)
    silent = {n: r.error for n, r in zip(samples, results) if not r.has_clip}
    assert silent == {}
