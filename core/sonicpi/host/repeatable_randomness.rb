# Random numbers and hash values of Ruby that are the same in every process.
#
# Ruby seeds them anew at every start. A program may use them for notes, such as in
# `use_random_seed "song".hash`, and renders have to be repeatable.
module RepeatableRandomness
  # The 64-bit FNV-1a hash (Fowler, Noll and Vo).
  FNV_OFFSET = 0xcbf29ce484222325
  FNV_PRIME = 0x100000001b3
  WORD_MASK = 0xffffffffffffffff
  # Ruby's own hash values fit into an Integer of one word.
  VALUE_BITS = 62

  # Replacements of methods of Random.
  module Seeds
    def new(seed = new_seed)
      super
    end

    def new_seed
      RepeatableRandomness.generator.rand(1 << 128)
    end

    # SecureRandom draws from these bytes.
    def urandom(byte_count)
      RepeatableRandomness.generator.bytes(byte_count)
    end

    def srand(seed = new_seed)
      super
    end
  end

  class << self
    def generator
      @generator ||= Random.new(0)
    end

    # Called once, before programs run. Hashes keep Ruby's own values for their keys, because they do
    # not call these methods.
    def install
      Random.singleton_class.prepend(Seeds)
      seed_with = Random.method(:srand)
      Kernel.define_method(:srand) { |seed = Random.new_seed| seed_with.call(seed) }
      [String, Symbol, Integer, Float].each do |type|
        type.define_method(:hash) { RepeatableRandomness.compute_hash(type.name, to_s) }
      end
    end

    # Called in the child that runs a program.
    def restart
      @generator = Random.new(0)
      srand(0)
    end

    def compute_hash(type_name, text)
      value = (type_name.bytes + text.bytes).inject(FNV_OFFSET) { |hash, byte| (hash ^ byte) * FNV_PRIME & WORD_MASK }
      (value >> (64 - VALUE_BITS)) - (1 << (VALUE_BITS - 1))
    end
  end
end
