# Syntax tree of a program with the position of each node, for edits of its source.
#
# Each node is [kind, first byte, byte after the last, children…]. Children that are not nodes are
# names (strings) and nil. Literals have the kinds INTEGER, FLOAT, SYMBOL and STR, with their value
# as the only child, whatever the version of Ruby calls them.

class SourcePositions
  LITERAL_KINDS = {Integer => "INTEGER", Float => "FLOAT", Symbol => "SYMBOL"}.freeze

  # Return the tree, or nil for a program that does not parse.
  def self.build(source)
    new(source).build_node(RubyVM::AbstractSyntaxTree.parse(source))
  rescue SyntaxError
    nil
  end

  def initialize(source)
    @line_starts = [0]
    source.each_line { |line| @line_starts << @line_starts.last + line.bytesize }
    @depth = 0
  end

  def build_node(node)
    @depth += 1
    first = @line_starts[node.first_lineno - 1] + node.first_column
    last = @line_starts[node.last_lineno - 1] + node.last_column
    return ["?", first, last] if @depth > MAX_DEPTH
    return build_literal(node, first, last) if %i[LIT INTEGER FLOAT SYM].include?(node.type)
    [node.type.to_s, first, last, *node.children.map { |child| build_child(child) }]
  ensure
    @depth -= 1
  end

  private

  def build_literal(node, first, last)
    value = node.children[0]
    kind = LITERAL_KINDS.find { |type, _| value.is_a?(type) }&.last
    kind ? [kind, first, last, value.is_a?(Symbol) ? value.to_s : value] : ["LITERAL", first, last]
  end

  def build_child(child)
    case child
    when RubyVM::AbstractSyntaxTree::Node then build_node(child)
    when Symbol, String then child.to_s
    end
  end
end
