// What the labs share: elements, numbers in words, sliders, grids, and the tie to the model that holds the state.

/** An element with its properties (attributes where they hold a "-") and what is in it. */
function element(tag, properties = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...inside);
  return made;
}

/** Whole numbers in full, others with four digits, with a real minus sign; only 13 digits count, as in Python. */
function shown(value) {
  const certain = Number(value.toPrecision(13));
  const text = Number.isInteger(value) && Math.abs(value) < 1e15 ? String(value) : String(Number(certain.toPrecision(4)));
  return text.replaceAll("-", "−");
}

/** The number that was typed, or null. */
function typed(text) {
  const plain = text.trim().replace("−", "-").replace(",", ".");
  const value = Number(plain);
  return plain && Number.isFinite(value) && Math.abs(value) < 1e6 ? value : null;
}

/** Thousands apart, as in 1,234. */
const grouped = (value) => value.toLocaleString("en-US").replace("-", "−");

/** "1 way", "1,024 ways"; `several` where an s does not do. */
const plural = (count, word, several = `${word}s`) => `${grouped(count)} ${count === 1 ? word : several}`;

/** "1, 2 and 3". */
const listed = (words, last = "and") => (words.length > 1 ? `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}` : String(words[0]));

/** Two decimals, and one digit of what they would hide. */
const inCell = (value) => shown(Math.abs(value) < 0.005 ? Number(value.toPrecision(1)) : Math.round(value * 100) / 100);

const range = (count) => Array.from({ length: count }, (_, i) => i);
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** Rows in which one number is another. */
const replaced = (rows, i, j, value) => rows.map((row, r) => (r === i ? row.map((old, c) => (c === j ? value : old)) : row));

/** Rows of another size: what stood there stays, and `fresh(i, j)` is new. */
const resized = (rows, height, width, fresh) =>
  Array.from({ length: height }, (_, i) => Array.from({ length: width }, (_, j) => rows[i]?.[j] ?? fresh(i, j)));

/** Memory, in powers of 1024, with four digits. */
function inBytes(value) {
  let power = 0;
  for (; power < 4 && value >= 1024; power++) value /= 1024;
  return `${shown(value)} ${["bytes", "KiB", "MiB", "GiB", "TiB"][power]}`;
}

/** A slider with its number beside it; `name` is what a screen reader says. */
function slider({ name, min, max, step = 1, onInput }) {
  // Without the attribute JupyterLab takes the arrow keys for itself.
  const input = element("input", {
    type: "range", min, max, step, "aria-label": name, "data-lm-suppress-shortcuts": "true",
  });
  const value = element("output");
  input.addEventListener("input", () => onInput(Number(input.value)));
  return {
    element: element("span", { className: "lab-slider" }, input, value),
    input,
    set(number) { input.value = number; value.textContent = shown(number); },
  };
}

/** A menu; `choices` maps the values to their labels. */
function menu({ name, choices, onChange }) {
  const input = element("select", { "aria-label": name, "data-lm-suppress-shortcuts": "true" },
    ...Object.entries(choices).map(([value, label]) => element("option", { value }, label)));
  input.addEventListener("change", () => onChange(input.value));
  return {
    element: element("label", { className: "lab-menu" }, `${name} `, input),
    input,
    set(value) { input.value = value; },
  };
}

function button(label, onClick, name = label) {
  const made = element("button", { type: "button", "aria-label": name }, label);
  made.addEventListener("click", onClick);
  return made;
}

function checkbox(label, onChange) {
  const input = element("input", { type: "checkbox" });
  input.addEventListener("change", () => onChange(input.checked));
  return { element: element("label", { className: "lab-check" }, input, ` ${label}`), input };
}

/** One choice of a few, all in sight; `choices` maps the values to their labels. */
function choice({ name, label = "", choices, onChange }) {
  const group = String(Math.random()); // several labs on one page must not share their choices
  const inputs = Object.keys(choices).map((value) => {
    const input = element("input", { type: "radio", name: group, value, "data-lm-suppress-shortcuts": "true" });
    input.addEventListener("change", () => onChange(value));
    return input;
  });
  return {
    element: element("div", { className: "lab-radios", role: "radiogroup", "aria-label": name }, ...(label ? [element("span", {}, label)] : []),
      ...inputs.map((input) => element("label", { className: "lab-check" }, input, ` ${choices[input.value]}`))),
    inputs,
    set(value) { for (const input of inputs) input.checked = input.value === value; },
  };
}

