// The network calculator: a stack of layers, what each of them costs, and the question in the other direction.

const KINDS = {
  conv: "convolution", max_pool: "max pooling", avg_pool: "average pooling", conv_transpose: "transposed convolution",
  linear: "flatten + linear", global_avg_pool: "global average pooling", upsample: "upsampling",
};
// The layers that "add" makes; their settings are also the fields to edit, in this order.
const FRESH = {
  conv: { out_channels: 64, kernel_size: [3, 3], stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1, bias: true },
  max_pool: { kernel_size: [2, 2], stride: [2, 2], padding: [0, 0], ceil_mode: false },
  avg_pool: { kernel_size: [2, 2], stride: [2, 2], padding: [0, 0], ceil_mode: false },
  conv_transpose: { out_channels: 64, kernel_size: [4, 4], stride: [2, 2], padding: [1, 1], output_padding: [0, 0], bias: true },
  linear: { out_features: 10, bias: true },
  global_avg_pool: {},
  upsample: { scale_factor: 2 },
};
const SETTINGS = {
  out_channels: "output channels", kernel_size: "kernel k", stride: "stride s", padding: "padding p", dilation: "dilation d",
  groups: "groups g", output_padding: "output padding", out_features: "outputs", scale_factor: "factor", bias: "bias",
  ceil_mode: "round up (ceil_mode)",
};
const MOST = {
  out_channels: 65536, out_features: 65536, groups: 65536, scale_factor: 32, kernel_size: 100, stride: 100, padding: 100,
  dilation: 100, output_padding: 100, channels: 65536, height: 4096, width: 4096, batch: 4096, size: 512,
};
const LARGEST_SIDE = 16384;
const MOST_CHOICES = 24;
const ITEMSIZES = { 8: "8 bytes (float64)", 4: "4 bytes (float32)", 2: "2 bytes (half)", 1: "1 byte (int8)" };
const COSTS = { parameters: "parameters", multiplyAdds: "multiply-adds", memory: "memory" };

// --- well-known stacks ---

const both = (value) => [value, value];
const convLayer = (out, k = 3, s = 1, p = 1, more = {}) =>
  ({ kind: "conv", ...FRESH.conv, out_channels: out, kernel_size: both(k), stride: both(s), padding: both(p), ...more });
const poolLayer = (k = 2, s = 2, p = 0, kind = "max_pool") =>
  ({ kind, ...FRESH[kind], kernel_size: both(k), stride: both(s), padding: both(p) });
const linearLayers = (...features) => features.map((out) => ({ kind: "linear", out_features: out, bias: true }));
const upLayer = (out, s = 2, p = 1) =>
  ({ kind: "conv_transpose", ...FRESH.conv_transpose, out_channels: out, stride: both(s), padding: both(p), bias: false });

const NETWORKS = {
  "VGG-16": [[3, 224, 224], [
    ...[[64, 2], [128, 2], [256, 3], [512, 3], [512, 3]].flatMap(([out, times]) => [...Array.from({ length: times }, () => convLayer(out)), poolLayer()]),
    ...linearLayers(4096, 4096, 1000)]],
  "LeNet-5": [[1, 32, 32], [
    convLayer(6, 5, 1, 0), poolLayer(2, 2, 0, "avg_pool"), convLayer(16, 5, 1, 0), poolLayer(2, 2, 0, "avg_pool"), convLayer(120, 5, 1, 0),
    ...linearLayers(84, 10)]],
  AlexNet: [[3, 224, 224], [
    convLayer(64, 11, 4, 2), poolLayer(3), convLayer(192, 5, 1, 2), poolLayer(3), convLayer(384), convLayer(256), convLayer(256), poolLayer(3),
    ...linearLayers(4096, 4096, 1000)]],
  "ResNet-18 without its branches": [[3, 224, 224], [
    convLayer(64, 7, 2, 3, { bias: false }), poolLayer(3, 2, 1),
    ...[64, 128, 256, 512].flatMap((out) => [0, 1, 2, 3].map((i) => convLayer(out, 3, out > 64 && i === 0 ? 2 : 1, 1, { bias: false }))),
    { kind: "global_avg_pool" }, ...linearLayers(1000)]],
  "MobileNet block": [[32, 112, 112], [convLayer(32, 3, 1, 1, { groups: 32, bias: false }), convLayer(64, 1, 1, 0, { bias: false })]],
  "DCGAN generator": [[100, 1, 1], [upLayer(512, 1, 0), upLayer(256), upLayer(128), upLayer(64), upLayer(3)]],
  empty: [[3, 224, 224], []],
};

