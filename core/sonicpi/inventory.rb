# Tells what the installed Sonic Pi knows: synths, FX, chords and scales, as JSON.
#
# Loads Sonic Pi's own tables and nothing of a user's. ARGV[0]: the folder of its Ruby library.

require "json"
require "set"

$LOAD_PATH.unshift(ARGV.fetch(0))
require "sonicpi/synths/synthinfo"
require "sonicpi/chord"
require "sonicpi/scale"

synths = {}
effects = {}
scaled = Set.new

SonicPi::Synths::BaseInfo.get_all.each do |name, info|
  defaults = {}
  info.arg_defaults.each do |option, value|
    # A default may be the name of another option.
    value = info.arg_defaults[value] while value.is_a?(Symbol)
    defaults[option] = value if value.is_a?(Numeric)
  end
  info.info.each { |option, about| scaled << option if about[:bpm_scale] }
  (info.is_a?(SonicPi::Synths::FXInfo) ? effects : synths)[name] = defaults
end

puts JSON.generate(
  synths: synths, fx: effects, scaled: scaled.to_a.sort,
  chords: SonicPi::Chord::CHORD_LOOKUP, scales: SonicPi::Scale::SCALE
)
