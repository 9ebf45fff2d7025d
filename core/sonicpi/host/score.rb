# A score for scsynth's non-realtime mode: time-stamped OSC bundles, in order.
class Score
  # Seeds scsynth's random numbers: a SynthDef with one RandSeed UGen.
  # Without it scsynth seeds itself from the clock and noise never repeats.
  SEED_DEF = 'earshot-seed'
  SEED = 1
  SEED_NODE = 2_000_000 # Sonic Pi counts its nodes from 1

  def initialize
    @encoder = SonicPi::OSC::OscEncode.new(true)
    @events = []
  end

  attr_reader :events

  # Add a message at `time` in seconds. Equal times keep the order of arrival.
  def add(time, address, args)
    @events << [time, address, args]
  end

  # Everything added so far belongs to Sonic Pi's own start.
  def started
    @started = @events.size
  end

  def size
    @events.size
  end

  # Names of the SynthDefs that are played.
  def synthdefs
    @events.filter_map { |_, address, args| args[0].to_s if address == '/s_new' }.uniq
  end

  # What the program itself sent: [seconds from `origin`, address, *arguments], in order of time.
  def program_events(origin, seconds)
    sent = @events.drop(@started).map { |time, address, args| [(time - origin).round(9), address, *args] }
    sent.each_with_index.sort_by { |event, place| [event[0], place] }.map(&:first)
        .take_while { |event| event[0] < seconds }
  end

  # The score as scsynth -N reads it, with everything from `origin` on, moved to
  # begin at 0, and ended at `seconds`.
  def to_binary(origin, seconds, synthdef_path)
    opening = [[0.0, '/d_recv', nil]]
    synthdefs.each do |name|
      path = "#{synthdef_path}/#{name}.scsyndef"
      opening << [0.0, '/d_load', [path]] if File.exist?(path)
    end
    # After Sonic Pi's own start, which frees every node, and before the program.
    @events.insert(@started, [origin, '/s_new', [SEED_DEF, SEED_NODE, 0, 0]])
    music = @events.each_with_index.sort_by { |(time, *), place| [time, place] }.map(&:first).filter_map do |time, address, args|
      at = [time - origin, 0.0].max
      [at, address, args] if at < seconds
    end
    (opening + music << [seconds, '/c_set', [0, 0.0]]).each_with_object(String.new) do |(at, address, args), out|
      out << bundle(at, address == '/d_recv' ? seed_message : @encoder.encode_single_message(address, args))
    end
  end

  private

  def bundle(at, message)
    whole, part = at.divmod(1)
    body = "#bundle\0".b << [whole, (part * 4_294_967_296).to_i, message.bytesize].pack('N3') << message.b
    [body.bytesize].pack('N') << body
  end

  # /d_recv with the SynthDef: SCgf version 1, constants [1, SEED], RandSeed.ir(1, SEED).
  def seed_message
    name = [SEED_DEF.bytesize].pack('C') << SEED_DEF
    definition = 'SCgf'.b << [1, 1].pack('N n') << name.b
    definition << [2, 1.0, SEED.to_f].pack('n g2') << [0, 0, 1].pack('n3')
    definition << [8].pack('C') << 'RandSeed'.b << [0, 2, 1, 0].pack('C n3')
    definition << [-1, 0, -1, 1].pack('s>4') << [0].pack('C') << [0].pack('n')
    "/d_recv\0,b\0\0".b << [definition.bytesize].pack('N') << definition << "\0" * (-definition.bytesize % 4)
  end
end