// --- the arithmetic ---

const AXES = ["rows", "columns"];
const product = (numbers) => numbers.reduce((one, other) => one * other, 1);

/** How many windows there are along one axis, at least 0; with `up` a last one may reach beyond the padding. */
function windowCount(n, k, s, p, d = 1, up = false) {
  const room = n + 2 * p - d * (k - 1) - 1;
  let count = Math.floor((room + (up ? s - 1 : 0)) / s) + 1;
  if (up && (count - 1) * s >= n + p) count -= 1; // it would begin behind the last pixel
  return Math.max(count, 0);
}

/** How many pixels of one axis lie in no window. */
function unreadCount(n, k, s, p, d, count) {
  const read = new Uint8Array(n);
  for (let i = 0; i < count; i++) for (let u = 0; u < k; u++) {
    const pixel = i * s + u * d - p;
    if (pixel >= 0 && pixel < n) read[pixel] = 1;
  }
  return n - read.reduce((sum, one) => sum + one, 0);
}

/** What a layer makes of an input of this shape, or `problem`: why it cannot. */
function layerCosts(layer, shape) {
  const free = { parameters: 0, multiplyAdds: 0, unread: [0, 0] };
  if (layer.kind === "linear") {
    const weights = product(shape) * layer.out_features;
    return { ...free, output: [layer.out_features], parameters: weights + (layer.bias ? layer.out_features : 0), multiplyAdds: weights };
  }
  if (shape.length === 1) return { problem: `It needs an image, but what arrives is a list of ${grouped(shape[0])} numbers.` };
  const [channels, ...sizes] = shape;
  if (layer.kind === "global_avg_pool") return { ...free, output: [channels, 1, 1] };
  const tooLarge = (output) => {
    const axis = output.findIndex((n) => n > LARGEST_SIDE);
    return axis < 0 ? "" : `The output would have ${grouped(output[axis])} ${AXES[axis]}, and this calculator stops at ${grouped(LARGEST_SIDE)}.`;
  };
  if (layer.kind === "upsample") {
    const output = sizes.map((n) => n * layer.scale_factor);
    return tooLarge(output) ? { problem: tooLarge(output) } : { ...free, output: [channels, ...output] };
  }
  const { kernel_size: k, stride: s, padding: p } = layer;
  const out = layer.out_channels ?? channels;
  const weights = (channels / (layer.groups ?? 1)) * out * product(k);
  const parameters = weights + (layer.bias ? out : 0);
  if (layer.kind === "conv_transpose") {
    const output = [];
    for (const axis of [0, 1]) {
      const [extra, stride] = [layer.output_padding[axis], s[axis]];
      if (extra >= stride) return { problem: `The output padding must be smaller than the stride, but ${extra} is not below ${stride}.` };
      const span = (sizes[axis] - 1) * stride + k[axis] + extra;
      if (span - 2 * p[axis] < 1) return { problem: `Padding ${p[axis]} on either side leaves nothing of the ${span} ${AXES[axis]}.` };
      output.push(span - 2 * p[axis]);
    }
    if (tooLarge(output)) return { problem: tooLarge(output) };
    return { ...free, output: [out, ...output], parameters, multiplyAdds: weights * product(sizes) };
  }
  const isConv = layer.kind === "conv";
  const d = layer.dilation ?? [1, 1];
  for (const [what, n] of isConv ? [["input", channels], ["output", out]] : []) {
    if (n % layer.groups) return { problem: `${grouped(n)} ${what} channels cannot be split into ${grouped(layer.groups)} groups.` };
  }
  const output = [];
  for (const axis of [0, 1]) {
    const half = Math.floor(k[axis] / 2);
    if (!isConv && p[axis] > half) return { problem: `The padding of a pooling can be at most half of its window: ${half} for ${k[axis]} ${AXES[axis]}, not ${p[axis]}.` };
    output.push(windowCount(sizes[axis], k[axis], s[axis], p[axis], d[axis], layer.ceil_mode));
    if (output[axis] < 1) {
      return { problem: `No window fits: it spans ${d[axis] * (k[axis] - 1) + 1} ${AXES[axis]}, the padded input has ${sizes[axis] + 2 * p[axis]}.` };
    }
  }
  const unread = [0, 1].map((axis) => unreadCount(sizes[axis], k[axis], s[axis], p[axis], d[axis], output[axis]));
  return { ...free, output: [out, ...output], unread, ...(isConv && { parameters, multiplyAdds: weights * product(output) }) };
}

