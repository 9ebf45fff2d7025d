# The random sources of Sonic Pi 3.3: coloured noise and Perlin noise in place of white noise.
#
# Live Sonic Pi reads 441,000 numbers per source from tables that 3.2.2 does not have. An installed
# table is read. Otherwise the numbers are computed, with the spectrum, mean and spread of those tables,
# and they begin with the numbers that Sonic Pi's documentation prints.
module RandomSources
  TABLE_SIZE = 441_000
  FOLDER = '/usr/share/sonic-pi/buffers'
  NAMES = %i[white pink light_pink dark_pink perlin].freeze
  LOCAL = :sonic_pi_spider_random_gen_type
  # The tables hold 16-bit samples.
  LEVELS = 32_768

  # Draws from Sonic Pi's table of white noise, as the lattice of the other sources.
  module Lattice
    # Each layer of a noise reads its own part of the table.
    LAYER_DISTANCE = 104_729

    def self.value(layer, index)
      2.0 * SonicPi::Core::SPRand.to_a[(index + layer * LAYER_DISTANCE) % TABLE_SIZE] - 1.0
    end

    def self.interpolate(first, last, position)
      first + (last - first) * position * position * (3.0 - 2.0 * position)
    end
  end

  # Noise whose power falls as 1 / frequency ** exponent: a sum of layers, each of half the speed of the
  # one before and 2 ** ((exponent - 1) / 2) times as loud.
  class ColouredNoise
    LAYER_COUNT = 16

    # `centre` and `spread` give the sum the mean .5 and the deviation of the source's table.
    def initialize(exponent:, white_weight:, spread:, centre:)
      @weights = Array.new(LAYER_COUNT) { |layer| 2.0**(layer * (exponent - 1) / 2.0) * spread }
      @weights[0] *= white_weight
      @centre = centre
    end

    def value(index)
      total = @centre + @weights[0] * Lattice.value(0, index)
      (1...LAYER_COUNT).each do |layer|
        lattice_index, rest = index.divmod(1 << layer)
        first = Lattice.value(layer, lattice_index)
        last = Lattice.value(layer, lattice_index + 1)
        total += @weights[layer] * Lattice.interpolate(first, last, rest.fdiv(1 << layer))
      end
      total
    end
  end

  # One-dimensional gradient noise (Ken Perlin, 1985) of four octaves, spread over its range.
  class PerlinNoise
    PERIODS = [30.0, 15.0, 7.5, 3.75].freeze
    RANGE = 1.875 # The largest sum of the octaves' amplitudes.
    CONTRAST_STEPS = 2

    def value(index)
      total = 0.0
      PERIODS.each_with_index do |period, octave|
        lattice_index, position = (index / period).divmod(1)
        rising = Lattice.value(octave, lattice_index) * position
        falling = Lattice.value(octave, lattice_index + 1) * (position - 1.0)
        total += 2.0 * Lattice.interpolate(rising, falling, position) / (1 << octave)
      end
      CONTRAST_STEPS.times.inject((total / RANGE + 1.0) / 2.0) { |level, _| Lattice.interpolate(0.0, 1.0, level) }
    end
  end

  # Noise that begins with documented numbers and continues without a jump.
  class DocumentedNoise
    FADE_LENGTH = 30

    # `numbers`: from index 1 on, the first that a thread without a seed draws.
    def initialize(noise, numbers)
      @noise = noise
      @numbers = numbers
      @difference = numbers.last - noise.value(numbers.size)
    end

    def value(index)
      return @numbers[index - 1] if index.between?(1, @numbers.size)
      distance = index - @numbers.size
      fade = distance.between?(0, FADE_LENGTH) ? 1.0 - distance.fdiv(FADE_LENGTH) : 0.0
      @noise.value(index) + @difference * fade
    end
  end

  def self.build(name)
    case name
    when :light_pink then ColouredNoise.new(exponent: 0.5, white_weight: 1.4, spread: 0.09974, centre: 0.50492)
    when :dark_pink then ColouredNoise.new(exponent: 1.5, white_weight: 1.0, spread: 0.01267, centre: 0.5529)
    when :pink
      noise = ColouredNoise.new(exponent: 1.0, white_weight: 1.05, spread: 0.061845, centre: 0.5246)
      DocumentedNoise.new(noise, [0.47808837890625, 0.56011962890625])
    when :perlin
      DocumentedNoise.new(PerlinNoise.new, [0.546478271484375, 0.573150634765625, 0.58526611328125, 0.597015380859375])
    end
  end

  # Return the number of a source at an index of its table, in [0, 1).
  def self.number(name, index)
    table = installed_table(name)
    return table[index] if table
    noise = (@noises ||= {})[name] ||= build(name)
    # Sonic Pi redefines Numeric#clamp.
    [[(noise.value(index) * LEVELS).floor, 0].max, LEVELS - 1].min.fdiv(LEVELS)
  end

  def self.installed_table(name)
    @tables ||= {}
    @tables.fetch(name) do
      path = "#{FOLDER}/rand-stream-#{name.to_s.tr('_', '-')}.wav"
      format = WaveFile::Format.new(:mono, :float, 44_100)
      @tables[name] = File.exist?(path) ? WaveFile::Reader.new(path, format).read(TABLE_SIZE).samples : nil
    end
  end

  # Replaces Sonic Pi's draws, by which all its random functions choose.
  module Draws
    def current_source
      __thread_locals.get(LOCAL) || :white
    end

    def rand_peek(max = 1, idx = nil, seed = nil)
      source = current_source
      return super if source == :white
      index = (seed || get_seed) + (idx || get_idx)
      RandomSources.number(source, ((index + 1) % TABLE_SIZE).to_i) * max
    end
  end

  # Functions of the language.
  module Language
    def use_random_source(source, &block)
      raise ArgumentError, 'use_random_source does not take a block. Did you mean with_random_source?' if block
      __thread_locals.set(LOCAL, RandomSources.check(source))
    end

    def with_random_source(source, &block)
      raise ArgumentError, 'with_random_source needs a do/end block. Did you mean use_random_source?' unless block
      previous = current_random_source
      __thread_locals.set(LOCAL, RandomSources.check(source))
      block.call.tap { __thread_locals.set(LOCAL, previous) }
    end

    def current_random_source
      SonicPi::Core::SPRand.current_source
    end
  end

  def self.check(source)
    name = source.to_s.to_sym
    return name if NAMES.include?(name)
    raise ArgumentError, "There is no random source #{source.inspect}. Use one of #{NAMES.map(&:inspect).join(', ')}"
  end
end

SonicPi::Core::SPRand.singleton_class.prepend(RandomSources::Draws)
