"""Programs that the tests of suggestions edit."""

BASS_AND_DRUMS = """\
# A bass and drums
use_bpm 120
notes = (scale :c3, :minor)

live_loop :bass do
  use_synth :tb303
  with_fx :reverb, room: 0.8 do # wet
    play notes.choose, cutoff: rrand(70, 100), release: 0.2
    sleep 0.5
    play :eb2, cutoff: 100   # low é
    sleep 0.25
    play :g2
    sleep 0.25
  end
end

live_loop :drums do
  sample :bd_haus, amp: 1.5
  sleep 0.5
  sample :drum_cymbal_closed if one_in(2)
  sleep 0.5
end
"""
