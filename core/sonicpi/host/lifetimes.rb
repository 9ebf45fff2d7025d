# How long a synth lives, as its SynthDef says.
#
# Live, scsynth tells when a node has ended. Here it is foretold from what the
# compiled SynthDefs do (read off their UGens with a doneAction):
# - synths: one EnvGen of four stages. A stage's length is read when it begins,
#   so a `control` changes the stages that are still to come.
# - sample players: a Line of 0.03 s + min(playing time, envelope), fixed at the start.
# - bells: DetectSilence, 0.1 s after the envelope has closed.
# - everything else (FX, mixers) lives until it is freed.
module Lifetimes
  STAGES = %w[attack decay sustain release].freeze
  SAMPLERS = /\Asonic-pi-(basic_)?(mono|stereo)_player\z/.freeze
  SILENCE_DETECTED = %w[sonic-pi-dull_bell sonic-pi-pretty_bell].freeze
  ENDLESS = /\Asonic-pi-(fx_|basic_mixer|mixer|live_audio|recorder|scope|server-info|amp_|sound_in\z)/.freeze
  SAMPLER_LEAD = 0.03
  SILENCE_TIME = 0.1

  # The envelope of one synth as it runs: knows which stages have begun.
  class Envelope
    def initialize(args, started, extra)
      @started = started
      @extra = extra
      @begun = [seconds(args, 0)]
      @args = args
    end

    # Arguments changed at `time`: stages that began before keep their length.
    def change(args, time)
      begin_stages(time)
      @args = args
    end

    def finish
      starts = @begun.sum
      later = (@begun.size...STAGES.size).sum { |stage| seconds(@args, stage) }
      @started + starts + later + @extra
    end

    private

    def begin_stages(time)
      while @begun.size < STAGES.size && @started + @begun.sum <= time
        @begun << seconds(@args, @begun.size)
      end
    end

    def seconds(args, stage)
      [args.fetch(STAGES[stage], 0.0).to_f, 0.0].max
    end
  end

  class << self
    # The envelope that ends a synth, or nil where none does.
    def envelope(synthdef, args, started)
      return nil if synthdef.match?(ENDLESS) || synthdef.match?(SAMPLERS)
      Envelope.new(args, started, SILENCE_DETECTED.include?(synthdef) ? SILENCE_TIME : 0.0)
    end

    # Seconds that a sample player lives, or nil if `synthdef` is none.
    # `duration` is its buffer's length in seconds.
    def sampler_seconds(synthdef, args, duration)
      return nil unless synthdef.match?(SAMPLERS)
      rate = args.fetch('rate', 1).to_f.abs
      part = (args.fetch('finish', 1).to_f - args.fetch('start', 0).to_f).abs
      play = rate.zero? ? Float::INFINITY : duration * part / rate
      SAMPLER_LEAD + [play, sampler_envelope(args, play)].min
    end

    private

    def sampler_envelope(args, play)
      attack, decay, sustain, release = %w[attack decay sustain release].map.with_index do |name, index|
        args.fetch(name, index == 2 ? -1 : 0).to_f
      end
      sustain == -1 ? play : attack + decay + sustain + release
    end
  end
end
