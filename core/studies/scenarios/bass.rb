# === prompt: a few notes of bass
use_bpm 120
use_synth :fm
use_synth_defaults release: 0.4
play :e2
sleep 1
play :e2
sleep 0.5
play :g2
sleep 0.5

# === 01: goes on in the same way
live_loop :bass do
  play :e2
  sleep 1
  play :e2
  sleep 0.5
  play :a2
  sleep 0.5
end

# === 02: the same from two rings
live_loop :bass do
  play (ring :e2, :e2, :a2).tick
  sleep (ring 1, 0.5, 0.5).look
end

# === 03: the same as a timed pattern
live_loop :bass do
  play_pattern_timed [40, 40, 45], [1, 0.5, 0.5]
end

# === 04: 01 three octaves higher
live_loop :bass do
  play :e5
  sleep 1
  play :e5
  sleep 0.5
  play :a5
  sleep 0.5
end

# === 05: 01 on an acid synth
use_synth :tb303
live_loop :bass do
  play :e2
  sleep 1
  play :e2
  sleep 0.5
  play :a2
  sleep 0.5
end

# === 06: 01 with long notes that run into each other
live_loop :bass do
  play :e2, release: 6
  sleep 1
  play :e2, release: 6
  sleep 0.5
  play :a2, release: 6
  sleep 0.5
end

# === 07: 01 crushed
with_fx :bitcrusher, bits: 4, sample_rate: 4000 do
  live_loop :bass do
    play :e2
    sleep 1
    play :e2
    sleep 0.5
    play :a2
    sleep 0.5
  end
end

# === 08: rolling sixteenths
live_loop :roll do
  play :e2, release: 0.15
  sleep 0.25
end

# === 09: rolling sixteenths, unrolled and transposed by nothing
loop do
  n = note(:e2)
  4.times do
    play n + 0, release: 0.15
    sleep 0.25
  end
end

# === 10: rolling with rests
live_loop :roll do
  play :e2, release: 0.15 if spread(1, 8).tick
  sleep 0.25
end

# === 11: rolling on a bright saw
use_synth :dsaw
live_loop :roll do
  play :e2, release: 0.15, cutoff: 125, detune: 0.3
  sleep 0.25
end

# === 12: rolling on a dark saw
use_synth :dsaw
live_loop :roll do
  play :e2, release: 0.15, cutoff: 45, detune: 0.3
  sleep 0.25
end

# === 13: a sub that hardly moves
use_synth :sine
live_loop :sub do
  play :e1, attack: 1, sustain: 5, release: 2
  sleep 8
end

# === 14: the sub by hertz and variables
use_synth :beep
root = hz_to_midi(41.2)
loop do
  play root, attack: 1, sustain: 5, release: 2
  sleep 8
end

# === 15: a drone of saws
use_synth :supersaw
live_loop :sub do
  play :e1, attack: 1, sustain: 5, release: 2
  sleep 8
end

# === 16: a walk down the scale
walk = scale(:e2, :aeolian).reverse
live_loop :walk do
  play walk.tick
  sleep 1
end

# === 17: the walk, note by note
loop do
  play 52
  sleep 1
  play 50
  sleep 1
  play 48
  sleep 1
  play 47
  sleep 1
  play 45
  sleep 1
  play 43
  sleep 1
  play 42
  sleep 1
  play 40
  sleep 1
end

# === 18: the walk on a pluck, at double pace
use_synth :pluck
walk = scale(:e2, :aeolian).reverse
live_loop :walk do
  play walk.tick
  sleep 0.5
end

# === 19: the walk on a piano, five times slower
use_synth :piano
walk = scale(:e2, :aeolian).reverse
live_loop :walk do
  play walk.tick, release: 5
  sleep 5
end

# === 20: wobbles
use_synth :dsaw
with_fx :wobble, phase: 0.5, cutoff_max: 110 do
  live_loop :wub do
    play :e2, sustain: 4, release: 0
    sleep 4
  end
end

# === 21: wobbles by hand
use_synth :dsaw
live_loop :wub do
  s = play :e2, sustain: 4, release: 0, cutoff: 60, cutoff_slide: 0.25
  8.times do
    control s, cutoff: 110
    sleep 0.25
    control s, cutoff: 60
    sleep 0.25
  end
end

# === 22: a sampled bass
live_loop :hit do
  sample :bass_hit_c, rpitch: 4
  sleep 1
end

# === 23: the sampled bass, thick and long
live_loop :hit do
  sample :bass_thick_c, rpitch: 4, rate: 0.5
  sleep 1
end

# === 24: octaves that jump
live_loop :jump do
  play :e2, release: 0.3
  sleep 0.5
  play :e3, release: 0.3
  sleep 0.5
end
