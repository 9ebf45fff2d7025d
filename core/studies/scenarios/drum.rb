# === prompt: four on the floor
use_bpm 120
4.times do
  sample :bd_haus
  sleep 1
end

# === 01: goes on, with a clap on two and four
live_loop :beat do
  sample :bd_haus
  sleep 1
  sample :bd_haus
  sample :perc_snap
  sleep 1
end

# === 02: the same with a counter
live_loop :beat do
  i = tick
  sample :bd_haus
  sample :perc_snap if i.odd?
  sleep 1
end

# === 03: the same as two loops
live_loop :kick do
  sample :bd_haus
  sleep 1
end
live_loop :clap do
  sleep 1
  sample :perc_snap
  sleep 1
end

# === 04: 01 with cymbals for the kick
live_loop :beat do
  sample :drum_cymbal_soft
  sleep 1
  sample :drum_cymbal_soft
  sample :perc_snap
  sleep 1
end

# === 05: 01 at four times the pace
live_loop :beat do
  sample :bd_haus
  sleep 0.25
  sample :bd_haus
  sample :perc_snap
  sleep 0.25
end

# === 06: 01 with everything at a quarter of its speed
live_loop :beat do
  sample :bd_haus, rate: 0.25
  sleep 1
  sample :bd_haus, rate: 0.25
  sample :perc_snap, rate: 0.25
  sleep 1
end

# === 07: 01 through a heavy echo
with_fx :echo, phase: 0.25, decay: 8, mix: 0.9 do
  live_loop :beat do
    sample :bd_haus
    sleep 1
    sample :bd_haus
    sample :perc_snap
    sleep 1
  end
end

# === 08: closed hats in eighths
live_loop :hats do
  sample :drum_cymbal_closed, amp: 0.8
  sleep 0.5
end

# === 09: the hats of 08, counted
36.times do
  sample :drum_cymbal_closed, amp: 0.8
  sleep 0.5
end
sleep 1

# === 10: the hats of 08, open
live_loop :hats do
  sample :drum_cymbal_open, amp: 0.8
  sleep 0.5
end

# === 11: the hats of 08, very few
live_loop :hats do
  sample :drum_cymbal_closed, amp: 0.8
  sleep 4
end

# === 12: hats made of noise
use_synth :noise
live_loop :hats do
  play 60, attack: 0, release: 0.08, cutoff: 130, amp: 0.6
  sleep 0.5
end

# === 13: the noise as waves
use_synth :noise
live_loop :hats do
  play 60, attack: 2, release: 2, cutoff: 80, amp: 0.6
  sleep 4
end

# === 14: a break, as it is
live_loop :breaks do
  sample :loop_amen, beat_stretch: 4
  sleep 4
end

# === 15: the break in four slices, in order
live_loop :breaks do
  4.times do |n|
    sample :loop_amen, beat_stretch: 4, start: n * 0.25, finish: n * 0.25 + 0.25
    sleep 1
  end
end

# === 16: another loop
live_loop :breaks do
  sample :loop_industrial, beat_stretch: 2
  sleep 2
end

# === 17: the break backwards through a low-pass
live_loop :breaks do
  with_fx :lpf, cutoff: 60 do
    sample :loop_amen, beat_stretch: 4, rate: -1
  end
  sleep 4
end

# === 18: toms by a Euclidean rhythm
live_loop :toms do
  sample :drum_tom_lo_hard if spread(3, 8).tick
  sleep 0.25
end

# === 19: the toms by a list of booleans
hit = [true, false, false, true, false, false, true, false]
live_loop :toms do
  8.times do |i|
    sample :drum_tom_lo_hard if hit[i]
    sleep 0.25
  end
end

# === 20: high toms, denser
live_loop :toms do
  sample :drum_tom_hi_hard if spread(7, 8).tick
  sleep 0.25
end

# === 21: tabla at random
live_loop :tabla do
  sample choose([:tabla_na, :tabla_ke1, :tabla_tas1, :tabla_te1])
  sleep choose([0.25, 0.5])
end

# === 22: tabla at random, by number
tablas = [:tabla_na, :tabla_ke1, :tabla_tas1, :tabla_te1]
loop do
  sample tablas[rand_i(4)], amp: 1
  sleep [0.25, 0.5][rand_i(2)]
end

# === 23: glitches at random
live_loop :glitch do
  sample choose([:glitch_perc1, :glitch_perc3, :elec_blip, :elec_twip])
  sleep choose([0.25, 0.5])
end

# === 24: kick and snare, distorted
with_fx :distortion, distort: 0.9 do
  live_loop :rock do
    sample :drum_bass_hard
    sleep 0.5
    sample :drum_snare_hard
    sleep 0.5
  end
end
