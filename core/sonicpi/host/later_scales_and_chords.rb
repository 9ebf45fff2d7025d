# The scales and chords of Sonic Pi 5, beside the makams.
#
# Every program can use them by name. Lists of names stay those of 3.2.2 unless Sonic Pi 5 is chosen,
# because programs choose among them.
require 'json'
require_relative 'makam_scales'

module LaterScalesAndChords
  TABLE = JSON.parse(File.read("#{__dir__}/later_scales_and_chords.json"), symbolize_names: true).freeze
  SCALES = TABLE[:scales].merge(MakamScales::STEPS).freeze
  CHORDS = TABLE[:chords].freeze

  # Called in the child that runs a program for which Sonic Pi 5 is chosen.
  def self.list_names
    SonicPi::Scale::SCALE.merge!(SCALES)
    SonicPi::Chord::CHORD_LOOKUP.merge!(CHORDS, TABLE[:corrected_chords])
    SonicPi::Chord::CHORD_NAMES.concat(CHORDS.keys.map(&:to_s)).sort!
  end
end

SonicPi::Scale::SCALE.default_proc = ->(_scales, name) { LaterScalesAndChords::SCALES[name] }
SonicPi::Chord::CHORD_LOOKUP.default_proc = ->(_chords, name) { LaterScalesAndChords::CHORDS[name] }
