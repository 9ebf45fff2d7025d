# SuperCollider's scsynth as a library.
#
# It is loaded once, so that each forked child saves the 50 ms that plugins and tables take to load.
require 'fiddle'

module Synthesis
  LIBRARY = 'libscsynth.so.1'
  # As in live Sonic Pi, where it affects the sound: busses, buffers, nodes, wires.
  SERVER_OPTIONS = { buffers: 4096, logins: 1, nodes: 4096, synthdefs: 1024, wires: 512,
                     audio_busses: 1024, inputs: 2, outputs: 2, control_busses: 16_384, block: 64,
                     memory_kb: 262_144, generators: 64 }.freeze

  class << self
    # Load the library, its plugins and its tables into this process.
    def load_library(plugins)
      library = Fiddle.dlopen(LIBRARY)
      @world_new = Fiddle::Function.new(library['World_New'], [Fiddle::TYPE_VOIDP], Fiddle::TYPE_VOIDP)
      @run_non_realtime = Fiddle::Function.new(library['World_NonRealTimeSynthesis'],
                                   [Fiddle::TYPE_VOIDP, Fiddle::TYPE_VOIDP], Fiddle::TYPE_VOID)
      cleanup = Fiddle::Function.new(library['World_Cleanup'],
                                     [Fiddle::TYPE_VOIDP, Fiddle::TYPE_CHAR], Fiddle::TYPE_VOID)
      @plugins = plugins
      string_pointers, options = build_world_options(nil, nil, 44_100)
      cleanup.call(@world_new.call(options), 0)
      string_pointers.clear
    end

    # Write the sound of a score file to the file `output`, as raw interleaved float32. Called in a
    # child process.
    def synthesize(score, output, sample_rate)
      string_pointers, options = build_world_options(score, output, sample_rate)
      @run_non_realtime.call(@world_new.call(options), options)
      string_pointers.clear
    end

    private

    # Return the strings that WorldOptions points to, which must outlive it, and the C struct
    # WorldOptions of SuperCollider 3.13 itself.
    def build_world_options(score, output, sample_rate)
      string_pointers = [score, output, 'RAW', 'float', @plugins].map { |text| text && Fiddle::Pointer[text] }
      cmd, out, header, format, plugins = string_pointers.map(&:to_i)
      o = SERVER_OPTIONS
      packed = [0].pack('Q') +
               o.values_at(:buffers, :logins, :nodes, :synthdefs, :wires, :audio_busses, :inputs,
                           :outputs, :control_busses, :block, :memory_kb).pack('L11') +
               [0, 0, 0, 0, 0, 1.26].pack('l Q C C S e') + # no shared controls, not realtime, not locked
               [cmd, 0, out, header, format].pack('Q5') +
               [sample_rate, o[:generators], 0, 0].pack('L4') + # no SynthDefs: the score loads them
               [0, 0, 0].pack('Q3') + [-2, 0, 0, 0, 0].pack('l C4') + # no log, no rendezvous
               [plugins, 0, 0].pack('Q3') + [0, 0].pack('l2')
      [string_pointers, Fiddle::Pointer[packed]]
    end
  end
end
