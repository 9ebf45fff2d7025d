# The makams of Sonic Pi 3.3: Turkish scales, whose steps are multiples of a comma (1/53 octave).
#
# Each makam is a row of tetrachords and pentachords of the Arel-Ezgi-Uzdilek theory.
require 'json'

module MakamScales
  COMMA = 12.0 / 53
  TABLE = JSON.parse(File.read("#{__dir__}/makam_scales.json"), symbolize_names: true).freeze
  STEPS = TABLE[:makams].transform_values do |parts|
    parts.flat_map { |part| TABLE[:parts].fetch(part.to_sym) }.map { |commas| commas * COMMA }.freeze
  end.freeze
end
