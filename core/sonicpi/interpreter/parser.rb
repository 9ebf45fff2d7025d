# Reads Sonic Pi programs with Ruby's own parser and never runs them.
#
# Each request is four bytes of length and the program; each answer four bytes of length and JSON:
# {"tree": what could be read, "repairs": how many lines had to be passed over or closed}.
# The tree holds only what `Reader` below names; everything else is ["?", children…].

require "json"
require "ripper"

# Deeper nesting is nobody's program, and every reader of it would need as deep a stack.
DEEPEST = 150
REPAIRS = 24
PATIENCE = 0.5 # seconds for all repairs of one program
CLOSERS = {"')'" => ")", "']'" => "]", "'}'" => "}", "`end'" => "end"}.freeze

# Ripper's syntax tree, and where it stumbled.
class Tree < Ripper::SexpBuilderPP
  attr_reader :stumbles

  def initialize(source)
    super
    @stumbles = []
  end

  private

  def stumbled(message)
    @stumbles << [lineno, message.to_s]
  end

  def on_parse_error(message)
    stumbled(message)
    super
  end

  def compile_error(message)
    stumbled(message)
  end
end

# The syntax tree in fewer words: call, set, if, while, case, block, def and literals.
class Reader
  def initialize
    @depth = 0
  end

  def read(node)
    return nil unless node.is_a?(Array)
    @depth += 1
    return ["?"] if @depth > DEEPEST
    return seq(node) unless node[0].is_a?(Symbol)
    name = :"on_#{node[0].to_s.delete_prefix('@')}"
    respond_to?(name, true) ? send(name, *node.drop(1)) : ["?", *node.drop(1).map { |part| read(part) }.compact]
  ensure
    @depth -= 1 if node.is_a?(Array)
  end

  private

  def seq(nodes)
    ["seq", *(nodes || []).map { |node| read(node) }.compact]
  end

  def word(node)
    return node.to_s unless node.is_a?(Array)
    node[0].to_s.start_with?("@") ? node[1].to_s : word(node[1])
  end

  # -- literals
  def on_int(text, *) = ["num", Integer(text.delete("_")).clamp(-10**12, 10**12)]
  def on_float(text, *) = ["num", text.delete("_").to_f.clamp(-1e12, 1e12)]
  def on_rational(text, *) = ["num", text.to_f]
  def on_tstring_content(text, *) = ["str", text]
  def on_CHAR(text, *) = ["str", text[1..]]
  def on_label(text, *) = ["sym", text.chomp(":")]
  def on_kw(text, *) = %w[true false nil].include?(text) ? [text] : ["var", text]
  def on_ident(text, *) = ["var", text]
  def on_ivar(text, *) = ["var", text]
  def on_gvar(text, *) = ["var", text]
  def on_cvar(text, *) = ["var", text]
  def on_const(text, *) = ["var", text]
  def on_symbol_literal(node) = ["sym", word(node)]
  def on_symbol(node) = ["sym", word(node)]
  def on_dyna_symbol(node) = ["sym", (node[1].is_a?(Array) ? word(node[1]) : "").to_s]
  def on_string_literal(node) = ["text", *node.drop(1).map { |part| read(part) }]
  def on_string_embexpr(body) = seq(body)
  def on_string_concat(a, b) = ["text", read(a), read(b)]
  def on_xstring_literal(*) = ["nil"]
  def on_array(items) = ["array", *arguments(items)]
  def on_hash(list) = ["hash", *pairs(list)]
  def on_bare_assoc_hash(list) = ["hash", *pairs_of(list)]
  def on_dot2(from, to) = ["range", read(from), read(to), false]
  def on_dot3(from, to) = ["range", read(from), read(to), true]
  def on_void_stmt = nil

  def pairs(list) = list ? pairs_of(list[1]) : []

  def pairs_of(list)
    (list || []).filter_map { |pair| [read(pair[1]), read(pair[2])] if pair[0] == :assoc_new }
  end

  # -- names and calls
  def on_program(body) = seq(body)
  def on_var_ref(node) = read(node)
  def on_var_field(node) = node ? read(node) : ["var", "_"]
  def on_const_path_ref(_, name) = ["var", word(name)]
  def on_vcall(name) = ["call", nil, word(name), []]
  def on_fcall(name) = ["call", nil, word(name), []]
  def on_command(name, given) = ["call", nil, word(name), arguments(given)]
  def on_command_call(on, _, name, given) = ["call", read(on), word(name), arguments(given)]
  def on_call(on, _, name) = ["call", read(on), name == :call ? "call" : word(name), []]
  def on_arg_paren(given) = ["args", *arguments(given)]
  def on_aref(on, given) = ["call", read(on), "[]", arguments(given)]
  def on_aref_field(on, given) = ["call", read(on), "[]", arguments(given)]
  def on_field(on, _, name) = ["call", read(on), word(name), []]
  def on_binary(a, op, b) = ["op", op.to_s, read(a), read(b)]
  def on_unary(op, a) = ["unary", op.to_s, read(a)]
  def on_paren(node) = read(node)
  def on_defined(_) = ["true"]

  def on_method_add_arg(call, given)
    made = read(call)
    made[3] = arguments(given) if made.is_a?(Array) && made[0] == "call"
    made
  end

  def on_method_add_block(call, block)
    made = read(call)
    return seq([call, block]) unless made.is_a?(Array) && made[0] == "call"
    made[4] = read(block)
    made
  end

  # Arguments in order; ["splat", list] for *list, ["pass", value] for &value.
  def arguments(given)
    return [] if given.nil? || given.empty?
    return given.map { |node| read(node) }.compact unless given[0].is_a?(Symbol)
    case given[0]
    when :arg_paren then arguments(given[1])
    when :args_add_block
      arguments(given[1]) + (given[2] ? [["pass", read(given[2])]] : [])
    when :args_add_star
      arguments(given[1]) + [["splat", read(given[2])]] + given.drop(3).map { |node| read(node) }.compact
    else [read(given)].compact
    end
  end

  # -- blocks and definitions
  def on_do_block(variables, body) = ["block", parameters(variables), read(body)]
  def on_brace_block(variables, body) = ["block", parameters(variables), seq(body)]
  def on_lambda(variables, body) = ["block", parameters(variables), body.is_a?(Array) && body[0] == :bodystmt ? read(body) : seq(body)]
  def on_def(name, variables, body) = ["def", word(name), parameters(variables), read(body)]
  def on_bodystmt(body, *) = seq(body)
  def on_begin(body) = read(body)
  def on_class(*) = nil
  def on_module(*) = nil

  # [[name, default or nil], …]; a parameter that takes several, such as (a, b), is a list of names.
  def parameters(node)
    return [] unless node.is_a?(Array)
    return parameters(node[1]) if %i[block_var paren].include?(node[0])
    return [] unless node[0] == :params
    required, optional, rest, post, keywords = node[1..5]
    [*required, *post].map { |one| one[0] == :mlhs ? [one.drop(1).map { |x| word(x) }, nil] : [one[0].is_a?(Array) ? one.map { |x| word(x) } : word(one), nil] } +
      (optional || []).map { |name, value| [word(name), read(value)] } +
      (rest.is_a?(Array) && rest[1] ? [["*" + word(rest[1]), nil]] : []) +
      (keywords || []).map { |name, value| [":" + word(name).chomp(":"), value ? read(value) : nil] }
  end

  # -- assignment
  def on_assign(to, value) = ["set", read(to), read(value)]
  def on_opassign(to, op, value) = ["opset", read(to), word(op).chomp("="), read(value)]
  def on_massign(to, value) = ["mset", targets(to), read(value)]
  def on_mrhs_new_from_args(first, last = nil) = ["array", *arguments(first), *[read(last)].compact]
  def targets(to) = to[0].is_a?(Symbol) ? [read(to)] : to.map { |one| read(one) }

  # -- control
  def on_if(test, yes, no = nil) = ["if", read(test), seq(yes), read(no)]
  def on_elsif(test, yes, no = nil) = on_if(test, yes, no)
  def on_else(body) = seq(body)
  def on_unless(test, yes, no = nil) = ["if", read(test), read(no), seq(yes)]
  def on_if_mod(test, yes) = ["if", read(test), read(yes), nil]
  def on_unless_mod(test, yes) = ["if", read(test), nil, read(yes)]
  def on_ifop(test, yes, no) = ["if", read(test), read(yes), read(no)]
  def on_while(test, body) = ["while", read(test), seq(body)]
  def on_until(test, body) = ["while", ["unary", "!", read(test)], seq(body)]
  def on_while_mod(test, body) = ["while", read(test), read(body)]
  def on_until_mod(test, body) = ["while", ["unary", "!", read(test)], read(body)]
  def on_for(variable, list, body) = ["call", read(list), "each", [], ["block", [[word(variable[0].is_a?(Array) ? variable[0] : variable), nil]], seq(body)]]
  def on_case(subject, first) = ["case", read(subject), branches(first)]
  def on_return(value) = ["return", *arguments(value)]
  def on_return0 = ["return"]
  def on_break(*) = ["break"]
  def on_next(*) = ["next"]
  def on_rescue_mod(body, _) = read(body)

  def branches(node)
    return [] unless node
    return [[nil, seq(node[1])]] if node[0] == :else
    [[arguments(node[1]), seq(node[2])]] + branches(node[3])
  end
