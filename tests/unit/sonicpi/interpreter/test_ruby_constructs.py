"""Kinds of Ruby code that people write, each with the sounds that the renderer plays for it."""

from __future__ import annotations

import math

import pytest

from core.sonicpi.interpreter import ProgramInterpreter, parse_program
from core.sonicpi.interpreter.values import MAX_LITERAL_LENGTH

# Program, and its sounds in order of time: onset in seconds, and MIDI note or name of the sample.
CONSTRUCTS = {
    "each_char": (
        '"x--x".each_char { |c| sample :bd_haus if c == "x"; sleep 0.25 }',
        [(0.0, "bd_haus"), (0.75, "bd_haus")],
    ),
    "each_char2": (
        '"x-x-".each_char.with_index do |c, i|\n play 60+i if c=="x"\n sleep 0.5\nend',
        [(0.0, 60.0), (1.0, 62.0)],
    ),
    "chars": (
        '"x--x".chars.each { |c| play 60 if c == "x"; sleep 0.25 }',
        [(0.0, 60.0), (0.75, 60.0)],
    ),
    "at3": (
        "at [0, 1], [60, 64] do |t, n, i|\n  play n + i\nend",
        [(0.0, 60.0), (1.0, 65.0)],
    ),
    "at2": (
        "at [0, 1], [60, 64] do |t, n|\n  play n\nend",
        [(0.0, 60.0), (1.0, 64.0)],
    ),
    "at1": (
        "at [0, 1] do |t|\n  play 60+t\nend",
        [(0.0, 60.0), (1.0, 61.0)],
    ),
    "atb": (
        "at [0,1,2] do |t, i|\n play 60+i\nend",
        [(0.0, 60.0), (1.0, 61.0), (2.0, 62.0)],
    ),
    "sync": (
        "in_thread { v = sync :k; play v[:n] }\n"
        "in_thread { a, b = sync :q; play a; play b }\n"
        "sleep 0.5\n"
        "cue :k, n: 60\n"
        "cue :q, 62, 64\n"
        "",
        [(0.5, 60.0), (0.5, 62.0), (0.5, 64.0)],
    ),
    "sync_set": (
        "in_thread do\n v = sync :a\n play v[0]\nend\nsleep 1\ncue :a, 67",
        [(1.0, 67.0)],
    ),
    "get": (
        "set :n, 64\nplay get[:n]\nsleep 1\nplay get(:n)",
        [(0.0, 64.0), (1.0, 64.0)],
    ),
    "hash": (
        "{60 => 1, 62 => 2}.each do |n, d|\n  play n\n  sleep d\nend\n",
        [(0.0, 60.0), (1.0, 62.0)],
    ),
    "hash2": (
        'h = {a: 60, "b" => 62}\n'
        "play h[:a]\n"
        "sleep 1\n"
        'play h["b"]\n'
        "h.each_pair { |k,v| play v; sleep 0.5 }\n"
        "h.map{|k,v| v+12}.each{|n| play n; sleep 0.5}",
        [(0.0, 60.0), (1.0, 60.0), (1.0, 62.0), (1.5, 62.0), (2.0, 72.0), (2.5, 74.0)],
    ),
    "hash3": (
        "h={60=>1}\n"
        "play 60 if h[60]==1\n"
        "h.keys.each{|k| play k}\n"
        "sleep 1\n"
        "h.sort_by{|k,v| v}.each{|k,v| play k}",
        [(0.0, 60.0), (0.0, 60.0), (1.0, 60.0)],
    ),
    "timesmap": (
        "3.times.map { |i| 60 + i }.each { |n| play n; sleep 0.5 }",
        [(0.0, 60.0), (0.5, 61.0), (1.0, 62.0)],
    ),
    "rescue": (
        "begin\n"
        "  play 60\n"
        "  sleep 1\n"
        '  raise "x"\n'
        "  play 61\n"
        "rescue => e\n"
        "  play 62\n"
        "else\n"
        " play 63\n"
        "ensure\n"
        "  play 64\n"
        "end",
        [(0.0, 60.0), (1.0, 62.0), (1.0, 64.0)],
    ),
    "rescue2": (
        "define :a do\n play 60\n sleep 1\nrescue\n play 61\nensure\n play 72\nend\na",
        [(0.0, 60.0), (1.0, 72.0)],
    ),
    "rescuemod": (
        'x = Integer("a") rescue 60\nplay x',
        [(0.0, 60.0)],
    ),
    "splat": (
        "a = [60, 64]\ndef f(*n)\n n.each{|x| play x; sleep 0.5}\nend\nf(*a)",
        [(0.0, 60.0), (0.5, 64.0)],
    ),
    "dsplat": (
        "o = {amp: 0.5, release: 2}\nplay 60, **o\nsleep 1\nplay 62, pan: 1, **o\nplay 63, o",
        [(0.0, 60.0), (1.0, 62.0), (1.0, 63.0)],
    ),
    "splat3": (
        "first, *rest = 60, 62, 64\nplay first\nsleep 1\nrest.each{|r| play r; sleep 0.5}",
        [(0.0, 60.0), (1.0, 62.0), (1.5, 64.0)],
    ),
    "step": (
        "60.step(72, 4) { |n| play n; sleep 0.25 }\n"
        "1.step(by: 2, to: 5) { |n| play 60+n; sleep 0.25 }\n"
        "(60..72).step(6){|n| play n; sleep 0.25}",
        [
            (0.0, 60.0),
            (0.25, 64.0),
            (0.5, 68.0),
            (0.75, 72.0),
            (1.0, 61.0),
            (1.25, 63.0),
            (1.5, 65.0),
            (1.75, 60.0),
            (2.0, 66.0),
            (2.25, 72.0),
        ],
    ),
    "end": (
        "play 60\nsleep 1\nplay 62\n__END__\nthis is (text",
        [(0.0, 60.0), (1.0, 62.0)],
    ),
    "bom": (
        "\ufeffplay 60\nsleep 1\nplay 62",
        [(0.0, 60.0), (1.0, 62.0)],
    ),
    "casein": (
        "x=[1,60]\n"
        "case x\n"
        "in [1, n]\n"
        " play n\n"
        "end\n"
        "sleep 1\n"
        "case {a: 62}\n"
        "in {a: Integer => k}\n"
        " play k\n"
        "else\n"
        " play 1\n"
        "end",
        [(0.0, 60.0), (1.0, 62.0)],
    ),
    "heredoc": (
        "t = <<~X\n"
        " x--x\n"
        " -x-x\n"
        "X\n"
        "t.lines.each do |l|\n"
        " l.strip.chars.each do |c|\n"
        '  play 60 if c=="x"\n'
        "  sleep 0.25\n"
        " end\n"
        "end",
        [(0.0, 60.0), (0.75, 60.0), (1.25, 60.0), (1.75, 60.0)],
    ),
    "heredoc2": (
        '<<EOS.split("\\n").each { |l| play l.to_i; sleep 0.5 }\n60\n62\nEOS',
        [(0.0, 60.0), (0.5, 62.0)],
    ),
    "strings": (
        '"60 62 64".split.map(&:to_i).each { |n| play n; sleep 0.5 }\n'
        '"c e g".split(" ").each { |n| play n.to_sym; sleep 0.5 }\n'
        '"x.x".gsub(".", "").each_char{play 70; sleep 0.1}\n'
        '"abc".scan(/[a-c]/).each{|m| play m; sleep 0.1}',
        [
            (0.0, 60.0),
            (0.5, 62.0),
            (1.0, 64.0),
            (1.5, 60.0),
            (2.0, 64.0),
            (2.5, 67.0),
            (3.0, 70.0),
            (3.1, 70.0),
            (3.2, 69.0),
            (3.3, 71.0),
            (3.4, 60.0),
        ],
    ),
    "break": (
        "i=0\nloop do\n play 60+i\n sleep 0.5\n i += 1\n break if i > 3\nend\nplay 80",
        [(0.0, 60.0), (0.5, 61.0), (1.0, 62.0), (1.5, 63.0), (2.0, 80.0)],
    ),
    "procs": (
        "f = ->(n) { play n; sleep 0.5 }\n"
        "f.(60)\n"
        "f[62]\n"
        "f.call(64)\n"
        "g = proc { |x, y=67| play x; sleep 0.5; play y }\n"
        "g.call(65)\n"
        "f.yield 70\n"
        "[60,62].each(&f)",
        [
            (0.0, 60.0),
            (0.5, 62.0),
            (1.0, 64.0),
            (1.5, 65.0),
            (2.0, 67.0),
            (2.0, 70.0),
            (2.5, 60.0),
            (3.0, 62.0),
        ],
    ),
    "define": (
        "define :a do |n=60, d: 0.5|\n play n\n sleep d\nend\na\na 62\na 64, d: 1\na",
        [(0.0, 60.0), (0.5, 62.0), (1.0, 64.0), (2.0, 60.0)],
    ),
    "def": (
        "def a(n=60, *r, d: 0.5, **o)\n play n, o\n sleep d\nend\na\na 62, amp: 0.5\na 64, d: 1",
        [(0.0, 60.0), (0.5, 62.0), (1.0, 64.0)],
    ),
    "struct": (
        "N = Struct.new(:note, :dur)\n"
        "[N.new(60, 1), N.new(62, 0.5)].each { |x| play x.note; sleep x.dur }",
        [(0.0, 60.0), (1.0, 62.0)],
    ),
    "cls": (
        "class A\n"
        " def initialize(n)\n"
        "  @n = n\n"
        " end\n"
        " attr_reader :n\n"
        " def up\n"
        "  @n + 12\n"
        " end\n"
        "end\n"
        "a = A.new(60)\n"
        "play a.n\n"
        "sleep 1\n"
        "play a.up",
        [(0.0, 60.0), (1.0, 72.0)],
    ),
    "beginwhile": (
        "i = 0\nbegin\n play 60 + i\n sleep 0.5\n i += 1\nend while i < 3",
        [(0.0, 60.0), (0.5, 61.0), (1.0, 62.0)],
    ),
    "until": (
        "i=0\nuntil i == 3\n play 60\n sleep 0.5\n i+=1\nend\ni -= 1 while i > 0\nplay 70",
        [(0.0, 60.0), (0.5, 60.0), (1.0, 60.0), (1.5, 70.0)],
    ),
    "objspace": (
        "ObjectSpace.each_object { |o| puts o }\nplay 60",
        [(0.0, 60.0)],
    ),
    "words": (
        "%w(c4 e4 g4).each { |n| play n; sleep 0.5 }\n%i[c4 e4].each { |n| play n; sleep 0.5 }",
        [(0.0, 60.0), (0.5, 64.0), (1.0, 67.0), (1.5, 60.0), (2.0, 64.0)],
    ),
    "eachwi": (
        "[60,62].each_with_index { |n,i| play n+i; sleep 0.5 }\n"
        "[60,62].each.with_index(1) { |n,i| play n+i; sleep 0.5 }\n"
        "[60,62].map.with_index { |n,i| n+i }.each { |n| play n; sleep 0.25}",
        [(0.0, 60.0), (0.5, 63.0), (1.0, 61.0), (1.5, 64.0), (2.0, 60.0), (2.25, 63.0)],
    ),
    "zip": (
        "[60,62].zip([0.5,1]).each { |n,d| play n; sleep d }\n"
        "[60,62].each_with_object([]) { |n, a| a << n+1 }.each { |n| play n; sleep 0.25 }\n"
        "[[60,62],[64,65]].each { |a,b| play a; sleep 0.25; play b }",
        [
            (0.0, 60.0),
            (0.5, 62.0),
            (1.5, 61.0),
            (1.75, 63.0),
            (2.0, 60.0),
            (2.25, 62.0),
            (2.25, 64.0),
            (2.5, 65.0),
        ],
    ),
    "inject": (
        "play [1,2,57].inject(:+)\nsleep 1\nplay [60,2].reduce { |a,b| a+b }\nplay [60,61].sum/2",
        [(0.0, 60.0), (1.0, 60.0), (1.0, 62.0)],
    ),
    "ranges": (
        "(60..64).each { |n| play n; sleep 0.25 }\n"
        "(60...64).to_a.reverse.each { |n| play n; sleep 0.25 }\n"
        '("a".."c").each { |n| play n; sleep 0.25 }',
        [
            (0.0, 60.0),
            (0.25, 61.0),
            (0.5, 62.0),
            (0.75, 63.0),
            (1.0, 64.0),
            (1.25, 63.0),
            (1.5, 62.0),
            (1.75, 61.0),
            (2.0, 60.0),
            (2.25, 69.0),
            (2.5, 71.0),
            (2.75, 60.0),
        ],
    ),
    "cycle": (
        "[60,62].cycle(2) { |n| play n; sleep 0.5 }\n"
        "n = [64,65].cycle\n"
        "play n.next\n"
        "sleep 1\n"
        "play n.next",
        [(0.0, 60.0), (0.5, 62.0), (1.0, 60.0), (1.5, 62.0), (2.0, 64.0), (3.0, 65.0)],
    ),
    "safe": (
        "x = nil\nplay x&.foo || 60",
        [(0.0, 60.0)],
    ),
    "method": (
        "define :k do |n|\n"
        " play n\n"
        " sleep 0.5\n"
        "end\n"
        "[60,62].each(&method(:k))\n"
        "send(:play, 70)\n"
        "method(:play).call(71)",
        [(0.0, 60.0), (0.5, 62.0), (1.0, 70.0), (1.0, 71.0)],
    ),
    "opset": (
        "a = {}\na[:x] ||= 60\na[:x] += 2\nplay a[:x]\nb=[1,60]\nb[1] -= 1\nplay b[1]",
        [(0.0, 59.0), (0.0, 62.0)],
    ),
    "global": (
        "$n = 60\n@m = 64\ndefine :f do\n play $n\n play @m\nend\nf",
        [(0.0, 60.0), (0.0, 64.0)],
    ),
    "const": (
        "NOTES = [60, 62]\ndefine :f do\n NOTES.each { |n| play n; sleep 0.5 }\nend\nf",
        [(0.0, 60.0), (0.5, 62.0)],
    ),
    "numparam": (
        "[60,62].each { play _1; sleep 0.5 }",
        [(0.0, 60.0), (0.5, 62.0)],
    ),
    "catch": (
        "catch(:done) do\n"
        " 10.times { |i| play 60+i; sleep 0.25; throw :done if i == 2 }\n"
        "end\n"
        "play 80",
        [(0.0, 60.0), (0.25, 61.0), (0.5, 62.0), (0.75, 80.0)],
    ),
    "next_if": (
        "5.times do |i|\n next if i.odd?\n play 60+i\n sleep 0.25\nend",
        [(0.0, 60.0), (0.25, 62.0), (0.5, 64.0)],
    ),
    "kw": (
        "live_loop :a do\n play 60, release: [0.1,0.2].choose, cutoff: nil\n sleep 1\n stop\nend",
        [(0.0, 60.0)],
    ),
    "osc": (
        'use_osc "localhost", 4560\nosc "/a", 1\nplay 60',
        [(0.0, 60.0)],
    ),
    "freeze": (
        "A = %w[60 62].map(&:to_i).freeze\nA.each { |n| play n; sleep 0.5 }",
        [(0.0, 60.0), (0.5, 62.0)],
    ),
    "tap": (
        "60.then { |n| play n }\n"
        "sleep 1\n"
        "62.tap { |n| play n }\n"
        "[64].first.yield_self { |n| play n }",
        [(0.0, 60.0), (1.0, 62.0), (1.0, 64.0)],
    ),
    "groups": (
        "[1,2,3,4].each_slice(2) { |a| play 60+a.sum; sleep 0.5 }\n"
        "[1,2,3].each_cons(2) { |a,b| play 60+a+b; sleep 0.5 }\n"
        "[1,2,3,4].partition(&:even?)[0].each{|n| play 70+n; sleep 0.1}\n"
        "[3,1].sort.each{|n| play 80+n; sleep 0.1}\n"
        "[3,1].max_by{|x| x}.then{|n| play n+50}",
        [
            (0.0, 63.0),
            (0.5, 67.0),
            (1.0, 63.0),
            (1.5, 65.0),
            (2.0, 72.0),
            (2.1, 74.0),
            (2.2, 81.0),
            (2.3, 83.0),
            (2.4, 53.0),
        ],
    ),
}


