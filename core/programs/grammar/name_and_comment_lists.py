"""Word lists for loop names, variable names and comments, by naming style."""

from __future__ import annotations

# Loop names by naming style (a language, or how tidy the names are) and layer kind.
LOOP_NAMES = {
    "tidy": {
        "kit": "drums beat kick rhythm perc hats snare drum_loop percussion kick_drum groove",
        "bass": "bass bassline sub low_end bass_line deep_bass bottom",
        "melody": "melody lead tune theme solo lead_line melody_1 top_line",
        "arp": "arp arpeggio sequence plucks arp1 runner",
        "chords": "chords pads harmony pad keys changes stabs progression",
        "drone": "drone pad background atmosphere hum wash bed",
        "texture": "texture ambience atmos fx sfx background air sounds",
        "break": "breakbeat amen loop break chopped the_break sample_loop",
        "noise": "noise wind sea hiss sweep riser swoosh",
        "glitch": "glitches blips random_stuff bits accents details ear_candy",
        "metro": "metro metronome clock pulse time conductor ticker main",
    },
    "sloppy": dict.fromkeys(
        "kit bass melody arp chords drone texture break noise glitch metro".split(),
        "a b c d x y foo bar baz l1 l2 l3 loop1 loop2 test test2 asdf thing thing2 one two three "
        "new_loop aa qq stuff1 blah lp tmp hmm",
    ),
    "silly": dict.fromkeys(
        "kit bass melody arp chords drone texture break noise glitch metro".split(),
        "wobbly_cat space_potato robot_party angry_toaster disco_llama pancake sleepy_bear moo "
        "haunted_fridge jellyfish banana_phone goblin tiny_dinosaur mr_boom sneaky_snake soup "
        "ufo_landing laser_duck grumpy_cloud hamster_wheel bigfoot noodle",
    ),
    "german": {
        "kit": "trommel schlagzeug takt",
        "bass": "bass tief",
        "melody": "melodie lied thema",
        "arp": "sequenz lauf",
        "chords": "akkorde harmonie",
        "drone": "flaeche teppich",
        "texture": "stimmung hintergrund",
        "break": "schleife",
        "noise": "rauschen wind",
        "glitch": "effekte spielerei",
        "metro": "uhr taktgeber",
    },
    "spanish": {
        "kit": "bateria ritmo bombo",
        "bass": "bajo",
        "melody": "melodia cancion",
        "arp": "arpegio",
        "chords": "acordes armonia",
        "drone": "fondo",
        "texture": "ambiente",
        "break": "bucle",
        "noise": "ruido viento",
        "glitch": "efectos",
        "metro": "reloj",
    },
    "french": {
        "kit": "batterie rythme caisse",
        "bass": "basse",
        "melody": "melodie chanson",
        "arp": "arpege",
        "chords": "accords",
        "drone": "nappe bourdon",
        "texture": "ambiance",
        "break": "boucle",
        "noise": "bruit vent",
        "glitch": "bruitages",
        "metro": "horloge",
    },
    "japanese": {
        "kit": "taiko doramu",
        "bass": "besu",
        "melody": "senritsu uta",
        "arp": "arupejio",
        "chords": "wa_on",
        "drone": "kumo",
        "texture": "mori umi",
        "break": "rupu",
        "noise": "kaze",
        "glitch": "hoshi",
        "metro": "tokei",
    },
    "portuguese": {
        "kit": "bateria batida",
        "bass": "baixo grave",
        "melody": "melodia",
        "arp": "arpejo",
        "chords": "acordes",
        "drone": "fundo",
        "texture": "ambiente",
        "break": "laco",
        "noise": "ruido",
        "glitch": "efeitos",
        "metro": "relogio",
    },
}

