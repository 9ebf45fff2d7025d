# Prints the methods of Ruby's values, and the functions that any Sonic Pi program can call, as JSON.
#
# It loads Sonic Pi's own code and no user code. ARGV[0]: the folder of its Ruby library.

require "json"
require "set"

library = ARGV.fetch(0)
$LOAD_PATH.unshift(library)
require "#{library}/../core.rb"
%w[core minecraftpi midi ixi sound].each { |name| require "sonicpi/lang/#{name}" }

# Values that the static interpreter does not distinguish share their methods.
CLASSES = {
  "number" => [Integer, Float, Rational],
  "text" => [String, Symbol],
  "list" => [Array, Range, Enumerator, Enumerator::Lazy, SonicPi::Core::RingVector, SonicPi::Core::RampVector],
  "hash" => [Hash, SonicPi::Core::SPMap],
  "nil" => [NilClass],
  "boolean" => [TrueClass, FalseClass]
}.freeze
LANGUAGE = [SonicPi::Lang::Core, SonicPi::Lang::Minecraft, SonicPi::Lang::Midi, SonicPi::Lang::Ixi, SonicPi::Lang::Sound].freeze

methods = CLASSES.transform_values { |classes| classes.flat_map(&:instance_methods).to_set }
common = methods.values.inject(:&)
functions = LANGUAGE.flat_map(&:instance_methods) + Kernel.private_instance_methods + Object.new.methods
names = {
  "any" => common,
  **methods.transform_values { |kind_names| kind_names - common },
  "functions" => functions,
  "constants" => Object.constants
}

# Return the least and the largest number of arguments; nil for any number. Options are one argument.
def count_arguments(parameters)
  kinds = parameters.map(&:first)
  required = kinds.count(:req)
  optional = kinds.count(:opt) + (kinds.any? { |kind| kind.to_s.start_with?("key") } ? 1 : 0)
  [required, kinds.include?(:rest) ? nil : required + optional]
end

argument_counts = LANGUAGE.flat_map do |language|
  language.public_instance_methods.map { |name| [name, count_arguments(language.instance_method(name).parameters)] }
end.to_h
puts JSON.generate(
  names: names.transform_values { |list| list.map(&:to_s).uniq.sort.join(" ") },
  argument_counts: argument_counts.reject { |name, counts| name.start_with?("__") || counts == [0, nil] }.sort.to_h
)
