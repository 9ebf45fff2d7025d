# Sonic Pi's server code, with replacements for everything outside of the process.
#
# Its language, random streams, time state and FX chains run unchanged on virtual_time_primitives.rb.
# Replaced are the connection to scsynth, MIDI, Erlang, the network, saving of buffers, and messages to
# the editor.
SONIC_PI = '/usr/lib/sonic-pi/app/server/ruby'
SYNTHDEF_PATH = '/usr/share/sonic-pi/synthdefs/compiled'
PROGRAM_LABEL = 'program' # The program's name in backtraces.

# Libraries that Sonic Pi loads at start, with a hundred others that they depend on, although few
# programs need them. Every mapped file makes each fork slower. aubio finds onsets and is loaded when a
# program needs it; rugged stores buffers in Git and is never needed here.
DEFERRED_LIBRARIES = %w[aubio rugged].freeze
class Object
  private def require(name)
    DEFERRED_LIBRARIES.include?(name) ? false : super
  end
end

require 'set'
require 'multi_json'
require 'memoist'
require_relative 'virtual_time'
require_relative 'virtual_time_primitives'
require "#{SONIC_PI}/core.rb"
%w[studio server util osc/osc lang/core lang/minecraftpi lang/midi lang/ixi lang/sound runtime].each do |name|
  require "#{SONIC_PI}/lib/sonicpi/#{name}"
end
Object.send(:remove_method, :require)
autoload :Aubio, 'aubio'
require_relative 'incoming_events'
require_relative 'scsynth_stand_in'
require_relative 'later_sounds'
require_relative 'missing_name_cause'
require_relative 'name_suggestions'
require_relative 'program_report'
require_relative 'missing_function_hints'
require_relative 'later_language'
require_relative 'program_error_handling'
require_relative 'option_checks'
include SonicPi::Util

module SonicPi
  module Util
    # Sonic Pi continues after an error in a block that must not be killed. The lack of memory or of
    # stack is not hidden: later errors in other lines would follow from it.
    def log_exception(error, context = '')
      VirtualTime.report_failure(error)
      raise error if error.is_a?(SystemStackError) && context == 'in no kill block'
    end
  end

  class SCSynthExternal
    def self.new(events, _options = {})
      LINK.events = events
      LINK
    end
  end

  class Studio
    def start_erlang; end
    def init_or_reset_midi(_silent = false); end

    # Sonic Pi 3.2.2 sets the volume, but its current_volume fails: Studio has no reader.
    def volume
      @volume || 1
    end
  end

  class GitSave
    def initialize(*); end
  end

  module OSC
    class UDPClient
      def initialize(*); end
      def send(*); end
    end
  end
end

