# Hints for functions that a program calls and that do not exist here.
module MissingFunctions
  # Patterns of names, each with what a person should know about such functions.
  HINTS = {
    /\A(use_|with_|current_)?midi_|gamepad/ => 'Sonic Pi has no such function, and instruments have no effect when a program is rendered',
    /\Amc_/ => 'Sonic Pi has no such function; Minecraft was removed in version 4',
    /metre\z|\Abar\z|\Ahydra\z/ => 'Only development versions of Sonic Pi have this function',
    /\A(with|use)_(tempo|sample_pack_as)\z|\Aplay_pad\z/ => 'Only old versions of Sonic Pi had this function'
  }.freeze

  # Return a hint for the error of a call that the language cannot answer; nil for other errors.
  def self.explain(error)
    return unless ProblemCause.from_error(error)[:cause] == 'missing_function'
    name = error.name.to_s
    _, hint = HINTS.find { |pattern, _| pattern.match?(name) }
    hint || "Sonic Pi, up to version 5, has no #{name}, and the program does not define it. " \
            'If another buffer or file does, copy its code into the program'
  end
end
