# The synths and samples that came after Sonic Pi 3.2.2, and the choice between the sound of 3.2.2 and
# that of Sonic Pi 5.
#
# later_sounds.json holds their names, options and checks. Their sound is in a folder that the set-up
# fills, and that may be missing. They can be played whichever version is chosen. Lists, such as
# `synth_names`, and searches for samples that already find something in 3.2.2 stay those of 3.2.2
# unless Sonic Pi 5 is chosen, so that programs of 3.2.2 keep their random choices.
require 'json'
require_relative 'later_synth'
require_relative 'mixer_of_version_5'

module LaterSounds
  TABLE = JSON.parse(File.read("#{__dir__}/later_sounds.json"), symbolize_names: true)
  SYNTHDEF_PREFIX = 'sonic-pi-'
  VERSIONS = %w[3.2 5].freeze
  # Options of a synth whose sound is not available.
  SILENT_SYNTH = {
    options: { note: 52, amp: 1, pan: 0, attack: 0, decay: 0, sustain: 0, release: 1 }, slides: [], option_checks: {}
  }.freeze

  class << self
    # The chosen version, one of VERSIONS.
    attr_reader :version

    # Make the sounds known to Sonic Pi. `folder` holds them; nil where they are not installed.
    def load_sounds(folder)
      @folder = folder if folder && File.directory?("#{folder}/synthdefs")
      @version = VERSIONS.first
      # A note of a synth whose sound is missing is silent, as that of a SynthDef that scsynth does not
      # have. In the Sonic Pi of the program's author it does not end its thread.
      add_synths(TABLE[:synths])
      add_synths(TABLE[:missing_synths].transform_values { |version| SILENT_SYNTH.merge(since: version) })
    end

    def installed?
      !@folder.nil?
    end

    # Choose a version. Called in the child that runs a program, before the program.
    def choose_version(version)
      raise ArgumentError, "unknown version #{version.inspect}" unless VERSIONS.include?(version)
      @version = version
      MixerOfVersion5.prepare_language if version_5?
      LanguageOfVersion5.prepare_language if version_5?
      ChangesOfVersion5.apply if version_5?
    end

    def version_5?
      @version == '5'
    end

    # Return the file of a compiled SynthDef; nil if there is none.
    def find_synthdef(name)
      paths = ["#{SYNTHDEF_PATH}/#{name}.scsyndef"]
      if @folder
        later_path = "#{@folder}/synthdefs/#{name}.scsyndef"
        version_5? ? paths.unshift(later_path) : paths.push(later_path)
      end
      paths.find { |path| File.exist?(path) }
    end

    # Return the later synth of a SynthDef; nil for other SynthDefs.
    def find_synth(synthdef)
      TABLE[:synths][synthdef.delete_prefix(SYNTHDEF_PREFIX).to_sym]
    end

    def synth_names
      TABLE[:synths].keys + TABLE[:missing_synths].keys
    end

    def samples_folder
      @folder && "#{@folder}/samples"
    end

    # Return names of samples by group.
    def samples_by_group
      TABLE[:samples].group_by { |_, sample| sample[:group].to_sym }.transform_values { |samples| samples.map(&:first) }
    end

    # Explain why a synth or sample cannot be played; nil for names that no version has.
    def explain_missing(name)
      name = name.to_s.delete(':"').to_sym
      if (version = TABLE[:missing_synths][name])
        return "#{name.inspect} came with Sonic Pi #{version}, but its sound is not available here"
      end
      entry = TABLE[:synths][name] || TABLE[:samples][name]
      return if entry.nil? || installed?
      "#{name.inspect} came with Sonic Pi #{entry[:since]}, and the sounds of later versions are not installed: " \
        'run ./run sounds'
    end

    # Searches among the later samples only, as Sonic Pi searches among its own.
    def sample_loader
      @sample_loader ||= SonicPi::SampleLoader.new("#{samples_folder}/**")
    end

    private

    def add_synths(entries)
      infos = SonicPi::Synths::BaseInfo.class_variable_get(:@@synth_infos)
      entries.each { |name, entry| infos[name] ||= LaterSynth.new(name, entry) }
    end
  end

  # Lists of names, of the chosen version.
  module NameLists
    def all_synths
      available = LaterSounds.version_5? && LaterSounds.installed? ? LaterSounds::TABLE[:synths].keys : []
      super - (LaterSounds.synth_names - available)
    end

    def all_samples
      LaterSounds.version_5? && LaterSounds.installed? ? (super + LaterSounds::TABLE[:samples].keys).uniq : super
    end

    # In 3.2.2 the names of new groups are known, but are not among the keys.
    def grouped_samples
      return super unless LaterSounds.installed?
      groups = super.dup
      later_groups = NameLists.later_groups(groups)
      return groups.merge(later_groups) if LaterSounds.version_5?
      groups.default_proc = proc { |_, name| later_groups[name] }
      groups
    end

    def self.later_groups(groups)
      LaterSounds.samples_by_group.to_h do |name, samples|
        known = groups[name] || { desc: TABLE[:sample_groups][name], prefix: "#{name}_", samples: [] }
        [name, known.merge(samples: known[:samples] + samples)]
      end
    end
  end

  # Search for samples. In Sonic Pi 5 all samples are in one folder.
  module SampleSearch
    def find_candidates(filters)
      found = super
      return found if !found.empty? || !LaterSounds.installed? || LaterSounds.version_5?
      return found if equal?(LaterSounds.sample_loader) || filters.any?(Proc)
      LaterSounds.sample_loader.find_candidates(filters)
    end

    def ls_samples(path, recursive = false)
      own = super
      return own unless LaterSounds.version_5? && LaterSounds.installed? && path.delete_suffix('/') == samples_path
      (own + super(LaterSounds.samples_folder)).sort_by { |file| File.basename(file) }
    end
  end

  SonicPi::Synths::BaseInfo.singleton_class.prepend(NameLists)
  SonicPi::SampleLoader.prepend(SampleSearch)
end

# What else sounds differently in Sonic Pi 5.
module ChangesOfVersion5
  SLIDES_IN_BEATS = %i[mix_slide pre_mix_slide pre_amp_slide].freeze

  class << self
    def apply
      SonicPi::Synths::BaseInfo.get_all.each_value { |info| scale_slides(info) }
      add_autotuner_slides(SonicPi::Synths::BaseInfo.get_info(:fx_autotuner))
    end

    private

    # In 3.2.2 these slides of FX last seconds, not beats.
    def scale_slides(info)
      SLIDES_IN_BEATS.each { |option| info.info[option]&.store(:bpm_scale, true) }
      %i[@cached_bpm_scale_args @cached_slide_args].each { |cache| info.instance_variable_set(cache, nil) }
    end

    def add_autotuner_slides(info)
      slides = %i[note formant_ratio].flat_map do |option|
        [[:"#{option}_slide", 0], [:"#{option}_slide_shape", 1], [:"#{option}_slide_curve", 0]]
      end
      defaults = info.arg_defaults.merge(slides.to_h)
      info.define_singleton_method(:arg_defaults) { defaults }
      %i[note_slide formant_ratio_slide].each do |option|
        info.info[option] = { validations: [info.send(:v_positive, option)], modulatable: true, bpm_scale: true }
      end
    end
  end
end