/** A row for each layer. Where one does not fit, those below wait for it. */
function rowsOf({ input, layers, batch, itemsize }) {
  const nothing = { output: null, parameters: 0, multiplyAdds: 0, memory: 0, unread: [0, 0], problem: "", waits: 0 };
  let shape = input;
  let stopped = 0;
  return layers.map((layer, i) => {
    const row = { ...nothing, text: layerInWords(layer, shape), input: shape, ...(shape ? layerCosts(layer, shape) : { waits: stopped }) };
    if (row.problem) stopped = i + 1;
    shape = row.output;
    return shape ? { ...row, memory: batch * itemsize * product(shape) } : row;
  });
}

const total = (rows, cost) => rows.reduce((sum, row) => sum + row[cost], 0);

/** Every convolution that takes one size to another as [k, s, p, d, pixels in no window], the best guess first. */
function choicesOf([from, to, mostK, mostS, mostD]) {
  const found = [];
  for (let d = 1; d <= mostD; d++) for (let k = 1; k <= mostK; k++) for (let p = 0; p <= d * (k - 1); p++) {
    for (let s = 1; s <= mostS; s++) {
      if (windowCount(from, k, s, p, d) !== to) continue;
      found.push([k, s, p, d, unreadCount(from, k, s, p, d, to)]);
      if (to === 1) break; // the stride of a single window has no effect
    }
  }
  const order = ([k, s, p, d, unread]) => [Number(unread > 0), d, k, s, p];
  return found.sort((one, other) => {
    const [mine, theirs] = [order(one), order(other)];
    const at = mine.findIndex((value, i) => value !== theirs[i]);
    return at < 0 ? 0 : mine[at] - theirs[at];
  });
}

/** The smallest and the largest input size that a choice takes to `to`. */
function inputSizes([k, s, p, d], to) {
  const first = (to - 1) * s + d * (k - 1) + 1 - 2 * p;
  return [Math.max(first, 1), first + s - 1];
}

/** Where in the stack a layer that starts from this many rows and columns can go; -1 for nowhere. */
function placeFor({ input }, rows, from) {
  const fits = (shape) => shape?.length === 3 && shape[1] === from && shape[2] === from;
  return rows.findLastIndex((row) => fits(row.output)) + 1 || (fits(input) ? 0 : -1);
}

// --- in words ---

/** Four digits and a word, from a million on. */
function inWords(value) {
  if (value < 1e6) return grouped(value);
  const rounded = Number(value.toPrecision(4));
  const [unit, word] = rounded < 1e9 ? [1e6, "million"] : rounded < 1e12 ? [1e9, "billion"] : [1e12, "trillion"];
  return `${grouped(rounded / unit)} ${word}`;
}

const exactly = (value) => (value < 1e15 ? grouped(value) : inWords(value));

function percent(part, all) {
  const share = Math.round((100 * part) / (all || 1));
  return share || !part ? `${share} %` : "under 1 %";
}

