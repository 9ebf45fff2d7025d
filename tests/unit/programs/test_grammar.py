"""Grammar programs: reproducible, distinct, varied and valid Ruby."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from core.errors import EarshotError
from core.programs import MUSIC_STYLES, PROGRAM_ROLES, compose_programs, get_title_by_template_id
from core.programs.grammar import synth_fx_and_sample_sets
from core.programs.grammar.unplayable_program_detection import is_program_unplayable

SONIC_PI = Path("/usr/lib/sonic-pi/app/server/ruby/lib/sonicpi")
# FX that are inaudible in a clip: they write to other outputs, or to a buffer.
INAUDIBLE_FX = {"sound_out", "sound_out_stereo", "record"}

WORDS = """
live_loop in_thread loop times each zip play play_pattern play_pattern_timed play_chord synth sample
ring tick look scale chord chord_degree chord_invert degree note_range octs knit bools spread line
range mirror reverse reflect shuffle pick choose stretch rotate take drop repeat use_random_seed
with_random_seed rrand rrand_i rdist rand rand_i one_in dice factor? with_fx control kill note_slide
cutoff_slide pan_slide amp_slide rate beat_stretch pitch_stretch start finish onset slice num_slices
pan lpf hpf rpitch pitch compress attack decay sustain release sustain_level env_curve define if
unless else cue sync set get at density time_warp with_swing use_bpm with_bpm use_sample_bpm
use_synth with_synth use_synth_defaults use_sample_defaults use_transpose with_transpose use_octave
with_octave with_cent_tuning sleep wait set_volume! use_debug puts print hz_to_midi pitch_to_ratio
sample_duration
""".split()


@pytest.fixture(scope="module")
def programs():
    return compose_programs(3000, 17)


def test_the_same_seed_gives_the_same_programs_in_another_process():
    command = (
        "import hashlib; from core.programs import compose_programs;"
        "sources = [p.source for p in compose_programs(200, 5)];"
        "print(hashlib.sha256(repr(sources).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", command], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(digests) == 1


def test_sources_and_names_differ(programs):
    assert len({program.source for program in programs}) == len(programs)
    assert len({program.name for program in programs}) == len(programs)


def test_a_smaller_count_gives_the_first_programs_of_a_larger_one():
    assert compose_programs(500, 8)[:100] == compose_programs(100, 8)
    assert compose_programs(60, 8, "dub")[:20] == compose_programs(20, 8, "dub")
    assert compose_programs(20, 8) != compose_programs(20, 9)


def test_programs_record_template_role_and_parameters(programs):
    for program in programs[:300]:
        style = program.template.removeprefix("composed-")
        assert style in MUSIC_STYLES and program.name.startswith(f"grammar-{style}-")
        assert program.role in PROGRAM_ROLES
        assert program.template in get_title_by_template_id()
        # A program without a synth plays Sonic Pi's default, a beep.
        assert program.parameters["sound"] in f"{program.source} beep"
        assert program.seed == 17


def test_all_styles_are_about_equally_frequent(programs):
    counts = Counter(program.template for program in programs)
    assert len(counts) == len(MUSIC_STYLES) == 14
    assert min(counts.values()) > 0.6 * len(programs) / len(MUSIC_STYLES)


def test_a_style_can_be_fixed():
    assert {program.template for program in compose_programs(20, 0, "acid")} == {"composed-acid"}
    for template_id in ("grammar-acid", "composed-acid"):
        assert compose_programs(5, 0, template_id) == compose_programs(5, 0, "acid")
    with pytest.raises(EarshotError, match="no style 'acidd'") as raised:
        compose_programs(1, 0, "acidd")
    assert "acid" in raised.value.remedy


@pytest.mark.parametrize("count, seed", [(-1, 0), (1.5, 0), (True, 0), (1, "a"), (10**9, 0)])
def test_an_invalid_count_or_seed_is_refused(count, seed):
    with pytest.raises(EarshotError, match="cannot be made"):
        compose_programs(count, seed)


def test_every_synth_sample_and_fx_of_sonic_pi_appears(programs):
    text = "\n".join(program.source for program in programs)
    named = set(re.findall(r":(\w+)", text))
    info = (SONIC_PI / "synths/synthinfo.rb").read_text()
    synthdefs = set(re.findall(r"^\s*:(\w+) => +\w+\.new", info, re.MULTILINE))
    effects = {name.removeprefix("fx_") for name in synthdefs if re.match(r"fx_(?!replace_)", name)}
    synths = {name for name in synthdefs if not name.startswith(("fx_", "sound_in"))}
    samples = {path.stem for path in Path("/usr/share/sonic-pi/samples").glob("*.flac")}
    assert samples <= named
    used = set(re.findall(r"with_fx[ (]:(\w+)", text))
    assert used == set(synth_fx_and_sample_sets.FX_OPTIONS) == effects - INAUDIBLE_FX
    user_synths = {name for name in synths if _is_user_synth(name)}
    assert user_synths == set(synth_fx_and_sample_sets.SYNTH_OPTIONS)
    assert user_synths <= named


def _is_user_synth(synth: str) -> bool:
    """Return whether a synth is for users, unlike Sonic Pi's sample players and mixers."""
    return not re.search(r"player|stereo|mono|mixer|scope|recorder|amp$|live_audio|server", synth)


