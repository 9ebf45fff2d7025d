"""Static interpreter: score events of a program, computed from its syntax tree without running it.

>>> from core.sonicpi.interpreter import ProgramInterpreter, parse_program
>>> interpreter = ProgramInterpreter(parse_program("2.times { play :e3; sleep 0.5 }"))
>>> [(event.time, event.options["note"]) for event in interpreter.events]
[(0.0, 52.0), (0.5, 52.0)]
"""

# These modules register Sonic Pi's built-in functions when they are imported.
from core.sonicpi.interpreter import (
    builtins_control_and_kill,
    builtins_definitions_and_ignored_calls,
    builtins_main_mixer,
    builtins_newer_sonic_pi,
    builtins_play_and_synth,
    builtins_random,
    builtins_ruby_kernel,
    builtins_samples,
    builtins_thread_settings,
    builtins_ticks_rings_and_notes,
    builtins_time_and_threads,
)

from core.sonicpi.interpreter import builtins_argument_checks  # isort: skip (after the functions)
from core.sonicpi.interpreter.program_interpretation import ProgramReading, interpret_program
from core.sonicpi.interpreter.program_interpreter import ProgramInterpreter
from core.sonicpi.interpreter.ruby_parser_process import parse_program

__all__ = [
    "ProgramInterpreter",
    "ProgramReading",
    "builtins_argument_checks",
    "builtins_control_and_kill",
    "builtins_ruby_kernel",
    "builtins_main_mixer",
    "builtins_newer_sonic_pi",
    "builtins_random",
    "builtins_samples",
    "builtins_thread_settings",
    "builtins_definitions_and_ignored_calls",
    "builtins_play_and_synth",
    "builtins_time_and_threads",
    "builtins_ticks_rings_and_notes",
    "parse_program",
    "interpret_program",
]
