// Look of the editor. All colours are variables of Streamlit's theme.

import { EditorView } from "@codemirror/view";

export const editorTheme = EditorView.theme({
  "&": { height: "100%", color: "var(--st-text-color)", backgroundColor: "transparent" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": {
    font: '0.82rem/1.5 var(--st-code-font, "Source Code Pro", monospace)',
    fontVariantLigatures: "none",
  },
  ".cm-content": { padding: "0.6rem 0", caretColor: "var(--st-text-color)" },
  ".cm-line": { padding: "0 0.6rem" },
  ".cm-cursor": { borderLeftColor: "var(--st-text-color)" },
  ".cm-gutters": {
    color: "var(--st-gray-text-color, gray)",
    backgroundColor: "transparent",
    border: "0",
  },
  ".cm-activeLine, .cm-activeLineGutter": {
    backgroundColor: "color-mix(in srgb, var(--st-text-color) 5%, transparent)",
  },
  "& > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": {
    background: "color-mix(in srgb, var(--st-primary-color) 28%, transparent)",
  },
  "&.cm-focused .cm-matchingBracket": {
    backgroundColor: "color-mix(in srgb, var(--st-primary-color) 30%, transparent)",
  },
  ".cm-panels, .cm-tooltip": {
    color: "var(--st-text-color)",
    backgroundColor: "var(--st-secondary-background-color)",
    border: "1px solid var(--st-border-color)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    color: "#fff",
    backgroundColor: "#c2185b",
  },
  ".cm-panel.cm-search": { fontSize: "0.8rem" },
  ".cm-panel input, .cm-panel button": {
    color: "inherit",
    background: "var(--st-background-color)",
    border: "1px solid var(--st-border-color)",
    borderRadius: "4px",
  },
  ".code-problem": {
    padding: "0.2rem 0.6rem",
    fontSize: "0.78rem",
    color: "var(--st-red-text-color, #b3261e)",
  },
  ".code-mark": {
    cursor: "pointer",
    borderBottom: "3px solid color-mix(in srgb, var(--st-primary-color) calc(20% + 80% * var(--strength)), transparent)",
  },
});
