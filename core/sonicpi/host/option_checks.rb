# Methods that override those of Sonic Pi's runtime: which options of synths, samples and FX are errors.
module OptionChecks
  # Ranges outside of which scsynth dies: it computes the size of a memory block or an index from the
  # option. Lengths are in seconds, a room in metres, a note as MIDI note.
  PLAYABLE_RANGES = {
    'sonic-pi-piano' => { note: 0..231 },
    'sonic-pi-pluck' => { max_delay_time: 0..1_000 },
    'sonic-pi-fx_echo' => { max_phase: 0..1_000 },
    'sonic-pi-fx_ping_pong' => { max_phase: 0..1_000 },
    'sonic-pi-fx_flanger' => { max_delay: 0..1_000 },
    'sonic-pi-fx_whammy' => { max_delay_time: 0..1_000 },
    'sonic-pi-fx_pitch_shift' => { window_size: 0..1_000 },
    'sonic-pi-fx_gverb' => { room: 1..100_000 },
    'sonic-pi-organ_tonewheel' => { rs_onset: 0..1_000 },
    'sonic-pi-mono_player' => { window_size: 0..1_000 },
    'sonic-pi-stereo_player' => { window_size: 0..1_000 }
  }.freeze
  # scsynth takes these for the numbers of random sequences, where infinity has no meaning.
  FINITE_OPTIONS = %i[seed].freeze

  # The app of Sonic Pi starts every run with `use_arg_checks true`, its default preference. Later
  # calls come from `clear`, which ends the checks in live Sonic Pi as well.
  def __set_default_user_thread_locals!
    super
    return if @has_default_locals
    @has_default_locals = true
    __thread_locals.set(:sonic_pi_mod_sound_check_synth_args, true)
  end

  # Every value that is sent to scsynth passes through this method. Live, one NaN silences everything
  # that follows, so it is an error even where checks are disabled.
  def normalise_args!(args_h, defaults = {})
    super.each do |name, value|
      next unless value.is_a?(Float) && !value.finite?
      forbid_nan(name, value)
      next unless FINITE_OPTIONS.include?(name.to_sym)
      raise "Value of opt #{name.to_sym.inspect} must be a finite number, got #{value}."
    end
  end

  # The main mixer checks nothing.
  def set_mixer_control!(opts)
    opts.each { |name, value| forbid_nan(name, value) } if opts.respond_to?(:each_pair)
    super
  end

  def set_volume!(volume, *args)
    forbid_nan(:volume, volume)
    super
  end

  # What would end scsynth is an error even where checks are disabled.
  def validate_if_necessary!(info, args_h)
    validate_as_live!(args_h) { super }
    return unless info
    PLAYABLE_RANGES[info.scsynth_name]&.each do |name, range|
      value = args_h[name]
      next if !value.is_a?(Numeric) || range.cover?(value)
      raise "Value of opt #{name.inspect} must be a value between #{range.begin} and #{range.end} inclusively, " \
            "got #{value.inspect}."
    end
  end

  private

  def forbid_nan(name, value)
    raise "Value of opt #{name.to_sym.inspect} must be a number, got NaN." if value.is_a?(Float) && value.nan?
  end

  # Sonic Pi's checks find no value of an option whose name is a text, and fail.
  def validate_as_live!(args_h)
    yield
  rescue NoMethodError => e
    name = args_h.keys.find { |key| key.is_a?(String) }
    raise if name.nil? || !e.receiver.nil?
    raise "The name of opt #{name.inspect} must be a symbol: write #{name}: #{args_h[name].inspect}"
  end
end
