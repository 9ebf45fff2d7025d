# === prompt: a phrase on the piano
use_bpm 120
use_synth :piano
play :e4
sleep 1
play :g4
sleep 1
play :a4
sleep 2

# === 01: answers in quarter notes, line by line
3.times do
  play :b4
  sleep 1
  play :a4
  sleep 1
  play :g4
  sleep 1
  play :e4
  sleep 1
end

# === 02: the same answer as a pattern
play_pattern_timed [:b4, :a4, :g4, :e4] * 3, [1]

# === 03: the same answer by MIDI numbers and a list
12.times do |i|
  play [71, 69, 67, 64][i % 4]
  sleep 1
end

# === 04: the answer of 01 on a saw
use_synth :saw
3.times do
  play :b4
  sleep 1
  play :a4
  sleep 1
  play :g4
  sleep 1
  play :e4
  sleep 1
end

# === 05: the answer of 01, two octaves lower
3.times do
  play :b2
  sleep 1
  play :a2
  sleep 1
  play :g2
  sleep 1
  play :e2
  sleep 1
end

# === 06: the answer of 01, four times as fast
3.times do
  play :b4
  sleep 0.25
  play :a4
  sleep 0.25
  play :g4
  sleep 0.25
  play :e4
  sleep 0.25
end

# === 07: the answer of 01 in a big hall
with_fx :reverb, room: 1, mix: 0.8 do
  3.times do
    play :b4
    sleep 1
    play :a4
    sleep 1
    play :g4
    sleep 1
    play :e4
    sleep 1
  end
end

# === 08: a pentatonic run, up and down, on a pluck
use_synth :pluck
notes = scale(:e4, :minor_pentatonic, num_octaves: 2).mirror
loop do
  play notes.tick, release: 0.4
  sleep 0.5
end

# === 09: the run of 08 with each, written out
use_synth :pluck
loop do
  [:e4, :g4, :a4, :b4, :d5, :e5, :g5, :a5, :b5, :d6, :e6].each do |n|
    play n, release: 0.4
    sleep 0.5
  end
  [:e6, :d6, :b5, :a5, :g5, :e5, :d5, :b4, :a4, :g4, :e4].each do |n|
    play n, release: 0.4
    sleep 0.5
  end
end

# === 10: the run of 08 on a hollow pad, slow
use_synth :hollow
notes = scale(:e4, :minor_pentatonic, num_octaves: 2).mirror
loop do
  play notes.tick, attack: 1, release: 4
  sleep 2
end

# === 11: the run of 08 on a chip
use_synth :chiplead
notes = scale(:e4, :minor_pentatonic, num_octaves: 2).mirror
loop do
  play notes.tick, release: 0.1
  sleep 0.25
end

# === 12: chosen from the scale at random
live_loop :wander do
  play choose(scale(:e4, :minor_pentatonic)), release: 1
  sleep choose([0.5, 1])
end

# === 13: chosen from the chord at random
live_loop :wander do
  play chord(:e4, :minor7).choose, release: 1
  sleep [0.5, 1].choose
end

# === 14: chosen at random, far and bright
use_synth :blade
live_loop :wander do
  play choose(scale(:e4, :minor_pentatonic)) + 24, release: 0.2
  sleep choose([0.125, 0.25])
end

# === 15: long chords under nothing
loop do
  play_chord chord(:e3, :minor), sustain: 3, release: 1
  sleep 4
  play_chord chord(:g3, :major), sustain: 3, release: 1
  sleep 4
end

# === 16: the chords of 15, spelt
loop do
  play 52, sustain: 3, release: 1
  play 55, sustain: 3, release: 1
  play 59, sustain: 3, release: 1
  sleep 4
  play 55, sustain: 3, release: 1
  play 59, sustain: 3, release: 1
  play 62, sustain: 3, release: 1
  sleep 4
end

# === 17: the chords of 15 on a dark prophet
use_synth :prophet
loop do
  play_chord chord(:e3, :minor), sustain: 3, release: 1, cutoff: 60
  sleep 4
  play_chord chord(:g3, :major), sustain: 3, release: 1, cutoff: 60
  sleep 4
end

# === 18: bells with an echo
use_synth :pretty_bell
with_fx :echo, phase: 0.75, decay: 6 do
  loop do
    play (ring :e5, :b5, :g5, :d6).tick, release: 1.5
    sleep 1.5
  end
end

# === 19: the bells of 18, dry and dull
use_synth :dull_bell
loop do
  play (ring :e5, :b5, :g5, :d6).tick, release: 1.5
  sleep 1.5
end

# === 20: a lead that slides
use_synth :mod_saw
s = play :e4, sustain: 24, note_slide: 1, cutoff: 90
loop do
  control s, note: (ring :g4, :a4, :b4, :e4).tick
  sleep 2
end

# === 21: the phrase again, as a function
define :phrase do |root|
  play root
  sleep 1
  play root + 3
  sleep 1
  play root + 5
  sleep 2
end
phrase :e4
phrase :g4
phrase :e4

# === 22: the phrase again, copied
play :e4
sleep 1
play :g4
sleep 1
play :a4
sleep 2
play :g4
sleep 1
play :bb4
sleep 1
play :c5
sleep 2
play :e4
sleep 1
play :g4
sleep 1
play :a4
sleep 2

# === 23: an arpeggio through a wobble
use_synth :tb303
with_fx :wobble, phase: 2 do
  loop do
    play chord(:e3, :m7).tick, release: 0.2, cutoff: 100
    sleep 0.25
  end
end

# === 24: two voices, a third apart
in_thread do
  6.times do
    play :b4, release: 2
    sleep 2
  end
end
6.times do
  play :g4, release: 2
  sleep 2
end
