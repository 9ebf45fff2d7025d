"""Draws of a thread: their number, and the seeds of new threads."""

from __future__ import annotations

import pytest

from core.sonicpi.interpreter.random_stream import MAX_PICKED_ELEMENTS, RandomStream


def test_draws_count_and_peeks_do_not():
    stream = RandomStream(seed=7)
    peeked = stream.peek_at_next_random_number()
    assert stream.peek_at_next_random_number() == peeked == stream.draw_random_number()
    assert stream.draw_count == 1 and stream.peek_at_next_random_number() != peeked


def test_seed_restarts_the_numbers_and_the_count_of_threads():
    stream = RandomStream(seed=3)
    first = [stream.draw_random_number() for _ in range(3)]
    stream.create_stream_for_new_thread()
    stream.restart_random_stream_from_seed(3)
    assert [stream.draw_random_number() for _ in range(3)] == first
    assert stream.thread_count == 0


def test_integer_draws_have_the_sign_of_their_limit():
    stream = RandomStream()
    assert {stream.draw_random_integer(3) for _ in range(50)} == {0, 1, 2}
    assert {stream.draw_random_integer(-3) for _ in range(50)} == {0, -1, -2}


def test_shuffle_takes_one_draw_and_keeps_the_elements():
    stream, elements = RandomStream(), list(range(20))
    shuffled = stream.shuffle_elements(elements)
    assert shuffled != elements and sorted(shuffled) == elements
    assert stream.draw_count == 1
    assert stream.shuffle_elements([]) == [] and stream.draw_count == 2


def test_choice_of_an_empty_list_is_nil_and_takes_a_draw():
    stream = RandomStream()
    assert stream.choose_random_element([]) is None and stream.draw_count == 1


def test_pick_skips_draws_and_is_limited():
    stream = RandomStream()
    assert (
        len(stream.pick_random_elements([1, 2, 3], 4, skip_count=2)) == 4 and stream.draw_count == 6
    )
    assert len(stream.pick_random_elements([1], 10**9)) == MAX_PICKED_ELEMENTS


def test_threads_have_seeds_of_their_own():
    parent = RandomStream(seed=5, draw_count=3)
    first, second = parent.create_stream_for_new_thread(), parent.create_stream_for_new_thread()
    assert first.seed != second.seed and first.draw_count == 0
    assert (first.thread_count, second.thread_count, parent.thread_count) == (1, 2, 2)
    assert parent.draw_count == 3
    again = RandomStream(seed=5).create_stream_for_new_thread()
    assert again.seed == first.seed
    assert parent.create_stream_for_new_thread(seed=10).seed == 15 and parent.thread_count == 2


@pytest.mark.parametrize("source", ["white", "perlin"])
def test_new_threads_inherit_the_source(source: str):
    assert RandomStream(source=source).create_stream_for_new_thread().source == source
