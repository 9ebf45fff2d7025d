"""What one program may use before it is stopped."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class RenderLimits:
    """Limits of one program; each that is exceeded ends in an error that names it.

    Attributes
    ----------
    cpu_s : int
        Processor time of the program, in seconds.
    synthesis_cpu_s : int
        Processor time of its score's synthesis, in seconds.
    wall_s : int
        Time by the clock of each of the two, in seconds.
    memory_mb : int
        Address space of the program, in MiB.
    file_mb : int
        Size of any file that it writes (in the sandbox's memory), in MiB.
    processes : int
        Processes in the sandbox. A program's threads are none (and a thousand at most).
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

    def to_request_dict(self) -> dict[str, int]:
        """Return them as the host expects them."""
        return asdict(self)


MAX_SOURCE_BYTES = 1 << 20
