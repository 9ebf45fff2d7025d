"""Start of the clip, and times of sounds in it, as the renderer computes them.

Sonic Pi sends each sound ahead of its time, by the lead. A sound that is sent after its time is
played at once.
"""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_LEAD_SECONDS = 0.5
MAX_LATE_SECONDS = 1.1  # Sonic Pi ends a thread that plays later than this.


@dataclass
class ClipStart:
    """Start of the clip, found from the sounds of a program.

    All times are in seconds since the program's time 0 is heard with the default lead.

    Attributes
    ----------
    lead_seconds : float
        Lead of threads that set none.
    latency_seconds : float
        Time that `set_audio_latency!` adds to every lead.
    first_sound_seconds : float
        Time of the first sound so far.
    first_sound_delay : float
        Lead of the first sound, less the default lead.
    """

    lead_seconds: float = DEFAULT_LEAD_SECONDS
    latency_seconds: float = 0.0
    first_sound_seconds: float = float("inf")
    first_sound_delay: float = 0.0

    def compute_audible_time_of_sound(
        self, sound_seconds: float, now_seconds: float, thread_lead: float | None
    ) -> float | None:
        """Return the time at which a sound is heard; None when it is too late to be played.

        Parameters
        ----------
        sound_seconds : float
            Time of the sound in the program.
        now_seconds : float
            Time at which the program sends it; `time_warp` separates the two.
        thread_lead : float or None
            Lead of the thread in seconds; None is the lead of the program.
        """
        lead = self.lead_seconds if thread_lead is None else thread_lead
        if now_seconds - lead - sound_seconds > MAX_LATE_SECONDS:
            return None
        delay = lead + self.latency_seconds - DEFAULT_LEAD_SECONDS
        audible_seconds = max(sound_seconds + delay, now_seconds - DEFAULT_LEAD_SECONDS)
        if audible_seconds < self.first_sound_seconds or (
            audible_seconds == self.first_sound_seconds and delay > self.first_sound_delay
        ):
            self.first_sound_seconds, self.first_sound_delay = audible_seconds, delay
        return audible_seconds

    def compute_audible_time_of_change(
        self, change_seconds: float, now_seconds: float, thread_lead: float | None
    ) -> float:
        """Return the time at which a change of a sound that runs is heard.

        The parameters are those of `compute_audible_time_of_sound`.
        """
        lead = self.lead_seconds if thread_lead is None else thread_lead
        delay = lead + self.latency_seconds - DEFAULT_LEAD_SECONDS
        return max(change_seconds + delay, now_seconds - DEFAULT_LEAD_SECONDS)

    def compute_clip_start(self) -> float:
        """Return the start of the clip: the first sound, at the latest the program's time 0."""
        return min(self.first_sound_seconds, max(self.first_sound_delay, -DEFAULT_LEAD_SECONDS))