end

# The tree of a program, and the number of repairs: a line that cannot be read is passed over,
# what was left open is closed.
def tree_of(source)
  lines = source.split("\n")
  started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  REPAIRS.times do |repairs|
    builder = Tree.new(lines.join("\n") + "\n")
    tree = builder.parse
    return [tree, repairs] unless builder.error? || tree.nil?
    break if Process.clock_gettime(Process::CLOCK_MONOTONIC) - started > PATIENCE
    repair(lines, *builder.stumbles.first)
  end
  [nil, REPAIRS]
end

def repair(lines, line, message)
  return lines << "" if line.nil?
  if message.include?("unexpected end-of-input") && lines.last(8).count("end") < 8
    closer = CLOSERS.find { |expected, _| message.include?("expecting #{expected}") }
    return lines << (closer ? closer[1] : "end")
  end
  at = [line, lines.size].min - 1
  at -= 1 while at >= 0 && lines[at].strip.empty?
  lines[at] = "" if at >= 0
end

def answer(source)
  source = source.force_encoding("UTF-8").scrub("?").tr("\0\x04\x1a", " ").gsub(/^__END__$/, "")
  tree, repairs = tree_of(source)
  read = tree ? Reader.new.read(tree) : nil
  JSON.generate({tree: read, repairs: repairs}, max_nesting: 4 * DEEPEST)
rescue SystemStackError, StandardError => error
  JSON.generate({tree: nil, repairs: REPAIRS, error: error.class.name})
end

$stdin.binmode
$stdout.binmode
$stderr.reopen(File::NULL)
while (size = $stdin.read(4))
  body = answer($stdin.read(size.unpack1("N")))
  $stdout.write([body.bytesize].pack("N"), body)
  $stdout.flush
end
