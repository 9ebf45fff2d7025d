# Suggestions for names of sounds, scales and chords that a program spells wrongly.
module NameSuggestions
  MAX_SUGGESTIONS = 3
  MAX_STORED_SAMPLES = 100

  class << self
    # Return "Did you mean :piano?"; nil if no name of a synth or FX is similar. `kind` is synth or FX.
    def suggest_synth(kind, name)
      names = SonicPi::Synths::SynthInfo.get_all.keys.map(&:to_s)
      fx_names, synth_names = names.partition { |known| known.start_with?('fx_') }
      return suggest(name, fx_names.map { |known| known.delete_prefix('fx_') }) if kind == 'FX'
      suggest(name, synth_names + LaterSounds::TABLE[:synths].keys)
    end

    # A loop may play the same missing sample thousands of times, so the answers are stored.
    def suggest_sample(name)
      @by_sample ||= {}
      return @by_sample[name] if @by_sample.key?(name) || @by_sample.size >= MAX_STORED_SAMPLES
      known_names = (SonicPi::Synths::SynthInfo.all_samples + LaterSounds::TABLE[:samples].keys).map(&:to_s)
      @by_sample[name] = known_names.include?(name) ? nil : suggest(name, known_names)
    end

    # `kind` is scale or chord.
    def suggest_notes(kind, name)
      table = kind == 'scale' ? SonicPi::Scale::SCALE : SonicPi::Chord::CHORD
      suggest(name, table.keys.map(&:to_s))
    end

    private

    def suggest(name, known_names)
      similar = DidYouMean::SpellChecker.new(dictionary: known_names.map(&:to_s).uniq).correct(name)
      "Did you mean #{similar.first(MAX_SUGGESTIONS).map { |known| ":#{known}" }.join(' or ')}?" unless similar.empty?
    end
  end
end