const sizeInWords = (shape) => shape.map(grouped).join(" × ");
const bothInWords = ([one, other]) => (one === other ? String(one) : `${one}×${other}`);
const apart = ([one, other], usual) => one !== usual || other !== usual;

function layerInWords(layer, shape) {
  const bias = layer.bias === false ? ", no bias" : "";
  if (layer.kind === "linear") {
    return `${shape?.length === 1 ? "" : "flatten, "}linear${shape ? ` ${grouped(product(shape))}` : ""} → ${grouped(layer.out_features)}${bias}`;
  }
  if (layer.kind === "global_avg_pool") return "global average pool";
  if (layer.kind === "upsample") return `upsample ×${layer.scale_factor}`;
  const name = { conv: "conv", conv_transpose: "transposed conv", max_pool: "max pool", avg_pool: "average pool" }[layer.kind];
  return [
    `${name} ${layer.kernel_size.join("×")}`,
    layer.out_channels ? `, ${shape ? `${grouped(shape[0])} ` : ""}→ ${grouped(layer.out_channels)}` : "",
    `, s${bothInWords(layer.stride)} p${bothInWords(layer.padding)}`,
    layer.dilation && apart(layer.dilation, 1) ? ` d${bothInWords(layer.dilation)}` : "",
    layer.groups > 1 ? ` g${layer.groups}` : "",
    layer.output_padding && apart(layer.output_padding, 0) ? `, output padding ${bothInWords(layer.output_padding)}` : "",
    layer.ceil_mode ? ", round up" : "", bias,
  ].join("");
}

function unreadInWords(unread) {
  const parts = unread.flatMap((n, axis) => (n ? [`${n} ${["row", "column"][axis]}${n > 1 ? "s" : ""}`] : []));
  return parts.length ? `in no window: ${parts.join(" and ")}` : "";
}

function summaryInWords({ batch, itemsize }, rows) {
  if (!rows.length) return "No layers yet.";
  const stopped = rows.findIndex((row) => row.problem) + 1;
  const [parameters, multiplyAdds, memory] = Object.keys(COSTS).map((cost) => total(rows, cost));
  return `${stopped ? `Layer ${stopped} does not fit; the layers above it have ` : ""}${exactly(parameters)} parameters (${inBytes(parameters * itemsize)}), `
    + `${exactly(multiplyAdds)} multiply-adds for one image, and outputs of ${inBytes(memory)}${batch > 1 ? `, for ${inWords(batch)} images` : ""}.`;
}

function mostInWords(rows) {
  return Object.entries(COSTS).flatMap(([cost, words]) => {
    const values = rows.map((row) => row[cost]);
    const most = Math.max(0, ...values);
    return most ? [`Most ${words}: layer ${values.indexOf(most) + 1} (${percent(most, total(rows, cost))}).`] : [];
  }).join(" ");
}

/** What another input size has changed, and what not; "" where there is nothing to compare. */
function changeInWords(before, rowsBefore, now, rows) {
  if (!rows.length || [...rows, ...rowsBefore].some((row) => row.problem)) return "";
  if (before.join() === now.join()) return "Move the size: what stays, and what grows?";
  const of = (all, ...costs) => costs.map((cost) => total(all, cost));
  const ratio = (one, other) => (one === other ? "as before" : `× ${shown(one / other)}`);
  const [[work, memory], [workBefore, memoryBefore]] = [rows, rowsBefore].map((all) => of(all, "multiplyAdds", "memory"));
  const isLinear = (row) => row.output.length === 1;
  const kinds = [["convolutions", (row) => !isLinear(row)], ["linear layers", isLinear]].flatMap(([name, ours]) => {
    const [count, countBefore] = [rows, rowsBefore].map((all) => total(all.filter(ours), "parameters"));
    return count ? [`parameters of ${name} ${ratio(count, countBefore)}`] : [];
  });
  return `Against ${sizeInWords(before.slice(1))}: multiply-adds ${ratio(work, workBefore)}, memory ${ratio(memory, memoryBefore)}; ${kinds.join(", ")}.`;
}