def read_sounds(source: str) -> list[tuple[float, object]]:
    """Return onset, and note or sample, of each sound in order of time."""
    events = ProgramInterpreter(parse_program(source)).events
    sounds = [
        (round(event.time, 2), event.options.get("note") if event.kind == "synth" else event.name)
        for event in events
    ]
    return sorted(sounds, key=lambda sound: (sound[0], str(sound[1])))


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_a_construct_is_followed(name):
    source, expected = CONSTRUCTS[name]
    assert read_sounds(source) == expected


def test_a_list_of_6000_literals_is_read():
    notes = ", ".join(["60"] * 5999 + ["72"])
    assert read_sounds(f"a = [{notes}]\nplay a[5999]\nplay a.length / 100") == [
        (0.0, 60.0),
        (0.0, 72.0),
    ]
    assert MAX_LITERAL_LENGTH >= 6000


@pytest.mark.parametrize(
    "source",
    [
        "synth :saw, note: Time.now.sec",
        "use_synth :saw\nplay Time.now.sec, release: Time.now.usec",
        "use_synth :saw\nplay [Time.now.sec]",
        "synth :saw, note: unknown",
        "synth :saw, note: unknown, amp: other",
        "use_synth :saw\nplay unknown",
        "use_synth :saw\nplay unknown + 12, cutoff: other",
        "use_synth :saw\nplay unknown[0]",
    ],
)
def test_a_sound_of_unknown_pitch_is_a_sound(source):
    (event,) = ProgramInterpreter(
        parse_program(f"sleep 1\nwith_fx :reverb do\n{source}\nend\nplay 60, amp: 0")
    ).events[:1]
    assert (event.name, event.time, "note" in event.options) == ("saw", 1.0, False)
    assert [name for name, _ in event.fx] == ["reverb"]


