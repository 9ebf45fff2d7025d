"""Whether anything in a program would sound."""

from __future__ import annotations

import pytest

from core.sonicpi.interpreter import interpret_program

PYTHON = "import os\nfor i in range(3):\n    print(i)\n"
SILENT = {
    "nothing": "  \n ",
    "comments": "# play 60\n# sleep 1",
    "puts": 'puts "hi"',
    "Strudel": 's("bd*4, hh*8").gain(0.5)',
    "prose": "play me a nice song about the sea",
    "one word": "hello",
    "endless loop": "loop do\n  x = 1\nend\nplay 60",
    "endless while": "while true\n  x = 1\nend\nplay 60",
    "while that changes nothing": "x = 0\nwhile x < 10\n  puts x\nend\nplay 60",
    "until that changes nothing": "x = 1\nuntil x > 2\n  x = 1\nend\nplay 60",
    "endless range": "(1..Float::INFINITY).each { |i| x = i }\nplay 60",
    "endless for": "for i in 1..Float::INFINITY\n  x = i\nend\nplay 60",
    "endless step": "1.step { |i| x = i }\nplay 60",
    "endless upto": "1.upto(Float::INFINITY) { |i| x = i }\nplay 60",
    "endless cycle": "[1].cycle { |x| y = x }\nplay 60",
    "endless live_loop": "live_loop :a do\n  puts 1\nend",
    "amp 0": "play 60, amp: 0\nsample :bd_haus, amp: 0",
    "amp 0 of an FX": "with_fx :reverb, amp: 0 do\n  play 60\nend",
    "volume 0": "set_volume! 0\nplay 60\nsleep 1\nset_volume! 0, true",
    "mixer off in a loop": "4.times do\n  set_mixer_control! amp: 0\n  play 60\n  sleep 1\nend",
    "volume of amp 0": "set_volume! 3\nplay 60, amp: 0",
    "rests": "play nil\nplay :rest",
    "off": "play 60, on: 0",
    "too late": "sleep 20\nplay 60",
    "missing cue": "sync :never\nplay 60",
    "function that is not called": "define :a do\n  play 60\nend",
}
# Lines of errors that Sonic Pi raises; what is merely silent has none.
LINES_OF_SILENT = {
    "Strudel": 1,
    "prose": 1,
    "one word": 1,
    "endless loop": 1,
    "endless live_loop": 2,
}
SYNTAX = {
    "Python": (PYTHON, 2),
    "Python function": ("def f(x):\n  play(x)\nf(60)", 1),
    "Tidal": ('d1 $ sound "bd sn"', 1),
    "first line": ("play 60,,\nplay 62", 1),
    "HTML": ("<html></html>", 1),
}
UNKNOWN = {
    "other function with a block": 'require "foo"\nfoo do\n  bar\nend',
    "condition of the run": "play 60 if Time.now.sec > 70",
    "eval": 'eval "play 60"',
    "chance": "play 60 if one_in(1000000)",
    "very many steps": "1000000.times do |i|\n  1000000.times { |j| x = i * j }\nend\nplay 60",
}
SOUND = {
    "control after amp 0": "s = play 60, amp: 0\ncontrol s, amp: 1",
    "volume raised later": "set_volume! 0\nplay 60, sustain: 3\nsleep 1\nset_volume! 1",
    "slow fade of the mixer": "set_mixer_control! amp: 0, amp_slide: 3\nplay 60",
    "reset of the mixer": "set_volume! 0\nplay 60\nsleep 1\nreset_mixer!",
    "while that ends late": "x = 0\nwhile x < 500\n  x += 1\nend\nplay 60",
    "while by chance": "while rand < 0.9\n  puts 1\nend\nplay 60",
    "endless range with a break": "(1..Float::INFINITY).each { |i| break if i > 3 }\nplay 60",
    "endless range that sleeps": "1.upto(Float::INFINITY) { |i| play 60 + i; sleep 4 }",
    "constant of Ruby": "play 60 if Math::PI > 3",
    "unknown volume": "set_volume! Time.now.sec\nplay 60",
    "unknown pitch": "play Time.now.sec",
    "sample of an unknown name": "sample Time.now.to_s",
    "unknown amp": "play 60, amp: Time.now.sec",
}


@pytest.mark.parametrize("name", SILENT)
def test_silence_is_certain(name):
    reading = interpret_program(SILENT[name])
    assert (reading.status, reading.line) == ("no_sound", LINES_OF_SILENT.get(name))
    assert reading.message.startswith("Nothing in this code would sound")


@pytest.mark.parametrize(
    "last_line", ["play (((", "x =", "play 60 +", "play 60,", "x.each {", "[1,"]
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_part_before_an_unfinished_line_sounds(last_line, line_end):
    source = line_end.join(["live_loop :a do", "  play 60", "  sleep 1", last_line, ""])
    reading = interpret_program(source)
    assert (reading.status, reading.line, len(reading.events)) == ("sound", 4, 18)


@pytest.mark.parametrize("name", SYNTAX)
def test_a_syntax_error_without_a_sound_before_it(name):
    source, line = SYNTAX[name]
    reading = interpret_program(source)
    assert (reading.status, reading.line) == ("syntax", line)
    assert f"line {line}: syntax error" in reading.message


@pytest.mark.parametrize("name", UNKNOWN)
def test_code_that_is_not_followed_is_not_called_silent(name):
    reading = interpret_program(UNKNOWN[name])
    assert reading.status == "unknown" and not reading.is_silent and reading.message


@pytest.mark.parametrize("name", SOUND)
def test_code_that_sounds(name):
    reading = interpret_program(SOUND[name])
    assert (reading.status, reading.message) == ("sound", "")


@pytest.mark.parametrize(
    ("source", "line", "notes"),
    [
        ("play 60\nsleep 1\nplay 62,, amp: 1\nplay 64", 3, [60]),
        ('play 60\nputs "abc\nplay 61\nplay 62', 2, [60]),
        ("play 60\n2.times do\n  sleep 1\n  play 62\n", 4, [60, 62, 62]),
        ("play 60\nend\nplay 62", 2, [60]),
    ],
)
def test_the_part_before_a_syntax_error_is_read(source, line, notes):
    reading = interpret_program(source)
    assert [event.options["note"] for event in reading.events] == notes
    assert (reading.status, reading.line) == ("sound", line)
    assert reading.message.startswith(f"line {line}: syntax error")
    assert reading.message.endswith("predicted from the part before it.")


def test_the_part_before_an_unclosed_bracket_is_read():
    reading = interpret_program("play 60\nplay (62\nsleep 1\nplay 64")
    assert [event.options["note"] for event in reading.events] == [60, 62]
    # Ruby 3.3 notices it one line later than Ruby 3.1.
    assert reading.status == "sound" and reading.line in (3, 4)
    assert reading.message.startswith(f"line {reading.line}: syntax error")


def test_the_text_after_end_is_not_read():
    assert interpret_program("play 60\n__END__\nplay (").message == ""


def test_a_missing_cue_is_named():
    assert "cue never" in interpret_program("sync :never\nplay 60").message
