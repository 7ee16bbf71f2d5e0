// The tensor playground: the tensors of multi-head attention as blocks, all in one scale.
// Which tensors there are, and what they cost, is data from Python (shapes.py): products of the sizes of axes.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 430, LEFT = 32, RIGHT = 42; // of a picture and its margins, in units of the drawing
const TOP = 15, BOTTOM = 13; // room for labels above and below the blocks
const LARGEST = 10; // one number is at most a square of this side
const BETWEEN_HEADS = 4, BETWEEN_TENSORS = 20, SHEET = 4; // gaps, and how far each further text of the batch sticks out
const TINTS = 8;

/** The size of each axis by its letter; d is 0 when D cannot be split into H heads. */
function sizesOf(model) {
  const [B, L, D, H] = ["batch", "length", "d_model", "heads"].map((name) => model.get(name));
  return { B, L, D, H, d: D % H ? 0 : D / H };
}

function product(axes, size) {
  return [...axes].reduce((soFar, axis) => soFar * size[axis], 1);
}

/** The shape of one step's tensors, and what it costs; the same products as in shapes.py. */
export function numbersOf(step, size, bytes) {
  const copies = step.copies.length || 1;
  return {
    shape: [...step.axes].map((axis) => size[axis]),
    multiplications: step.multiplied ? copies * product(step.multiplied, size) : 0,
    memory: step.view ? 0 : bytes * copies * product(step.axes, size),
  };
}

/** The blocks of one step from left to right: each tensor, and in it each head. Gaps are in units of the drawing. */
function blocksOf(step, size) {
  const apart = step.axes.includes("H");
  const owned = step.striped && size.d > 0; // by heads, each of which has its own columns
  const heads = owned ? size.H : 1;
  const columns = apart ? size[step.axes.at(-1)] : size.D / heads;
  const blocks = [];
  for (const copy of step.copies || " ") {
    for (let head = 0; head < heads; head++) {
      const gap = head ? (apart ? BETWEEN_HEADS : 0) : blocks.length ? BETWEEN_TENSORS : 0;
      blocks.push({ copy: copy.trim(), head, heads, owned, columns, gap });
    }
  }
  return blocks;
}

/** The side of one number, so that the widest step still fits. */
function unitFor(steps, size) {
  const fitting = steps.map((step) => {
    const blocks = blocksOf(step, size);
    const sum = (part) => blocks.reduce((total, block) => total + block[part], 0);
    return (WIDTH - LEFT - RIGHT - sum("gap")) / sum("columns");
  });
  return Math.min(LARGEST, ...fitting);
}

