# Finds the message of a program that ends scsynth, or that makes its output not a number.
#
# scsynth dies without a word, and often later than at the message that is to blame. A score that ends
# after that message fails and one that ends before it plays, so a binary search finds it.
class FailureSearch
  # Options that say nothing to a user.
  INTERNAL_OPTIONS = %w[out_bus in_bus buf rand_buf].freeze
  MAX_OPTIONS = 6

  # Records the line of the program that sends each message, which is too slow for every render, and
  # the order of the messages in the score. Extends a Score.
  module LineTrace
    # [line, address, arguments] of each bundle of the binary score, in its order.
    attr_reader :trace

    def self.extended(score)
      lines = {}.compare_by_identity
      score.instance_variable_set(:@lines, lines)
      score.instance_variable_get(:@encoder).define_singleton_method(:encode_single_message) do |address, args|
        score.instance_variable_set(:@entry, [lines[args], address, args])
        super(address, args)
      end
    end

    def add_message(time, address, args, *rest)
      @lines[args] = ProgramReport.current_line
      super
    end

    def to_binary(*)
      @trace = []
      super
    end

    private

    def encode_bundle(time, message)
      line, address, args = @entry
      @entry = nil
      @trace << [line, address, args&.map { |value| value.is_a?(Numeric) ? value : value.to_s }]
      super
    end
  end

  # The block gets a score and its seconds, and returns whether scsynth plays it to its end.
  def initialize(score, trace, &is_playable)
    @bundles = split_bundles(score)
    @trace = trace
    @is_playable = is_playable
  end

  # Return the error of the program; nil if its whole score can be played now.
  def find_error
    low = 0 # This many messages can be played,
    high = @bundles.size - 1 # and this many cannot. The last bundle only marks the end.
    return if high < 1 || playable?(high)
    while high - low > 1
      middle = (low + high) / 2
      playable?(middle) ? low = middle : high = middle
    end
    describe_message(*@trace[high - 1])
  end

  private

  def playable?(message_count)
    @is_playable.call((@bundles.first(message_count) << @bundles.last).join, end_seconds)
  end

  # The time of the last bundle: whole seconds, then 2**-32 s, after the length and "#bundle".
  def end_seconds
    whole, fraction = @bundles.last.byteslice(12, 8).unpack('N2')
    whole + fraction / 4_294_967_296.0
  end

  # Each bundle follows its length.
  def split_bundles(score)
    bundles = []
    offset = 0
    while offset < score.bytesize
      size = 4 + score.byteslice(offset, 4).unpack1('N')
      bundles << score.byteslice(offset, size)
      offset += size
    end
    bundles
  end

  def describe_message(line, address, args)
    subject = address == '/s_new' ? describe_synth(args) : "the message #{address} with #{describe_options(args.drop(1))}"
    { kind: 'runtime', line: line,
      message: "scsynth fails at #{subject}: nothing sounds from there on." }
  end

  def describe_synth(args)
    name = args[0].delete_prefix('sonic-pi-')
    kind = name.start_with?('fx_') ? 'the FX' : 'the synth'
    "#{kind} #{name.delete_prefix('fx_')} with #{describe_options(args.drop(4))}"
  end

  def describe_options(options)
    shown = options.each_slice(2).reject { |name, _| INTERNAL_OPTIONS.include?(name) }.first(MAX_OPTIONS)
    shown.empty? ? 'its default options' : shown.map { |name, value| "#{name}: #{value}" }.join(', ')
  end
end
