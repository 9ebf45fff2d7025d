# Loads Sonic Pi's own server code and stands in for what touches the world.
#
# Its language, random streams, time state and FX chains run unchanged on
# primitives.rb. Replaced are: the link to scsynth, MIDI, Erlang, the network, the
# saving of buffers, and messages meant for its editor.
SONIC_PI = '/usr/lib/sonic-pi/app/server/ruby'
SYNTHDEF_PATH = '/usr/share/sonic-pi/synthdefs/compiled'
PROGRAM = 'program' # the name of the user's code in backtraces

# Libraries that Sonic Pi loads at once, with a hundred that they bring along, though few
# programs or none need them. Each mapped file makes every fork dearer.
# aubio finds onsets, and comes when they are asked for; rugged keeps buffers in Git.
DEFERRED = %w[aubio rugged].freeze
class Object
  private def require(name)
    DEFERRED.include?(name) ? false : super
  end
end

require 'set'
require 'multi_json'
require 'memoist'
require_relative 'virtual_time'
require_relative 'primitives'
require "#{SONIC_PI}/core.rb"
%w[studio server util osc/osc lang/core lang/minecraftpi lang/midi lang/ixi lang/sound runtime].each do |name|
  require "#{SONIC_PI}/lib/sonicpi/#{name}"
end
Object.send(:remove_method, :require)
autoload :Aubio, 'aubio'
require_relative 'scsynth_link'
include SonicPi::Util

# What a program's run has to say, gathered instead of sent to an editor.
class Report
  attr_reader :error, :warnings

  MOST_WARNINGS = 100

  def initialize
    @warnings = []
  end

  # Sonic Pi's own messages arrive here.
  def push(message)
    fail('syntax', message[:val].to_s.lines.last.to_s, message[:line]) if message[:type] == :syntax_error
    self
  end
  alias << push

  # Only the first error counts: the rest follow from it.
  def fail(kind, message, line)
    @error ||= { kind: kind, message: message.to_s.strip[0, 2_000], line: line&.positive? ? line : nil }
  end

  def warn(kind, message, line)
    warning = { kind: kind, message: message, line: line }
    @warnings << warning unless @warnings.size >= MOST_WARNINGS || @warnings.include?(warning)
  end

  # The user's line that called what runs now.
  def self.line(backtrace = caller)
    backtrace&.each do |frame|
      return Regexp.last_match(1).to_i if frame =~ /\A#{PROGRAM}:(\d+)/o
    end
    nil
  end
end

module SonicPi
  # Events are handled by a thread of its own, as live; it is begun anew in
  # every forked child.
  class IncomingEvents
    def initialize(name = :event_handler, priority = 0)
      @handlers = {}
      @continue = true
      @name = name
      (@@all ||= []) << self
      start_handling
    end

    def start_handling
      @event_queue = Queue.new
      Thread.new do
        __system_thread_locals.set_local(:sonic_pi_local_thread_group, @name)
        consume_event while @continue
      end
    end

    def self.restart_all
      @@all.each(&:start_handling)
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

