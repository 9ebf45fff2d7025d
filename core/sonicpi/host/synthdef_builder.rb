# Builds a SynthDef in scsynth's binary format (SCgf, version 1).
class SynthdefBuilder
  SCALAR = 0
  CONTROL = 1
  AUDIO = 2
  UNARY_OPERATORS = { abs: 5, midicps: 17 }.freeze
  BINARY_OPERATORS = { :+ => 0, :* => 2, :/ => 4, :> => 9, min: 12, max: 13, clip2: 42 }.freeze

  # An output of a UGen: index of the UGen, index of the output, rate.
  Signal = Struct.new(:ugen, :output, :rate)

  def initialize(controls)
    @controls = controls
    @constants = []
    @ugens = []
    @control_signals = controls.keys.zip(add_ugen('Control', CONTROL, [], controls.size)).to_h
  end

  # Return the signal of a control.
  def control(name)
    @control_signals.fetch(name)
  end

  # Add a UGen, and return its only output, or all outputs if there are several.
  def ugen(name, rate, *inputs, outputs: 1, special: 0)
    signals = add_ugen(name, rate, inputs, outputs, special)
    outputs == 1 ? signals.first : signals
  end

  def unary(operator, input)
    ugen('UnaryOpUGen', input.rate, input, special: UNARY_OPERATORS.fetch(operator))
  end

  def binary(operator, left, right)
    rate = [left, right].map { |input| input.is_a?(Signal) ? input.rate : SCALAR }.max
    ugen('BinaryOpUGen', rate, left, right, special: BINARY_OPERATORS.fetch(operator))
  end

  # Return the SynthDef as the argument of /d_recv.
  def to_binary(name)
    'SCgf'.b << [1, 1].pack('N n') << pack_string(name) <<
      [@constants.size, *@constants].pack('n g*') <<
      [@controls.size, *@controls.values].pack('n g*') <<
      [@controls.size].pack('n') << pack_control_names <<
      [@ugens.size].pack('n') << @ugens.join << [0].pack('n')
  end

  private

  def add_ugen(name, rate, inputs, output_count, special = 0)
    packed = pack_string(name) << [rate, inputs.size, output_count, special].pack('C n3')
    inputs.each { |input| packed << pack_input(input) }
    @ugens << (packed << ([rate] * output_count).pack('C*'))
    Array.new(output_count) { |output| Signal.new(@ugens.size - 1, output, rate) }
  end

  def pack_input(input)
    return [input.ugen, input.output].pack('n2') if input.is_a?(Signal)
    value = input.to_f
    @constants << value unless @constants.include?(value)
    [-1, @constants.index(value)].pack('s>2')
  end

  def pack_control_names
    @controls.keys.each_with_index.map { |name, index| pack_string(name.to_s) << [index].pack('n') }.join
  end

  def pack_string(text)
    [text.bytesize].pack('C') << text.b
  end
end
