# Methods that override those of Sonic Pi's runtime: what becomes of the errors of a program.
module ProgramErrors
  PROBLEM_KIND_BY_ERROR = { 'ZeroTimeLoopError' => 'no_sleep', 'NoMemoryError' => 'memory' }.freeze
  # Limits and actions that the sandbox forbids leave no clip, whichever thread meets them.
  FATAL_ERRORS = [NoMemoryError, Errno::EFBIG, Errno::ENOSPC, Errno::EDQUOT, Errno::EACCES, Errno::EPERM,
                  Errno::EROFS].freeze
  # A program may define these methods of its exceptions itself.
  CLASS_METHOD = Kernel.instance_method(:class)
  BACKTRACE_METHOD = Exception.instance_method(:backtrace)
  # What Ruby suggests from Sonic Pi's own variables.
  INTERNAL_SUGGESTIONS = /\n +@.*$/.freeze
  # What Ruby appends to its messages about the object that runs the program.
  INTERNAL_NAMES = / for (#<)?(Runtime|SonicPi)(Lang)?\b.*$|: nil\n expected a string containing a path\./.freeze

  # An error ends the thread that raised it; its line, class and time are recorded.
  def __error(error, thread = nil)
    return if defined?(VirtualThread::Killed) && error.is_a?(VirtualThread::Killed)
    return __syntax_error(error) if error.is_a?(SyntaxError)
    VirtualTime.report_failure(error)
    line = find_error_line(error, thread)
    return if recorded_name_error?(error, line)
    name = CLASS_METHOD.bind_call(error).name.to_s.split('::').last || 'Exception'
    message = read_error_message(error)
    text = message.gsub(INTERNAL_NAMES, '').gsub(INTERNAL_SUGGESTIONS, '')
    text = "#{name}: #{text}" unless PROBLEM_KIND_BY_ERROR.key?(name)
    if (synth_line = find_synth_line(error, message)) && synth_line != line
      text = "#{text} (played in line #{line})"
      line = synth_line
    end
    entry = [PROBLEM_KIND_BY_ERROR.fetch(name, 'runtime'), [text, explain_error(error, message)].compact.join('. '), line]
    return __msg_queue.record_error(*entry, find_cause(error)) if FATAL_ERRORS.any? { |type| error.is_a?(type) }
    __msg_queue.record_thread_error(*entry, current_program_seconds, find_cause(error))
  end

  # Sonic Pi runs some of its own blocks in threads, such as one that loads a sample. Their errors
  # have no line of the program, so the line that starts the thread is stored. The thread inherits it.
  def in_thread(*opts, &block)
    file, line = block&.source_location
    line = ProgramReport.current_line || current_start_line unless file == PROGRAM_LABEL
    previous_line = current_start_line
    __system_thread_locals.set(:earshot_start_line, line)
    super
  ensure
    __system_thread_locals.set(:earshot_start_line, previous_line)
  end

  # Called first at the start of a run.
  def __set_default_user_thread_locals!
    super
    @program_origin ||= VirtualTime.now
  end

  # Record the error of a thread that the program started with Thread.new.
  def record_ruby_thread_error(error)
    __error(error) unless error.is_a?(SonicPi::Stop) || error.is_a?(SystemExit)
  end

  # Return the time of the running thread in seconds of the program. Threads that the program starts
  # with Thread.new have no time of their own.
  def current_program_seconds
    time = __system_thread_locals.get(:sonic_pi_spider_time)
    start = __system_thread_locals.get(:sonic_pi_spider_start_time)
    [time && start ? time - start : VirtualTime.now - @program_origin, 0.0].max
  end

  private

  def find_cause(error)
    ProblemCause.from_error(error)
  rescue StandardError # The program may have defined the message, or it is not valid text.
    {}
  end

  # Return whether an equal NameError is listed already. Ruby takes milliseconds to find names that are
  # similar to a missing one, and a loop may start thousands of threads that miss it.
  def recorded_name_error?(error, line)
    return false unless error.is_a?(NameError) && line
    key = [line, error.name, CLASS_METHOD.bind_call(error.receiver)]
    is_recorded = (@name_errors ||= {}).key?(key)
    @name_errors[key] = true if @name_errors.size < ProgramReport::MAX_WARNINGS
    is_recorded
  rescue StandardError # The error was raised without a receiver, or the program defines these methods.
    false
  end

  def find_error_line(error, thread)
    ProgramReport.find_line(read_backtrace(error)) || @loop_lines&.[](thread.to_s[/:live_loop_(\w+)/, 1]) ||
      current_start_line
  end

  def read_backtrace(error)
    BACKTRACE_METHOD.bind_call(error) || []
  end

  def current_start_line
    __system_thread_locals.get(:earshot_start_line)
  end

  # The message of an exception is a method that the program may have defined.
  def read_error_message(error)
    text = ProgramReport.clean_text(error.message)
    # Some of Sonic Pi's messages quote a backtrace of its own code.
    text.sub(/\n\["[^\n]*\.rb:\d+:in .*\z/m, '')
  rescue StandardError
    ''
  end

  # Return a hint for programs that were written for another version or that need other files.
  def explain_error(error, message)
    case message
    when /\AUnknown (synth|FX) :"?(\w+)/
      kind, name = Regexp.last_match.captures
      LaterSounds.explain_missing(name) ||
        ['Sonic Pi has no such synth or FX', NameSuggestions.suggest_synth(kind, name)].compact.join('. ')
    when /\AUnknown (scale|chord) name: :?"?(\w+)/ then NameSuggestions.suggest_notes(*Regexp.last_match.captures)
    when /cannot load such file|no file found with path/
      'Other files are not available when a program is rendered: copy their code into the program'
    when /\AUnknown sample description: nil/ then "There is no such sample: #{OfflineRuntime::UNKNOWN_SAMPLE}"
    else MissingFunctions.explain(error)
    end
  rescue StandardError # The program may have defined the message.
    nil
  end

  # Return the line that selected an unknown synth; nil if the failed call itself names the synth.
  def find_synth_line(error, message)
    name = message[/\AUnknown synth :"?(\w+)/, 1] or return
    called_method = read_backtrace(error).take_while { |frame| !frame.start_with?("#{PROGRAM_LABEL}:") }.last
    @synth_lines&.[](name) unless called_method.to_s.end_with?("in `synth'")
  end

  # The message is "program:3: syntax error, unexpected end-of-input", then lines that Ruby quotes.
  def __syntax_error(error)
    text = read_error_message(error)
    line, message = text.match(/\A#{PROGRAM_LABEL}:(\d+): (.*)/o)&.captures
    # The syntax of a string that the program evaluates itself is an error of its thread.
    unless line
      return __msg_queue.record_thread_error('syntax', text, find_error_line(error, nil), current_program_seconds)
    end
    __msg_queue.record_error('syntax', (message || text).delete_prefix('syntax error, '), line.to_i)
  end
end

# Reports the errors of threads that a program starts with Thread.new. Ruby prints them, where no user
# of Sonic Pi sees them.
module ProgramThreads
  %i[new start fork].each do |name|
    define_method(name) do |*args, &block|
      return super(*args, &block) unless block&.source_location&.first == PROGRAM_LABEL
      super(*args) do |*values|
        block.call(*values)
      rescue Exception => e # rubocop:disable Lint/RescueException
        runtime = block.binding.receiver
        runtime.record_ruby_thread_error(e) if runtime.respond_to?(:record_ruby_thread_error)
        raise
      end
    end
  end
end
Thread.singleton_class.prepend(ProgramThreads)