# Methods that stand before the runtime's own.
module OfflineRuntime
  VERSION = '3.2.2'
  NO_SAMPLE = "it is not among Sonic Pi #{VERSION}'s own, nor in a folder of samples that was given".freeze
  KINDS = { 'ZeroTimeLoopError' => 'no_sleep', 'NoMemoryError' => 'memory' }.freeze

  def __server_version
    SonicPi::Version.new(0)
  end

  def load_snippets(*); end

  # An error ends the thread that raised it; the report keeps its line and class.
  def __error(error, thread = nil)
    return __syntax_error(error) if error.is_a?(SyntaxError)
    name = error.class.name.split('::').last
    text = error.message.gsub(/ for (#<)?(Runtime|SonicPi)(Lang)?\b.*$|: nil\n expected a string containing a path\./, '')
    text = "#{name}: #{text}" unless KINDS.key?(name)
    line = Report.line(error.backtrace) || @loop_lines&.[](thread.to_s[/:live_loop_(\w+)/, 1])
    if (chosen = chosen_at(error)) && chosen != line
      text = "#{text} (played in line #{line})"
      line = chosen
    end
    __msg_queue.fail(KINDS.fetch(name, 'runtime'), [text, explained(error)].compact.join('. '), line)
  end

  # What a program means that was written for another version, or beside other files.
  def explained(error)
    case error.message
    when /\AUnknown (synth|FX)/ then "Sonic Pi #{VERSION} has none of that name; later versions may"
    when /cannot load such file|no file found with path/
      'Other files are not there when a program is rendered: put their code into it'
    when /\AUnknown sample description: nil/ then "There is no such sample: #{NO_SAMPLE}"
    end
  end

  # Sonic Pi only looks for a synth when it is played: where it was chosen is kept.
  %i[use_synth with_synth].each do |name|
    define_method(name) do |*args, &block|
      (@chosen_lines ||= {})[args.first.to_s] = Report.line
      super(*args, &block)
    end
  end

  # The line that chose a synth which does not exist, unless what failed names it itself.
  def chosen_at(error)
    name = error.message[/\AUnknown synth :"?(\w+)/, 1] or return
    called = error.backtrace.take_while { |frame| !frame.start_with?("#{PROGRAM}:") }.last
    @chosen_lines&.[](name) unless called.to_s.end_with?("in `synth'")
  end

  # "program:3: syntax error, unexpected end-of-input" and the lines that Ruby quotes.
  def __syntax_error(error)
    line, message = error.message.match(/\A#{PROGRAM}:(\d+): (.*)/o)&.captures
    __msg_queue.fail('syntax', (message || error.message).delete_prefix('syntax error, '), line.to_i)
  end

  # A loop that does not sleep is found inside Sonic Pi: remember where the user wrote it.
  def live_loop(name = nil, *args, &block)
    line = (@loop_lines ||= {})[name.to_s] = block&.source_location&.last
    awaited = args.last.is_a?(Hash) && (args.last[:sync] || args.last[:sync_bpm])
    (@awaited_lines ||= {})[awaited.to_s] ||= line if awaited
    super
  end

  # Where a thread waits for a cue is kept, for `tell_who_waits`.
  def sync(*args)
    line = Report.line || @awaited_lines&.[](args.first.to_s)
    place = [args.first.inspect, line]
    ((@waiting ||= {})[Thread.current] = place)
    super.tap { (@came ||= {})[place] = true }
  ensure
    @waiting&.delete(Thread.current)
  end

  # At the end: a thread whose cue has never come would wait for ever, and nobody is told.
  def tell_who_waits
    (@waiting || {}).each_value do |place|
      next if @came&.key?(place)
      cue, line = place
      __msg_queue.warn('waiting', "sync #{cue} waits until the end of the clip: no such cue has come", line)
    end
  end

  def loop(&block)
    super
  rescue SonicPi::Lang::Core::ZeroTimeLoopError => e
    file, line = block.source_location
    e.set_backtrace(["#{file}:#{line}"] + e.backtrace) if file == PROGRAM
    raise
  end

  # The editor's log is nobody's here; but what it would have said of a
  # sound that stays away is worth a warning.
  def __delayed_message(message)
    return unless message.include?('no match found') || message.start_with?('!! Out of time')
    text = message.gsub(/\s+/, ' ')
    return __msg_queue.warn('skipped', text, Report.line) unless text.include?('no match')
    tell_missing(text[/sample \[(.*)\]/, 1] || text)
  end

  # Live these find nothing without a word.
  %i[load_samples sample_paths].each do |name|
    define_method(name) do |*args|
      super(*args).tap { |found| tell_missing(args.map(&:inspect).join(', ')) if found.empty? }
    end
  end

  def tell_missing(asked)
    asked = 'without a name' if asked.empty?
    __msg_queue.warn('missing_sample', "There is no sample #{asked}: #{NO_SAMPLE}", Report.line)
  end

  def __delayed_serious_warning(message)
    __msg_queue.warn('warning', message.to_s, Report.line)
  end
  alias __delayed_warning __delayed_serious_warning

  def __enqueue_multi_message(*); end
  def __info(*); end
  def __multi_message(*); end
  def __schedule_delayed_blocks_and_messages!(*); end

  # The language's methods that need the outside world, and what they lack here.
  def self.outside
    names = SonicPi::Lang::Midi.instance_methods(false).grep(/\Amidi/)
    named = names.to_h { |name| [name, 'MIDI needs an instrument'] }
    SonicPi::Lang::Minecraft.instance_methods(false).grep(/\Amc_/).each do |name|
      named[name] = 'Minecraft is not there'
    end
    named.merge(osc: 'OSC needs somebody who listens', osc_send: 'OSC needs somebody who listens',
                live_audio: 'live audio needs a microphone')
  end

  def self.ignore_outside
    outside.each do |name, why|
      define_method(name) do |*_args, &_block|
        __msg_queue.warn('ignored', "#{name} does nothing here: #{why}", Report.line)
        SonicPi::BlankNode.new({})
      end
    end
  end
end

# A cue reaches every thread that waits for it; the editor's cue log is left out.
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

# Build the language class as Sonic Pi's server does, and start it.
def boot_sonic_pi(report)
  user_methods = Module.new
  language = Object.const_set(:SonicPiLang, Class.new(SonicPi::Runtime))
  [user_methods, SonicPi::Lang::Core, SonicPi::Lang::Sound, SonicPi::Lang::Minecraft,
   SonicPi::Lang::Midi, SonicPi::Lang::Ixi, SonicPi::Lang::Support::DocSystem].each do |part|
    language.include(part)
  end
  language.extend(Memoist)
  SonicPi::Lang::Core.memoizable_fns.each { |name| language.memoize(name) }
  OfflineRuntime.ignore_outside
  language.prepend(OfflineRuntime)
  language.define_method(:inspect) { 'Runtime' }
  runtime = nil
  boot = Thread.new { runtime = language.new({ osc_cues_port: 1, erlang_port: 1 }, report, user_methods) }
  VirtualTime.run(5.0)
  boot.join(1) # raises what ended it
  runtime.instance_variable_set(:@register_cue_event_lambda, REGISTER_CUE.call(runtime))
  runtime
end
