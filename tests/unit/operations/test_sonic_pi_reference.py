"""Names and options of a version of Sonic Pi."""

from __future__ import annotations

from core.operations.sonic_pi_reference import ReferenceRequest, look_up_sonic_pi_names


def look_up(*names: str, sonic_pi: str = "3.2"):
    return look_up_sonic_pi_names(ReferenceRequest(names=list(names), sonic_pi=sonic_pi))


def test_every_name_of_a_version_is_listed():
    old, new = look_up(), look_up(sonic_pi="5")
    assert {"tb303", "prophet"} <= set(old.synths)
    assert {"reverb", "with_fx"} & set(old.fx) == {"reverb"}
    assert "record" not in old.fx
    assert "rodeo" in set(new.synths) - set(old.synths)
    assert "hat_bdu" in set(new.samples) - set(old.samples)
    assert {"minor_pentatonic"} <= set(old.scales)
    assert "m7" in old.chords
    assert old.sounds == old.unknown == []


def test_options_have_defaults_and_ranges():
    reference = look_up(":tb303", "echo", "loop_amen", "sample", "m7")
    assert [sound.kind for sound in reference.sounds] == [
        "synth",
        "fx",
        "sample",
        "player",
        "chord",
    ]
    synth, fx, sample, player, chord = reference.sounds
    options = {option.name: option for option in synth.options}
    assert (options["cutoff"].default, options["cutoff"].low, options["cutoff"].high) == (
        120,
        60,
        120,
    )
    assert options["wave"].choices == ["0", "1", "2"]
    assert {"phase", "decay", "mix"} <= {option.name for option in fx.options}
    assert 1.7 < sample.seconds < 1.8
    assert {"rate", "beat_stretch", "pitch_stretch", "start", "finish"} <= {
        option.name for option in player.options
    }
    assert chord.semitones == [0, 3, 7, 10]


def test_unknown_names_come_with_similar_ones_and_their_version():
    reference = look_up("sawtooth", "rodeo", "winwood_lead", ":")
    assert [sound.since for sound in reference.unknown[:3]] == [None, "3.3", "4.0"]
    assert reference.unknown[0].similar[0] == "saw"
    assert look_up("rodeo", sonic_pi="5").sounds[0].since == "3.3"