def test_every_option_of_every_synth_and_fx_appears(programs):
    text = "\n".join(program.source for program in programs)
    option_names = set(re.findall(r"(\w+):(?!:)", text)) | set(re.findall(r":(\w+) ?=>", text))
    for table in (synth_fx_and_sample_sets.SYNTH_OPTIONS, synth_fx_and_sample_sets.FX_OPTIONS):
        for name, options in table.items():
            assert {option.name for option in options} <= option_names, name


def test_every_word_appears(programs):
    text = "\n".join(program.source for program in programs)
    counts = Counter(re.findall(r"[a-z_]\w*[?!]?", text))
    assert [word for word in WORDS if not counts[word]] == []


def test_lengths_range_from_one_line_to_many(programs):
    lines = sorted(len(program.source.strip().split("\n")) for program in programs)
    assert lines[0] == 1
    assert lines[len(lines) // 10] < 14
    assert lines[-len(lines) // 20] > 60
    assert lines[-1] < 300


def test_code_styles_vary(programs):
    sources = [program.source for program in programs]
    for pattern in (
        r"\b\w+: [\d:\[]",
        r":\w+ => ",
        r",\S",
        r"\{ ",
        r"play\(",
        r"play \S",
        r"\(ring ",
        r"\bring\(",
        r"\.ring\b",
        r"play :",
        r"play \d",
        r"^#",
        r" # ",
        r"^\t",
    ):
        matches = [re.search(pattern, source, re.MULTILINE) is not None for source in sources]
        share = sum(matches) / len(sources)
        assert 0.005 < share < 0.95, (pattern, share)


def test_code_style_is_independent_of_music_style(programs):
    """Their mutual information is at chance level, with a bias of (r-1)(c-1) / 2n nats."""
    pairs = Counter((p.template, p.parameters["manner"]) for p in programs)
    styles, naming_styles = (
        Counter(p.template for p in programs),
        Counter(p.parameters["manner"] for p in programs),
    )
    total = len(programs)
    information = sum(
        n / total * math.log(n * total / (styles[style] * naming_styles[naming_style]))
        for (style, naming_style), n in pairs.items()
    )
    assert information < 2.5 * (len(styles) - 1) * (len(naming_styles) - 1) / (2 * total)


@pytest.mark.parametrize(
    "source",
    [
        "define :e do |n|\n  play n\nend\nlive_loop :a do\n  e :c4\n  sleep 1\nend",
        "play [62, 65, :c5].ring.sort.reverse.tick\nsleep 1",
        "with_fx :autotuner do\n  live_loop :a do\n    sample :loop_amen\n    sleep 2\n  end\nend",
        "loop do\n  use_synth :growl\n  play 77, release: 0.1\n  sleep 0.2\nend",
    ],
)
def test_unplayable_programs_are_detected_and_not_generated(source, programs):
    assert is_program_unplayable(source)
    assert not any(is_program_unplayable(program.source) for program in programs)


@pytest.mark.parametrize(
    "source",
    [
        "define :e2 do\n  play 60\nend",
        "play [62, 65].sort.tick",
        "play (ring :c4, :e4).tick",
        "with_fx :autotuner do\n  play 60\nend\nlive_loop :b do\n  play 50\n  sleep 1\nend",
        "use_synth :growl\nplay 50, release: 4",
    ],
)
def test_playable_programs_are_not_rejected(source):
    assert not is_program_unplayable(source)


def test_all_programs_are_valid_ruby(programs):
    """Ripper parses the code without running it."""
    script = (
        "require 'ripper'; require 'json';"
        "puts JSON.dump(JSON.parse(STDIN.read).map { |source| !Ripper.sexp(source).nil? })"
    )
    sources = [program.source for program in programs[:400]]
    result = subprocess.run(
        ["ruby", "-e", script],
        input=json.dumps(sources),
        capture_output=True,
        text=True,
        check=True,
    )
    validity = zip(sources, json.loads(result.stdout), strict=True)
    invalid = [source for source, is_valid in validity if not is_valid]
    assert invalid == []
