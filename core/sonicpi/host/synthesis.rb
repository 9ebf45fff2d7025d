# SuperCollider's scsynth as a library, warmed once: a forked child plays a score
# without loading 50 ms of plugins and tables again.
require 'fiddle'

module Synthesis
  LIBRARY = 'libscsynth.so.1'
  # As live Sonic Pi starts scsynth, where it matters: busses, buffers, nodes, wires.
  OPTIONS = { buffers: 4096, logins: 1, nodes: 4096, synthdefs: 1024, wires: 512, audio_busses: 1024,
              inputs: 2, outputs: 2, control_busses: 4096, block: 64, memory_kb: 262_144, generators: 64 }.freeze

  class << self
    # Load the library, its plugins and tables into this process.
    def warm(plugins)
      library = Fiddle.dlopen(LIBRARY)
      @world_new = Fiddle::Function.new(library['World_New'], [Fiddle::TYPE_VOIDP], Fiddle::TYPE_VOIDP)
      @play = Fiddle::Function.new(library['World_NonRealTimeSynthesis'],
                                   [Fiddle::TYPE_VOIDP, Fiddle::TYPE_VOIDP], Fiddle::TYPE_VOID)
      cleanup = Fiddle::Function.new(library['World_Cleanup'],
                                     [Fiddle::TYPE_VOIDP, Fiddle::TYPE_CHAR], Fiddle::TYPE_VOID)
      @plugins = plugins
      keep, options = options(nil, nil, 44_100)
      cleanup.call(@world_new.call(options), 0)
      keep.clear
    end

    # Play the score file into `output` as raw interleaved float32. Called in a child.
    def play(score, output, sample_rate)
      keep, options = options(score, output, sample_rate)
      @play.call(@world_new.call(options), options)
      keep.clear
    end

    private

    # The C struct WorldOptions of SuperCollider 3.13, and the strings it points to.
    def options(score, output, sample_rate)
      strings = [score, output, 'RAW', 'float', @plugins].map { |text| text && Fiddle::Pointer[text] }
      cmd, out, header, format, plugins = strings.map(&:to_i)
      o = OPTIONS
      packed = [0].pack('Q') +
               o.values_at(:buffers, :logins, :nodes, :synthdefs, :wires, :audio_busses, :inputs,
                           :outputs, :control_busses, :block, :memory_kb).pack('L11') +
               [0, 0, 0, 0, 0, 1.26].pack('l Q C C S e') + # no shared controls; not realtime, not locked
               [cmd, 0, out, header, format].pack('Q5') +
               [sample_rate, o[:generators], 0, 0].pack('L4') + # load no SynthDefs: the score does
               [0, 0, 0].pack('Q3') + [-2, 0, 0, 0, 0].pack('l C4') + # quiet; no rendezvous
               [plugins, 0, 0].pack('Q3') + [0, 0].pack('l2')
      [strings, Fiddle::Pointer[packed]]
    end
  end
end
