# The answers of scsynth to questions about itself.
#
# Values that live depend on the machine (its load, the exact rate of its sound card) are those of an
# idle machine, so that a program that uses them renders the same everywhere.
module ServerStatus
  SAMPLE_RATE = 44_100.0
  BLOCK_FRAMES = 64
  # As Sonic Pi starts scsynth on Linux.
  OUTPUT_BUSSES = 16
  INPUT_BUSSES = 16
  AUDIO_BUSSES = 1024
  CONTROL_BUSSES = 16_384
  BUFFERS = 4096

  class << self
    # Return the arguments of /sonic-pi/server-info: node, reply id, then the values of UGens. A UGen
    # sends every value as a 32-bit float.
    def server_info
      values = [SAMPLE_RATE, 1 / SAMPLE_RATE, 2 * Math::PI / SAMPLE_RATE, SAMPLE_RATE / BLOCK_FRAMES,
                BLOCK_FRAMES / SAMPLE_RATE, 0, OUTPUT_BUSSES, INPUT_BUSSES, AUDIO_BUSSES, CONTROL_BUSSES, BUFFERS]
      [1, 0, *values.pack('g*').unpack('g*')]
    end

    # Return the arguments of /status.reply: 1, UGens, synths, groups, SynthDefs, average and peak load
    # in percent, nominal and actual sample rate.
    def status_reply(running_synthdefs, group_count)
      ugen_count = running_synthdefs.sum { |name| ugen_counts[name] }
      [1, ugen_count, running_synthdefs.size, group_count, synthdef_count, 0.0, 0.0, SAMPLE_RATE, SAMPLE_RATE]
    end

    private

    def ugen_counts
      @ugen_counts ||= Hash.new { |counts, name| counts[name] = count_ugens(LaterSounds.find_synthdef(name)) }
    end

    def synthdef_count
      @synthdef_count ||= Dir.children(SYNTHDEF_PATH).count { |name| name.end_with?('.scsyndef') }
    end

    # Read the number of UGens from a SynthDef file (SuperCollider's "Synth Definition File Format",
    # versions 1 and 2): "SCgf", version, count of SynthDefs, then name, constants, parameters, names
    # of parameters, UGens.
    def count_ugens(path)
      return 0 if path.nil? # The sound of a later version, which is missing.

      File.open(path, 'rb') do |file|
        is_wide = file.read(8).unpack1('@4N') > 1
        read_count = -> { is_wide ? file.read(4).unpack1('N') : file.read(2).unpack1('n') }
        skip_name = -> { file.read(file.readbyte) }
        file.read(2)
        skip_name.call
        2.times { file.read(4 * read_count.call) }
        read_count.call.times { [skip_name, read_count].each(&:call) }
        read_count.call
      end
    end
  end
end