# Methods that override those of Sonic Pi's runtime.
module OfflineRuntime
  UNKNOWN_SAMPLE = 'it is neither among the samples of Sonic Pi nor in a sample folder'

  def __server_version
    SonicPi::Version.new(0)
  end

  def load_snippets(*); end

  # Sonic Pi looks up a synth only when it is played, so the line that selects it is stored.
  # A method made by define_method would use as much of the machine stack as a function of the program.
  def use_synth(synth, *args, &block)
    record_synth_line(synth)
    super
  end

  def with_synth(synth, *args, &block)
    record_synth_line(synth)
    super
  end

  def record_synth_line(synth)
    (@synth_lines ||= {})[synth.to_s] = ProgramReport.current_line
  end

  # Sonic Pi raises the error of a loop without sleep in its own code, so the loop's line is stored.
  def live_loop(name = nil, *args, &block)
    line = (@loop_lines ||= {})[name.to_s] = block&.source_location&.last
    cue = args.last.is_a?(Hash) && (args.last[:sync] || args.last[:sync_bpm])
    (@sync_lines ||= {})[cue.to_s] ||= line if cue
    super
  end

  # The cue that a thread waits for is stored for `warn_about_waiting_threads`.
  def sync(*args)
    line = ProgramReport.current_line || @sync_lines&.[](args.first.to_s)
    cue_and_line = [args.first.inspect, line]
    ((@waiting ||= {})[Thread.current] = cue_and_line)
    super.tap { (@received_cues ||= {})[cue_and_line] = true }
  ensure
    @waiting&.delete(Thread.current)
  end

  # Called at the end of a run. Live Sonic Pi does not report a thread that waits for ever.
  def warn_about_waiting_threads
    (@waiting || {}).each_value do |cue_and_line|
      next if @received_cues&.key?(cue_and_line)
      cue, line = cue_and_line
      __msg_queue.record_warning('waiting', "sync #{cue} waits until the end of the clip: nothing sends this cue", line, cue.delete_prefix(':').delete('"'))
    end
  end

  def loop(&block)
    super
  rescue SonicPi::Lang::Core::ZeroTimeLoopError => e
    file, line = block.source_location
    e.set_backtrace(["#{file}:#{line}"] + e.backtrace) if file == PROGRAM_LABEL
    raise
  end

  # There is no editor log here, but its messages about sounds that are not played become warnings.
  def __delayed_message(message)
    return unless message.include?('no match found') || message.start_with?('!! Out of time')
    text = message.gsub(/\s+/, ' ')
    return __msg_queue.record_warning('skipped', text, ProgramReport.current_line) unless text.include?('no match')
    warn_about_missing_sample(text[/sample \[(.*)\]/, 1] || text)
  end

  # In live Sonic Pi these return an empty list without a message.
  %i[load_samples sample_paths].each do |name|
    define_method(name) do |*args|
      super(*args).tap do |samples|
        warn_about_missing_sample(args.map(&:inspect).join(', ')) if samples.empty?
      end
    end
  end

  def warn_about_missing_sample(description)
    description = 'without a name' if description.empty?
    reason = LaterSounds.explain_missing(description) || UNKNOWN_SAMPLE
    name = description[/\A:"?(\w+)/, 1]
    message = ["There is no sample #{description}: #{reason}", name && NameSuggestions.suggest_sample(name)].compact.join('. ')
    __msg_queue.record_warning('missing_sample', message, ProgramReport.current_line, description)
  end

  def __delayed_serious_warning(message)
    __msg_queue.record_warning('warning', message.to_s, ProgramReport.current_line || current_start_line)
  end
  alias __delayed_warning __delayed_serious_warning

  # `LaterSounds.choose_version` replaces this for Sonic Pi 5.
  def set_drive!(*)
    message = 'set_drive! has no effect here: it came with Sonic Pi 5, and the sound of Sonic Pi 3.2 is chosen'
    __msg_queue.record_warning('ignored', message, ProgramReport.current_line)
  end

  # There is no editor, and the clip is the recording.
  %i[load_buffer load_example recording_save recording_delete].each do |name|
    define_method(name) do |*|
      __msg_queue.record_warning('ignored', "#{name} has no effect when a program is rendered", ProgramReport.current_line)
    end
  end

  def __enqueue_multi_message(*); end
  def __info(*); end
  def __multi_message(*); end
  def __schedule_delayed_blocks_and_messages!(*); end

  # Return the methods of the language that need external devices, each with the reason why it has no
  # effect here.
  def self.unavailable_methods
    midi_names = SonicPi::Lang::Midi.instance_methods(false).grep(/\Amidi/)
    minecraft_names = SonicPi::Lang::Minecraft.instance_methods(false).grep(/\Amc_/)
    midi_names.to_h { |name| [name, 'MIDI needs an instrument'] }
              .merge(minecraft_names.to_h { |name| [name, 'Minecraft is not available'] })
              .merge(osc: 'OSC needs a receiver', osc_send: 'OSC needs a receiver',
                     live_audio: 'live audio needs a microphone')
  end

  def self.stub_unavailable_methods
    unavailable_methods.each do |name, reason|
      define_method(name) do |*_args, &_block|
        __msg_queue.record_warning('ignored', "#{name} has no effect here: #{reason}", ProgramReport.current_line, name)
        SonicPi::BlankNode.new({})
      end
    end
  end
end

# Delivers a cue to every thread that waits for it. Live Sonic Pi also sends it to the editor's log.
REGISTER_CUE = lambda do |runtime|
  history = runtime.instance_variable_get(:@event_history)
  events = runtime.instance_variable_get(:@cue_events)
  lambda do |time, priority, thread, delta, beat, bpm, address, args, _ahead = 0|
    address = address.first if address.is_a?(Array)
    args = args.__sp_make_thread_safe
    address = address.to_s.freeze
    history.set(time, priority, thread, delta, beat, bpm, address, args)
    events.async_event("/spider_thread_sync/#{address}",
                       time: time, cue_splat_map_or_arr: args, cue: address)
  end
end

# Build the language class as Sonic Pi's server does, and return a started instance.
def boot_sonic_pi(report)
  user_methods = Module.new
  language = Object.const_set(:SonicPiLang, Class.new(SonicPi::Runtime))
  LaterLanguage.include_below_user_methods
  [user_methods, SonicPi::Lang::Core, SonicPi::Lang::Sound, SonicPi::Lang::Minecraft,
   SonicPi::Lang::Midi, SonicPi::Lang::Ixi, SonicPi::Lang::Support::DocSystem].each do |part|
    language.include(part)
  end
  language.extend(Memoist)
  SonicPi::Lang::Core.memoizable_fns.each { |name| language.memoize(name) }
  OfflineRuntime.stub_unavailable_methods
  LaterLanguage.prepend_overrides_to(language)
  language.prepend(ProgramErrors, OptionChecks, OfflineRuntime)
  language.define_method(:inspect) { 'Runtime' }
  runtime = nil
  boot = Thread.new { runtime = language.new({ osc_cues_port: 1, erlang_port: 1 }, report, user_methods) }
  VirtualTime.run(5.0)
  boot.join(1) # This raises the error of the boot thread, if any.
  runtime.instance_variable_set(:@register_cue_event_lambda, REGISTER_CUE.call(runtime))
  runtime
end
