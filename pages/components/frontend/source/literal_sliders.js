// Literals that move the predicted sound, underlined by how far they move it. A click, or Alt+Enter
// in one, opens a slider below it. The prediction follows the slider; the change is sent when the
// slider is let go.

import { Annotation, StateEffect, StateField, Transaction } from "@codemirror/state";
import { Decoration, EditorView, keymap, showTooltip } from "@codemirror/view";
import { createSliderPanel } from "./slider_panel.js";

const KEYBOARD_PAUSE_MS = 700; // After the last key, the slider counts as let go.

const setSliders = StateEffect.define();
const setPanel = StateEffect.define(); // {index, create}, or null to close it.
const isSliderChange = Annotation.define();

function createDecoration(slider, index) {
  const attributes = {
    style: `--strength: ${slider.strength ?? 0}`,
    "data-slider": String(index),
    title: slider.title ?? `${slider.name}: click for a slider`,
  };
  const className = slider.advice ? "code-literal leads-to-target" : "code-literal";
  // Inclusive, so that it stays around a literal whose whole text is replaced.
  return Decoration.mark({ class: className, attributes, index, inclusive: true });
}

// Returns the decorations of the sliders; null if one lies outside the document.
function decorate(doc, sliders) {
  const ranges = sliders
    .map((slider, index) => ({ slider, index }))
    .filter(({ slider }) => slider.from < slider.to && slider.to <= doc.length)
    .map(({ slider, index }) => createDecoration(slider, index).range(slider.from, slider.to));
  return Decoration.set(ranges, true);
}

function findRange(field, index) {
  for (const cursor = field.decorations.iter(); cursor.value; cursor.next())
    if (cursor.value.spec.index === index) return { from: cursor.from, to: cursor.to };
  return null;
}

const sliderField = StateField.define({
  create: () => ({ decorations: Decoration.none, panel: null }),
  update(field, transaction) {
    if (!transaction.docChanged && !transaction.effects.length) return field;
    let { decorations, panel } = field;
    decorations = decorations.map(transaction.changes);
    if (transaction.docChanged && !transaction.annotation(isSliderChange)) panel = null;
    for (const effect of transaction.effects) {
      if (effect.is(setSliders)) decorations = decorate(transaction.state.doc, effect.value);
      if (effect.is(setPanel)) panel = effect.value;
    }
    const range = panel && findRange({ decorations }, panel.index);
    if (range) panel = { ...panel, pos: range.from, end: range.to };
    return { decorations, panel: range ? panel : null };
  },
  provide: (field) => [
    EditorView.decorations.from(field, ({ decorations }) => decorations),
    showTooltip.from(field, ({ panel }) => panel),
  ],
});

async function fetchJson(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.json();
}

function announcePrediction(prediction) {
  window.dispatchEvent(new CustomEvent("earshot-prediction", { detail: prediction }));
}

// The sliders of one editor. `editor` has view, getCode(), replaceSilently(change) and
// commit(code, words).
export class LiteralSliders {
  constructor(editor) {
    this.editor = editor;
    this.wanted = { url: "", code: "" };
    this.loadedUrl = ""; // What was asked for last.
    this.shownUrl = ""; // What the sliders below came from.
    this.sliders = [];
    this.active = null; // {index, committed, value, isMoving, panel, timer}
    this.nextOpening = null; // Position of a click before the sliders were there.
    this.waiting = null; // The value to predict next; a request is under way.
    this.latenciesMs = []; // For tests and curious users.
    this.extension = [
      sliderField,
      keymap.of([{ key: "Alt-Enter", run: (view) => this.openAt(view.state.selection.main.head) }]),
      EditorView.domEventHandlers({
        click: (event, view) => {
          if (event.target.closest?.("[data-slider]")) this.openAt(view.posAtDOM(event.target));
        },
      }),
      EditorView.updateListener.of((update) => {
        const isClosed = update.startState.field(sliderField).panel
          && !update.state.field(sliderField).panel;
        if (isClosed) this.forgetActive();
      }),
    ];
  }

  // Shows the sliders of the code; an empty URL shows none.
  show(url, code) {
    this.wanted = { url, code };
    void this.load();
  }

  async load() {
    const { url, code } = this.wanted;
    if (url === this.loadedUrl || this.active?.isMoving) return;
    this.loadedUrl = url;
    if (!url) {
      this.close();
      this.setSliders([]);
      return;
    }
    const isCurrent = () => this.wanted.url === url && this.editor.getCode() === code;
    try {
      const { sliders } = await fetchJson(`${url}/sliders`);
      if (!isCurrent()) throw new Error("The code has changed.");
      this.shownUrl = url;
      this.setSliders(sliders);
      const { rows } = await fetchJson(`${url}/sensitivity`);
      if (!isCurrent()) throw new Error("The code has changed.");
      this.setSliders(sliders.map((slider, index) => ({ ...slider, ...rows[index] })));
    } catch {
      if (this.loadedUrl === url) this.loadedUrl = null; // The next call tries it again.
    }
  }