@pytest.mark.parametrize(
    "source",
    [
        "begin\n  undefined_function\n  play 50\nrescue\n  play 60\nend",
        "begin\n  undefined_function 3\nrescue NameError => error\n  play 60\nend",
        "begin\n  1 / 0\nrescue ZeroDivisionError\n  play 60\nend",
        "n = (undefined_function rescue 60)\nplay n",
        "n = 0\nbegin\n  n += 1\n  raise 'x' if n < 3\n  play 57 + n\nrescue\n  retry\nend",
        "begin\n  raise 'x'\nrescue\n  begin\n    other\n  rescue\n    play 60\n  end\nend",
    ],
)
def test_an_error_is_rescued(source):
    assert read_sounds(source) == [(0.0, 60.0)]


def test_a_retry_that_never_succeeds_ends():
    assert read_sounds("begin\n  raise 'x'\nrescue\n  retry\nend\nplay 60") == [(0.0, 60.0)]


def test_the_value_of_an_undefined_function_does_not_sound():
    source = "play undefined_function 3\nplay 60 + undefined_function(3)\nplay chord(undefined 3)"
    assert read_sounds(source) == []


@pytest.mark.parametrize(
    "source",
    [
        "a = 'a' * 64\na.scan(/(a+)+$/)\nplay 60",
        "x = 'a' * 60\nx.gsub(/a?a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaaaaaaaa/, 'b')\nplay 60",
        "h = {}\nh[h] = h\nplay 60",
        "a = []\na << a\nputs a.to_s\nplay 60",
        "class A\ndef method_missing(*a)\nsend(:x)\nend\nend\nA.new.x\nplay 60",
        "ObjectSpace.each_object(Class) { |c| c.send(:remove_method, :x) }\nplay 60",
        "f = ->(g) { g.(g) }\nplay 60\nf.(f)",
        "play 60\nInteger('x')",
        "a = [1, 2, 3]\na.map!(&:to_s).freeze.cycle.lazy.map { |x| x }\nplay 60",
        "case 5\nin Integer | Float => n if n > 3\nplay 60\nend",
    ],
)
def test_strange_code_does_not_stop_the_reader(source):
    assert (0.0, 60.0) in read_sounds(source)


