# Prints the synths, FX, options' constraints, chords and scales of the installed Sonic Pi as JSON.
#
# It loads Sonic Pi's own tables and no user code. ARGV[0]: the folder of its Ruby library.

require "json"
require "set"

$LOAD_PATH.unshift(ARGV.fetch(0))
require "sonicpi/synths/synthinfo"
require "sonicpi/chord"
require "sonicpi/scale"

synths = {}
effects = {}
beat_scaled = Set.new
constraints = {}

SonicPi::Synths::BaseInfo.get_all.each do |name, info|
  defaults = {}
  info.arg_defaults.each do |option, value|
    # A default may be the name of another option.
    value = info.arg_defaults[value] while value.is_a?(Symbol)
    defaults[option] = value if value.is_a?(Numeric)
  end
  info.info.each { |option, option_info| beat_scaled << option if option_info[:bpm_scale] }
  # A validation is a lambda and its words; the words hold the bounds.
  constraints[name] = info.info.transform_values do |option_info|
    (option_info[:validations] || []).map { |validation| validation[1] }
  end
  (info.is_a?(SonicPi::Synths::FXInfo) ? effects : synths)[name] = defaults
end

puts JSON.generate(
  synths: synths, fx: effects, scaled: beat_scaled.to_a.sort, constraints: constraints,
  chords: SonicPi::Chord::CHORD_LOOKUP, scales: SonicPi::Scale::SCALE
)
