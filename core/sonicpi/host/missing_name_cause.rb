# What a program needed and did not find, read from the class and fields of an error.
module ProblemCause
  SYNTH_PATTERN = /\AUnknown (?:synth|FX) :?"?(\w+)/i.freeze
  RUN_FILE_PATTERN = /no file found with path:? (.*?)\.?\z/.freeze

  class << self
    # Return { cause:, name: } of an error; empty when nothing outside of the program is missing.
    def from_error(error)
      cause, name = find_cause(error)
      cause ? { cause: cause, name: name&.to_s }.compact : {}
    end

    private

    def find_cause(error)
      case error
      when LoadError then ['missing_file', error.path]
      when Errno::ENOENT, Errno::ENOTDIR, Errno::EACCES then ['missing_file', error.message.split(' - ', 2).last]
      when NameError then ['missing_function', error.name] if language_receiver?(error)
      else find_cause_in_message(error.message)
      end
    end

    # A method that is missing in another object is a mistake of the program itself.
    def language_receiver?(error)
      receiver = error.receiver
      receiver.is_a?(SonicPi::Runtime) || receiver.is_a?(Module)
    rescue ArgumentError # The error was raised without a receiver.
      !error.is_a?(NoMethodError)
    end

    # Sonic Pi raises these as RuntimeError or IOError.
    def find_cause_in_message(message)
      case message
      when SYNTH_PATTERN then ['unknown_synth', Regexp.last_match(1)]
      when RUN_FILE_PATTERN then ['missing_file', Regexp.last_match(1)]
      when /\AUnknown sample description|\ANo sample exists with path/ then ['missing_sample', nil]
      end
    end
  end
end
