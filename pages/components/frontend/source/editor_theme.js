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
  ".code-literal": {
    cursor: "pointer",
    borderBottom: "calc(2px + 3px * var(--strength)) solid color-mix(in srgb, var(--st-primary-color) calc(30% + 70% * var(--strength)), transparent)",
  },
  // A literal that leads to the target.
  ".code-literal.leads-to-target": {
    backgroundColor: "color-mix(in srgb, var(--st-primary-color) 18%, transparent)",
    borderRadius: "3px 3px 0 0",
  },
  ".code-removed": {
    backgroundColor: "color-mix(in srgb, #d32f2f 20%, transparent)",
    textDecoration: "line-through",
  },
  ".code-added::before": { content: "attr(data-added)" },
  ".code-added": {
    display: "inline-block",
    verticalAlign: "top",
    whiteSpace: "pre",
    margin: "0 0.2rem",
    padding: "0 0.2rem",
    borderRadius: "3px",
    backgroundColor: "color-mix(in srgb, #2e7d32 24%, transparent)",
  },
  ".cm-tooltip.slider-panel": {
    width: "min(21rem, 90vw)",
    padding: "0.45rem 0.6rem",
    borderRadius: "0.5rem",
    font: "0.78rem/1.4 var(--st-font, sans-serif)",
    boxShadow: "0 4px 16px rgb(0 0 0 / 25%)",
  },
  ".slider-head": { display: "flex", gap: "0.6rem", alignItems: "baseline" },
  ".slider-head output": { flex: "1", fontFamily: "var(--st-code-font, monospace)" },
  ".slider-head button": {
    minWidth: "24px",
    minHeight: "24px",
    border: "0",
    color: "inherit",
    background: "none",
    fontSize: "1rem",
    cursor: "pointer",
  },
  ".slider-panel input": { width: "100%", margin: "0.2rem 0", accentColor: "var(--st-primary-color)" },
  ".slider-bounds": { display: "flex", justifyContent: "space-between", fontFamily: "var(--st-code-font, monospace)" },
  ".slider-track": { position: "relative" },
  // A range input keeps half of its thumb, 8 px, free at both ends.
  ".slider-track.has-target::after": {
    content: "''",
    position: "absolute",
    left: "calc(8px + (100% - 16px) * var(--target) - 1px)",
    top: "0",
    bottom: "0",
    width: "3px",
    borderRadius: "2px",
    backgroundColor: "var(--st-primary-color)",
    pointerEvents: "none",
  },
  ".slider-panel .slider-advice": {
    width: "100%",
    minHeight: "24px",
    marginTop: "0.3rem",
    padding: "0.15rem 0.4rem",
    font: "inherit",
    textAlign: "left",
    color: "inherit",
    border: "1px solid var(--st-primary-color)",
    borderRadius: "4px",
    background: "none",
    cursor: "pointer",
  },
  // Room for the prediction, so that the panel does not jump.
  ".slider-prediction": { minHeight: "5.6em", marginTop: "0.3rem", overflowWrap: "anywhere" },
});
