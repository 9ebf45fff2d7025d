# The main mixer of Sonic Pi 5, in which `set_volume!` and the limiter changed places.
#
# In 3.2.2 the volume (0 to 5) comes before the limiter. In Sonic Pi 5 the drive (`set_drive!`) comes
# before it and the volume (0 to 1) after it, filters and LeakDC are ahead of the limiter, and one gain
# limits both channels. Its limiter is not part of scsynth 3.13. Here scsynth's Limiter computes the
# gain, with the same ceiling, look-ahead and release time; the curve of the gain may differ.
require_relative 'synthdef_builder'

module MixerOfVersion5
  NAME = 'sonic-pi-mixer'
  SLIDE_SECONDS = 0.02
  # As the mixer of 3.2.2, whose messages it receives.
  CONTROLS = {
    in_bus: 0, pre_amp: 1, pre_amp_slide: SLIDE_SECONDS, pre_amp_slide_shape: 1, pre_amp_slide_curve: 0,
    amp: 1, amp_slide: SLIDE_SECONDS, amp_slide_shape: 1, amp_slide_curve: 0,
    hpf: 22, hpf_bypass: 0, hpf_slide: SLIDE_SECONDS, hpf_slide_shape: 1, hpf_slide_curve: 0,
    lpf: 136, lpf_bypass: 0, lpf_slide: SLIDE_SECONDS, lpf_slide_shape: 1, lpf_slide_curve: 0,
    force_mono: 0, invert_stereo: 0, limiter_bypass: 0, leak_dc_bypass: 0, out_bus: 0
  }.freeze
  CEILING = 0.99
  LOOKAHEAD_SECONDS = 0.0015
  # Amplitude falls to a tenth in its release time; this is a time constant of 50 ms.
  RELEASE_SECONDS = 0.05 * Math.log(10)
  LEAK_COEFFICIENT = 0.995
  LOWEST_HZ = 10
  HIGHEST_HZ = 20_500
  MAX_LPF_NOTE = 135.5
  # `set_drive!` takes 0 to 1, and 0.5 leaves the level as it is.
  MIN_DRIVE_GAIN = 0.25
  DRIVE_GAIN_RANGE = 16

  # Methods of the language that control the mixer.
  module Language
    def set_volume!(volume, now = false, _silent = false)
      @volume_of_version_5 = limit_to_one(volume)
      control_mixer({ amp: @volume_of_version_5 }, now)
    end

    def current_volume
      @volume_of_version_5 || 1
    end

    def set_drive!(drive, now = false, _silent = false)
      @drive_of_version_5 = limit_to_one(drive)
      control_mixer({ pre_amp: MIN_DRIVE_GAIN * DRIVE_GAIN_RANGE**@drive_of_version_5 }, now)
    end

    def current_drive
      @drive_of_version_5 || 0.5
    end

    private

    # Sonic Pi replaces Ruby's Numeric#clamp.
    def limit_to_one(value)
      [[value, 0].max, 1].min
    end

    def control_mixer(options, now)
      studio = @mod_sound_studio
      studio.instance_variable_get(:@server).node_ctl(studio.mixer, options, now)
    end
  end

  class << self
    def prepare_language
      OfflineRuntime.prepend(Language)
    end

    # Return the compiled SynthDef.
    def build_synthdef(sample_rate)
      Graph.new(sample_rate).build.to_binary(NAME)
    end
  end

  # The signal flow from the mixer's busses to the output.
  class Graph
    AUDIO = SynthdefBuilder::AUDIO
    CONTROL = SynthdefBuilder::CONTROL

    def initialize(sample_rate)
      @sample_rate = sample_rate
      @builder = SynthdefBuilder.new(CONTROLS)
    end

    def build
      channels = [0, 1].map { |channel| filter_channel(read_input(channel)) }
      channels = route_channels(channels).map { |signal| remove_offset(signal) }
      channels = limit_channels(channels).map { |signal| apply_volume(signal) }
      @builder.ugen('ReplaceOut', AUDIO, control(:out_bus), *channels, outputs: 0)
      @builder
    end

    private

    def control(name)
      @builder.control(name)
    end

    def read_input(channel)
      busses = %i[out_bus in_bus].map do |bus|
        @builder.ugen('In', AUDIO, @builder.binary(:+, control(bus), channel))
      end
      @builder.binary(:*, @builder.binary(:+, *busses), slide(:pre_amp))
    end

    def filter_channel(signal)
      high_passed = @builder.ugen('HPF', AUDIO, signal, @builder.unary(:midicps, slide(:hpf)))
      signal = select(:hpf_bypass, high_passed, signal)
      note = @builder.ugen('Clip', CONTROL, slide(:lpf), 0, MAX_LPF_NOTE)
      select(:lpf_bypass, @builder.ugen('LPF', AUDIO, signal, @builder.unary(:midicps, note)), signal)
    end

    # Make the channels equal, or exchange them, if that is set.
    def route_channels((left, right))
      mono = @builder.binary(:/, @builder.binary(:+, left, right), 2)
      left, right = [left, right].map { |signal| select(:force_mono, signal, mono) }
      [select(:invert_stereo, left, right), select(:invert_stereo, right, left)]
    end

    def remove_offset(signal)
      signal = select(:leak_dc_bypass, @builder.ugen('LeakDC', AUDIO, signal, LEAK_COEFFICIENT), signal)
      @builder.ugen('LPF', AUDIO, @builder.ugen('HPF', AUDIO, signal, LOWEST_HZ), HIGHEST_HZ)
    end

    # Multiply both channels by the gain that the louder one needs. The peaks never fall below the
    # ceiling, so the division by them is safe.
    def limit_channels(channels)
      block_frames = (LOOKAHEAD_SECONDS / 2 * @sample_rate).round
      peaks = channels.map { |signal| @builder.unary(:abs, signal) }.reduce { |a, b| @builder.binary(:max, a, b) }
      peaks = @builder.ugen('Amplitude', AUDIO, @builder.binary(:max, peaks, CEILING), 0, RELEASE_SECONDS)
      # Limiter rounds its time up to whole frames, and delays the sound by twice that.
      limited_peaks = @builder.ugen('Limiter', AUDIO, peaks, CEILING, (block_frames - 0.5) / @sample_rate)
      gain = @builder.binary(:/, limited_peaks, delay(peaks, 2 * block_frames))
      channels.map do |signal|
        select(:limiter_bypass, @builder.binary(:*, delay(signal, 2 * block_frames), gain), signal)
      end
    end

    # DelayN rounds down to whole frames.
    def delay(signal, frames)
      seconds = (frames + 0.5) / @sample_rate
      @builder.ugen('DelayN', AUDIO, signal, seconds, seconds)
    end

    def apply_volume(signal)
      volume = @builder.ugen('Clip', CONTROL, slide(:amp), 0, 1)
      @builder.binary(:clip2, @builder.binary(:*, signal, volume), 1)
    end

    def select(bypass, processed, unprocessed)
      @builder.ugen('Select', AUDIO, control(bypass), processed, unprocessed)
    end

    # Return a control that slides to each new value.
    def slide(name)
      (@slides ||= {})[name] ||= begin
        value, seconds, shape, curve = ['', '_slide', '_slide_shape', '_slide_curve'].map { |suffix| control(:"#{name}#{suffix}") }
        start = @builder.ugen('Impulse', CONTROL, 0, 0)
        trigger = [value, seconds].map { |signal| detect_change(signal) }.reduce(start) { |a, b| @builder.binary(:+, a, b) }
        @builder.ugen('EnvGen', CONTROL, trigger, 1, 0, 1, 0, value, 1, -99, -99, value, seconds, shape, curve)
      end
    end

    def detect_change(signal)
      @builder.binary(:>, @builder.unary(:abs, @builder.ugen('HPZ1', CONTROL, signal)), 0)
    end
  end
end
