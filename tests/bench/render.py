"""How fast programs become sound, against bare scsynth on the same scores.

On 10 variants of each template, 18 s each: seconds of audio a second, on one core and
on all; the shares of program, synthesis and encoding; and the ratio of the whole to
`scsynth -N` on the same scores, which is the least that rendering must cost. Both sides
take turns, program by program, in one run. Other work on the machine lengthens the time
by the clock, hardly that of the processors: both are given.
"""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from core.programs import generate, list_templates
from core.sonicpi import render_many
from core.sonicpi.sandbox import list_plugin_paths
from core.sonicpi.worker import RenderWorker

SECONDS = 18.0
SCSYNTH = "-V -2 -D 0 -b 4096 -a 1024 -c 4096 -m 262144 -o 2 -i 2 -n 4096 -w 512".split()


def run(variants: int = 10) -> list[tuple[str, str]]:
    """Measure; return (what, value) rows.

    Parameters
    ----------
    variants : int
        Programs of each template.
    """
    sources = [p.source for t in list_templates() for p in generate(t, variants, seed=0)]
    with tempfile.TemporaryDirectory() as folder:
        return _one_core(sources, Path(folder)) + _all_cores(sources, Path(folder))


def _all_cores(sources: list[str], folder: Path) -> list[tuple[str, str]]:
    """Render with one worker a core, and save each clip as it comes."""
    cores = len(os.sched_getaffinity(0))
    started = time.perf_counter()
    arrived, failed = [], 0
    for index, rendering in render_many(sources, SECONDS):
        if rendering.has_clip:
            rendering.clip.save(folder / f"{index % 100}.flac")
        failed += not rendering.has_clip
        arrived.append(time.perf_counter() - started)
    # The workers' start comes once, however many programs there are.
    each = (arrived[-1] - arrived[cores - 1]) / (len(arrived) - cores)
    start = arrived[cores - 1] - cores * each
    return [
        (f"all {cores} cores, FLAC saved", f"{SECONDS / each:.0f} times real time"),
        ("start of the workers", f"{start:.1f} s"),
        ("13,500 programs at that rate", f"{(start + 13_500 * each) / 60:.1f} min"),
        ("programs that failed", str(failed)),
    ]


def _one_core(sources: list[str], folder: Path) -> list[tuple[str, str]]:
    """Render one program after the other, each beside its bare counterparts."""
    worker = RenderWorker()
    narrow = folder / "plugins"
    narrow.mkdir()
    for path in list_plugin_paths():
        (narrow / Path(path).name).symlink_to(path)
    whole, program, synthesis, encoding, bare, bare_narrow = ([] for _ in range(6))
    whole_cpu = bare_cpu = 0.0
    for source in sources:
        score = folder / "score"
        score.write_bytes(worker.generate_score(source, SECONDS))
        before = _children_cpu()
        bare.append(_scsynth(score, folder))
        bare_cpu += _children_cpu() - before
        bare_narrow.append(_scsynth(score, folder, "-U", str(narrow)))
        before = time.process_time() + _tree_cpu(worker.process.pid)
        started = time.perf_counter()
        rendering = worker.render(source, SECONDS)
        rendered = time.perf_counter()
        if rendering.has_clip:
            rendering.clip.save(folder / "clip.flac")
        whole.append(time.perf_counter() - started)
        whole_cpu += time.process_time() + _tree_cpu(worker.process.pid) - before
        encoding.append(time.perf_counter() - rendered)
        program.append(rendering.program_s)
        synthesis.append(rendering.synthesis_s)
    worker.close()
    total = sum(whole)
    shares = (sum(part) / total for part in (program, synthesis, encoding))
    return [
        ("programs", f"{len(sources)} of {SECONDS:g} s"),
        ("one core, FLAC saved", _speed(len(sources), total)),
        ("one core, by processor time", _speed(len(sources), whole_cpu)),
        ("median a program", f"{1000 * median(whole):.0f} ms"),
        ("program / synthesis / encoding", " / ".join(f"{100 * share:.0f} %" for share in shares)),
        ("bare scsynth -N, as installed", _speed(len(sources), sum(bare))),
        ("whole / bare scsynth -N", f"{total / sum(bare):.2f}"),
        ("whole / bare, by processor time", f"{whole_cpu / bare_cpu:.2f}"),
        ("whole / bare with only the plugins needed", f"{total / sum(bare_narrow):.2f}"),
        ("without encoding / bare", f"{(total - sum(encoding)) / sum(bare):.2f}"),
    ]


def _children_cpu() -> float:
    """Return the processor seconds of all processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tree_cpu(pid: int) -> float:
    """Return the processor seconds of a process and all below it, those that ended included."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    ticks = sum(map(int, fields[11:15]))
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()
    return ticks / os.sysconf("SC_CLK_TCK") + sum(_tree_cpu(int(child)) for child in children)


def _scsynth(score: Path, folder: Path, *more: str) -> float:
    """Return the seconds that scsynth takes to play a score into a file."""
    command = ["scsynth", "-N", str(score), "_", str(folder / "bare.wav"), "44100", "WAV", "int16"]
    started = time.perf_counter()
    subprocess.run([*command, *SCSYNTH, *more], check=True, timeout=300, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _speed(programs: int, spent: float) -> str:
    return f"{programs * SECONDS / spent:.0f} times real time"
