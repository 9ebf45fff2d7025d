# Lifetimes of synths, computed from their SynthDefs.
#
# In live Sonic Pi, scsynth reports the end of a node. Here the end is computed from the UGens with
# a doneAction in the compiled SynthDefs:
# - synths: one EnvGen of four stages. The length of a stage is read when the stage starts, so
#   `control` changes only later stages.
# - sample players: a Line of 0.03 s + min(playing time, envelope), fixed at the start.
# - bells: DetectSilence, 0.1 s after the end of the envelope.
# - sc808 drums: an EnvGen of two stages, or DetectSilence 0.1 s after they fall below -80 dB.
# - kalimba: an EnvGen of four stages, or another of random length.
# - everything else (FX, mixers) lives until it is freed.
module Lifetimes
  STAGES = %w[attack decay sustain release].freeze
  SAMPLE_PLAYERS = /\Asonic-pi-(basic_)?(mono|stereo)_player\z/.freeze
  SILENCE_FREED_SYNTHDEFS = %w[sonic-pi-dull_bell sonic-pi-pretty_bell].freeze
  ENDLESS_SYNTHDEFS = /\Asonic-pi-(fx_|basic_mixer|mixer|live_audio|recorder|scope|server-info|amp_|sound_in\z)/.freeze
  SAMPLE_PLAYER_LEAD_SECONDS = 0.03
  SILENCE_SECONDS = 0.1

  # The envelope of one running synth.
  class Envelope
    def initialize(args, start_time, silence_seconds)
      @start_time = start_time
      @silence_seconds = silence_seconds
      @started_stages = [stage_seconds(args, 0)] # lengths in seconds
      @args = args
    end

    # Change the arguments at `time`. Stages that started before keep their length.
    def update_args(args, time)
      start_due_stages(time)
      @args = args
    end

    def end_time
      later_seconds = (@started_stages.size...STAGES.size).sum { |stage| stage_seconds(@args, stage) }
      @start_time + @started_stages.sum + later_seconds + @silence_seconds
    end

    private

    def start_due_stages(time)
      while @started_stages.size < STAGES.size && @start_time + @started_stages.sum <= time
        @started_stages << stage_seconds(@args, @started_stages.size)
      end
    end

    def stage_seconds(args, stage)
      [args.fetch(STAGES[stage], 0.0).to_f, 0.0].max
    end
  end

  # The envelope of a drum: a rise, then a fall along the curve of EnvGen.
  class DrumEnvelope
    SILENCE_LEVEL = 1e-4

    # `lifetime` is that of the synth in later_sounds.json: the rise in seconds (at most) or the option
    # that holds it, and the level of the sound at full envelope.
    def initialize(args, start_time, lifetime)
      rise = lifetime[:attack].is_a?(String) ? args[lifetime[:attack]].to_f : lifetime[:attack]
      fall = [args['decay'].to_f, 0.0].max
      audible_share = share_until_silence(args['decay_curve'].to_f, args['amp'].to_f * lifetime[:gain])
      @end_time = start_time + rise + [fall, fall * audible_share + SILENCE_SECONDS].min
    end

    # The options of the envelope cannot be controlled.
    def update_args(_args, _time); end

    attr_reader :end_time

    private

    # Return the share of the fall after which the sound is silent.
    def share_until_silence(curve, level)
      return 1.0 if level <= SILENCE_LEVEL
      silence = SILENCE_LEVEL / level
      return 1.0 - silence if curve.abs < 0.001
      remaining = Math.exp(curve)
      return 1.0 if remaining.infinite? # The sound falls at the very end.
      Math.log(silence * (1.0 - remaining) + remaining) / curve
    end
  end

  # The reverberation of the clap, which falls exponentially until it is silent.
  class ClapEnvelope
    SECONDS = (SILENCE_SECONDS..4.1).freeze # At most, another envelope ends it.

    def initialize(args, start_time, lifetime)
      level = args['amp'].to_f * args['rev'].to_f
      seconds = level.positive? ? lifetime[:seconds] + lifetime[:seconds_per_fold] * Math.log(level) : SECONDS.max
      @end_time = start_time + [[seconds, SECONDS.min].max, SECONDS.max].min
    end

    # The length was measured, and depends on no option that is likely to be controlled.
    def update_args(_args, _time); end

    attr_reader :end_time
  end

  # An envelope that ends at a fixed time, if not before.
  class LimitedEnvelope < Envelope
    def initialize(args, start_time, max_seconds)
      super(args, start_time, 0.0)
      @last_time = start_time + max_seconds
    end

    def end_time
      [super, @last_time].min
    end
  end

  class << self
    # Return the envelope that ends a synth; nil if the synth ends in another way.
    def build_envelope(synthdef, args, start_time)
      lifetime = LaterSounds.find_synth(synthdef)&.fetch(:lifetime, nil)
      return build_later_envelope(lifetime, args, start_time) if lifetime
      return nil if synthdef.match?(ENDLESS_SYNTHDEFS) || synthdef.match?(SAMPLE_PLAYERS)
      Envelope.new(args, start_time, SILENCE_FREED_SYNTHDEFS.include?(synthdef) ? SILENCE_SECONDS : 0.0)
    end

    # Return the lifetime of a sample player in seconds; nil for other SynthDefs. `duration` is the
    # length of its buffer in seconds.
    def sample_player_seconds(synthdef, args, duration)
      return nil unless synthdef.match?(SAMPLE_PLAYERS)
      rate = args.fetch('rate', 1).to_f.abs
      played_share = (args.fetch('finish', 1).to_f - args.fetch('start', 0).to_f).abs
      play_seconds = rate.zero? ? Float::INFINITY : duration * played_share / rate
      SAMPLE_PLAYER_LEAD_SECONDS + [play_seconds, sample_envelope_seconds(args, play_seconds)].min
    end

    private

    def build_later_envelope(lifetime, args, start_time)
      if lifetime[:seconds] then ClapEnvelope.new(args, start_time, lifetime)
      elsif lifetime[:max_seconds] then LimitedEnvelope.new(args, start_time, lifetime[:max_seconds])
      else DrumEnvelope.new(args, start_time, lifetime)
      end
    end

    def sample_envelope_seconds(args, play_seconds)
      attack, decay, sustain, release = %w[attack decay sustain release].map.with_index do |name, index|
        args.fetch(name, index == 2 ? -1 : 0).to_f
      end
      sustain == -1 ? play_seconds : attack + decay + sustain + release
    end
  end
end
