// Completion of synths, samples, FX, options and functions, from the table of
// core/sonicpi/code_completion_table.py.

import { autocompletion, closeCompletion, selectedCompletion } from "@codemirror/autocomplete";
import { Prec } from "@codemirror/state";
import { keymap } from "@codemirror/view";

const SYMBOL = /:\w*$/;
const WORD = /[A-Za-z_]\w*$/;
const CALL = /\b(play|play_chord|play_pattern|play_pattern_timed|synth|sample|with_fx|control|use_synth|with_synth|chord|scale|use_synth_defaults|with_synth_defaults|use_sample_defaults|with_sample_defaults)\b[\s(]*(?::(\w+))?[^;]*$/;
const USED_SYNTH = /\b(?:use_synth|with_synth)[\s(]+:(\w+)/g;
const SYMBOL_TABLES = {
  synth: "synths",
  use_synth: "synths",
  with_synth: "synths",
  sample: "samples",
  with_fx: "fx",
  chord: "chords",
  scale: "scales",
};
const SAMPLE_CALLS = new Set(["sample", "use_sample_defaults", "with_sample_defaults"]);
const DEFAULT_SYNTH = "beep";

let table = null;

export async function loadCompletionTable(url) {
  table ??= await fetch(url).then((response) => (response.ok ? response.json() : null));
}

// Returns the synth that the code before a position uses last.
function findCurrentSynth(code) {
  return [...code.matchAll(USED_SYNTH)].at(-1)?.[1] ?? DEFAULT_SYNTH;
}

// Returns the options of a call by name, with their default values.
function findCallOptions(call, name, codeBefore) {
  if (SAMPLE_CALLS.has(call)) return table.sample_options;
  if (call === "with_fx") return table.fx[name]?.options ?? {};
  const synth = call === "synth" ? name : findCurrentSynth(codeBefore);
  return (table.synths[synth] ?? table.synths[DEFAULT_SYNTH]).options;
}

function completeSymbols(names, from) {
  const options = Object.entries(names).map(([name, entry]) => ({
    label: `:${name}`,
    type: "constant",
    detail: entry.since ? `since ${entry.since}` : undefined,
  }));
  return { from, options, validFor: /^:\w*$/ };
}

// Returns the completions at the cursor; null where none are offered.
export function completeSonicPi(context) {
  if (!table) return null;
  const line = context.state.doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  if (/^[^"']*#/.test(before)) return null;
  const call = before.match(CALL);
  const symbol = before.match(SYMBOL);
  if (symbol) {
    const key = SYMBOL_TABLES[call?.[1]];
    const from = context.pos - symbol[0].length;
    return key ? completeSymbols(table[key], from) : null;
  }
  const word = before.match(WORD);
  if (!word && !context.explicit) return null;
  const from = context.pos - (word?.[0].length ?? 0);
  const isOption = call && (/,\s*$/.test(before.slice(0, from - line.from)) || /_defaults$/.test(call[1]));
  const codeBefore = context.state.sliceDoc(0, context.pos);
  const callOptions = isOption ? findCallOptions(call[1], call[2], codeBefore) : {};
  const options = Object.entries(callOptions).map(([name, value]) => ({
    label: `${name}:`,
    apply: `${name}: `,
    sortText: name,
    type: "property",
    detail: `default ${value}`,
    boost: 10,
  }));
  if (!options.length || context.explicit)
    options.push(...table.functions.map((label) => ({ label, type: "function" })));
  return { from, options, validFor: /^\w*:?$/ };
}

// A word that is typed to its end is not completed by Enter, which starts a new line then.
function closeCompletionOfWholeWord(view) {
  const label = selectedCompletion(view.state)?.label;
  const position = view.state.selection.main.head;
  if (label && view.state.sliceDoc(position - label.length, position) === label) closeCompletion(view);
  return false;
}

export const sonicPiCompletion = [
  Prec.highest(keymap.of([{ key: "Enter", run: closeCompletionOfWholeWord }])),
  autocompletion({
    override: [completeSonicPi],
    activateOnTyping: true,
    icons: false,
    maxRenderedOptions: 60,
  }),
];