def test_a_value_of_get_is_that_of_its_time():
    source = (
        "set :n, 48\nlive_loop :a do\n  set :n, [60, 62].tick\n  sleep 2\n"
        "  stop if look == 1\nend\n"
        "live_loop :b do\n  play get[:n]\n  sleep 1\n  stop if tick == 3\nend"
    )
    assert read_sounds(source) == [(0.0, 60.0), (1.0, 60.0), (2.0, 62.0), (3.0, 62.0)]


def test_rests_octaves_and_names():
    assert read_sounds("play :r - 12\nplay note(:c, octave: 2)\nplay note(:e4) - 12") == [
        (0.0, 36.0),
        (0.0, 52.0),
    ]
    assert read_sounds("use_octave 1\nuse_octave 1\nuse_transpose 1\nplay 60") == [(0.0, 73.0)]
    assert read_sounds("play 60 if synth_names.include?(:tb303)") == [(0.0, 60.0)]


def test_sonic_pi_rewrites_rings_in_brackets():
    assert read_sounds("a = (ring 60, 62,)\nplay a[3]") == [(0.0, 62.0)]


@pytest.mark.parametrize(
    ("expression", "low", "high"),
    [
        ("dice", 1, 6),
        ("dice(3)", 1, 3),
        ("rand_i", 0, 1),
        ("rdist(2, 60)", 58, 62),
        ("rand(60..72)", 60, 72),
        ("rrand(60, 72)", 60, 72),
    ],
)
def test_random_numbers_have_the_range_of_sonic_pi(expression, low, high):
    notes = [note for _, note in read_sounds(f"100.times do\nplay {expression}\nend")]
    assert low <= min(notes) < low + (high - low) / 4 + 0.5
    assert high - (high - low) / 4 - 0.5 < max(notes) <= high


