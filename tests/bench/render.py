"""Benchmark: rendering speed, compared to scsynth on the same scores.

Renders 10 variants of each template, 18 s each. The figures are: seconds of audio per second, on
one core and on all; the shares of program, synthesis and encoding; and the ratio to `scsynth -N` on
the same scores, which is the minimum cost of rendering. Both alternate, program by program, in one
run. Other work on the machine increases elapsed time more than processor time, so both are
reported.
"""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from core.programs import generate, list_templates
from core.sonicpi import render_programs_in_parallel
from core.sonicpi.render_worker import RenderWorker
from core.sonicpi.sandbox import list_scsynth_plugin_paths

SECONDS = 18.0
SCSYNTH_OPTIONS = "-V -2 -D 0 -b 4096 -a 1024 -c 4096 -m 262144 -o 2 -i 2 -n 4096 -w 512".split()


def run(variants: int = 10) -> list[tuple[str, str]]:
    """Measure rendering speed; return rows of (figure, value).

    Parameters
    ----------
    variants : int
        Number of programs per template.
    """
    sources = [p.source for t in list_templates() for p in generate(t, variants, seed=0)]
    with tempfile.TemporaryDirectory() as folder:
        one_core_rows = _measure_one_core(sources, Path(folder))
        return one_core_rows + _measure_all_cores(sources, Path(folder))


def _measure_all_cores(sources: list[str], folder: Path) -> list[tuple[str, str]]:
    """Render with one worker per core, and save every clip."""
    core_count = len(os.sched_getaffinity(0))
    started = time.perf_counter()
    finish_times, failure_count = [], 0
    for index, result in render_programs_in_parallel(sources, SECONDS):
        if result.has_clip:
            result.clip.save(folder / f"{index % 100}.flac")
        failure_count += not result.has_clip
        finish_times.append(time.perf_counter() - started)
    # The workers start only once, whatever the number of programs, so their start is separate.
    first_results = finish_times[core_count - 1]
    program_seconds = (finish_times[-1] - first_results) / (len(finish_times) - core_count)
    start_seconds = first_results - core_count * program_seconds
    total_minutes = (start_seconds + 13_500 * program_seconds) / 60
    return [
        (f"all {core_count} cores, FLAC saved", f"{SECONDS / program_seconds:.0f} times real time"),
        ("start of the workers", f"{start_seconds:.1f} s"),
        ("13,500 programs at that rate", f"{total_minutes:.1f} min"),
        ("programs that failed", str(failure_count)),
    ]


@dataclass
class _Timings:
    """Seconds of each program, and processor seconds of all programs."""

    total: list[float] = field(default_factory=list)
    program: list[float] = field(default_factory=list)
    synthesis: list[float] = field(default_factory=list)
    encoding: list[float] = field(default_factory=list)
    scsynth: list[float] = field(default_factory=list)
    scsynth_few_plugins: list[float] = field(default_factory=list)
    total_cpu: float = 0.0
    scsynth_cpu: float = 0.0


def _measure_one_core(sources: list[str], folder: Path) -> list[tuple[str, str]]:
    """Render one program after the other, each next to scsynth on its score."""
    worker = RenderWorker()
    plugins_folder = folder / "plugins"
    plugins_folder.mkdir()
    for path in list_scsynth_plugin_paths():
        (plugins_folder / Path(path).name).symlink_to(path)
    timings = _Timings()
    for source in sources:
        score = folder / "score"
        score.write_bytes(worker.generate_scsynth_score(source, SECONDS))
        cpu_before = _measure_children_cpu()
        timings.scsynth.append(_run_scsynth(score, folder))
        timings.scsynth_cpu += _measure_children_cpu() - cpu_before
        few_plugins_options = ("-U", str(plugins_folder))
        timings.scsynth_few_plugins.append(_run_scsynth(score, folder, *few_plugins_options))
        cpu_before = time.process_time() + _measure_tree_cpu(worker.process.pid)
        started = time.perf_counter()
        result = worker.render(source, SECONDS)
        rendered = time.perf_counter()
        if result.has_clip:
            result.clip.save(folder / "clip.flac")
        timings.total.append(time.perf_counter() - started)
        cpu_after = time.process_time() + _measure_tree_cpu(worker.process.pid)
        timings.total_cpu += cpu_after - cpu_before
        timings.encoding.append(time.perf_counter() - rendered)
        timings.program.append(result.program_s)
        timings.synthesis.append(result.synthesis_s)
    worker.close()
    return _format_timings(timings)


def _format_timings(timings: _Timings) -> list[tuple[str, str]]:
    count = len(timings.total)
    total, scsynth = sum(timings.total), sum(timings.scsynth)
    few_plugins, encoding = sum(timings.scsynth_few_plugins), sum(timings.encoding)
    parts = (timings.program, timings.synthesis, timings.encoding)
    shares = " / ".join(f"{100 * sum(part) / total:.0f} %" for part in parts)
    return [
        ("programs", f"{count} of {SECONDS:g} s"),
        ("one core, FLAC saved", _format_speed(count, total)),
        ("one core, by processor time", _format_speed(count, timings.total_cpu)),
        ("median per program", f"{1000 * median(timings.total):.0f} ms"),
        ("program / synthesis / encoding", shares),
        ("scsynth -N alone, as installed", _format_speed(count, scsynth)),
        ("total / scsynth -N", f"{total / scsynth:.2f}"),
        ("total / scsynth, by processor time", f"{timings.total_cpu / timings.scsynth_cpu:.2f}"),
        ("total / scsynth with only the needed plugins", f"{total / few_plugins:.2f}"),
        ("without encoding / scsynth", f"{(total - encoding) / scsynth:.2f}"),
    ]


def _measure_children_cpu() -> float:
    """Return the processor seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _measure_tree_cpu(pid: int) -> float:
    """Return the processor seconds of a process and its descendants, including ended ones."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    ticks = sum(map(int, fields[11:15]))
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()
    process_seconds = ticks / os.sysconf("SC_CLK_TCK")
    return process_seconds + sum(_measure_tree_cpu(int(child)) for child in children)


def _run_scsynth(score: Path, folder: Path, *extra_options: str) -> float:
    """Synthesize a score with scsynth into a file; return the elapsed seconds."""
    command = ["scsynth", "-N", str(score), "_", str(folder / "bare.wav"), "44100", "WAV", "int16"]
    started = time.perf_counter()
    subprocess.run(
        [*command, *SCSYNTH_OPTIONS, *extra_options],
        check=True,
        timeout=300,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - started


def _format_speed(program_count: int, elapsed_seconds: float) -> str:
    return f"{program_count * SECONDS / elapsed_seconds:.0f} times real time"