function draw(tag, attributes, parent, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

/** The picture of one step. Blocks are kept from one drawing to the next, so that they glide to their new places. */
class Picture {
  constructor(step, id) {
    this.step = step;
    this.id = id;
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("aria-hidden", "true"); // the shape beside it says the same
    this.pattern = draw("pattern", { id, patternUnits: "userSpaceOnUse" }, draw("defs", {}, this.svg));
    this.line = draw("path", { class: "lm-line" }, this.pattern);
    this.blocks = draw("g", {}, this.svg);
    this.labels = draw("g", {}, this.svg);
  }

  /** Draw it; `possible` is false for what cannot be made of these sizes. */
  show(size, unit, possible) {
    const sheets = (size.B - 1) * SHEET, height = size.L * unit;
    this.svg.setAttribute("viewBox", `0 0 ${WIDTH} ${TOP + sheets + height + BOTTOM}`);
    this.pattern.setAttribute("width", unit);
    this.pattern.setAttribute("height", unit);
    this.line.setAttribute("d", `M${unit} 0H0V${unit}`);
    this.labels.replaceChildren();
    let drawn = 0, x = LEFT;
    for (const block of possible ? blocksOf(this.step, size) : []) {
      x += block.gap;
      const place = { x, y: TOP + sheets, width: block.columns * unit, height, sheets };
      for (let sheet = size.B - 1; sheet >= 0; sheet--) this.sheet(drawn++, block, place, sheet);
      this.labelBlock(block, place, size);
      x += place.width;
    }
    while (this.blocks.children.length > drawn) this.blocks.lastChild.remove();
    if (!possible) return;
    this.label(LEFT - 5, TOP + sheets + height / 2 + 4, "end", `L ${size.L}`);
    this.label(x + sheets + 5, TOP + 8, "start", `B ${size.B}`);
  }

  sheet(index, block, { x, y, width, height }, sheet) {
    const group = this.blocks.children[index] ?? draw("g", { class: "lm-sheet" }, this.blocks);
    if (!group.children.length) {
      draw("rect", { class: "lm-tint" }, group);
      draw("rect", { class: "lm-edge" }, group);
    }
    // Of a text behind another one only its upper edge is seen, in perspective.
    const slant = sheet ? " skewX(-45deg)" : "";
    group.style.transform = `translate(${x + sheet * SHEET}px, ${y - sheet * SHEET}px)${slant}`;
    group.dataset.tint = block.owned ? block.head % TINTS : "none";
    group.lastChild.setAttribute("fill", sheet ? "none" : `url(#${this.id})`);
    for (const rect of group.children) {
      rect.style.width = `${width}px`;
      rect.style.height = `${sheet ? SHEET : height}px`;
    }
  }

  labelBlock(block, { x, y, width, height, sheets }, size) {
    if (block.head === 0) {
      const axis = this.step.axes.at(-1);
      const roomy = !block.copy || width * block.heads > 60;
      const words = [block.copy, roomy ? `${axis} ${size[axis]}` : ""].filter(Boolean).join(" · ");
      this.label(x + sheets, y - sheets - 4, "start", words);
    }
    if (block.owned && width >= 7) this.label(x + width / 2, y + height + 11, "middle", block.head, "lm-head");
  }

  label(x, y, anchor, words, kind = "lm-axis") {
    draw("text", { x, y, "text-anchor": anchor, class: kind }, this.labels, words);
  }
}

/** A row of the table: a step, its picture, its shape and what it costs. */
class Row {
  constructor(step, id) {
    this.step = step;
    this.picture = new Picture(step, id);
    const times = step.copies ? `${step.copies.length} × ` : "";
    this.shape = make("span");
    this.cost = make("span");
    this.memory = make("span");
    const cell = (kind, number, small) => make("td", { class: kind }, [number, make("small", { text: small })]);
    this.element = make("tr", {}, [
      make("th", { scope: "row" }, [make("span", { text: step.name }), make("small", { text: step.note })]),
      make("td", { class: "lm-picture" }, [this.picture.svg]),
      cell("lm-shape", this.shape, `${times}(${[...step.axes].join(", ")})`),
      cell("lm-cost", this.cost, step.multiplied && times + [...step.multiplied].join("·")),
      cell("lm-memory", this.memory, step.view ? "a view" : ""),
    ]);
  }

  show(size, unit, bytes, possible) {
    const { shape, multiplications, memory } = numbersOf(this.step, size, bytes);
    this.picture.show(size, unit, possible);
    this.element.classList.toggle("lm-off", !possible);
    this.shape.textContent = possible ? `(${shape.join(", ")})` : "–";
    this.cost.textContent = possible ? count(multiplications) : "–";
    this.memory.textContent = possible ? inBytes(memory) : "–";
    return possible ? { multiplications, memory } : { multiplications: 0, memory: 0 };
  }
}

function count(number) {
  return number.toLocaleString("en");
}

function inBytes(number) {
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return number < 1024 ? `${number} B` : `${(number / 1024).toLocaleString("en", digits)} KiB`;
}

/** The line under the sliders: how wide a head is, or why there is none and which numbers of heads fit. */
function explain(line, model, size) {
  if (size.d) {
    line.replaceChildren(`Each head is d = D / H = ${size.D} / ${size.H} = ${size.d} wide.`);
    return;
  }
  const fitting = [...Array(model.get("_ranges").heads[1]).keys()].map((i) => i + 1).filter((h) => size.D % h === 0);
  const buttons = fitting.map((heads) => {
    const button = make("button", { type: "button", text: heads, "aria-label": `${heads} heads` });
    button.addEventListener("click", () => put(model, "heads", heads));
    return button;
  });
  const text = `⚠ D = ${size.D} cannot be split into ${size.H} heads. Numbers of heads that fit: `;
  line.replaceChildren(make("span", { text }), ...buttons);
}

function knobs(model, id) {
  const hints = {
    batch: ["B", "batch: texts at once"], length: ["L", "length: positions"],
    d_model: ["D", "width of a vector"], heads: ["H", "heads"],
  };
  return Object.entries(hints).map(([name, [label, hint]]) => {
    const [low, high] = model.get("_ranges")[name];
    const read = () => model.get(name);
    return slider({
      id: `${id}-${name}`, label, hint, low, high, step: 1, read, say: () => String(read()),
      write: (place) => put(model, name, place),
    });
  });
}

function table(rows, total) {
  const head = headings({
    "step": "lm-name", "all blocks in one scale": "lm-picture", "shape": "lm-shape",
    "multiplications": "lm-cost", "memory": "lm-memory",
  });
  const text = "together; memory in float32";
  const foot = make("tr", {}, [make("th", { scope: "row", colspan: 3, text }), ...total]);
  const body = make("tbody", {}, rows.map((row) => row.element));
  return make("table", {}, [head, body, make("tfoot", {}, [foot])]);
}

function render({ model, el }) {
  const id = unique(), steps = model.get("_steps"), bytes = model.get("_bytes");
  const sliders = knobs(model, id);
  const rows = steps.map((step, index) => new Row(step, `${id}-${index}`));
  const line = make("p", { class: "lm-line-of-text" });
  const total = [make("td", { class: "lm-cost" }), make("td", { class: "lm-memory" })];
  const status = spoken();
  el.append(make("div", { class: "lm-play", role: "group", "aria-label": "Tensor playground" }, [
    make("div", { class: "lm-knobs" }, sliders.map((knob) => knob.element)), line, table(rows, total), status.element,
  ]));

  return follow(model, ["batch", "length", "d_model", "heads"], () => {
    const size = sizesOf(model), unit = unitFor(steps, size);
    const broken = size.d ? steps.length : steps.findIndex((step) => step.axes.includes("H"));
    const costs = rows.map((row, index) => row.show(size, unit, bytes, index < broken));
    const sum = (part) => costs.reduce((soFar, cost) => soFar + cost[part], 0);
    total[0].textContent = size.d ? count(sum("multiplications")) : "–";
    total[1].textContent = size.d ? inBytes(sum("memory")) : "–";
    explain(line, model, size);
    sliders.forEach((knob) => knob.refresh());
    const result = size.d ? `${total[0].textContent} multiplications, ${total[1].textContent}` : "";
    status.speak(`${line.textContent} ${result}`);
  });
}

export default { render };
