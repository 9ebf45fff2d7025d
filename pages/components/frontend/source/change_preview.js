// What a suggested version changes: code that it removes is struck through, and code that it adds
// stands beside it. The audition cards name the change by an event.

import { StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, WidgetType } from "@codemirror/view";

const MAX_ADDED_LINES = 8;
const setChanges = StateEffect.define(); // {from, to, text} each, in UTF-16 units.

class AddedCode extends WidgetType {
  constructor(text) {
    super();
    this.text = text;
  }

  eq(other) {
    return other.text === this.text;
  }

  toDOM() {
    const span = document.createElement("span");
    span.className = "code-added";
    const lines = this.text.replace(/^\n+|\s+$/g, "").split("\n");
    const shown = lines.slice(0, MAX_ADDED_LINES);
    // Shown by CSS, so that it is no part of the code's text.
    span.dataset.added = [...shown, ...(lines.length > shown.length ? ["…"] : [])].join("\n");
    return span;
  }
}

function decorate(changes) {
  const ranges = [];
  for (const { from, to, text } of changes) {
    if (from < to) ranges.push(Decoration.mark({ class: "code-removed" }).range(from, to));
    if (text.trim()) ranges.push(Decoration.widget({ widget: new AddedCode(text), side: 1 }).range(to));
  }
  return Decoration.set(ranges, true);
}

export const changePreview = StateField.define({
  create: () => Decoration.none,
  update(decorations, transaction) {
    let result = transaction.docChanged ? Decoration.none : decorations;
    for (const effect of transaction.effects) {
      if (effect.is(setChanges)) result = decorate(effect.value);
    }
    return result;
  },
  provide: (field) => EditorView.decorations.from(field),
});

// Shows the changes that events name, as long as the editor is on the page.
export function followChangeEvents(view) {
  const show = ({ detail }) => {
    if (!view.dom.isConnected) {
      window.removeEventListener("earshot-change", show);
      return;
    }
    const isOfThisCode = detail && detail.program === view.state.doc.toString();
    const changes = isOfThisCode ? detail.changes : [];
    const effects = [setChanges.of(changes)];
    if (changes.length && detail.isSelected) {
      effects.push(EditorView.scrollIntoView(changes[0].from, { y: "nearest", yMargin: 30 }));
    }
    view.dispatch({ effects });
  };
  window.addEventListener("earshot-change", show);
}