@pytest.mark.parametrize(
    ("source", "sustains"),
    [
        ("use_bpm 120\nplay 60, duration: 2, attack: 0.5, release: 0.5", [0.5]),
        ("play 60, duration: 2, sustain: 1", [1.0]),
        ("play 60, duration: 1, release: 3", [0.0]),
        ("play_pattern_timed [60, 62], [1, 0.5], release: 0.25", [0.75, 0.25]),
        ("play_pattern [60, 62]", [1.0, 1.0]),
    ],
)
def test_a_note_of_a_duration_is_sustained(source, sustains):
    events = ProgramInterpreter(parse_program(source)).events
    assert [event.options["sustain"] for event in events] == sustains


@pytest.mark.parametrize(
    ("options", "start", "finish"),
    [
        ("slice: 1", 1 / 16, 2 / 16),
        ("slice: 5, num_slices: 4", 0.25, 0.5),
        ("slice: 1, num_slices: 4, start: 0.5", 0.375, 0.5),
    ],
)
def test_a_slice_is_a_part_of_the_sample(options, start, finish):
    event = ProgramInterpreter(parse_program(f"sample :loop_amen, {options}")).events[0]
    assert (event.options["start"], event.options["finish"]) == (start, finish)


def test_a_stretched_sample_keeps_its_pitch():
    source = "sample :loop_amen, pitch_stretch: 2"
    options = ProgramInterpreter(parse_program(source)).events[0].options
    assert options["pitch"] == pytest.approx(-12 * math.log2(options["rate"]))


def test_default_times_are_beats():
    source = (
        "use_bpm 120\nwith_fx :echo do\nwith_fx :gverb do\nsynth :mod_saw, release: 3\nend\nend"
    )
    event = ProgramInterpreter(parse_program(source)).events[0]
    assert (event.options["release"], event.options["mod_phase"]) == (1.5, 0.125)
    assert event.fx[1] == ("echo", {"phase": 0.125, "decay": 1.0, "max_phase": 1.0})
    assert event.fx[0] == ("gverb", {})
