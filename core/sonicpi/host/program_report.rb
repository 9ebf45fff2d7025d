# Errors and warnings of a program, collected here instead of sent to an editor.
#
# A fatal error leaves no clip. An error of a thread ends that thread only, as in live Sonic Pi.
class ProgramReport
  attr_reader :error

  MAX_WARNINGS = 100
  MAX_THREAD_ERRORS = 20
  MAX_MESSAGE_CHARS = 2_000
  FRAMES_PER_SEARCH = 32
  OBJECT_ADDRESS = /:0x\h{8,16}/.freeze
  CONTROL_CHARACTERS = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]/.freeze
  LINE_PREFIX = "#{PROGRAM_LABEL}:".freeze

  def initialize
    @warnings = []
    @thread_errors = []
    @omitted_error_count = 0
  end

  # Sonic Pi calls this with its own messages.
  def push(message)
    record_error('syntax', message[:val].to_s.lines.last.to_s, message[:line]) if message[:type] == :syntax_error
    self
  end
  alias << push

  # Record a fatal error. Only the first is kept, because later errors may follow from it.
  # `details` are the fields of ProblemCause.
  def record_error(kind, message, line, details = {})
    @error ||= build_entry(kind, message, line, details)
  end

  # Record the error of a thread that ended at `seconds` of the program. Equal errors of several
  # threads, such as those of a loop that starts threads, are recorded once.
  def record_thread_error(kind, message, line, seconds, details = {})
    entry = build_entry(kind, message, line, details)
    return if @thread_errors.any? { |other| other.except(:seconds) == entry }
    return @omitted_error_count += 1 if @thread_errors.size >= MAX_THREAD_ERRORS
    @thread_errors << entry.merge(seconds: seconds.round(6))
  end

  def record_warning(kind, message, line, name = nil)
    warning = build_entry(kind, message, line, { name: name }.compact)
    @warnings << warning unless @warnings.size >= MAX_WARNINGS || @warnings.include?(warning)
  end

  # Return the errors of threads, then the warnings.
  def warnings
    return @thread_errors + @warnings if @omitted_error_count.zero?
    message = "#{@omitted_error_count} more errors of threads are not listed"
    @thread_errors + [build_entry('warning', message, nil)] + @warnings
  end

  # Return a text as valid UTF-8: a program may raise any bytes. Addresses of objects differ from run to
  # run, and control characters could command a terminal.
  def self.clean_text(text)
    text = text.to_s.dup
    text.force_encoding(Encoding::UTF_8) if text.encoding == Encoding::ASCII_8BIT
    decode_text(text).scrub.gsub(OBJECT_ADDRESS, '').gsub(CONTROL_CHARACTERS, "\uFFFD")
  end

  def self.decode_text(text)
    text.encode(Encoding::UTF_8, invalid: :replace, undef: :replace)
  rescue EncodingError # Ruby knows the name of the encoding, but not its characters.
    text.force_encoding(Encoding::UTF_8)
  end

  # Return the line of the program that is running now. It is usually among the last calls, and a
  # function that calls itself has thousands of them.
  def self.current_line
    start = 1
    while (frames = caller(start, FRAMES_PER_SEARCH)) && !frames.empty?
      line = find_line(frames)
      return line if line
      start += FRAMES_PER_SEARCH
    end
  end

  # Return the line of the program that is last in a backtrace, which may be nil.
  def self.find_line(backtrace)
    frame = backtrace&.find { |text| text.start_with?(LINE_PREFIX) }
    frame && frame[LINE_PREFIX.size..].to_i
  end

  private

  def build_entry(kind, message, line, details = {})
    text = self.class.clean_text(message).strip[0, MAX_MESSAGE_CHARS]
    texts = details.transform_values { |value| self.class.clean_text(value)[0, MAX_MESSAGE_CHARS] }
    { kind: kind, message: text, line: line&.positive? ? line : nil, **texts }
  end
end
