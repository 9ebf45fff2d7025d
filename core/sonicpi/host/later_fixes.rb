# What raises an error or never ends in Sonic Pi 3.2.2, and works in later versions.
# Repairs that change what a program of 3.2.2 plays are not made; docs/renderer.md lists them.
module LaterFixes
  # 3.2.2 never returns for 0 accents.
  def spread(num_accents, size, *args)
    num_accents.respond_to?(:zero?) && num_accents.zero? ? ([false] * size).ring : super
  end

  # 3.2.2 never returns for steps of 0.
  def range(start, finish, *args)
    step, opts = args.first.is_a?(Numeric) ? [args.first, {}] : [nil, resolve_synth_opts_hash_or_array(args)]
    step ||= opts[:step] || opts[:step_size]
    raise ArgumentError, 'the step of range must not be 0' if step.is_a?(Numeric) && step.zero?
    super
  end

  # 3.2.2 returns an empty ring for notes that fall.
  def note_range(first, last, *opts)
    return super unless note(first) && note(last) && note(first) > note(last)
    super(last, first, *opts).reverse
  end

  # 3.2.2 sends `duration:` to scsynth, which ignores it.
  def normalise_and_resolve_sample_args(path, args_h, info, combine_tls = false)
    defaults = __thread_locals.get(:sonic_pi_mod_sound_sample_defaults)
    args_h[:duration] = defaults[:duration] if defaults && defaults[:duration] && !args_h.key?(:duration)
    calculate_sustain!(args_h) unless args_h[:duration].nil?
    super
  end

  # 3.2.2 raises an error for an option that is a list; later, each note takes the next of its values.
  def play_pattern_timed(notes, times, *args)
    opts = args.last.is_a?(Hash) ? args.last : {}
    lists = opts.select { |_, value| is_list_like?(value) }
    return super if lists.empty?
    time_ring = is_list_like?(times) ? times.ring : [times].ring
    notes.each_with_index do |note, index|
      super([note], [time_ring[index]], opts.merge(lists.transform_values { |values| values.ring[index] }))
    end
  end

  # 3.2.2 raises an error where there is no such folder. That of the program's author is not here.
  def load_synthdefs(*paths)
    return super if paths.empty?
    message = 'load_synthdefs has no effect here: only the synths of Sonic Pi are available'
    __msg_queue.record_warning('ignored', message, ProgramReport.current_line)
  end

  # 3.2.2 divides by 0 for an index into an empty ring.
  module EmptyRing
    def map_index(idx)
      size.zero? ? idx : super
    end
  end

  module VectorMethods
    # 3.2.2 raises an error for every count.
    def take_last(count = 1)
      self.class.new(to_a.last(count))
    end

    def include?(value)
      to_a.include?(value)
    end

    def find_index(*args, &block)
      to_a.find_index(*args, &block)
    end

    # Mirror the notes at one note, so that what rose falls. Rests stay.
    def invert_around(note)
      axis = [note].ring.notes.first
      raise ArgumentError, "invert_around needs a note, got: #{note.inspect}" unless axis
      notes.to_a.map { |pitch| pitch && 2 * axis - pitch }.ring
    end
  end

  # 3.2.2 raises an error for anything but a map.
  module MapComparison
    def ==(other)
      other.is_a?(self.class) && super
    end
  end
end

SonicPi::Core::RingVector.prepend(LaterFixes::EmptyRing)
SonicPi::Core::SPVector.prepend(LaterFixes::VectorMethods)
SonicPi::Core::SPMap.prepend(LaterFixes::MapComparison)
