# Parser of Sonic Pi programs: Ruby's own parser as a server. It never runs a program.
#
# Each request is four bytes of length and the program; each reply four bytes of length and JSON:
# {"tree": the simplified syntax tree, "repairs": number of lines that were removed or closed}.
# The tree holds only the node kinds that `TreeSimplifier` below creates; all others become
# ["?", children…].

require "json"
require "ripper"

# Real programs are not nested deeper, and every consumer of the tree would need as deep a stack.
MAX_DEPTH = 150
MAX_REPAIRS = 24
REPAIR_TIMEOUT_SECONDS = 0.5 # for all repairs of one program
CLOSER_BY_EXPECTED_TOKEN = {"')'" => ")", "']'" => "]", "'}'" => "}", "`end'" => "end"}.freeze

# Ripper's syntax tree, and the syntax errors with their lines.
class SyntaxTreeBuilder < Ripper::SexpBuilderPP
  attr_reader :syntax_errors

  def initialize(source)
    super
    @syntax_errors = []
  end

  private

  def record_error(message)
    @syntax_errors << [lineno, message.to_s]
  end

  def on_parse_error(message)
    record_error(message)
    super
  end

  def compile_error(message)
    record_error(message)
  end
end

# Converts Ripper's tree into fewer node kinds: call, set, if, while, case, block, def and literals.
class TreeSimplifier
  def initialize
    @depth = 0
  end

  def simplify(node)
    return nil unless node.is_a?(Array)
    @depth += 1
    return ["?"] if @depth > MAX_DEPTH
    return build_sequence(node) unless node[0].is_a?(Symbol)
    handler = :"on_#{node[0].to_s.delete_prefix('@')}"
    return send(handler, *node.drop(1)) if respond_to?(handler, true)
    ["?", *node.drop(1).map { |child| simplify(child) }.compact]
  ensure
    @depth -= 1 if node.is_a?(Array)
  end

  private

  def build_sequence(nodes)
    ["seq", *(nodes || []).map { |node| simplify(node) }.compact]
  end

  def token_text(node)
    return node.to_s unless node.is_a?(Array)
    node[0].to_s.start_with?("@") ? node[1].to_s : token_text(node[1])
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
  def on_symbol_literal(node) = ["sym", token_text(node)]
  def on_symbol(node) = ["sym", token_text(node)]
  def on_dyna_symbol(node) = ["sym", (node[1].is_a?(Array) ? token_text(node[1]) : "").to_s]
  def on_string_literal(node) = ["text", *node.drop(1).map { |part| simplify(part) }]
  def on_string_embexpr(body) = build_sequence(body)
  def on_string_concat(a, b) = ["text", simplify(a), simplify(b)]
  def on_xstring_literal(*) = ["nil"]
  def on_array(items) = ["array", *simplify_arguments(items)]
  def on_hash(list) = ["hash", *hash_pairs(list)]
  def on_bare_assoc_hash(list) = ["hash", *build_pairs(list)]
  def on_dot2(from, to) = ["range", simplify(from), simplify(to), false]
  def on_dot3(from, to) = ["range", simplify(from), simplify(to), true]
  def on_void_stmt = nil

  def hash_pairs(list) = list ? build_pairs(list[1]) : []

  def build_pairs(list)
    (list || []).filter_map { |pair| [simplify(pair[1]), simplify(pair[2])] if pair[0] == :assoc_new }
  end

  # -- names and calls
  def on_program(body) = build_sequence(body)
  def on_var_ref(node) = simplify(node)
  def on_var_field(node) = node ? simplify(node) : ["var", "_"]
  def on_const_path_ref(_, name) = ["var", token_text(name)]
  def on_vcall(name) = ["call", nil, token_text(name), []]
  def on_fcall(name) = ["call", nil, token_text(name), []]
  def on_command(name, arguments) = ["call", nil, token_text(name), simplify_arguments(arguments)]
  def on_command_call(receiver, _, name, arguments) = ["call", simplify(receiver), token_text(name), simplify_arguments(arguments)]
  def on_call(receiver, _, name) = ["call", simplify(receiver), name == :call ? "call" : token_text(name), []]
  def on_arg_paren(arguments) = ["args", *simplify_arguments(arguments)]
  def on_aref(receiver, arguments) = ["call", simplify(receiver), "[]", simplify_arguments(arguments)]
  def on_aref_field(receiver, arguments) = ["call", simplify(receiver), "[]", simplify_arguments(arguments)]
  def on_field(receiver, _, name) = ["call", simplify(receiver), token_text(name), []]
  def on_binary(a, op, b) = ["op", op.to_s, simplify(a), simplify(b)]
  def on_unary(op, a) = ["unary", op.to_s, simplify(a)]
  def on_paren(node) = simplify(node)
  def on_defined(_) = ["true"]

  def on_method_add_arg(call, arguments)
    simplified = simplify(call)
    simplified[3] = simplify_arguments(arguments) if simplified.is_a?(Array) && simplified[0] == "call"
    simplified
  end

  def on_method_add_block(call, block)
    simplified = simplify(call)
    return build_sequence([call, block]) unless simplified.is_a?(Array) && simplified[0] == "call"
    simplified[4] = simplify(block)
    simplified
  end

  # Return the arguments in order: ["splat", list] for *list, ["pass", value] for &value.
  def simplify_arguments(arguments)
    return [] if arguments.nil? || arguments.empty?
    return arguments.map { |node| simplify(node) }.compact unless arguments[0].is_a?(Symbol)
    case arguments[0]
    when :arg_paren then simplify_arguments(arguments[1])
    when :args_add_block
      simplify_arguments(arguments[1]) + (arguments[2] ? [["pass", simplify(arguments[2])]] : [])
    when :args_add_star
      simplify_arguments(arguments[1]) + [["splat", simplify(arguments[2])]] + arguments.drop(3).map { |node| simplify(node) }.compact
    else [simplify(arguments)].compact
    end
  end

  # -- blocks and definitions
  def on_do_block(variables, body) = ["block", simplify_parameters(variables), simplify(body)]
  def on_brace_block(variables, body) = ["block", simplify_parameters(variables), build_sequence(body)]

  def on_lambda(variables, body)
    statements = body.is_a?(Array) && body[0] == :bodystmt ? simplify(body) : build_sequence(body)
    ["block", simplify_parameters(variables), statements]
  end

  def on_def(name, variables, body) = ["def", token_text(name), simplify_parameters(variables), simplify(body)]
  def on_bodystmt(body, *) = build_sequence(body)
  def on_begin(body) = simplify(body)
  def on_class(*) = nil
  def on_module(*) = nil

  # Return [[name, default or nil], …]. The name of a destructuring parameter, such as (a, b), is a
  # list of names.
  def simplify_parameters(node)
    return [] unless node.is_a?(Array)
    return simplify_parameters(node[1]) if %i[block_var paren].include?(node[0])
    return [] unless node[0] == :params
    required, optional, rest, post, keywords = node[1..5]
    [*required, *post].map { |parameter| [parameter_name(parameter), nil] } +
      (optional || []).map { |name, value| [token_text(name), simplify(value)] } +
      (rest.is_a?(Array) && rest[1] ? [["*" + token_text(rest[1]), nil]] : []) +
      (keywords || []).map { |name, value| [":" + token_text(name).chomp(":"), value ? simplify(value) : nil] }
  end

  def parameter_name(parameter)
    return parameter.drop(1).map { |name| token_text(name) } if parameter[0] == :mlhs
    parameter[0].is_a?(Array) ? parameter.map { |name| token_text(name) } : token_text(parameter)
  end

  # -- assignment
  def on_assign(to, value) = ["set", simplify(to), simplify(value)]
  def on_opassign(to, op, value) = ["opset", simplify(to), token_text(op).chomp("="), simplify(value)]
  def on_massign(to, value) = ["mset", assignment_targets(to), simplify(value)]
  def on_mrhs_new_from_args(first, last = nil) = ["array", *simplify_arguments(first), *[simplify(last)].compact]
  def assignment_targets(to) = to[0].is_a?(Symbol) ? [simplify(to)] : to.map { |target| simplify(target) }

  # -- control
  def on_if(test, then_body, else_body = nil) = ["if", simplify(test), build_sequence(then_body), simplify(else_body)]
  def on_elsif(test, then_body, else_body = nil) = on_if(test, then_body, else_body)
  def on_else(body) = build_sequence(body)
  def on_unless(test, then_body, else_body = nil) = ["if", simplify(test), simplify(else_body), build_sequence(then_body)]
  def on_if_mod(test, then_body) = ["if", simplify(test), simplify(then_body), nil]
  def on_unless_mod(test, then_body) = ["if", simplify(test), nil, simplify(then_body)]
  def on_ifop(test, then_body, else_body) = ["if", simplify(test), simplify(then_body), simplify(else_body)]
  def on_while(test, body) = ["while", simplify(test), build_sequence(body)]
  def on_until(test, body) = ["while", ["unary", "!", simplify(test)], build_sequence(body)]
  def on_while_mod(test, body) = ["while", simplify(test), simplify(body)]
  def on_until_mod(test, body) = ["while", ["unary", "!", simplify(test)], simplify(body)]

  def on_for(variable, list, body)
    name = token_text(variable[0].is_a?(Array) ? variable[0] : variable)
    ["call", simplify(list), "each", [], ["block", [[name, nil]], build_sequence(body)]]
  end

  def on_case(subject, first) = ["case", simplify(subject), case_branches(first)]
  def on_return(value) = ["return", *simplify_arguments(value)]
  def on_return0 = ["return"]
  def on_break(*) = ["break"]
  def on_next(*) = ["next"]
  def on_rescue_mod(body, _) = simplify(body)

  def case_branches(node)
    return [] unless node
    return [[nil, build_sequence(node[1])]] if node[0] == :else
    [[simplify_arguments(node[1]), build_sequence(node[2])]] + case_branches(node[3])
  end
