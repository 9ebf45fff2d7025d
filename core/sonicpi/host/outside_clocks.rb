# The clocks and streams of other devices that Sonic Pi 5 follows. There are none when a program is
# rendered: a thread that follows a MIDI clock has the tempo of Sonic Pi without a clock, 60.
module OutsideClocks
  BPM = 60
  # A thread local: [:midi, port] while the thread follows a MIDI clock.
  MODE = :sonic_pi_spider_midi_mode

  # Live, this waits until the clock starts a bar.
  def midi_sync(*args)
    _, opts = split_params_and_merge_opts_array(args)
    use_bpm(:midi, opts[:port])
  end

  def midi_clock_sources
    [].ring
  end

  def link_audio(*)
    __warn_about_outside('link_audio has no effect here: there is no other program on the network')
    SonicPi::BlankNode.new({})
  end

  # Replacements of functions of 3.2.2.
  module Overrides
    def use_bpm(bpm, *args, &block)
      unless bpm == :midi
        __system_thread_locals.set(MODE, nil) if __system_thread_locals.get(MODE)
        return super(bpm, &block)
      end
      __warn_about_midi_clock
      super(BPM, &block).tap { __set_midi_mode(args.first) }
    end

    def with_bpm(bpm, *args, &block)
      mode = __system_thread_locals.get(MODE)
      return super(bpm, &block) unless block && (mode || bpm == :midi)
      begin
        __system_thread_locals.set(MODE, nil)
        return super(bpm, &block) unless bpm == :midi
        __warn_about_midi_clock
        super(BPM) do
          __set_midi_mode(args.first)
          block.call
        end
      ensure
        __system_thread_locals.set(MODE, mode)
      end
    end

    def current_bpm_mode
      __system_thread_locals.get(MODE) || super
    end
  end

  private

  def __set_midi_mode(port)
    port = nil unless port.is_a?(String) || port.is_a?(Symbol)
    __system_thread_locals.set(MODE, [:midi, port.dup.freeze].freeze)
  end

  def __warn_about_midi_clock
    __warn_about_outside("a MIDI clock is not available here: the tempo of use_bpm :midi is #{BPM}")
  end

  def __warn_about_outside(message)
    __msg_queue.record_warning('ignored', message, ProgramReport.current_line)
  end
end
