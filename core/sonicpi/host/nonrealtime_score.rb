# A score for scsynth's non-realtime mode: OSC bundles in order of time.
class Score
  # A SynthDef with one RandSeed UGen, which seeds scsynth's random numbers. Without it scsynth
  # seeds itself from the clock, and noise differs from run to run.
  SEED_DEF = 'earshot-seed'
  SEED = 1
  SEED_NODE = 2_000_000 # Sonic Pi numbers its nodes from 1.
  NOT_LATE = -Float::INFINITY # sorts before every late message

  def initialize
    @encoder = SonicPi::OSC::OscEncode.new(true)
    @messages = []
  end

  # Add a message at `time` in seconds. Messages of equal time keep their order. A late message was due
  # at `due_time`, but arrives at `time`: scsynth plays those that arrive together in the order in which
  # they were due, after the others.
  def add_message(time, address, args, due_time = nil)
    @messages << [time, address, args, due_time || NOT_LATE]
  end

  # Mark the end of Sonic Pi's own messages, which it sends when it starts.
  def mark_boot_end
    @boot_message_count = @messages.size
  end

  def size
    @messages.size
  end

  # Return the names of all SynthDefs in the score.
  def synthdef_names
    @messages.filter_map { |_, address, args| args[0].to_s if address == '/s_new' }.uniq
  end

  # Return the program's own messages as [seconds from `start`, address, *arguments], in order of
  # time, up to `seconds`.
  def program_messages(start, seconds)
    messages = @messages.drop(@boot_message_count).map do |time, address, args, due_time|
      [(time - start).round(9), address, args, due_time]
    end
    sort_messages(messages).take_while { |time, *| time < seconds }
                           .map { |time, address, args, _| [time, address, *args] }
  end

  # Return the score in the binary format of scsynth -N, with times from `start`, up to `seconds`.
  # Messages before `start` are moved there.
  def to_binary(start, seconds, sample_rate)
    setup = setup_messages(sample_rate) + boot_messages
    # Sonic Pi frees every node when it starts, so the seed comes after that and before the program.
    setup << [0.0, '/s_new', [SEED_DEF, SEED_NODE, 0, 0]]
    messages = sort_messages(@messages.drop(@boot_message_count)).filter_map do |time, address, args|
      score_time = [time - start, 0.0].max
      [score_time, address, args] if score_time < seconds
    end
    all_messages = setup + messages << [seconds, '/c_set', [0, 0.0]]
    all_messages.each_with_object(String.new) do |(time, address, args), binary|
      message = address == '/d_recv' ? encode_synthdef(args) : @encoder.encode_single_message(address, args)
      binary << encode_bundle(time, message)
    end
  end

  private

  def sort_messages(messages)
    messages.each_with_index.sort_by { |(time, _, _, due_time), index| [time, due_time, index] }.map(&:first)
  end

  # Sonic Pi sends its own messages before the score begins.
  def boot_messages
    sort_messages(@messages.take(@boot_message_count)).map { |_, address, args| [0.0, address, args] }
  end

  def setup_messages(sample_rate)
    names = synthdef_names
    definitions = [build_seed_synthdef]
    definitions << MixerOfVersion5.build_synthdef(sample_rate) if LaterSounds.version_5? && names.delete(MixerOfVersion5::NAME)
    paths = names.filter_map { |name| LaterSounds.find_synthdef(name) }
    definitions.map { |definition| [0.0, '/d_recv', definition] } + paths.map { |path| [0.0, '/d_load', [path]] }
  end

  def encode_bundle(time, message)
    whole, fraction = time.divmod(1)
    body = "#bundle\0".b << [whole, (fraction * 4_294_967_296).to_i, message.bytesize].pack('N3') << message.b
    [body.bytesize].pack('N') << body
  end

  def encode_synthdef(definition)
    "/d_recv\0,b\0\0".b << [definition.bytesize].pack('N') << definition << "\0" * (-definition.bytesize % 4)
  end

  # Return the SynthDef: SCgf version 1, constants [1, SEED], RandSeed.ir(1, SEED).
  def build_seed_synthdef
    name = [SEED_DEF.bytesize].pack('C') << SEED_DEF
    definition = 'SCgf'.b << [1, 1].pack('N n') << name.b
    definition << [2, 1.0, SEED.to_f].pack('n g2') << [0, 0, 1].pack('n3')
    definition << [8].pack('C') << 'RandSeed'.b << [0, 2, 1, 0].pack('C n3')
    definition << [-1, 0, -1, 1].pack('s>4') << [0].pack('C') << [0].pack('n')
  end
end