/** Writes a sentence only where it has changed, so that a screen reader does not say it again. */
function say(paragraph, ...parts) {
  if (paragraph.textContent !== parts.map((part) => part.textContent ?? part).join("")) paragraph.replaceChildren(...parts);
}

/** The colour of a cell: orange above zero, blue below, the stronger the larger. */
function shade(value, limit) {
  const share = Math.round(Math.min(Math.abs(value) / (limit || 1), 1) * 55);
  return share ? `color-mix(in srgb, var(${value > 0 ? "--lab-warm" : "--lab-cool"}) ${share}%, transparent)` : "";
}

const largest = (rows) => Math.max(1e-9, ...rows.flat().map(Math.abs));

/** What cells show already: of a thousand, few change at a time, and the page is laid out anew for each. */
const looks = new WeakMap();

/** A number in a cell, in its colour; null for none. `words` shortens it, and then its title holds all of it. */
function write(cell, value, limit, words = shown) {
  const field = cell.matches("input");
  const [text, whole] = value === null ? ["", ""] : [(field ? shown : words)(value), shown(value)];
  const colour = value === null ? "" : shade(value, limit);
  const look = `${text} ${whole} ${colour}`;
  if (!field && looks.get(cell) === look) return;
  looks.set(cell, look);
  cell.style.background = colour;
  if (words !== shown) cell.style.setProperty("--length", Math.max(text.length, 3));
  if (!field) {
    cell.textContent = text;
    if (words !== shown) cell.title = text === whole ? "" : whole;
  } else if (cell.getRootNode().activeElement !== cell) { // what the reader is typing stays
    cell.value = text;
    cell.removeAttribute("aria-invalid");
  }
}

/** A grid of cells in which the arrow keys move; only one cell is a stop of the Tab key. */
function grid({ name, rows, columns, cell }) {
  const cells = [];
  const box = element("div", { className: "lab-grid", role: "group", "aria-label": name });
  box.style.setProperty("--columns", columns);
  for (let i = 0; i < rows; i++) {
    cells.push([]);
    for (let j = 0; j < columns; j++) {
      const made = cell(i, j);
      made.setAttribute("data-lm-suppress-shortcuts", "true"); // Notebook 7 takes keys before the grid sees them
      cells[i].push(made);
      box.append(made);
    }
  }
  const focusable = (i, j) => cells[i]?.[j]?.matches("input, button") ? cells[i][j] : null;
  let only = null;
  const stop = (one) => {
    if (only) only.tabIndex = -1;
    only = one;
    if (only) only.tabIndex = 0;
  };
  for (const one of box.querySelectorAll("input, button")) one.tabIndex = -1;
  stop(box.querySelector("input, button"));
  box.addEventListener("focusin", (event) => stop(event.target));
  box.addEventListener("keydown", (event) => {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    if ((!down && !right) || event.ctrlKey || event.metaKey || event.altKey) return;
    const i = cells.findIndex((row) => row.includes(event.target));
    if (i < 0) return;
    const next = focusable(i + down, cells[i].indexOf(event.target) + right);
    event.preventDefault();
    event.stopPropagation();
    if (next) { next.focus(); next.select?.(); }
  });
  return { element: box, cells, stop };
}

/** A cell to type a number into. */
function numberCell(name, onNumber) {
  const input = element("input", {
    type: "text", inputMode: "decimal", autocomplete: "off", "aria-label": name, "data-lm-suppress-shortcuts": "true",
  });
  input.addEventListener("input", () => {
    const value = typed(input.value);
    if (value === null) input.setAttribute("aria-invalid", "true");
    else { input.removeAttribute("aria-invalid"); onNumber(value); }
  });
  return input;
}

/** Says to style sheets and to screen readers what stands here. */
function introduce(el, name, label) {
  el.classList.add("lab", `lab-${name}`, "live");
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", label);
}

/** Calls `update` once after any of the names have changed, here or in Python; returns how to stop that. */
function follow(model, names, update) {
  let due = false;
  let over = false;
  const later = () => {
    if (!due) queueMicrotask(() => { due = false; if (!over) update(); });
    due = true;
  };
  for (const name of names) model.on(`change:${name}`, later);
  update();
  return () => {
    over = true;
    for (const name of names) model.off(`change:${name}`, later);
  };
}

/** Returns a request to run `act` after the next layout: to ask for a size before it would stop everything for it. */
function afterLayout(box, act) {
  const watch = new ResizeObserver(() => { watch.disconnect(); act(); });
  return () => watch.observe(box);
}

/** Several values at once. */
function change(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  model.save_changes();
}
