// The sampling playground: which words survive temperature, top-k and top-p.

const ROUNDING = 1e-12; // sums of probabilities that should meet p exactly may miss it by this much

/** The softmax of the logits over the words that stay; a logit is the logarithm of a count. */
function shares(counts, temperature, fates) {
  const powers = counts.map((n, i) => (fates[i] === "stays" ? Math.exp(Math.log(n / counts[0]) / temperature) : 0));
  const sum = powers.reduce((soFar, power) => soFar + power, 0);
  return powers.map((power) => power / sum);
}

/**
 * What becomes of each word: the rules of sampling.py, which explains them.
 *
 * `counts`: how often each word was seen, falling; `top_k`, `top_p`: null for all
 * Returns for each word {before, probability, fate}.
 */
export function outcomes(counts, temperature, top_k, top_p) {
  let fates = counts.map(() => "stays");
  const cut = (keep, by) => (fates = fates.map((fate, i) => (i >= keep && fate === "stays" ? by : fate)));
  if (temperature === 0) cut(1, "temperature 0");
  if (top_k !== null) cut(top_k, "top-k");
  const after = shares(counts, temperature || 1, fates);
  const before = after.map((_, i) =>
    fates[i] === "stays" ? after.slice(0, i).reduce((sum, share) => sum + share, 0) : 0);
  if (top_p !== null && top_p < 1) {
    cut(before.filter((mass, i) => fates[i] === "stays" && mass < top_p - ROUNDING).length, "top-p");
  }
  const last = shares(counts, temperature || 1, fates);
  return fates.map((fate, i) => ({ before: before[i], probability: last[i], fate }));
}

/** The words after the chosen one, most frequent first; equal ones stay in the order of the alphabet. */
function ranked(model) {
  return model.get("_followers")[model.get("word")].toSorted(([, a], [, b]) => b - a);
}

/** One row of the chart. */
class Word {
  constructor() {
    this.name = make("th", { scope: "row" });
    this.full = make("div", { class: "lm-bar" });
    this.gone = make("div", { class: "lm-gone" });
    this.mark = make("div", { class: "lm-mark" });
    this.probability = make("td", { class: "lm-cost" });
    this.before = make("td", { class: "lm-memory" });
    this.fate = make("td", { class: "lm-fate" });
    const track = make("div", { class: "lm-track", "aria-hidden": "true" }, [this.full, this.gone, this.mark]);
    const chart = make("td", { class: "lm-chart" }, [track]);
    this.element = make("tr", {}, [this.name, chart, this.probability, this.before, this.fate]);
  }

  show(word, untouched, { before, probability, fate }) {
    const stays = fate === "stays", seen = stays || fate === "top-p";
    this.element.classList.toggle("lm-cut", !stays);
    this.name.textContent = word;
    this.full.style.width = `${100 * probability}%`;
    this.gone.style.width = stays ? "0" : `${100 * untouched}%`;
    this.mark.style.left = `${100 * untouched}%`;
    this.probability.textContent = probability.toFixed(3);
    this.before.textContent = seen ? before.toFixed(3) : "–";
    this.fate.textContent = stays ? "✓ stays" : `✕ cut by ${fate}`;
  }
}

function chooser(model, id) {
  const words = Object.keys(model.get("_followers"));
  const choice = make("select", { id, "data-lm-suppress-shortcuts": "true" },
    words.map((word) => make("option", { value: word, text: `${word} …` })));
  choice.addEventListener("change", () => put(model, "word", choice.value));
  const name = make("label", { for: id }, [make("b", { text: "after" }), " which word?"]);
  const element = make("div", { class: "lm-knob" }, [name, choice]);
  return { element, refresh: () => (choice.value = model.get("word")) };
}

function knobs(model, id) {
  const words = () => ranked(model).length;
  const read = (name) => model.get(name);
  const k = () => Math.min(read("top_k") ?? words(), words()), p = () => read("top_p") ?? 1;
  const named = { 0: "0: greedy", 1: "1: as it is" };
  return [
    chooser(model, `${id}-word`),
    slider({
      id: `${id}-temperature`, label: "temperature", hint: "", low: 0, high: 2, step: 0.1,
      read: () => read("temperature"), write: (place) => put(model, "temperature", place),
      say: () => named[read("temperature")] ?? read("temperature").toFixed(1),
    }),
    slider({
      id: `${id}-top_k`, label: "top-k", hint: "the k best", low: 1, high: words(), step: 1,
      read: k, write: (place) => put(model, "top_k", place < words() ? place : null),
      say: () => (k() < words() ? String(k()) : "off: all words"),
    }),
    slider({
      id: `${id}-top_p`, label: "top-p", hint: "the fewest with p", low: 0.05, high: 1, step: 0.05,
      read: p, write: (place) => put(model, "top_p", place < 1 ? place : null),
      say: () => (p() < 1 ? p().toFixed(2) : "off: all words"),
    }),
  ];
}

function render({ model, el }) {
  const id = unique(), controls = knobs(model, id), status = spoken();
  const [, , top_k] = controls;
  const head = headings({
    "next word": "lm-name", "from 0 to 1": "lm-chart", "probability": "lm-cost", "sum before it": "lm-memory",
    "fate": "lm-fate",
  });
  const body = make("tbody"), line = make("p", { class: "lm-line-of-text" });
  const rows = [];
  el.append(make("div", { class: "lm-play lm-sampling", role: "group", "aria-label": "Sampling playground" }, [
    make("div", { class: "lm-knobs" }, controls.map((knob) => knob.element)), line,
    make("table", {}, [head, body]),
    make("p", { class: "lm-legend", text: model.get("_legend") }), status.element,
  ]));

  return follow(model, ["word", "temperature", "top_k", "top_p"], () => {
    const words = ranked(model), counts = words.map(([, n]) => n);
    const all = outcomes(counts, model.get("temperature"), model.get("top_k"), model.get("top_p"));
    const sum = counts.reduce((soFar, n) => soFar + n, 0);
    while (rows.length < words.length) rows.push(new Word());
    body.replaceChildren(...rows.slice(0, words.length).map((row) => row.element));
    all.forEach((outcome, i) => rows[i].show(words[i][0], counts[i] / sum, outcome));
    const staying = all.filter(({ fate }) => fate === "stays").length;
    const mass = counts.slice(0, staying).reduce((soFar, n) => soFar + n, 0) / sum;
    const those = staying === 1 ? "1 word" : `${staying} words`;
    line.textContent = `${those} of ${words.length} can be drawn, with ${mass.toFixed(2)} of the untouched probability.`;
    controls.forEach((knob) => (knob === top_k ? knob.refresh(words.length) : knob.refresh()));
    status.speak(line.textContent);
  });
}

export default { render };