end

# Return Ripper's tree of a program and the number of repairs. A repair removes a line with a syntax
# error, or closes an open block or bracket.
def parse_with_repairs(source)
  lines = source.split("\n")
  started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  MAX_REPAIRS.times do |repairs|
    builder = SyntaxTreeBuilder.new(lines.join("\n") + "\n")
    tree = builder.parse
    return [tree, repairs] unless builder.error? || tree.nil?
    break if Process.clock_gettime(Process::CLOCK_MONOTONIC) - started > REPAIR_TIMEOUT_SECONDS
    repair_line(lines, *builder.syntax_errors.first)
  end
  [nil, MAX_REPAIRS]
end

def repair_line(lines, line, message)
  return lines << "" if line.nil?
  if message.include?("unexpected end-of-input") && lines.last(8).count("end") < 8
    closer = CLOSER_BY_EXPECTED_TOKEN.find { |expected, _| message.include?("expecting #{expected}") }
    return lines << (closer ? closer[1] : "end")
  end
  index = [line, lines.size].min - 1
  index -= 1 while index >= 0 && lines[index].strip.empty?
  lines[index] = "" if index >= 0
end

def parse_to_json(source)
  source = source.force_encoding("UTF-8").scrub("?").tr("\0\x04\x1a", " ").gsub(/^__END__$/, "")
  tree, repairs = parse_with_repairs(source)
  simplified = tree ? TreeSimplifier.new.simplify(tree) : nil
  JSON.generate({tree: simplified, repairs: repairs}, max_nesting: 4 * MAX_DEPTH)
rescue SystemStackError, StandardError => error
  JSON.generate({tree: nil, repairs: MAX_REPAIRS, error: error.class.name})
end

$stdin.binmode
$stdout.binmode
$stderr.reopen(File::NULL)
while (size = $stdin.read(4))
  body = parse_to_json($stdin.read(size.unpack1("N")))
  $stdout.write([body.bytesize].pack("N"), body)
  $stdout.flush
end
