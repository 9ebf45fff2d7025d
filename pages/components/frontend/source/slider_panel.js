// The panel below a literal: its name and value, a slider, and the predicted sound.

function makeElement(tag, className, attributes = {}) {
  const element = document.createElement(tag);
  element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function describePrediction({ error, words, distance, neighbours }) {
  if (error) return [error];
  const names = neighbours.map(({ name }) => name).join(", ");
  return [
    words ? `Predicted: ${words}` : "",
    `Distance from the program ${distance < 0.001 ? "below 0.001" : distance.toFixed(3)}`,
    names ? `Like ${names}` : "",
  ].filter(Boolean);
}

// `actions` has move(value), letGo() and close(). Values are indices of slider.values.
export function createSliderPanel(slider, actions) {
  const dom = makeElement("div", "slider-panel");
  const head = makeElement("div", "slider-head");
  const title = makeElement("strong", "");
  const output = makeElement("output", "");
  const close = makeElement("button", "", { type: "button", "aria-label": "Close the slider" });
  const track = makeElement("div", "slider-track");
  const range = makeElement("input", "", { type: "range", min: 0, step: 1 });
  const bounds = makeElement("div", "slider-bounds");
  const [lowest, highest] = [makeElement("span", ""), makeElement("span", "")];
  const advice = makeElement("button", "slider-advice", { type: "button" });
  const prediction = makeElement("div", "slider-prediction", { role: "status" });
  let current = slider;
  let isPressed = false;

  const showValue = () => {
    output.textContent = current.values[range.value];
    range.setAttribute("aria-valuetext", output.textContent);
  };
  const update = (newSlider) => {
    current = newSlider;
    title.textContent = `${newSlider.name}${newSlider.place}`;
    range.max = newSlider.values.length - 1;
    range.value = newSlider.position;
    range.setAttribute("aria-label", newSlider.name);
    lowest.textContent = newSlider.values[0];
    highest.textContent = newSlider.values.at(-1);
    // The value that leads to the target, as a mark on the slider and a button.
    const { advice: text, target } = newSlider;
    advice.hidden = !text || target === null;
    advice.textContent = text ? text[0].toUpperCase() + text.slice(1) : "";
    track.classList.toggle("has-target", !advice.hidden);
    track.style.setProperty("--target", advice.hidden ? 0 : target / (newSlider.values.length - 1));
    showValue();
  };
  close.textContent = "×";
  close.addEventListener("click", actions.close);
  advice.addEventListener("click", () => {
    range.value = current.target;
    showValue();
    actions.move(current.target);
    actions.letGo();
  });
  range.addEventListener("pointerdown", () => (isPressed = true));
  range.addEventListener("input", () => {
    showValue();
    actions.move(Number(range.value));
  });
  range.addEventListener("change", () => {
    // With keys, each step is a change: the pause after the last one counts.
    if (isPressed) actions.letGo();
    isPressed = false;
  });
  range.addEventListener("pointerup", () => setTimeout(() => (isPressed = false)));
  dom.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target === range) actions.letGo();
    else if (event.key === "Escape") actions.close();
    else return;
    event.preventDefault();
  });
  head.append(title, output, close);
  bounds.append(lowest, highest);
  track.append(range);
  dom.append(head, track, bounds, advice, prediction);
  update(slider);
  return {
    dom,
    update,
    focus: () => range.focus(),
    isPressed: () => isPressed,
    showPrediction: (answer) => {
      const lines = describePrediction(answer).map((text) => {
        const line = makeElement("div", "");
        line.textContent = text;
        return line;
      });
      prediction.replaceChildren(...lines);
    },
  };
}