# Variable names by naming style and by what the variable holds.
VARIABLE_NAMES = {
    "tidy": {
        "notes": "notes my_notes melody_notes seq pattern riff tune_notes phrase",
        "times": "times durations rhythm lengths sleeps note_lengths",
        "scale": "sc my_scale s key_notes the_scale",
        "chords": "progression chord_prog changes my_chords prog",
        "chord": "ch this_chord c",
        "root": "root tonic base_note key_note base",
        "synths": "synths my_synths instruments",
        "samples": "kit samples sounds my_samples hits",
        "amp": "vol volume level amp_level loudness",
        "cutoff": "co cut cutoff_val lpf_freq brightness",
        "rate": "r sample_rate_now speed my_rate",
        "pattern": "pat steps hits_pattern grid beat_pattern",
        "sleep": "t step dur wait_time beat_len quarter sl",
        "note": "n nn note_now this_note",
        "node": "sn synth_node held pad_note s1 voice",
        "count": "reps num count bars times_to_play",
        "index": "i idx k j",
        "fx": "fx_node efx effect r1",
        "sample": "smp the_sample samp my_sample loop_sample",
        "function": "play_it hit my_func riff1 do_bass part_a boom section motif play_part",
        "release": "rel tail release_time",
        "pan": "p side pan_pos",
        "unused": "foo old_notes tempo_2 spare other_notes temp unused max_vol",
    },
}
SLOPPY_VARIABLE_NAMES = "a b c d e f g h k m q u v w z x1 x2 y1 aa bb zz foo_1 tmp val val2".split()
FOREIGN_VARIABLE_NAMES = {
    "german": {
        "notes": "noten",
        "times": "dauern",
        "root": "grundton",
        "amp": "lautstaerke",
        "samples": "klaenge",
        "function": "spiele",
        "sleep": "pause",
    },
    "spanish": {
        "notes": "notas",
        "times": "tiempos",
        "root": "tonica",
        "amp": "volumen",
        "samples": "sonidos",
        "function": "tocar",
        "sleep": "espera",
    },
    "french": {
        "notes": "les_notes",
        "times": "durees",
        "root": "tonique",
        "amp": "volume",
        "samples": "sons",
        "function": "jouer",
        "sleep": "pause",
    },
    "portuguese": {
        "notes": "notas",
        "times": "duracoes",
        "root": "tonica",
        "amp": "volume",
        "samples": "sons",
        "function": "tocar",
        "sleep": "espera",
    },
    "japanese": {
        "notes": "onpu",
        "times": "nagasa",
        "root": "ne",
        "amp": "oto",
        "samples": "oto_tachi",
        "function": "hiku",
        "sleep": "ma",
    },
}

TITLE_COMMENTS = {
    "tidy": "Sunday morning loop|Late night sketch|Exercise 3|Study in {key}|Practice "
    "session|Untitled "
    "|Workshop piece|Slow walk|Second take|First attempt at live coding|Loop no. {n}|Test piece"
    "|Rainy window|Night bus|Waiting room|Small machine|Tides|After hours|Warm up",
    "sloppy": "test|idk|new one|untitled {n}|stuff|my song|asdf|song {n}|try this|wip|jam {n}",
    "silly": "The potato that learned to dance|Cat on the piano|Robots eating cereal|Beep boop "
    "symphony no. {n}|Elevator to Mars|My neighbour will love this|Bees!!!",
    "german": "Uebung {n}|Kleines Stueck|Nachtmusik fuer Roboter|Versuch {n}|Regentag",
    "spanish": "Prueba {n}|Mi cancion|Noche de lluvia|Ejercicio {n}|Baile lento",
    "french": "Essai {n}|Ma petite boucle|Pluie du soir|Exercice {n}|Le train de nuit",
    "japanese": "renshuu {n}|ame no hi|yoru no machi|jikken {n}",
    "portuguese": "Teste {n}|Minha batida|Chuva|Exercicio {n}|Fim de tarde",
}

CODE_COMMENTS = {
    "tidy": "play with this|change this number|main loop|try other values here|add more later"
    "|this repeats forever|keep it simple|every bar|random but seeded|drop this for the break"
    "|a bit louder than the rest|fade this in slowly|uncomment to hear it|works well live"
    "|stop this one first|off beat|tweak me|sounds better with headphones",
    "sloppy": "todo|??|louder?|fix|nice|not sure why this works|dont touch|hmm|temp|old|lol",
    "silly": "the fun starts here|wake up the neighbours|beep boop|dance!|sorry|magic number"
    "|feed the robot|ooooh",
    "german": "hier spielen|lauter|mal probieren|Hauptschleife|noch mehr|schneller?",
    "spanish": "cambiar esto|mas fuerte|probar otros valores|bucle principal|mas lento",
    "french": "changer ici|plus fort|essayer autre chose|boucle principale|plus vite?",
    "japanese": "koko wo kaeru|motto ookiku|tameshi|ato de",
    "portuguese": "mudar isto|mais alto|testar outros valores|principal|mais rapido?",
}

NAMING_STYLE_WEIGHTS = {
    "tidy": 12.0,
    "sloppy": 4.0,
    "silly": 2.0,
    "german": 1.0,
    "spanish": 1.0,
    "french": 1.0,
    "japanese": 0.6,
    "portuguese": 0.7,
}

# Names with another meaning in Ruby or Sonic Pi.
RESERVED_NAMES = set(
    "play sample sleep synth control chord scale ring tick look line range spread knit bools note "
    "notes_of density at cue sync loop define beat stretch ramp pick dice rt bt vt on map inc dec "
    "kill stop rest octs degree level test p print puts in do end if def nil not or and set get "
    "hits choose rand status reset clear version live_loop buffer use_synth octave volume "
    "tune".split()
)
