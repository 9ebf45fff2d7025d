# A synth that Sonic Pi 3.2.2 lacks, described as Sonic Pi describes its own.
class LaterSynth < SonicPi::Synths::SonicPiSynth
  RANGE = /\A(\S+)\.\.(\S+)\z/.freeze
  BOUND = /\A(>=|>|<=|<) (\S+)\z/.freeze

  # `entry` is an entry of "synths" in later_sounds.json.
  def initialize(name, entry)
    @name = name
    @entry = entry
    @defaults = build_defaults
    super()
  end

  def name
    @name.to_s.split('_').map(&:capitalize).join(' ')
  end

  def synth_name
    @name.to_s
  end

  def introduced
    SonicPi::Version.new(*@entry[:since].split('.').map(&:to_i), 0)
  end

  def arg_defaults
    @defaults
  end

  def specific_arg_info
    options = @entry[:option_checks].to_h { |option, checks| [option, describe_option(option, checks)] }
    @entry[:slides].each_with_object(options) do |option, infos|
      slide = :"#{option}_slide"
      infos[slide] = { validations: [v_positive(slide)], modulatable: true, bpm_scale: true }
    end
  end

  private

  # Each option that can slide is followed by the options of its slide.
  def build_defaults
    @entry[:options].each_with_object({}) do |(option, value), defaults|
      defaults[option] = value.is_a?(String) ? value.to_sym : value
      next unless @entry[:slides].include?(option.to_s)
      defaults.update("#{option}_slide": 0, "#{option}_slide_shape": 1, "#{option}_slide_curve": 0)
    end
  end

  def describe_option(option, checks)
    { validations: checks[:checks].map { |check| build_validation(option, check) },
      modulatable: !checks[:fixed], bpm_scale: checks[:beats], midi: checks[:midi] }
  end

  # A check is a bound (">= 0"), a range ("0..8") or a list of values ("0|1").
  def build_validation(option, check)
    if (bounds = check.match(RANGE)&.captures) then v_between_inclusive(option, *bounds.map { |text| parse_number(text) })
    elsif (match = check.match(BOUND)) then build_bound(option, match[1], parse_number(match[2]))
    else v_one_of(option, check.split('|').map { |text| parse_number(text) })
    end
  end

  def build_bound(option, operator, limit)
    case operator
    when '>=' then limit.zero? ? v_positive(option) : v_greater_than_oet(option, limit)
    when '>' then limit.zero? ? v_positive_not_zero(option) : v_greater_than(option, limit)
    when '<' then v_less_than(option, limit)
    when '<=' then v_less_than_oet(option, limit)
    end
  end

  def parse_number(text)
    text.match?(/\A-?\d+\z/) ? text.to_i : text.to_f
  end
end