  setSliders(sliders) {
    const { view } = this.editor;
    const open = this.active && findRange(view.state.field(sliderField), this.active.index);
    this.sliders = sliders;
    const effects = [setSliders.of(sliders)];
    const index = open ? sliders.findIndex((slider) => slider.from === open.from) : -1;
    if (open && index < 0) effects.push(setPanel.of(null));
    if (index >= 0) {
      const slider = sliders[index];
      Object.assign(this.active, { index, value: slider.position, committed: slider.position });
      this.active.panel.update(slider);
      const { panel } = view.state.field(sliderField);
      effects.push(setPanel.of({ ...panel, index }));
    }
    view.dispatch({ effects });
    if (this.nextOpening !== null && sliders.length) this.openAt(this.nextOpening);
  }

  // Opens the slider of the literal at a position; returns whether there is one.
  openAt(position) {
    const { view } = this.editor;
    let index = null;
    view.state.field(sliderField).decorations.between(position, position, (_from, _to, value) => {
      index ??= value.spec.index;
    });
    if (index === null) return false;
    // The sliders of older code would predict something else.
    const isFresh = this.shownUrl === this.wanted.url && this.editor.getCode() === this.wanted.code;
    this.nextOpening = isFresh ? null : position;
    if (isFresh && index !== this.active?.index) this.open(index);
    else if (isFresh) this.active.panel.focus();
    return true;
  }

  open(index) {
    this.close();
    const slider = this.sliders[index];
    const panel = createSliderPanel(slider, {
      move: (value) => this.move(value),
      letGo: () => this.commit(),
      close: () => this.close(),
    });
    this.active = {
      index, panel, value: slider.position, committed: slider.position, isMoving: false,
    };
    const create = () => ({ dom: panel.dom, mount: () => panel.focus() });
    this.editor.view.dispatch({ effects: setPanel.of({ index, create, above: false }) });
    void this.predict(slider.position);
  }

  move(value) {
    const { active } = this;
    active.isMoving = true;
    active.value = value;
    this.replaceText(value);
    void this.predict(value);
    clearTimeout(active.timer);
    active.timer = setTimeout(() => active.panel.isPressed() || this.commit(), KEYBOARD_PAUSE_MS);
  }

  replaceText(value) {
    const { view, replaceSilently } = this.editor;
    const range = findRange(view.state.field(sliderField), this.active.index);
    const insert = this.sliders[this.active.index].values[value];
    replaceSilently({
      changes: { ...range, insert },
      annotations: [isSliderChange.of(true), Transaction.addToHistory.of(false)],
    });
  }

  // Asks for one prediction at a time, and then for that of the newest value.
  async predict(value) {
    if (this.waiting !== null) {
      this.waiting = value;
      return;
    }
    const { active, shownUrl } = this;
    this.waiting = value;
    const started = performance.now();
    try {
      const prediction = await fetchJson(`${shownUrl}/values/${active.index}/${value}`);
      this.latenciesMs.push(performance.now() - started);
      if (this.active === active) {
        active.panel.showPrediction(prediction);
        announcePrediction(prediction);
      }
    } catch {
      active.panel.showPrediction({ error: "There is no prediction. Press r to try it again." });
    }
    const newest = this.waiting;
    this.waiting = null;
    if (this.active && (this.active !== active || newest !== value)) void this.predict(newest);
  }

  // Sends the change, as one that can be undone.
  commit() {
    const { active } = this;
    if (!active) return;
    clearTimeout(active.timer);
    active.isMoving = false;
    if (active.value === active.committed) {
      void this.load();
      return;
    }
    const slider = this.sliders[active.index];
    const [before, after] = [slider.values[active.committed], slider.values[active.value]];
    this.replaceText(active.committed);
    const range = findRange(this.editor.view.state.field(sliderField), active.index);
    const annotations = [isSliderChange.of(true), Transaction.userEvent.of("input.slider")];
    this.editor.view.dispatch({ changes: { ...range, insert: after }, annotations });
    active.committed = active.value;
    this.editor.commit(`${slider.name} ${before} → ${after}${slider.place}`);
  }

  // Closes the slider; a change that was not let go is taken back.
  close() {
    if (!this.active) return;
    if (this.active.value !== this.active.committed) this.replaceText(this.active.committed);
    this.editor.view.dispatch({ effects: setPanel.of(null) });
  }

  forgetActive() {
    clearTimeout(this.active?.timer);
    this.active = null;
    announcePrediction(null);
  }
}
