// Sonic Pi's language: Ruby's syntax, with options and Sonic Pi's functions in colours of their own.

import { HighlightStyle, StreamLanguage, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { ruby } from "@codemirror/legacy-modes/mode/ruby";
import { tags } from "@lezer/highlight";

const SONIC_PI_FUNCTIONS = new Set(
  "live_loop in_thread with_fx use_synth with_synth use_bpm with_bpm use_random_seed with_random_seed use_synth_defaults play play_chord play_pattern play_pattern_timed synth sample sleep sync cue set get at density define stop wait control tick look chord scale ring knit bools spread line range rrand rrand_i rand rand_i choose dice one_in puts print use_transpose with_transpose use_octave".split(" "),
);

// Returns the style of a token: Ruby's mode has one style for symbols and options.
function readToken(stream, state) {
  const style = ruby.token(stream, state);
  const text = stream.current();
  if (style === "atom" && /^[a-z_]\w*:$/i.test(text)) return "propertyName";
  if (style === "variable" && SONIC_PI_FUNCTIONS.has(text)) return "variableName.function";
  return style;
}

const sonicPi = StreamLanguage.define({
  ...ruby,
  name: "sonic-pi",
  token: readToken,
  languageData: {
    ...ruby.languageData,
    indentOnInput: /^\s*(?:end|rescue|ensure|elsif|else|when|[\]})])$/,
    commentTokens: { line: "#" },
    closeBrackets: { brackets: ["(", "[", "{", '"', "'"] },
    autocomplete: undefined,
  },
});

// Colours are variables of Streamlit's theme, so they follow its light and dark mode.
const colours = HighlightStyle.define([
  { tag: tags.comment, color: "var(--st-gray-text-color, gray)", fontStyle: "italic" },
  { tag: tags.string, color: "var(--st-orange-text-color, #b35a00)" },
  { tag: tags.atom, color: "var(--st-green-text-color, #0a7a55)" },
  { tag: tags.propertyName, color: "var(--st-violet-text-color, #7a4fc0)" },
  { tag: tags.number, color: "var(--st-blue-text-color, #1a6fb0)" },
  { tag: tags.keyword, color: "var(--st-primary-color)", fontWeight: "600" },
  { tag: tags.function(tags.variableName), fontWeight: "600" },
]);

export const sonicPiLanguage = [sonicPi, indentUnit.of("  "), syntaxHighlighting(colours)];