const optionInWords = ([k, s, p, d]) => `k${k} s${s} p${p}${d > 1 ? ` d${d}` : ""}`;

function choicesInWords([from, to, k, s, d], choices) {
  const limits = `kernel up to ${k}, stride up to ${s}${d > 1 ? `, dilation up to ${d}` : ""}`;
  if (!choices.length) return `No convolution leads from ${from} to ${to} pixels with ${limits}.`;
  const whole = choices.filter((one) => !one[4]).length;
  const which = whole === choices.length ? (whole > 1 ? "all of them" : "it") : String(whole || "none");
  return `${choices.length === 1 ? "1 convolution leads" : `${choices.length} convolutions lead`} from ${from} to ${to} pixels with ${limits}; `
    + `${which} ${whole < 2 ? "reads" : "read"} every pixel.`;
}

function sizesInWords(choice, to) {
  const [first, last] = inputSizes(choice, to);
  return `${optionInWords(choice)} takes ${first === last ? `only ${first} pixels` : `every size from ${first} to ${last} pixels`} to ${to}.`;
}

/** One whole number, or two ("3, 5"), as a list; null for what is none, or is too small or too large. */
function wholeNumbers(text, least, most, two) {
  const numbers = text.trim().split(/\s*[\s,;.x×]\s*/).map((part) => (/^\d+$/.test(part) ? Number(part) : NaN));
  if (numbers.length > (two ? 2 : 1) || !numbers.every((n) => n >= least && n <= most)) return null;
  return two && numbers.length === 1 ? both(numbers[0]) : numbers;
}

/** The same layer as another kind: what both have is kept. */
function remade(layer, kind) {
  const kept = Object.entries(FRESH[kind]).map(([name, fresh]) => [name, layer[name] ?? fresh]);
  return { kind, ...Object.fromEntries(kept) };
}

let labsOnPage = 0;

