// Sliders and other small parts of both playgrounds. Python puts this file in front of each widget's own: an anywidget
// is a single module.

let instances = 0;

/** A number that no other widget on the page has, for ids. */
export function unique() {
  return `lm-play-${++instances}`;
}

/** Make an element. `attributes` may hold `text`; undefined ones are left out. */
export function make(tag, attributes = {}, children = []) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Change one number of the model, here and in Python. */
export function put(model, name, value) {
  model.set(name, value);
  model.save_changes();
}

/**
 * A slider with its label and its value.
 *
 * `label`, `hint`: the name and what it means; `low`, `high`, `step`: the range
 * `read()`: the slider's place; `write(place)`: called when it is moved; `say()`: the value as it is shown and spoken
 * Returns its element and `refresh()`, to be called when the model or the range has changed.
 */
export function slider({ id, label, hint, low, high, step, read, write, say }) {
  const input = make("input", {
    type: "range", id, min: low, max: high, step,
    "data-lm-suppress-shortcuts": "true", // or Jupyter takes the arrow keys; on a parent it has no effect
  });
  const value = make("output", { for: id, class: "lm-value" });
  const name = make("label", { for: id }, [make("b", { text: label }), ` ${hint}`]);
  input.addEventListener("input", () => write(Number(input.value)));
  const refresh = (top = high) => {
    input.max = top;
    input.value = read();
    input.setAttribute("aria-valuetext", say());
    value.textContent = say();
  };
  return { element: make("div", { class: "lm-knob" }, [name, value, input]), refresh };
}

/** A line that screen readers speak when it has changed and the sliders have come to rest. */
export function spoken() {
  const element = make("p", { class: "lm-spoken", role: "status" });
  let waiting;
  const speak = (text) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => (element.textContent = text), 500);
  };
  return { element, speak };
}

/** The first row of a table; `columns` has the class of each column by its heading. */
export function headings(columns) {
  const cells = Object.entries(columns).map(([text, kind]) => make("th", { scope: "col", class: kind, text }));
  return make("thead", {}, [make("tr", {}, cells)]);
}

/** Call `draw` now and whenever one of the names changes in the model; returns how to stop. */
export function follow(model, names, draw) {
  const events = names.map((name) => `change:${name}`);
  events.forEach((event) => model.on(event, draw));
  draw();
  return () => events.forEach((event) => model.off(event, draw));
}
