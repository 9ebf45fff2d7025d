# The tempo of Sonic Pi 4's link metronome: `use_bpm :link`, `link` and `set_link_bpm!`.
#
# Live, programs on a network share it. Offline the metronome starts with the program, at 60 beats per
# minute, and only the program changes its tempo. A thread follows it until `use_bpm` sets a tempo.
class LinkMetronome
  DEFAULT_BPM = 60.0

  # `beats` counts from the first change.
  Change = Struct.new(:time, :bpm, :beats)

  # `version` counts the changes of tempo; `sleepers` are the threads that sleep in its beats.
  attr_reader :version, :sleepers

  def initialize
    @changes = []
    @version = 0
    @sleepers = {}.compare_by_identity
  end

  def bpm
    @changes.empty? ? DEFAULT_BPM : @changes.last.bpm
  end

  # Set the tempo from a time on. A faster one wakes the threads that sleep, because their sleeps end
  # earlier now. With a slower one they sleep on when they wake.
  def change_bpm(time, bpm)
    is_faster = bpm > self.bpm
    @changes.pop while @changes.any? && @changes.last.time >= time
    @changes << Change.new(time, bpm.to_f, @changes.empty? ? 0.0 : count_beats_until(time))
    @version += 1
    @sleepers.each_key { |thread| VirtualTime.wake(thread) } if is_faster
  end

  # Return the beats between two times.
  def count_beats(start, finish)
    return (finish - start).to_f * DEFAULT_BPM / 60.0 if @changes.empty?
    count_beats_until(finish) - count_beats_until(start)
  end

  # Return the time that is `beats` after `start`.
  def add_beats(start, beats)
    index = find_next_change(start)
    while (change = @changes[index])
      segment_beats = (change.time - start).to_f * bpm_before(index) / 60.0
      break if segment_beats >= beats
      beats -= segment_beats
      start = change.time
      index += 1
    end
    start + beats * 60.0 / bpm_before(index)
  end

  private

  # Return the beats from the first change to a time, which may be before it.
  def count_beats_until(time)
    index = find_next_change(time)
    change = @changes[[index - 1, 0].max]
    change.beats + (time - change.time).to_f * bpm_before(index) / 60.0
  end

  def find_next_change(time)
    @changes.bsearch_index { |change| change.time > time } || @changes.size
  end

  def bpm_before(index)
    index.zero? ? DEFAULT_BPM : @changes[index - 1].bpm
  end
end

