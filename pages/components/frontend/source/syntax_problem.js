// The syntax error that Ruby's parser found: a squiggle below its line, and its words below the code.

import { setDiagnostics } from "@codemirror/lint";
import { StateEffect, StateField } from "@codemirror/state";
import { showPanel } from "@codemirror/view";

const setProblem = StateEffect.define();

function createPanel(problem) {
  const dom = document.createElement("div");
  dom.className = "code-problem";
  dom.setAttribute("role", "status");
  dom.textContent = `Line ${problem.line}: ${problem.message}`;
  return { dom };
}

export const problemPanel = StateField.define({
  create: () => null,
  update(problem, transaction) {
    for (const effect of transaction.effects) if (effect.is(setProblem)) problem = effect.value;
    return problem;
  },
  provide: (field) =>
    showPanel.from(field, (problem) => (problem ? () => createPanel(problem) : null)),
});

// Shows a problem, {line, message}; null shows none.
export function showProblem(view, problem) {
  const shown = view.state.field(problemPanel);
  if (shown?.line === problem?.line && shown?.message === problem?.message) return;
  const diagnostics = [];
  if (problem) {
    const line = view.state.doc.line(Math.min(Math.max(problem.line, 1), view.state.doc.lines));
    const indent = line.text.length - line.text.trimStart().length;
    const { message } = problem;
    diagnostics.push({ from: line.from + indent, to: line.to, severity: "error", message });
  }
  view.dispatch(setDiagnostics(view.state, diagnostics));
  view.dispatch({ effects: setProblem.of(problem) });
}
