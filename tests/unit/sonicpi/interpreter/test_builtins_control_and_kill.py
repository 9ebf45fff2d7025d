"""What `control` and `kill` change, and from when on."""

import math

from core.sonicpi.interpreter import interpret_program
from core.sonicpi.sound_options_and_control_changes import (
    OptionChange,
    list_control_changes_of_sound,
)


def read_changes(source, event=0):
    return list_control_changes_of_sound(interpret_program(source).events[event].options)


def test_a_note_is_changed_at_its_time_with_slides_in_seconds():
    source = "use_bpm 120\ns = play 60\nsleep 1\nplay 72\ncontrol s, amp: 0.2, amp_slide: 4"
    assert read_changes(source) == (OptionChange(0.5, {"amp": 0.2, "amp_slide": 2.0}),)
    assert read_changes(source, 1) == ()


def test_the_first_value_describes_the_sound_but_is_no_initial_option():
    options = (
        interpret_program("s = play 60\nsleep 1\ncontrol s, cutoff: 80, note: 62").events[0].options
    )
    assert dict(options) == {"note": 60.0, "cutoff": 80}
    assert options.get_initial_options() == {"note": 60.0}


def test_without_a_node_the_last_sound_of_the_thread_is_changed():
    source = "play 60\nin_thread do\nplay 62\ncontrol pan: 1\nend\ncontrol pan: -1"
    assert read_changes(source)[0].values == {"pan": -1}
    assert read_changes(source, 1)[0].values == {"pan": 1}


def test_every_note_of_a_chord_gets_its_pitch():
    source = (
        "c = play_chord [60, 64]\nsleep 1\nuse_transpose 1\ncontrol c, notes: [:c4, :e5], slide: 2"
    )
    assert read_changes(source)[-1].values == {"note": 61.0}
    assert read_changes(source, 1)[-1].values == {"note": 77.0}


def test_an_fx_is_changed_by_any_thread():
    source = (
        "with_fx :lpf, cutoff: 50 do |filter|\nlive_loop :a do\nplay 60\nsleep 1\nend\n"
        "live_loop :b do\nsleep 2\ncontrol filter, cutoff: 90\nend\nend"
    )
    for event in interpret_program(source).events:
        changes = list_control_changes_of_sound(event.fx[0][1])
        assert [change.seconds for change in changes] == [2 * step for step in range(1, 9)]
        assert event.fx[0][1] == {"cutoff": 50}


def test_changes_keep_their_distance_when_the_clip_begins_later():
    source = "sleep 1\ns = play 60\nsleep 2\ncontrol s, amp: 0\nkill s"
    reading = interpret_program("set_sched_ahead_time! 2\n" + source)
    event = reading.events[0]
    assert list_control_changes_of_sound(event.options)[0].seconds - event.time == 2
    assert event.options.end_seconds - event.time == 2


def test_kill_ends_a_sound_and_nothing_else():
    events = interpret_program("a = play 60\nb = play 62\nsleep 1\nkill a").events
    assert [event.options.end_seconds for event in events] == [1.0, math.inf]


def test_a_rest_or_an_unknown_node_can_be_changed_without_effect():
    source = (
        "play 60\ncontrol play(:r), amp: 2\ncontrol nil, amp: 2\ncontrol get(:x), amp: 2\nkill nil"
    )
    assert read_changes(source) == ()