module LinkTempo
  METRONOME = LinkMetronome.new
  BPM_RANGE = (20..999)
  # Thread locals: whether `use_bpm` has set a tempo, the product of all `with_bpm_mul` around, the tempo
  # of the metronome that the thread knows, and the last time at which `link` continued.
  FIXED = :sonic_pi_spider_fixed_bpm
  FACTOR = :sonic_pi_spider_link_factor
  KNOWN_BPM = :sonic_pi_spider_link_bpm
  LINKED_TIME = :sonic_pi_local_link_time
  ROUNDING_BEATS = 1e-6

  # Functions of the language.
  module Language
    def link(*args)
      params, opts = split_params_and_merge_opts_array(args)
      quantum = params[0] || opts.fetch(:quantum, 4)
      phase = params[1] || opts.fetch(:phase, 0)
      raise ArgumentError, "link needs a positive number of beats, got: #{quantum.inspect}" unless quantum.is_a?(Numeric) && quantum.positive?
      raise ArgumentError, "link needs a number as phase, got: #{phase.inspect}" unless phase.is_a?(Numeric)
      use_bpm :link
      beat = __next_link_beat(quantum, phase)
      sleep((beat - __link_beat) * __link_factor)
      __system_thread_locals.set(:sonic_pi_spider_beat, beat)
      # A round of a loop may consist of `link` alone.
      __system_thread_locals.set(:sonic_pi_spider_synced, true)
      __system_thread_locals.set_local(LINKED_TIME, __system_thread_locals.get(:sonic_pi_spider_time))
    end

    # Live, this also waits until another program on the network starts to play.
    def link_sync(*args)
      link(*args)
    end

    def set_link_bpm!(bpm)
      unless bpm.is_a?(Numeric) && BPM_RANGE.cover?(bpm)
        raise ArgumentError, "set_link_bpm! needs a number from 20 to 999, got: #{bpm.inspect}"
      end
      METRONOME.change_bpm(__system_thread_locals.get(:sonic_pi_spider_time), bpm)
      __follow_link_bpm
    end

    def current_bpm_mode
      __system_thread_locals.get(FIXED) ? current_bpm : :link
    end

    private

    def __link_factor
      __system_thread_locals.get(FACTOR, 1.0)
    end

    def __link_beat
      start = __system_thread_locals.get(:sonic_pi_spider_start_time)
      METRONOME.count_beats(start, __system_thread_locals.get(:sonic_pi_spider_time))
    end

    # Return the next beat of a phase. The current beat counts, unless `link` has just continued at it.
    def __next_link_beat(quantum, phase)
      beat = __link_beat
      next_beat = ((beat - phase - ROUNDING_BEATS) / quantum).ceil * quantum + phase
      linked_time = __system_thread_locals.get(LINKED_TIME)
      is_repeated = linked_time == __system_thread_locals.get(:sonic_pi_spider_time)
      [is_repeated ? next_beat + quantum : next_beat, beat].max
    end

    # Take over the metronome's tempo, if it has changed since the thread last took it over.
    def __follow_link_bpm(is_forced = false)
      return if __system_thread_locals.get(FIXED)
      bpm = METRONOME.bpm
      return unless is_forced || bpm != __system_thread_locals.get(KNOWN_BPM, LinkMetronome::DEFAULT_BPM)
      __system_thread_locals.set(KNOWN_BPM, bpm)
      __system_thread_locals.set(:sonic_pi_spider_sleep_mul, 60.0 / (bpm * __link_factor))
    end
  end

  # Replacements of functions of 3.2.2. Without `:link` and `set_link_bpm!` they do what 3.2.2 does.
  module Overrides
    def use_bpm(bpm, &block)
      __check_bpm('use_bpm', bpm)
      return super.tap { __system_thread_locals.set(FIXED, true) } if block || bpm != :link
      was_fixed = __system_thread_locals.get(FIXED)
      __system_thread_locals.set(FIXED, false)
      __follow_link_bpm(true)
      __system_thread_locals.set(:sonic_pi_spider_beat, __link_beat) if was_fixed
    end

    def with_bpm(bpm, &block)
      __check_bpm('with_bpm', bpm)
      __keep_link_mode do
        next super(bpm) { __system_thread_locals.set(FIXED, true); block.call } if block.nil? || bpm != :link
        super(LinkMetronome::DEFAULT_BPM) { use_bpm(:link); block.call }
      end
    end

    def with_bpm_mul(mul, &block)
      return super unless block && mul.is_a?(Numeric) && mul.positive?
      factor = __link_factor
      __keep_link_mode do
        __system_thread_locals.set(FACTOR, factor * mul)
        super
      ensure
        __system_thread_locals.set(FACTOR, factor)
      end
    end

    def use_bpm_mul(mul, &block)
      super.tap { __system_thread_locals.set(FACTOR, __link_factor * mul) }
    end

    # A thread that waited may have missed a change of tempo. With `bpm_sync` it takes over a tempo.
    def sync_event(*args)
      event = super
      _, opts = split_params_and_merge_opts_array(args)
      if truthy?(opts[:bpm_sync])
        __system_thread_locals.set(FACTOR, 1.0)
        __system_thread_locals.set(FIXED, (current_bpm - METRONOME.bpm).abs > ROUNDING_BEATS)
      end
      __follow_link_bpm
      event
    end

    def sleep(beats)
      is_timeless = __system_thread_locals.get(FIXED) || __system_thread_locals.get(:sonic_pi_spider_in_time_warp)
      return super if is_timeless || !VirtualTime.managed?
      start = __system_thread_locals.get(:sonic_pi_spider_time)
      version = METRONOME.version
      METRONOME.sleepers[VirtualTime.thread] = true
      super
      __sleep_link_beats(start, beats / __link_factor, version)
    ensure
      METRONOME.sleepers.delete(VirtualTime.thread)
    end

    private

    def __check_bpm(function, bpm)
      return if bpm == :link || bpm.is_a?(Numeric)
      raise ArgumentError, "#{function} needs a number or :link, got: #{bpm.inspect}"
    end

    # Restore the mode of the thread after a block, and take over the tempo if it changed in the block.
    def __keep_link_mode
      mode = __system_thread_locals.get(FIXED)
      version = METRONOME.version
      yield
    ensure
      __system_thread_locals.set(FIXED, mode)
      __follow_link_bpm(true) if version != METRONOME.version
    end

    # Finish a sleep during which the tempo has changed.
    def __sleep_link_beats(start, beats, version)
      until version == METRONOME.version
        version = METRONOME.version
        finish = METRONOME.add_beats(start, beats)
        __change_time!(finish)
        seconds = finish - Time.now
        Kernel.sleep(seconds) if seconds.positive?
      end
      __follow_link_bpm
    end
  end
end
