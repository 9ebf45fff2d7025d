// Marks: underlined ranges of the code that Python names, such as numbers that change the sound.
// A click, or Alt+Enter on one, reports it.

import { StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, keymap } from "@codemirror/view";

const setMarks = StateEffect.define();

function createDecoration(mark, index) {
  const style = `--strength: ${Math.min(1, Math.max(0, mark.strength))}`;
  const attributes = { style, "data-mark": String(index), title: mark.title ?? "" };
  return Decoration.mark({ class: "code-mark", attributes, index });
}

// Returns the decorations of the marks that lie inside the document.
function decorate(doc, marks) {
  const ranges = [];
  marks.forEach((mark, index) => {
    if (mark.line < 1 || mark.line > doc.lines) return;
    const line = doc.line(mark.line);
    const from = line.from + mark.from;
    const to = Math.min(line.from + mark.to, line.to);
    if (from < to) ranges.push(createDecoration(mark, index).range(from, to));
  });
  return Decoration.set(ranges, true);
}

const markField = StateField.define({
  create: () => Decoration.none,
  update(decorations, transaction) {
    decorations = decorations.map(transaction.changes);
    for (const effect of transaction.effects)
      if (effect.is(setMarks)) decorations = decorate(transaction.state.doc, effect.value);
    return decorations;
  },
  provide: (field) => EditorView.decorations.from(field),
});

export function showMarks(view, marks) {
  view.dispatch({ effects: setMarks.of(marks) });
}

export function createMarkExtension(onMarkClick) {
  const reportMarkAtCursor = (view) => {
    const position = view.state.selection.main.head;
    let index = null;
    view.state.field(markField).between(position, position, (_from, _to, decoration) => {
      index ??= decoration.spec.index;
    });
    if (index === null) return false;
    onMarkClick(index);
    return true;
  };
  return [
    markField,
    keymap.of([{ key: "Alt-Enter", run: reportMarkAtCursor }]),
    EditorView.domEventHandlers({
      click(event) {
        const mark = event.target.closest?.("[data-mark]");
        if (mark) onMarkClick(Number(mark.dataset.mark));
      },
    }),
  ];
}
