# What functions of 3.2.2 do differently in Sonic Pi 5, where it can be heard. Used when Sonic Pi 5 is
# chosen; programs of 3.2.2 keep their notes otherwise.
module LanguageOfVersion5
  # 3.2.2 returns an inverted chord out of order.
  def chord_invert(notes, shift)
    super.sort
  end

  # 3.2.2 may return one number too many or too few.
  def line(start, finish, *args)
    opts = resolve_synth_opts_hash_or_array(args)
    steps = opts[:steps] || 4
    return super if !steps.is_a?(Numeric) || steps <= 0 || start.to_f == finish.to_f
    gap_count = opts[:inclusive] ? [steps - 1, 1].max : steps
    step = (finish.to_f - start.to_f) / gap_count
    Array.new(steps.ceil) { |index| start.to_f + index * step }.ring
  end

  # 3.2.2 ignores an enclosing `density`.
  def time_warp(*args, &block)
    density = __thread_locals.get(:sonic_pi_local_spider_density)
    __thread_locals.set_local(:sonic_pi_local_spider_density, nil)
    super
  ensure
    __thread_locals.set_local(:sonic_pi_local_spider_density, density)
  end

  def sync_event(*)
    return super unless __system_thread_locals.get(:sonic_pi_spider_in_time_warp)
    raise SonicPi::Lang::Core::TimeTravelError, 'sync waits, and a time_warp cannot wait'
  end

  def __time_warp_density
    1.0
  end

  # 3.2.2 raises an error when defaults are set and then merged.
  module MapCopy
    def initialize(*args)
      super(*(args.size == 1 && args.first.is_a?(SonicPi::Core::SPMap) ? [args.first.map] : args))
    end
  end

  # 3.2.2 leaves the sound after the last onset out.
  module LastOnset
    def onset_slices
      @slices_of_version_5 ||= begin
        bounds = onsets.to_a
        bounds = [0] if bounds.empty?
        bounds += [1] unless bounds.last == 1
        bounds.each_cons(2).each_with_index.map { |(start, finish), index| { start: start, finish: finish, index: index } }.ring
      end
    end
  end

  # Called in the child that runs a program.
  def self.prepare_language
    OfflineRuntime.prepend(self)
    SonicPi::Core::SPMap.prepend(MapCopy)
    SonicPi::SampleBuffer.prepend(LastOnset)
    LaterScalesAndChords.list_names
  end
end
