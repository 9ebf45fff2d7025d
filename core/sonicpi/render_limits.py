"""Resource limits of one rendered program."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class RenderLimits:
    """Resources that one program may use; exceeding one is an error that names the limit.

    Attributes
    ----------
    cpu_s : int
        Processor time of the program, in seconds.
    synthesis_cpu_s : int
        Processor time of the synthesis of its score, in seconds.
    wall_s : int
        Elapsed time of program and synthesis, in seconds each.
    memory_mb : int
        Address space of the program, in MiB.
    file_mb : int
        Size of any file that the program writes (in the memory of the sandbox), in MiB.
    processes : int
        Processes in the sandbox. Threads of a program are not processes; at most 1,000 of them
        run at once.
    events : int
        Messages to scsynth.
    synths : int
        Synths that sound at once.
    """

    cpu_s: int = 10
    synthesis_cpu_s: int = 60
    wall_s: int = 90
    memory_mb: int = 1536
    file_mb: int = 64
    processes: int = 512
    events: int = 200_000
    synths: int = 1500

    def to_render_request_dict(self) -> dict[str, int]:
        """Return the limits under the names that the host (`host/host.rb`) reads."""
        return asdict(self)


DEFAULT_LIMITS = RenderLimits()
MAX_SOURCE_BYTES = 1 << 20
