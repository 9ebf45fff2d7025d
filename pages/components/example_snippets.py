"""Example snippets that the pages Listen, Suggest and Map offer; no corpus contains them."""

EXAMPLE_SNIPPETS = {
    "Rain on a window": """use_bpm 120
use_random_seed 7
notes = scale(:e4, :minor_pentatonic,
  num_octaves: 2)

live_loop :drops do
  synth :pluck, note: notes.choose,
    amp: rrand(0.3, 0.8),
    pan: rrand(-0.7, 0.7)
  sleep [0.25, 0.25, 0.5, 0.75].choose
end

with_fx :reverb, room: 0.9, mix: 0.6 do
  live_loop :sky do
    synth :dark_ambience, note: :e2,
      attack: 2, sustain: 2, release: 4
    sleep 8
  end
end
""",
    "Four to the floor": """use_bpm 124

live_loop :kick do
  sample :bd_haus, amp: 1.5, cutoff: 110
  sleep 1
end

live_loop :hats do
  sleep 0.5
  sample :drum_cymbal_closed, amp: 0.6, rate: 1.2
  sleep 0.5
end

live_loop :bass do
  use_synth :tb303
  play (ring :e1, :e1, :g1, :a1).tick,
    release: 0.25, cutoff: rrand(60, 100)
  sleep 0.5
end
""",
    "Slow chords": """use_bpm 60
use_synth :prophet

loop do
  play chord(:a3, :minor7), attack: 0.5,
    sustain: 1.5, release: 2, cutoff: 80
  sleep 4
  play chord(:f3, :major7), attack: 0.5,
    sustain: 1.5, release: 2, cutoff: 90
  sleep 4
end
""",
    "A broken beat": """use_bpm 120

live_loop :breaks do
  sample :loop_amen, beat_stretch: 4,
    slice: rrand_i(0, 7),
    rate: [1, 1, -1, 2].choose
  sleep 0.5
end
""",
    "Bells far away": """use_bpm 90
use_synth :pretty_bell

with_fx :echo, phase: 0.75, decay: 6, mix: 0.5 do
  live_loop :bells do
    play scale(:c5, :major_pentatonic).choose,
      release: 3, amp: 0.5
    sleep [1, 1.5, 2].choose
  end
end
""",
}
