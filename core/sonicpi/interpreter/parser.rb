# Parser of Sonic Pi programs: Ruby's own parser as a server. It never runs a program.
#
# Each request is four bytes of length and the program; each reply four bytes of length and JSON:
# {"tree": the simplified syntax tree, "line" and "message": the first syntax error, or null}.
# With a syntax error, the tree is that of the part before the error's line.
# The tree holds only the node kinds that `TreeSimplifier` below creates; all others become
# ["?", children…]. To a request that begins with the byte 1 the reply is the tree of
# `SourcePositions`, or null. A request that begins with the byte 2 holds a JSON list of programs; the
# reply is the list of their replies. To a request that begins with the byte 3 the reply is that of the
# program, where each statement is ["line", its line, statement].

require "json"
require "ripper"
require_relative "source_positions"

# Real programs are not nested deeper, and every consumer of the tree would need as deep a stack.
MAX_DEPTH = 150
MAX_REPAIRS = 24
MAX_CLOSERS = 8
REPAIR_TIMEOUT_SECONDS = 0.5 # for all repairs of one program
CLOSER_BY_EXPECTED_TOKEN = {"')'" => ")", "']'" => "]", "'}'" => "}", "`end'" => "end"}.freeze

# Characters after a backslash in a string.
ESCAPES = {"n" => "\n", "t" => "\t", "r" => "\r", "e" => "\e", "s" => " ", "0" => "0"}.freeze

