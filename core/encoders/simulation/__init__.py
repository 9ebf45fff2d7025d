"""Simulation of a program's sound from its events: powers in third-octave bands, without synthesis.

`sound_profile_table` holds the measured sound of every synth, sample and FX, `program_simulation`
adds up what the events of a program contribute, and `simulated_features` reads loudness, onsets and
more from the sum.
"""