function render({ model, el }) {
  const names = ["input", "layers", "batch", "itemsize", "question", "choice"];
  const state = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  const group = `lab-choices-${++labsOnPage}`;
  let before = model.get("input"); // the input that another size is compared with
  let built = "";
  let items = [];
  let showAll = false;

  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

  /** A field for one whole number, or for two. */
  function field({ label, name = label, least = 1, most, two = false, onNumbers }) {
    const input = element("input", {
      type: "text", inputMode: "decimal", autocomplete: "off", size: two ? 5 : 6, "aria-label": name, "data-lm-suppress-shortcuts": "true",
    });
    input.addEventListener("input", () => {
      const numbers = wholeNumbers(input.value, least, most, two);
      if (numbers) { input.removeAttribute("aria-invalid"); onNumbers(numbers); } else input.setAttribute("aria-invalid", "true");
    });
    input.addEventListener("focusout", () => queueMicrotask(update));
    input.title = two ? `one number from ${least} to ${most}, or two: rows, columns` : `from ${least} to ${grouped(most)}`;
    return {
      element: element("label", { className: "lab-field" }, `${label} `, input),
      set(numbers) {
        if (input.getRootNode().activeElement === input) return; // what the reader is typing stays
        input.value = two && numbers[0] === numbers[1] ? String(numbers[0]) : numbers.join(", ");
        input.removeAttribute("aria-invalid");
      },
    };
  }

  // The input
  const network = menu({
    name: "network", choices: { "": "your own", ...Object.fromEntries(Object.keys(NETWORKS).map((name) => [name, name])) },
    onChange(name) {
      if (!name) { update(); return; }
      const [input, layers] = structuredClone(NETWORKS[name]);
      before = input;
      built = "";
      change(model, { input, layers });
    },
  });
  const inputs = ["channels", "height", "width"].map((label, axis) => field({
    label, name: `input, ${label}`, most: MOST[label],
    onNumbers: ([n]) => change(model, { input: model.get("input").map((old, i) => (i === axis ? n : old)) }),
  }));
  const size = slider({ name: "height and width", min: 32, max: 512, step: 8, onInput: (n) => change(model, { input: [model.get("input")[0], n, n] }) });
  const batch = field({ label: "images", name: "images in a batch", most: MOST.batch, onNumbers: ([n]) => change(model, { batch: n }) });
  const itemsize = menu({ name: "numbers", choices: ITEMSIZES, onChange: (n) => change(model, { itemsize: Number(n) }) });

  // The stack
  const summary = element("p", { className: "lab-summary", role: "status" });
  const changed = element("p", { className: "lab-changed" });
  const head = element("div", { className: "lab-line lab-head", "aria-hidden": "true" },
    ...["layer", "output", ...Object.values(COSTS)].map((words) => element("span", {}, words)));
  const list = element("ol", { className: "lab-stack", "aria-label": "layers" });
  const totals = Object.fromEntries(Object.entries(COSTS).map(([cost, words]) => [cost, countCell(words)]));
  const footer = element("p", { className: "lab-line lab-total" }, element("span", { className: "lab-what" }, "total"), element("span"),
    ...Object.values(totals).map((cell) => cell.element));
  const kinds = menu({ name: "a layer more", choices: KINDS, onChange() {} });
  const add = button("add", () => edit(model.get("layers").length, (layers) => layers.push({ kind: kinds.input.value, ...structuredClone(FRESH[kinds.input.value]) })), "add the layer at the end");

  function countCell(words) {
    const [exact, rounded] = ["lab-exact", "lab-words"].map((className) => element("span", { className }));
    const cell = element("span", { className: "lab-count" }, exact, rounded, element("small", {}, ` ${words}`));
    return {
      element: cell,
      set(value, share, inUnits) {
        exact.textContent = inUnits ? inUnits(value) : exactly(value);
        rounded.textContent = inUnits ? inUnits(value) : inWords(value);
        cell.style.setProperty("--share", `${(100 * share).toFixed(1)}%`);
      },
    };
  }

  /** Changes the stack, and the list of which rows are open with it; then the focus goes to a part of row `at`. */
  function edit(at, how, { move, focus = "summary", open = true } = {}) {
    const layers = [...model.get("layers")];
    const opened = items.map((item) => item.details.open);
    how(layers);
    move?.(opened);
    if (open) opened[at] = true;
    built = "";
    change(model, { layers });
    update(); // now, so that there is something to focus
    items.forEach((item, i) => { item.details.open = Boolean(opened[i]); });
    const next = items[Math.min(at, items.length - 1)];
    if (!next) kinds.input.focus();
    else if (next[focus].disabled) next.summary.focus();
    else next[focus].focus();
  }

  function makeItem(i, { kind }) {
    const [what, number, output] = [element("span"), element("span", { className: "lab-number" }, `${i + 1}`), element("span", { className: "lab-shape" })];
    const cells = Object.fromEntries(Object.entries(COSTS).map(([cost, words]) => [cost, countCell(words)]));
    const line = element("summary", { className: "lab-line" },
      element("span", { className: "lab-what" }, number, " ", what), output, ...Object.values(cells).map((cell) => cell.element));
    const set = (name, value) => change(model, { layers: model.get("layers").map((layer, j) => (j === i ? { ...layer, [name]: value } : layer)) });
    const kindMenu = menu({ name: "kind", choices: KINDS, onChange: (value) => edit(i, (layers) => { layers[i] = remade(layers[i], value); }, { focus: "kind" }) });
    kindMenu.set(kind);
    const fields = Object.entries(FRESH[kind]).map(([name, fresh]) => {
      if (typeof fresh === "boolean") {
        const box = checkbox(SETTINGS[name], (checked) => set(name, checked));
        return { element: box.element, show: (layer) => { box.input.checked = layer[name]; } };
      }
      const two = Array.isArray(fresh);
      const made = field({
        label: name === "kernel_size" && kind.endsWith("pool") ? "window k" : SETTINGS[name], least: name.endsWith("padding") ? 0 : 1, most: MOST[name], two,
        onNumbers: (numbers) => set(name, two ? numbers : numbers[0]),
      });
      return { element: made.element, show: (layer) => made.set(two ? layer[name] : [layer[name]]) };
    });
    const swap = (list, a, b) => { [list[a], list[b]] = [list[b], list[a]]; };
    const move = (by, name) => edit(i + by, (layers) => swap(layers, i, i + by), { move: (opened) => swap(opened, i, i + by), focus: name });
    const up = button("move up", () => move(-1, "up"));
    const down = button("move down", () => move(1, "down"));
    const copy = button("copy below", () => edit(i + 1, (layers) => layers.splice(i + 1, 0, structuredClone(layers[i])), { move: (opened) => opened.splice(i + 1, 0, true), focus: "kind" }));
    const remove = button("remove", () => edit(i, (layers) => layers.splice(i, 1), { move: (opened) => opened.splice(i, 1), open: false }));
    const share = element("p", { className: "lab-shares" });
    const editor = element("div", { className: "lab-editor" },
      element("div", { className: "lab-row" }, kindMenu.element, ...fields.map((one) => one.element)),
      element("div", { className: "lab-steps" }, up, down, copy, remove), share);
    const details = element("details", {}, line, editor);
    const remark = element("p", { className: "lab-remark" });
    return {
      element: element("li", {}, details, remark), details, summary: line, kind: kindMenu.input, up, down,
      show(layer, row, rows, most) {
        what.textContent = row.text;
        output.textContent = row.output ? sizeInWords(row.output) : "—";
        for (const [cost, cell] of Object.entries(cells)) cell.set(row[cost], row[cost] / (most[cost] || 1), cost === "memory" && inBytes);
        line.classList.toggle("waiting", !row.output);
        remark.textContent = row.problem || (row.waits ? `Waits for layer ${row.waits}.` : unreadInWords(row.unread));
        remark.classList.toggle("lab-problem", Boolean(row.problem));
        for (const one of fields) one.show(layer);
        up.disabled = i === 0;
        down.disabled = i === rows.length - 1;
        const parts = Object.entries(COSTS).map(([cost, words]) => `${percent(row[cost], total(rows, cost))} of the ${words}`);
        share.textContent = row.output ? `This layer has ${parts[0]}, ${parts[1]} and ${parts[2]}.` : "";
      },
    };
  }

  // The other direction
  const ask = (i, value) => change(model, { question: model.get("question").map((old, j) => (j === i ? value : old)), choice: 0 });
  const [from, to] = ["from", "to"].map((label, i) => field({ label, name: `${label}, pixels`, most: MOST.size, onNumbers: ([n]) => ask(i, n) }));
  const limits = [["kernel up to", 11], ["stride up to", 8], ["dilation up to", 3]].map(([name, max], i) => {
    const made = slider({ name, min: 1, max, onInput: (value) => ask(i + 2, value) });
    return { ...made, element: element("div", { className: "lab-limit" }, element("span", {}, name), made.element) };
  });
  const found = element("p", { role: "status" });
  const answers = element("div", { className: "lab-choices", role: "radiogroup", "aria-label": "convolutions that lead there" });
  const more = button("", () => { showAll = !showAll; update(); });
  const chosenWords = element("p", { role: "status" });
  const use = button("put it into the stack", () => {
    const now = state();
    const rows = rowsOf(now);
    const place = placeFor(now, rows, now.question[0]);
    const [k, s, p, d] = chosenOf(now, choicesOf(now.question));
    const channels = place ? rows[place - 1].output[0] : now.input[0];
    const layer = convLayer(channels, k, s, p, { dilation: both(d) });
    edit(place, (layers) => layers.splice(place, 0, layer), { move: (opened) => opened.splice(place, 0, true) });
  });
  const goesWhere = element("span");

  const chosenOf = ({ choice }, choices) => choices[Math.min(choice, choices.length - 1)];
  let answered = "";

  function updateAnswers(now, rows) {
    const choices = choicesOf(now.question);
    const visible = choices.slice(0, showAll ? choices.length : MOST_CHOICES);
    from.set([now.question[0]]);
    to.set([now.question[1]]);
    limits.forEach((limit, i) => limit.set(now.question[i + 2]));
    found.textContent = choicesInWords(now.question, choices);
    const form = JSON.stringify([now.question, showAll]);
    if (form !== answered) {
      answered = form;
      answers.replaceChildren(...visible.map((one, i) => {
        const input = element("input", { type: "radio", name: group, value: i, "data-lm-suppress-shortcuts": "true" });
        input.addEventListener("change", () => change(model, { choice: i }));
        return element("label", { className: "lab-choice" }, input, element("span", {}, element("strong", {}, optionInWords(one)),
          element("small", {}, one[4] ? `${grouped(one[4])} in no window` : "reads every pixel")));
      }));
    }
    const chosen = chosenOf(now, choices);
    answers.querySelectorAll("input").forEach((input, i) => { input.checked = choices[i] === chosen; });
    answers.hidden = chosenWords.hidden = use.hidden = goesWhere.hidden = !choices.length;
    more.hidden = choices.length <= MOST_CHOICES;
    more.textContent = showAll ? "show fewer" : `show all ${choices.length}`;
    more.setAttribute("aria-label", more.textContent);
    if (!choices.length) return;
    chosenWords.textContent = sizesInWords(chosen, now.question[1]);
    const place = placeFor(now, rows, now.question[0]);
    use.disabled = place < 0;
    goesWhere.textContent = place < 0 ? `(nothing in the stack is ${now.question[0]} × ${now.question[0]})`
      : `as layer ${place + 1}, from ${sizeInWords(place ? rows[place - 1].output : now.input)}`;
  }

  function update() {
    const now = state();
    const rows = rowsOf(now);
    network.set(Object.keys(NETWORKS).find((name) => same(NETWORKS[name], [now.input, now.layers])) ?? "");
    inputs.forEach((one, i) => one.set([now.input[i]]));
    size.set(now.input[1]);
    batch.set([now.batch]);
    itemsize.set(now.itemsize);
    summary.textContent = [summaryInWords(now, rows), mostInWords(rows)].filter(Boolean).join(" ");
    changed.textContent = changeInWords(before, rowsOf({ ...now, input: before }), now.input, rows);

    const form = JSON.stringify(now.layers.map((layer) => layer.kind));
    if (form !== built) {
      built = form;
      items = now.layers.map((layer, i) => makeItem(i, layer));
      list.replaceChildren(...items.map((item) => item.element));
    }
    const most = Object.fromEntries(Object.keys(COSTS).map((cost) => [cost, Math.max(0, ...rows.map((row) => row[cost]))]));
    items.forEach((item, i) => item.show(now.layers[i], rows[i], rows, most));
    for (const [cost, cell] of Object.entries(totals)) cell.set(total(rows, cost), 0, cost === "memory" && inBytes);
    updateAnswers(now, rows);
  }

  introduce(el, "network", "Live lab: network calculator");
  el.replaceChildren(
    element("div", { className: "lab-row" }, network.element, batch.element, itemsize.element),
    element("div", { className: "lab-row" }, ...inputs.map((one) => one.element)),
    element("div", { className: "lab-limit" }, element("span", {}, "height and width"), size.element),
    summary, changed, head, list, footer,
    element("div", { className: "lab-row" }, kinds.element, add),
    element("p", { className: "lab-note" }, "Open a layer to edit it. Bars: against the largest of the column. Activations and normalisation keep the shape and have no row; for pooling no multiply-adds are counted."),
    element("div", { className: "lab-question" },
      element("p", {}, element("strong", {}, "Which convolution leads from one size to another?")),
      element("div", { className: "lab-row" }, from.element, to.element), ...limits.map((limit) => limit.element),
      found, answers, chosenWords, element("div", { className: "lab-steps" }, use, goesWhere, more)),
  );
  return follow(model, names, update);
}

export default { render };
