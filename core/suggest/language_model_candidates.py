"""Candidates that a language model writes: variants of a program, or continuations at a line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import EarshotError
from core.programs.grammar.newer_sonic_pi_synth_options import LATER_SYNTH_OPTIONS
from core.programs.grammar.synth_fx_and_sample_sets import FX_OPTIONS, SYNTH_OPTIONS
from core.programs.template_vocabulary import DEFAULT_SOUND_SET, build_sound_names_by_group
from core.sonicpi.sonic_pi_inventory import load_sonic_pi_inventory
from core.suggest.candidates import Candidate, build_source_change
from core.suggest.chat_client import ChatAnswer, ChatSettings, ask_language_model

LANGUAGE_MODEL_KIND = "language model"
DEFAULT_PROGRAM_COUNT = 8
MAX_PROGRAM_COUNT = 50
MAX_PROGRAM_CHARS = 100_000
FENCE_PATTERN = re.compile(r"\s*(`{3,}|~{3,})")
RULES = """\
You write music in Sonic Pi {version}. Answer with {count} different programs and nothing else.
Each is in a block of its own:
```ruby
…
```
{task}
Use only names from these lists; all others are errors.
Synths, with their own options: {synths}.
Options of all synths: amp, pan, attack, decay, sustain, release, cutoff, res, note.
FX, with their options: {fx}.
Samples: {samples}.
"""
VARIANT_TASK = (
    "Each program is the whole program of the user with one musical change. Keep comments, layout"
    " and everything else as they are. The programs must differ in how they sound."
)
CONTINUATION_TASK = (
    "Each block holds only the code to insert at the line <HERE>, without the rest of the program."
    " The continuations must differ in how they sound."
)


@dataclass(frozen=True)
class LanguageModelCandidates:
    """What a language model wrote.

    Attributes
    ----------
    candidates : list of Candidate
        Distinct, in its order. Whether they parse and sound is not checked here.
    repeated_count : int
        Programs that are the user's own, or equal to an earlier one.
    answer : ChatAnswer
    """

    candidates: list[Candidate]
    repeated_count: int
    answer: ChatAnswer

    def format_usage_and_cost(self) -> str:
        """Return count, time, tokens and cost in one line."""
        answer = self.answer
        tokens = answer.prompt_tokens + answer.answer_tokens
        parts = [f"{len(self.candidates)} programs in {answer.seconds:.1f} s"]
        if tokens:
            parts.append(f"{tokens:,} tokens")
        if answer.cost:
            parts.append(f"cost {answer.cost:.4f}")
        if answer.attempts > 1:
            parts.append(f"{answer.attempts} attempts")
        if answer.is_cut:
            parts.append("the answer was cut off")
        return f"Language model: {', '.join(parts)}."


def write_candidates_by_language_model(
    settings: ChatSettings,
    source: str,
    count: int = DEFAULT_PROGRAM_COUNT,
    line: int | None = None,
    sound_set: str = DEFAULT_SOUND_SET,
) -> LanguageModelCandidates:
    """Let a language model write variants of a program, or continuations at a line.

    Parameters
    ----------
    settings : ChatSettings
    source : str
    count : int
        Number of programs to ask for, 1 to 50.
    line : int, optional
        Line, from 1, before which code is inserted. Default: whole variants.
    sound_set : {"3.2", "5"}
        Version of Sonic Pi whose synths, samples and FX the prompt lists.

    Raises
    ------
    EarshotError
        As `ask_language_model`, or when the count or the line is invalid.
    """
    if not 1 <= count <= MAX_PROGRAM_COUNT:
        raise EarshotError(
            f"{count} programs were asked for.", remedy=f"Ask for 1 to {MAX_PROGRAM_COUNT}."
        )
    messages = build_messages(source, count, line, sound_set)
    answer = ask_language_model(settings, messages)
    blocks = extract_code_blocks(answer.text)[: 2 * count]
    programs = [
        block if line is None else insert_code_at_line(source, block, line) for block in blocks
    ]
    candidates: list[Candidate] = []
    seen_sources = {source.strip()}
    for program in programs:
        if program.strip() not in seen_sources and len(program) <= MAX_PROGRAM_CHARS:
            seen_sources.add(program.strip())
            change = build_source_change(source, program, "")
            lines = max(change.before.count("\n"), change.after.count("\n")) + 1
            words = f"by the language model: {lines} line{'s' if lines > 1 else ''} changed"
            change = build_source_change(source, program, words)
            candidates.append(Candidate(program, LANGUAGE_MODEL_KIND, change))
    return LanguageModelCandidates(candidates, len(programs) - len(candidates), answer)


def build_messages(
    source: str, count: int, line: int | None, sound_set: str
) -> list[dict[str, str]]:
    """Return the prompt: the names that exist in a version of Sonic Pi, and the program."""
    version = "3.2.2" if sound_set == DEFAULT_SOUND_SET else sound_set
    groups = build_sound_names_by_group(sound_set)
    synths = (
        SYNTH_OPTIONS if sound_set == DEFAULT_SOUND_SET else SYNTH_OPTIONS | LATER_SYNTH_OPTIONS
    )
    samples = set(load_sonic_pi_inventory()["samples"])
    if sound_set != DEFAULT_SOUND_SET:
        synth_names = {*load_sonic_pi_inventory()["synths"], *LATER_SYNTH_OPTIONS}
        samples |= {name for names in groups.values() for name in names} - synth_names
    rules = RULES.format(
        version=version,
        count=count,
        task=VARIANT_TASK if line is None else CONTINUATION_TASK,
        synths=_format_names_with_options(synths),
        fx=_format_names_with_options(FX_OPTIONS),
        samples=", ".join(f":{name}" for name in sorted(samples)),
    )
    program = source if line is None else insert_code_at_line(source, "<HERE>", line)
    return [{"role": "system", "content": rules}, {"role": "user", "content": program}]


def _format_names_with_options(table: dict) -> str:
    return ", ".join(
        f":{name}" + (f" ({', '.join(option.name for option in options)})" if options else "")
        for name, options in sorted(table.items())
    )


def extract_code_blocks(text: str) -> list[str]:
    r"""Return the code in an answer, without fences and prose.

    An answer without fences is code as a whole. Of an answer that was cut off, the last, open
    block is left out.

    Examples
    --------
    >>> extract_code_blocks("Sure!\n```ruby\nplay 60\n```\nEnjoy.")
    ['play 60\n']
    """
    blocks: list[str] = []
    fence, has_fence = "", False
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        match = FENCE_PATTERN.match(line)
        if match and not fence:
            fence, lines, has_fence = match[1], [], True
        elif match and match[1].startswith(fence) and line.strip() == match[1]:
            blocks.append("".join(lines))
            fence = ""
        elif fence:
            lines.append(line)
    if not has_fence:
        blocks = [text]
    return [block for block in blocks if block.strip()]


def insert_code_at_line(source: str, code: str, line: int) -> str:
    r"""Return a program with code before a line; one line after the last appends it.

    Raises
    ------
    EarshotError
        When the program has no such line.

    Examples
    --------
    >>> insert_code_at_line("play 60\nsleep 1\n", "play 62\n", 2)
    'play 60\nplay 62\nsleep 1\n'
    """
    lines: Sequence[str] = source.splitlines(keepends=True)
    if not 1 <= line <= len(lines) + 1:
        raise EarshotError(
            f"The program has no line {line}.", remedy=f"Give 1 to {len(lines) + 1}."
        )
    before, after = "".join(lines[: line - 1]), "".join(lines[line - 1 :])
    if before and not before.endswith("\n"):
        before += "\n"
    return f"{before}{code.rstrip()}\n{after}"
