"""Resource limits of one rendered program."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace

LIMITED_CLIP_SECONDS = 30.0


@dataclass(frozen=True)
class RenderLimits:
    """Resources that one program may use; exceeding one is an error that names the limit.

    Times and messages are those of clips of up to 30 s. A longer clip may use more in proportion to
    its duration.

    Attributes
    ----------
    cpu_s : int
        Processor time of the program, in seconds.
    synthesis_cpu_s : int
        Processor time of the synthesis of its score, in seconds.
    wall_s : int
        Elapsed time of program and synthesis, in seconds each.
    memory_mb : int
        Resident memory of the program, in MiB.
    file_mb : int
        Size of any file that the program writes (in the memory of the sandbox), in MiB.
    processes : int
        Processes in the sandbox. Threads of a program are not processes; at most 4,000 of them
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

    def scale_limits_to_clip_duration(self, seconds: float) -> RenderLimits:
        """Return the limits of a clip of `seconds`: times and messages grow beyond 30 s.

        Examples
        --------
        >>> limits = RenderLimits(cpu_s=10).scale_limits_to_clip_duration(600.0)
        >>> limits.cpu_s, limits.memory_mb == RenderLimits().memory_mb
        (200, True)
        """
        factor = max(seconds / LIMITED_CLIP_SECONDS, 1.0)
        return replace(
            self,
            cpu_s=math.ceil(self.cpu_s * factor),
            synthesis_cpu_s=math.ceil(self.synthesis_cpu_s * factor),
            wall_s=math.ceil(self.wall_s * factor),
            events=math.ceil(self.events * factor),
        )

    def convert_limits_to_render_request_fields(self) -> dict[str, int]:
        """Return the limits under the names that the host (`host/host.rb`) reads."""
        return asdict(self)


DEFAULT_LIMITS = RenderLimits()
MAX_SOURCE_BYTES = 1 << 20
