# Where the clip begins in the program's run.
#
# Sonic Pi sends each sound ahead of its time. The lead is 0.5 s by default; a program changes it with
# use_real_time, use_sched_ahead_time, set_sched_ahead_time! and set_audio_latency!, for each thread or
# for a block. The clip begins at the program's time 0, as heard with the lead of the first sound, or
# at the first sound where that is earlier. So a longer lead adds no silence, and a shorter one loses
# no sound.
class ClipStart
  DEFAULT_LEAD_SECONDS = 0.5
  # The longest time that a program runs, and that scsynth plays, before the clip begins.
  MAX_SECONDS = 60.0
  # The score begins 0.5 s before the clip, or longer by a multiple of this. It is 441 blocks of
  # scsynth at 44.1 kHz. So a sound is at the same frame of its block with every lead, and the
  # clip has the same samples.
  STEP_SECONDS = 0.64
  TOLERANCE_SECONDS = 1e-6

  def initialize
    @first_sound_time = Float::INFINITY
    @lead = DEFAULT_LEAD_SECONDS
  end

  # Record a sound that is heard at `time`, which was sent `lead` seconds ahead. Of sounds of the same
  # time, the longest lead counts.
  def record_sound(time, lead)
    return if time > @first_sound_time + TOLERANCE_SECONDS
    return if time > @first_sound_time - TOLERANCE_SECONDS && lead <= @lead
    @first_sound_time = [time, @first_sound_time].min
    @lead = lead
  end

  # Return the start of the clip in seconds from `origin`, the start of the program.
  def seconds_after(origin)
    [@first_sound_time - origin, [@lead, 0.0].max].min.round(9)
  end

  # Return for how long the program runs, so that a clip of `clip_seconds` is complete.
  def run_seconds(origin, clip_seconds)
    clip_seconds + [seconds_after(origin), MAX_SECONDS].min
  end

  # Return for how long the score plays before the clip begins.
  def skipped_seconds(origin)
    later_seconds = [seconds_after(origin), MAX_SECONDS].min - DEFAULT_LEAD_SECONDS
    step_count = [(later_seconds / STEP_SECONDS - TOLERANCE_SECONDS).ceil, 0].max
    DEFAULT_LEAD_SECONDS + step_count * STEP_SECONDS
  end
end