RING_CALL_IN_BRACKETS = /\((\s*)(ring|knit|bools|range|line|ramp|spread|scale|chord|chord_degree|stretch|vector|octs|doubles|halves)[\s,]+/

# Ripper's syntax tree, and the syntax errors with their lines.
class SyntaxTreeBuilder < Ripper::SexpBuilderPP
  attr_reader :syntax_errors

  def initialize(source)
    super
    @syntax_errors = []
  end

  private

  # Without this, the elements of %i[a b] would look like those of %w[a b].
  def on_qsymbols_add(list, token)
    list.push([:symbol, token])
  end

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
  def initialize(has_lines: false)
    @depth = 0
    @has_lines = has_lines
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
    ["seq", *(nodes || []).map { |node| add_line(node, simplify(node)) }.compact]
  end

  def add_line(node, simplified)
    line = @has_lines && simplified && find_line(node)
    line ? ["line", line, simplified] : simplified
  end

  # Return the line of the first token of a node.
  def find_line(node)
    return nil unless node.is_a?(Array)
    return node[2][0] if node[0].to_s.start_with?("@") && node[2].is_a?(Array)
    node.each { |child| line = find_line(child) and return line }
    nil
  end

  def token_text(node)
    return node.to_s unless node.is_a?(Array)
    node[0].to_s.start_with?("@") ? node[1].to_s : token_text(node[1])
  end

  # -- literals
  def on_int(text, *) = ["num", Integer(text.delete("_")).clamp(-10**12, 10**12)]
  def on_float(text, *) = ["num", text.delete("_").to_f.clamp(-1e12, 1e12)]
  def on_rational(text, *) = ["num", text.to_f]
  def on_tstring_content(text, *) = ["str", text.gsub(/\\(.)/m) { ESCAPES.fetch($1, $1) }]
  def on_CHAR(text, *) = ["str", text[1..]]
  def on_label(text, *) = ["sym", text.chomp(":")]

  def on_kw(text, position = nil)
    return ["num", position[0]] if text == "__LINE__" && position
    return ["str", "program"] if text == "__FILE__"
    %w[true false nil].include?(text) ? [text] : ["var", text]
  end

  def on_ident(text, *) = ["var", text]
  def on_ivar(text, *) = ["var", text]
  def on_gvar(text, *) = ["var", text]
  def on_cvar(text, *) = ["var", text]
  def on_const(text, *) = ["var", text]
  def on_symbol_literal(node) = ["sym", token_text(node)]
  def on_symbol(node) = ["sym", token_text(node)]
  def on_dyna_symbol(node) = ["symtext", *node.drop(1).map { |part| simplify(part) }]
  def on_string_literal(node) = ["text", *node.drop(1).map { |part| simplify(part) }]
  def on_string_embexpr(body) = build_sequence(body)
  def on_string_concat(a, b) = ["text", simplify(a), simplify(b)]
  def on_xstring_literal(*) = ["nil"]

  def on_regexp_literal(parts, _)
    ["regexp", *(parts || []).map { |part| part[0] == :@tstring_content ? ["str", part[1]] : simplify(part) }]
  end

  def on_array(items) = ["array", *simplify_arguments(items)]
  def on_hash(list) = ["hash", *hash_pairs(list)]
  def on_bare_assoc_hash(list) = ["hash", *build_pairs(list)]
  def on_dot2(from, to) = ["range", simplify(from), simplify(to), false]
  def on_dot3(from, to) = ["range", simplify(from), simplify(to), true]
  def on_void_stmt = nil

  def hash_pairs(list) = list ? build_pairs(list[1]) : []

  def build_pairs(list)
    (list || []).map do |pair|
      next [["dsplat"], simplify(pair[1])] if pair[0] == :assoc_splat
      key = simplify(pair[1])
      [key, pair[2] ? simplify(pair[2]) : ["call", nil, key[1], []]] # {name:} is {name: name}
    end
  end

  # -- names and calls
  def on_program(body) = build_sequence(body)
  def on_var_ref(node) = simplify(node)
  def on_var_field(node) = node ? simplify(node) : ["var", "_"]
  def on_const_path_ref(_, name) = ["var", token_text(name)]
  def on_vcall(name) = ["call", nil, token_text(name), []]
  def on_fcall(name) = ["call", nil, token_text(name), []]
  def on_command(name, arguments) = ["call", nil, token_text(name), simplify_arguments(arguments)]
  def on_command_call(receiver, operator, name, arguments) = method_call(receiver, operator, name, simplify_arguments(arguments))
  def on_call(receiver, operator, name) = method_call(receiver, operator, name, [])
  def on_arg_paren(arguments) = ["args", *simplify_arguments(arguments)]
  def on_aref(receiver, arguments) = ["call", simplify(receiver), "[]", simplify_arguments(arguments)]
  def on_aref_field(receiver, arguments) = ["call", simplify(receiver), "[]", simplify_arguments(arguments)]
  def on_field(receiver, operator, name) = method_call(receiver, operator, name, [])
  def on_binary(a, op, b) = ["op", op.to_s, simplify(a), simplify(b)]
  def on_unary(op, a) = ["unary", op.to_s, simplify(a)]

  # One expression in brackets is no statement.
  def on_paren(node)
    is_expression = node.is_a?(Array) && node.size == 1 && node[0].is_a?(Array) && node[0][0].is_a?(Symbol)
    simplify(is_expression ? node[0] : node)
  end

  def on_defined(node) = ["defined", simplify(node)]
  def on_yield(arguments) = ["yield", *simplify_arguments(arguments)]
  def on_yield0 = ["yield"]

  # The sixth part of a call with `&.` is true: it is not made on nil.
  def method_call(receiver, operator, name, arguments)
    call = ["call", simplify(receiver), name == :call ? "call" : token_text(name), arguments]
    token_text(operator) == "&." ? [*call, nil, true] : call
  end

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
  def on_defs(_, _, name, variables, body) = on_def(name, variables, body)
  def on_begin(body) = simplify(body)
  # Sonic Pi runs a program in a module of its own: `class Integer` is another class there.
  def class_name(node) = (node[0] == :top_const_ref ? "::" : "") + token_text(node)

  def on_class(name, parent, body) = ["class", class_name(name), parent && token_text(parent), simplify(body)]
  def on_module(name, body) = ["class", token_text(name), nil, simplify(body)]
  def on_undef(*) = nil
  def on_alias(*) = nil

  # ["begin", body, [[name of the error or nil, handler, names of classes], …], else, ensure]
  def on_bodystmt(body, handlers = nil, else_body = nil, ensure_body = nil)
    is_single_expression = body.is_a?(Array) && body[0].is_a?(Symbol) # `def f(n) = play(n)`
    statements = build_sequence(is_single_expression ? [body] : body)
    return statements unless handlers || else_body || ensure_body
    ["begin", statements, rescue_handlers(handlers), else_body && build_sequence(else_body),
     ensure_body && build_sequence(ensure_body[1])]
  end

  def rescue_handlers(node)
    return [] unless node
    [[node[2] && token_text(node[2]), build_sequence(node[3]), rescued_classes(node[1])]] + rescue_handlers(node[4])
  end

  # Return the names of the classes that a handler rescues; none for StandardError.
  def rescued_classes(node)
    return [] unless node.is_a?(Array)
    return [node[1].to_s] if node[0] == :@const
    node.flat_map { |child| rescued_classes(child) }
  end

  # Return [[name, default or nil], …]. The name of a destructuring parameter, such as (a, b), is a
  # list of names.
  def simplify_parameters(node)
    return [] unless node.is_a?(Array)
    return simplify_parameters(node[1]) if %i[block_var paren].include?(node[0])
    return [] unless node[0] == :params
    required, optional, rest, post, keywords, keyword_rest, block = node[1..7]
    [*required, *post].map { |parameter| [parameter_name(parameter), nil] } +
      (optional || []).map { |name, value| [token_text(name), simplify(value)] } +
      rest_parameter("*", rest) +
      (keywords || []).map { |name, value| [":" + token_text(name).chomp(":"), value ? simplify(value) : nil] } +
      rest_parameter("**", keyword_rest) + rest_parameter("&", block)
  end

  def rest_parameter(prefix, node) = node.is_a?(Array) && node[1] ? [[prefix + token_text(node[1]), nil]] : []

  def parameter_name(parameter)
    return parameter.drop(1).map { |name| token_text(name) } if parameter[0] == :mlhs
    parameter[0].is_a?(Array) ? parameter.map { |name| token_text(name) } : token_text(parameter)
  end

  # -- assignment
  def on_rest_param(node) = ["rest", node && simplify(node)]
  def on_mlhs(*targets) = ["targets", *targets.map { |target| simplify(target) }]
  def on_assign(to, value) = ["set", simplify(to), simplify(value)]
  def on_opassign(to, op, value) = ["opset", simplify(to), token_text(op).chomp("="), simplify(value)]
  def on_massign(to, value) = ["mset", assignment_targets(to), simplify(value)]
  def on_mrhs_new_from_args(first, last = nil) = ["array", *simplify_arguments(first), *[simplify(last)].compact]

  def on_mrhs_add_star(first, last) = ["array", *simplify_arguments(first), ["splat", simplify(last)]]

  def assignment_targets(to)
    return to.map { |target| simplify(target) } unless to[0].is_a?(Symbol)
    return to.drop(1).map { |target| simplify(target) } if to[0] == :mlhs
    [simplify(to)]
  end

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
  def on_while_mod(test, body) = loop_after_body(body, simplify(test))
  def on_until_mod(test, body) = loop_after_body(body, ["unary", "!", simplify(test)])

  # A `begin … end while` runs its body before the first test.
  def loop_after_body(body, test)
    simplified = simplify(body)
    is_block = body.is_a?(Array) && body[0] == :begin
    is_block ? ["seq", simplified, ["while", test, simplified]] : ["while", test, simplified]
  end

  def on_for(variable, list, body)
    variables = variable[0].is_a?(Array) ? variable : [variable]
    parameters = variables.map { |node| [token_text(node), nil] }
    ["call", simplify(list), "each", [], ["block", parameters, build_sequence(body)]]
  end

  def on_case(subject, first) = ["case", simplify(subject), case_branches(first)]
  def on_return(value) = ["return", *simplify_arguments(value)]
  def on_return0 = ["return"]
  def on_break(value = nil) = ["break", *simplify_arguments(value)]
  def on_next(value = nil) = ["next", *simplify_arguments(value)]
  def on_retry = ["retry"]
  def on_redo = ["redo"]
  def on_END(*) = nil
  def on_rescue_mod(body, handler) = ["begin", simplify(body), [[nil, simplify(handler), []]], nil, nil]

  def case_branches(node)
    return [] unless node
    return [[nil, build_sequence(node[1])]] if node[0] == :else
    patterns = node[0] == :in ? [simplify_pattern(node[1])] : simplify_arguments(node[1])
    [[patterns, build_sequence(node[2])]] + case_branches(node[3])
  end

  # -- patterns of `case … in`
  def simplify_pattern(node)
    return nil unless node.is_a?(Array)
    case node[0]
    when :var_field then ["bind", node[1] && token_text(node[1])]
    when :aryptn
      ["list", (node[2] || []).map { |part| simplify_pattern(part) }, simplify_pattern(node[3]), (node[4] || []).map { |part| simplify_pattern(part) }]
    when :hshptn
      ["fields", (node[2] || []).map { |label, part| [token_text(label).chomp(":"), simplify_pattern(part)] }]
    when :if_mod then ["guard", simplify_pattern(node[2]), simplify(node[1])]
    when :unless_mod then ["guard", simplify_pattern(node[2]), ["unary", "!", simplify(node[1])]]
    when :paren then simplify_pattern(node[1])
    when :binary then simplify_alternative_pattern(node)
    else ["equal", simplify(node)]
    end
  end

  def simplify_alternative_pattern(node)
    return ["both", simplify_pattern(node[1]), simplify_pattern(node[3])] if node[2] == :"=>"
    return ["either", simplify_pattern(node[1]), simplify_pattern(node[3])] if node[2] == :|
    ["equal", simplify(node)]
  end
end

# The first syntax error: its line, from 1, and Ruby's words for it.
SyntaxProblem = Struct.new(:line, :message)

# Return Ripper's tree of a program, or of the part before its first syntax error, and the error.
def parse_part_before_error(source)
  lines = source.split("\n")
  tree, problem = parse_lines(lines)
  return [tree, nil] unless problem
  problem = find_open_string(lines) || problem if problem.message.match?(/unterminated|can't find string/)
  is_unfinished = problem.message.include?("unexpected end-of-input")
  tree = parse_with_repairs(lines) if is_unfinished
  # Where nothing completes the last line, the lines before it remain.
  [tree || parse_with_repairs(lines.first(problem.line - 1)), problem]
end

def parse_lines(lines)
  builder = SyntaxTreeBuilder.new(lines.join("\n") + "\n")
  tree = builder.parse
  return [tree, nil] unless builder.error? || tree.nil?
  line, message = builder.syntax_errors.first || [lines.size, "syntax error"]
  last_line = lines.rindex { |text| !text.strip.empty? } || 0
  [nil, SyntaxProblem.new(line.clamp(1, last_line + 1), message.lines.first.to_s.strip)]
end

# Return the problem of a string that is not closed, with the line where it begins: Ruby names the
# last line of the program.
def find_open_string(lines)
  index = (0...lines.size).bsearch do |last|
    parse_lines(lines.first(last + 1))[1]&.message&.match?(/unterminated|can't find string/)
  end
  index && SyntaxProblem.new(index + 1, "unterminated string")
end

# Return Ripper's tree of a part of a program. A repair closes an open block or bracket, or removes
# a line with a syntax error.
def parse_with_repairs(lines)
  lines = lines.dup
  started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  MAX_REPAIRS.times do
    tree, problem = parse_lines(lines)
    return tree unless problem
    break if Process.clock_gettime(Process::CLOCK_MONOTONIC) - started > REPAIR_TIMEOUT_SECONDS
    repair_line(lines, problem)
  end
  nil
end

def repair_line(lines, problem)
  if problem.message.include?("unexpected end-of-input") && lines.last(MAX_CLOSERS).count("end") < MAX_CLOSERS
    closer = CLOSER_BY_EXPECTED_TOKEN.find { |expected, _| problem.message.include?("expecting #{expected}") }
    return lines << (closer ? closer[1] : "end")
  end
  index = [problem.line, lines.size].min - 1
  index -= 1 while index >= 0 && lines[index].strip.empty?
  lines[index] = "" if index >= 0
end

POSITIONS_REQUEST = "\x01".b

# Return the tree with positions. What is not Ruby is replaced by as many bytes.
def parse_positions_to_json(source)
  source = source.force_encoding("UTF-8").scrub("?").tr("\0\x04\x1a", " ").sub(/\A\uFEFF/, "   ")
  source = source.gsub(RING_CALL_IN_BRACKETS) { |call| call[1..].sub($2, "#{$2}(").tr(",", " ") }
  JSON.generate(SourcePositions.build(source), max_nesting: 4 * MAX_DEPTH)
rescue SystemStackError, StandardError
  "null"
end

LIST_REQUEST = "\x02".b

def parse_list_to_json(request)
  "[#{JSON.parse(request.force_encoding("UTF-8")).map { |source| parse_to_json(source) }.join(",")}]"
rescue JSON::ParserError
  "null"
end

LINES_REQUEST = "\x03".b

def parse_to_json(source, has_lines: false)
  source = source.force_encoding("UTF-8").scrub("?").tr("\0\x04\x1a", " ").delete_prefix("\uFEFF")
  source = source.sub(/^__END__$.*/m, "") # What follows is data.
  # Sonic Pi rewrites (ring 1, 2) to ring(1, 2), so that a comma may stand at the end.
  source = source.gsub(RING_CALL_IN_BRACKETS) { " #{$1}#{$2}(" }
  tree, problem = parse_part_before_error(source)
  simplified = tree ? TreeSimplifier.new(has_lines: has_lines).simplify(tree) : nil
  JSON.generate({tree: simplified, line: problem&.line, message: problem&.message}, max_nesting: 4 * MAX_DEPTH)
rescue SystemStackError, StandardError => error
  JSON.generate({tree: nil, line: nil, message: nil, error: error.class.name})
end

$stdin.binmode
$stdout.binmode
$stderr.reopen(File::NULL)
while (size = $stdin.read(4))
  request = $stdin.read(size.unpack1("N"))
  body = case request[0]
    when POSITIONS_REQUEST then parse_positions_to_json(request[1..])
    when LIST_REQUEST then parse_list_to_json(request[1..])
    when LINES_REQUEST then parse_to_json(request[1..], has_lines: true)
    else parse_to_json(request)
  end
  $stdout.write([body.bytesize].pack("N"), body)
  $stdout.flush
end
