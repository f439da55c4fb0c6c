// The transposed convolution in four views: copies laid down, zeros inserted, the turned matrix, how many copies overlap.

const AXES = ["rows", "columns"];
const LIMITS = { image: [1, 4], kernel: [1, 4], stride: [1, 4], padding: [0, 3], output_padding: [0, 3], dilation: [1, 3] };
const VIEWS = { scatter: "scatter", gather: "gather", matrix: "matrix", overlap: "overlap" };
const MEANING = {
  scatter: "Every pixel of the input lays a copy of the kernel, times itself, onto the output. The copies start a stride apart; where they overlap, they add up.",
  gather: "The same as an ordinary convolution of stride 1: zeros between the pixels and around them, and the kernel turned by 180 degrees.",
  matrix: "The convolution with this kernel is a matrix C. This layer multiplies by the same matrix turned over: y = Cᵀ x.",
  overlap: "How many copies reach each pixel of the output? Where neighbours differ, uniform grey becomes a pattern.",
};

// --- the arithmetic, along one axis and then pixel by pixel ---

/** All that the size formula says about one axis; `before` and `after` are the zeros around the spread input. */
function axisOf(state, axis) {
  const [n, k] = [state.image, state.kernel].map((rows) => (axis ? rows[0].length : rows.length));
  const [s, p, e, d] = ["stride", "padding", "output_padding", "dilation"].map((what) => state[what][axis]);
  const reach = d * (k - 1);
  const spread = (n - 1) * s + 1;
  const full = spread + reach + e; // before padding is cut off either side
  return { n, k, s, p, e, d, reach, spread, full, size: full - 2 * p, before: reach - p, after: reach - p + e };
}

const axesOf = (state) => [axisOf(state, 0), axisOf(state, 1)];
const table = (rows, columns, value) => Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (__, j) => value(i, j)));

/** Why there is no output, in a sentence; "" where there is one. */
function problemOf(state) {
  for (const axis of [0, 1]) {
    const { n, s, p, e, d, full, size } = axisOf(state, axis);
    const one = AXES[axis].slice(0, -1);
    if (e >= Math.max(s, d)) {
      return `Output padding ${e} is too much for the ${AXES[axis]}: it must be smaller than the stride (${s}) or the dilation (${d}). It chooses among the sizes that a convolution with stride ${s} takes to ${plural(n, one)}, and ${s === 1 ? "there is only one" : `there are ${s}`}.`;
    }
    if (size < 1) return `Padding ${p} leaves nothing: it takes away ${plural(p, one)} on either side, and the copies span ${full}.`;
  }
  return "";
}

/** Where on the output each tap of the copy of pixel (i, j) lands. */
function landingOf(state, i, j) {
  const [down, across] = axesOf(state);
  return state.kernel.flatMap((line, u) => line.map((weight, v) => {
    const [r, c] = [i * down.s + u * down.d - down.p, j * across.s + v * across.d - across.p];
    return { weight, r, c, inside: r >= 0 && r < down.size && c >= 0 && c < across.size };
  }));
}

/** All copies up to the pixel at place `last`, added up, with the border that padding then cuts off. */
function canvasOf(state, last = Infinity) {
  const [down, across] = axesOf(state);
  const canvas = table(down.full, across.full, () => 0);
  state.image.forEach((line, i) => line.forEach((pixel, j) => {
    if (i * across.n + j > last) return;
    for (const { weight, r, c } of landingOf(state, i, j)) canvas[r + down.p][c + across.p] += pixel * weight;
  }));
  return canvas;
}

/** The output, as the copies make it. */
function scattered(state) {
  const [down, across] = axesOf(state);
  return canvasOf(state).slice(down.p, down.p + down.size).map((row) => row.slice(across.p, across.p + across.size));
}

/** The input with zeros between its pixels and around them; what negative zeros around it cut off is there, too. */
function spreadOf(state) {
  const axes = axesOf(state).map(({ s, spread, before, after }) => {
    const first = -Math.max(before, 0);
    return Array.from({ length: spread + Math.max(after, 0) - first }, (_, at) => {
      const q = first + at;
      const within = q >= 0 && q < spread;
      return { pixel: within && q % s === 0 ? q / s : -1, within, cut: q < -before || q > spread - 1 + after };
    });
  });
  return axes[0].map((row) => axes[1].map((column) => {
    const real = row.pixel >= 0 && column.pixel >= 0;
    const kind = real ? "pixel" : row.within && column.within ? "between" : "around";
    return { value: real ? state.image[row.pixel][column.pixel] : 0, kind, cut: row.cut || column.cut };
  }));
}

const turned = (rows) => rows.map((row) => [...row].reverse()).reverse();

/** Rows or columns of the spread input, as drawn, that the window of output pixel `at` reads. */
const windowAt = ({ k, d, before }, at) => Array.from({ length: k }, (_, u) => at + u * d - Math.min(before, 0));

/** The output, as windows over the spread input make it. */
function gathered(state) {
  const [down, across] = axesOf(state);
  const [spread, kernel] = [spreadOf(state), turned(state.kernel)];
  return table(down.size, across.size, (a, e) => windowAt(down, a).reduce((sum, r, u) =>
    windowAt(across, e).reduce((part, c, v) => part + kernel[u][v] * spread[r][c].value, sum), 0));
}

/** The pixels whose copies reach output pixel (a, e), and the weight that each comes with. */
function readersOf(state, a, e) {
  const [down, across] = axesOf(state);
  const tap = ({ s, p, d, k }, at, i) => {
    const offset = at + p - i * s;
    return offset >= 0 && offset % d === 0 && offset / d < k ? offset / d : -1;
  };
  return state.image.flatMap((line, i) => line.flatMap((pixel, j) => {
    const [u, v] = [tap(down, a, i), tap(across, e, j)];
    return u < 0 || v < 0 ? [] : [{ i, j, u, v, pixel, weight: state.kernel[u][v] }];
  }));
}

/** The turned matrix: a row for each output pixel, a column for each input pixel; null where it must be 0. */
function matrixOf(state) {
  const [down, across] = axesOf(state);
  return Array.from({ length: down.size * across.size }, (_, row) => {
    const entries = Array(down.n * across.n).fill(null);
    for (const { i, j, weight } of readersOf(state, Math.floor(row / across.size), row % across.size)) entries[i * across.n + j] = weight;
    return entries;
  });
}

/** The output, as the matrix makes it. */
function multiplied(state) {
  const [x, [down, across]] = [state.image.flat(), axesOf(state)];
  const y = matrixOf(state).map((row) => row.reduce((sum, weight, j) => sum + (weight ?? 0) * x[j], 0));
  return table(down.size, across.size, (a, e) => y[a * across.size + e]);
}

const withOnes = (rows) => rows.map((row) => row.map(() => 1));
const countsOf = (state) => scattered({ ...state, image: withOnes(state.image), kernel: withOnes(state.kernel) });
const evenOf = (state) => scattered({ ...state, image: withOnes(state.image) });

/** Far from the edges: the weights that meet, by turns, along the rows and columns of a stride; and how many along each. */
function phasesOf(state) {
  const [down, across] = axesOf(state);
  const counts = [down, across].map(({ s, d, k }) => Array.from({ length: s }, (_, r) =>
    Array.from({ length: k }, (__, u) => u * d).filter((at) => at % s === r).length));
  const sums = table(down.s, across.s, (r, c) => state.kernel.reduce((sum, line, u) => ((u * down.d) % down.s === r
    ? line.reduce((part, weight, v) => ((v * across.d) % across.s === c ? part + weight : part), sum) : sum), 0));
  return { counts, sums };
}

/** How many taps of all copies land on the output. */
const landed = (state) => countsOf(state).flat().reduce((sum, one) => sum + one, 0);

// --- in words ---

const inSum = (value) => (value < 0 ? `(${shown(value)})` : shown(value));

/** What adds up to 0 but for many roundings is 0. */
const settled = (value) => (Math.abs(value) < 1e-9 ? 0 : value);

const sumOf = (readers, value) => `${readers.map(({ weight, pixel }) => `${inSum(weight)} · ${inSum(pixel)}`).join(" + ")} = ${shown(settled(value))}`;
const headInWords = (view, [i, j]) => `${view === "scatter" ? "pixel" : "output"} row ${i}, column ${j}: `;

function scatterInWords(state, [i, j]) {
  const [down, across] = axesOf(state);
  const taps = landingOf(state, i, j);
  const cut = taps.filter(({ inside }) => !inside).length;
  const start = [[i, down], [j, across]].map(([at, { s, p }]) => `${at}·${s} − ${p} = ${shown(at * s - p)}`);
  const lost = cut === taps.length ? (cut === 1 ? "its only number is" : `all its ${cut} numbers are`) : `${cut} of its ${taps.length} numbers ${cut === 1 ? "is" : "are"}`;
  return `${inSum(state.image[i][j])} · kernel, with its first tap at row ${start[0]}, column ${start[1]}${cut ? `; ${lost} cut off by the padding` : ""}`;
}

function gatherInWords(state, [a, e], value) {
  const readers = readersOf(state, a, e);
  const taps = state.kernel.flat().length;
  const others = taps - readers.length;
  if (!readers.length) return `${taps === 1 ? "the only tap meets a zero" : `all ${taps} taps meet zeros`}: 0`;
  const rest = others === 1 ? "the other tap meets a zero" : `the other ${others} taps meet zeros`;
  return sumOf(readers, value) + (others ? `; ${rest}` : "");
}

function matrixInWords(state, [a, e], value) {
  const [{ n }, { n: m, size: width }] = axesOf(state);
  const readers = readersOf(state, a, e);
  const others = n * m - readers.length;
  const row = `row ${a}·${width} + ${e} = ${a * width + e} of Cᵀ times x: `;
  if (!readers.length) return `${row}${others === 1 ? "its only entry must be 0" : `all its ${others} entries must be 0`}`;
  const rest = others === 1 ? "its other entry must be 0" : `its other ${others} entries must be 0`;
  return row + sumOf(readers, value) + (others ? `; ${rest}` : "");
}

function overlapInWords(state, [a, e]) {
  const pixels = readersOf(state, a, e).map(({ i, j }) => `(${i}, ${j})`);
  if (!pixels.length) return "no copy reaches it";
  return pixels.length === 1 ? `1 copy reaches it, from pixel ${pixels[0]}` : `${pixels.length} copies reach it, from pixels ${listed(pixels)}`;
}

const pointInWords = (state, at, value) => ({ scatter: scatterInWords, gather: gatherInWords, matrix: matrixInWords, overlap: overlapInWords }[state.view](state, at, value));

/** What can be said about the whole. */
function wholeInWords(state) {
  const [down, across] = axesOf(state);
  const [taps, pixels, outputs, real] = [down.k * across.k, down.n * across.n, down.size * across.size, landed(state)];
  if (state.view === "scatter") {
    const cut = pixels * taps - real;
    return `${plural(pixels, "copy", "copies")} of ${plural(taps, "number")}: ${plural(pixels * taps, "multiply-add")}${cut ? `, of which ${cut} ${cut === 1 ? "is" : "are"} cut off by the padding` : ""}.`;
  }
  if (state.view === "gather") {
    const made = `${plural(outputs, "window")} of ${plural(taps, "tap")}: ${plural(outputs * taps, "multiply-add")}`;
    return real === outputs * taps ? `${made}; all meet a pixel of the input.` : `${made}; ${real} of them ${real === 1 ? "meets" : "meet"} a pixel of the input, the others a zero.`;
  }
  if (state.view === "matrix") {
    const more = [down, across].some(({ s, e }) => e >= s) ? ", without the windows that are more than the pixels here" : "";
    return [
      `C is the convolution from ${down.size} × ${across.size} to ${down.n} × ${across.n} with the same kernel and settings${more}: ${plural(pixels, "row")}, one for each window.`,
      `Cᵀ has ${plural(outputs, "row")}, one for each pixel of the output; ${real} of its ${grouped(pixels * outputs)} entries ${real === 1 ? "is a weight" : "are weights"}${real < pixels * outputs ? ", the others must be 0" : ""}.`,
    ].join(" ");
  }
  return overlapAsAWhole(state);
}

function overlapAsAWhole(state) {
  const { counts, sums } = phasesOf(state);
  const uneven = counts.filter((along) => new Set(along).size > 1).length;
  const products = [...new Set(counts[0].flatMap((one) => counts[1].map((other) => one * other)))].sort((one, other) => one - other);
  const pattern = ["No pattern", "Stripes", "A checkerboard"][uneven];
  const each = products.length > 1 ? `${listed(products, "or")} copies` : plural(products[0], "copy", "copies");
  const along = axesOf(state).map(({ k, s, d }, axis) => {
    const turns = new Set(counts[axis]).size > 1 ? `${listed(counts[axis])} by turns` : counts[axis][0];
    return `${AXES[axis]} ${turns} (kernel ${k}, stride ${s}${d > 1 ? `, dilation ${d}` : ""})`;
  });
  const [least, most] = [Math.min(...sums.flat()), Math.max(...sums.flat())];
  const same = most - least < 1e-9;
  const grey = `${uneven && same ? "But this kernel evens it out: an" : !uneven && !same ? "But this kernel is uneven itself: an" : "An"} input of ones becomes ${shown(settled(least))}${same ? " everywhere" : ` to ${shown(settled(most))}`} there.`;
  return `${pattern}: far from the edges each pixel gets ${each}, along the ${along.join(", along the ")}. ${grey}`;
}

function sizeInWords(state, axis) {
  const { n, k, s, p, e, d, reach, full, size } = axisOf(state, axis);
  const formula = `(${n} − 1)·${s} − 2·${p} + ${d}·(${k} − 1) + ${e} + 1 = ${(n - 1) * s} − ${2 * p} + ${reach} + ${e} + 1 = ${shown(size)}`;
  if (problemOf(state)) return formula;
  const one = AXES[axis].slice(0, -1);
  if (e >= s) return `${formula}; a convolution with the same settings takes ${plural(size, one)} to ${n + Math.floor(e / s)}, not to ${n}`;
  const first = full - e - 2 * p;
  const sizes = Array.from({ length: s }, (_, more) => first + more).filter((rows) => rows > 0);
  return `${formula}; a convolution with the same settings takes ${sizes.length > 1 ? "" : "only "}${listed(sizes.slice(0, -1).concat(plural(sizes.at(-1), one)))} to ${n}`;
}

function legendOf(state) {
  const axes = axesOf(state);
  const some = (test) => axes.some(test);
  return `${{
    scatter: ["Framed: a pixel of the input and where its copy lands", some(({ p }) => p) && "hatched: cut off by the padding", some(({ e }) => e) && "dotted: added by the output padding"],
    gather: [
      "Framed: what the taps of the window meet", some(({ s, n }) => s > 1 && n > 1) && "dotted: zeros between the pixels",
      some(({ before, after }) => before > 0 || after > 0) && "dashed: zeros around them", some(({ before, after }) => before < 0 || after < 0) && "hatched: cut off, more padding than zeros",
    ],
    matrix: ["Framed: the pixel of the output, its row of Cᵀ and the pixels that the row reads"],
    overlap: ["Framed: a pixel of the output and those whose copies reach it"],
  }[state.view].filter(Boolean).join("; ")}.`;
}

// --- changes that keep all else sensible ---

const IMAGES = {
  counted: ["1, 2, 3, …", (i, j, rows, columns) => i * columns + j + 1],
  ones: ["all ones (uniform grey)", () => 1],
  pixel: ["one bright pixel", (i, j, rows, columns) => Number(i === rows >> 1 && j === columns >> 1)],
  edge: ["an edge", (i, j, rows, columns) => Number(2 * j >= columns)],
};
const hat = (at, size) => 1 - Math.abs(at - (size - 1) / 2) / ((size + 1) >> 1);
const KERNELS = {
  ones: ["ones", () => 1],
  counted: ["1, 2, 3, …", (u, v, rows, columns) => u * columns + v + 1],
  bilinear: ["bilinear", (u, v, rows, columns) => hat(u, rows) * hat(v, columns)],
  corner: ["its first tap only", (u, v) => Number(u + v === 0)],
};
const USUAL = {
  "2 2 0 0": "k2 s2: side by side, doubles",
  "3 2 0 0": "k3 s2: overlaps",
  "3 2 1 1": "k3 s2 p1, output padding 1: doubles",
  "4 2 1 0": "k4 s2 p1: doubles",
  "3 1 1 0": "k3 s1 p1: keeps the size",
  "4 4 0 0": "k4 s4: side by side, four times",
};

const preset = (presets, key, rows, columns) => table(rows, columns, (i, j) => presets[key][1](i, j, rows, columns));
const presetOf = (presets, rows) => Object.keys(presets).find((key) => same(preset(presets, key, rows.length, rows[0].length), rows)) ?? "";

/** In another size: a preset stays that preset, and other numbers stay where they are, with ones for what is new. */
function refitted(presets, rows, height, width) {
  const key = presetOf(presets, rows);
  return key ? preset(presets, key, height, width) : table(height, width, (i, j) => rows[i]?.[j] ?? 1);
}

// --- the matrix as a picture ---

/** A piece of it, as text: it holds nothing but numbers. */
const drawn = (tag, attributes, ...inside) =>
  `<${tag} ${Object.entries(attributes).map(([name, value]) => `${name}="${value}"`).join(" ")}>${inside.join("")}</${tag}>`;
const picture = (attributes, ...inside) => element("div", { innerHTML: drawn("svg", attributes, ...inside) }).firstChild;

function render({ model, el }) {
  const names = ["image", "kernel", "stride", "padding", "output_padding", "dilation", "view", "position"];
  const state = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  const labels = { image: "input", kernel: "kernel", stride: "stride", padding: "padding", output_padding: "output padding", dilation: "dilation" };
  const presetsOf = { image: IMAGES, kernel: KERNELS };
  let together = Object.keys(labels).every((what) => what === "image" || valueOf(what, 0) === valueOf(what, 1));
  let playing = null;
  let built = "";
  let parts = {}; // what is shown now, by name

  function valueOf(what, axis) {
    const value = model.get(what);
    return what in presetsOf ? (axis ? value[0].length : value.length) : value[axis];
  }

  function set(what, axis, value) {
    const pair = [0, 1].map((one) => (one === axis || (together && what !== "image") ? value : valueOf(what, one)));
    change(model, { [what]: what in presetsOf ? refitted(presetsOf[what], model.get(what), ...pair) : pair });
  }

  /** How many places there are to choose from: pixels of the input, or of the output. */
  const placesOf = (now) => axesOf(now).map(({ n, size }) => (now.view === "scatter" ? n : size));
  const presentOf = (now) => placesOf(now).map((count, axis) => Math.max(0, Math.min(now.position[axis], count - 1)));

  // The controls
  const sliders = Object.entries(labels).map(([what, label]) => [what, label, [0, 1].map((axis) => slider({
    name: `${label}, ${AXES[axis]}`, min: LIMITS[what][0], max: LIMITS[what][1], onInput: (value) => set(what, axis, value),
  }))]);
  const settings = element("div", { className: "lab-settings" }, element("span"), ...AXES.map((axis) => element("span", {}, axis)));
  for (const [, label, pair] of sliders) settings.append(element("span", {}, label), ...pair.map((one) => one.element));
  const linked = checkbox("rows and columns together", (checked) => { together = checked; });
  const usual = menu({ name: "usual settings", choices: { "": "your own", ...USUAL }, onChange: (key) => {
    if (!key) { update(); return; }
    const [k, s, p, e] = key.split(" ").map(Number);
    change(model, { kernel: refitted(KERNELS, model.get("kernel"), k, k), stride: [s, s], padding: [p, p], output_padding: [e, e], dilation: [1, 1] });
  } });
  const presetMenu = (what) => menu({
    name: labels[what], choices: { "": "your own", ...Object.fromEntries(Object.entries(presetsOf[what]).map(([key, [label]]) => [key, label])) },
    onChange: (key) => (key ? change(model, { [what]: preset(presetsOf[what], key, valueOf(what, 0), valueOf(what, 1)) }) : update()),
  });
  const [images, kernels] = [presetMenu("image"), presetMenu("kernel")];
  const views = choice({ name: "view", label: "view:", choices: VIEWS, onChange: (view) => { stopPlaying(); change(model, { view }); } });
  const meaning = element("p", { className: "lab-meaning", role: "status" });

  // The arrays
  const arrays = element("div", { className: "lab-arrays" });
  const matrix = element("div", { className: "lab-turned" });
  const legend = element("p", { className: "lab-note" });
  const problem = element("p", { className: "lab-problem", role: "status" });
  const sizes = AXES.map(() => element("p", { className: "lab-formula" }));
  const sum = element("p", { className: "lab-sum" });
  const whole = element("p", { className: "lab-whole", role: "status" });

  const captioned = (caption, array) => element("figure", {}, caption, array.element);
  const caption = (...inside) => element("figcaption", {}, ...inside);
  const size = ([rows, columns]) => `${rows} × ${columns}`;
  const go = (position) => { stopPlaying(); change(model, { position }); };
  /** Chooses the cell that the keyboard has reached; a field also by mouse, since its focus is always visible. */
  const choosing = (array) => array.element.addEventListener("focusin", (event) => {
    const i = array.cells.findIndex((row) => row.includes(event.target));
    if (i >= 0 && event.target.matches(":focus-visible")) go([i, array.cells[i].indexOf(event.target)]);
  });
  const spans = (name, [rows, columns]) => grid({ name, rows, columns, cell: () => element("span") });
  const fields = (what, word) => {
    const made = grid({ name: labels[what], rows: valueOf(what, 0), columns: valueOf(what, 1), cell: (i, j) => numberCell(
      `${word}, row ${i}, column ${j}`, (value) => change(model, { [what]: replaced(model.get(what), i, j, value) })) });
    made.element.addEventListener("focusout", () => queueMicrotask(update));
    return made;
  };

  function build(now) {
    const [down, across] = axesOf(now);
    const [input, taps, outputs, full] = [[down.n, across.n], [down.k, across.k], [down.size, across.size], [down.full, across.full]];
    const cut = down.p || across.p ? `, less the padding: ${size(outputs)}` : "";
    parts = {
      input: fields("image", "pixel"), kernel: fields("kernel", "weight"),
      output: now.view === "scatter" ? spans("output", outputs) : grid({ name: "output", rows: outputs[0], columns: outputs[1],
        cell: (a, e) => button("", () => go([a, e])) }),
    };
    choosing(now.view === "scatter" ? parts.input : parts.output);
    const figures = [captioned(caption(`input ${size(input)}`), parts.input), captioned(caption(`kernel ${size(taps)}`), parts.kernel)];
    const add = (name, title, array) => { parts[name] = array; figures.push(captioned(title, array)); };
    if (now.view === "scatter") {
      parts.copyTitle = caption();
      parts.laidTitle = caption();
      add("copy", parts.copyTitle, spans("the copy", taps));
      add("laid", parts.laidTitle, spans("copies laid so far", full));
      figures.push(captioned(caption(`all copies${cut || `: ${size(outputs)}`}`), parts.output));
    } else if (now.view === "gather") {
      const spread = spreadOf(now);
      add("turned", caption("kernel, turned"), spans("kernel, turned by 180 degrees", taps));
      add("spread", caption(`input, spread out to ${size([down.size + down.reach, across.size + across.reach])}`), spans("input, spread out", [spread.length, spread[0].length]));
    } else if (now.view === "matrix") {
      parts.rowTitle = caption();
      add("row", parts.rowTitle, spans("the row of the turned matrix, as a picture", input));
    } else {
      add("counts", caption("copies that reach it"), spans("copies that reach each pixel", outputs));
      add("even", caption("what an input of ones becomes"), spans("what an input of ones becomes", outputs));
    }
    if (now.view !== "scatter") figures.splice({ gather: 4, matrix: 3, overlap: 2 }[now.view], 0, captioned(caption(`output ${size(outputs)}`), parts.output));
    const drawnAcross = now.view === "gather" ? spreadOf(now)[0].length : now.view === "scatter" ? across.full : across.size;
    arrays.style.setProperty("--widest", Math.max(drawnAcross, 8));
    arrays.replaceChildren(...figures);
    body.classList.toggle("lab-both", now.view === "matrix");
  }

  const framed = new WeakMap(); // what the cells look like already: of hundreds, few change at a time

  const writeAll = (array, rows, limit = largest(rows)) => array.cells.forEach((row, i) => row.forEach((cell, j) => write(cell, settled(rows[i][j]), limit, inCell)));

  /** A frame around the cells for which `holds` is true, without lines between neighbours. */
  function frame(array, holds) {
    const [rows, columns] = [array.cells.length, array.cells[0].length];
    const held = table(rows, columns, holds);
    array.cells.forEach((row, i) => row.forEach((cell, j) => {
      const edges = { under: true, top: !held[i - 1]?.[j], bottom: !held[i + 1]?.[j], left: !held[i][j - 1], right: !held[i][j + 1] };
      const look = held[i][j] ? Object.keys(edges).filter((edge) => edges[edge]).join() : "";
      if ((framed.get(cell) ?? "") === look) return;
      framed.set(cell, look);
      for (const [edge, is] of Object.entries(edges)) cell.classList.toggle(edge, held[i][j] && is);
    }));
  }

  const isCurrent = (cell, is) => { if (is) cell.setAttribute("aria-current", "true"); else cell.removeAttribute("aria-current"); };

  function updateControls(now) {
    for (const [what, , pair] of sliders) pair.forEach((one, axis) => one.set(valueOf(what, axis)));
    linked.input.checked = together;
    images.set(presetOf(IMAGES, now.image));
    kernels.set(presetOf(KERNELS, now.kernel));
    const [down, across] = axesOf(now);
    const key = ({ k, s, p, e, d }) => (d === 1 ? [k, s, p, e].join(" ") : "");
    usual.set(key(down) === key(across) && key(down) in USUAL ? key(down) : "");
    views.set(now.view);
    say(meaning, MEANING[now.view]);
    for (const axis of [0, 1]) say(sizes[axis], `${AXES[axis]}: ${sizeInWords(now, axis)}`);
  }

  function updateScatter(now, [i, j]) {
    const [down, across] = axesOf(now);
    const [pixel, place] = [now.image[i][j], i * across.n + j];
    say(parts.copyTitle, `copy: ${inSum(pixel)} · kernel`);
    say(parts.laidTitle, place ? `copies 1 to ${place + 1} of ${down.n * across.n}` : `copy 1 of ${down.n * across.n}`);
    const copy = now.kernel.map((row) => row.map((weight) => pixel * weight));
    const canvas = canvasOf(now);
    const reached = canvasOf({ ...now, image: withOnes(now.image), kernel: withOnes(now.kernel) }, place);
    writeAll(parts.copy, copy, largest(canvas));
    writeAll(parts.laid, canvasOf(now, place), largest(canvas));
    const landing = new Set(landingOf(now, i, j).map(({ r, c }) => `${r} ${c}`));
    const lands = (r, c) => landing.has(`${r} ${c}`);
    frame(parts.laid, (y, x) => lands(y - down.p, x - across.p));
    frame(parts.output, lands);
    parts.laid.cells.forEach((row, y) => row.forEach((cell, x) => {
      const [r, c] = [y - down.p, x - across.p];
      cell.classList.toggle("ignored", r < 0 || c < 0 || r >= down.size || c >= across.size);
      cell.classList.toggle("faint", !reached[y][x]);
      cell.classList.toggle("beyond", y >= down.full - down.e || x >= across.full - across.e);
    }));
    frame(parts.input, (r, c) => r === i && c === j);
    parts.input.cells.forEach((row, r) => row.forEach((cell, c) => isCurrent(cell, r === i && c === j)));
    parts.input.stop(parts.input.cells[i][j]);
  }

  function updateGather(now, [a, e]) {
    const [down, across] = axesOf(now);
    const [spread, kernel] = [spreadOf(now), turned(now.kernel)];
    const limit = largest(now.image);
    const [rows, columns] = [windowAt(down, a), windowAt(across, e)];
    parts.spread.cells.forEach((row, r) => row.forEach((cell, c) => {
      const { value, kind, cut } = spread[r][c];
      write(cell, value, limit, inCell);
      for (const [name, is] of Object.entries({ between: kind === "between", outside: kind === "around", faint: kind !== "pixel", ignored: cut })) cell.classList.toggle(name, is);
    }));
    frame(parts.spread, (r, c) => rows.includes(r) && columns.includes(c));
    writeAll(parts.turned, kernel);
    frame(parts.turned, (u, v) => spread[rows[u]][columns[v]].kind === "pixel");
  }

  function updateMatrix(now, [a, e]) {
    const entries = matrixOf(now);
    const [, across] = axesOf(now);
    const at = a * across.size + e;
    const limit = largest(now.kernel);
    say(parts.rowTitle, `row ${at} of Cᵀ`);
    parts.row.cells.flat().forEach((cell, j) => {
      const weight = entries[at][j];
      cell.classList.toggle("must", weight === null);
      write(cell, weight, limit, inCell);
      if (weight === null) cell.title = "must be 0";
    });
    frame(parts.row, (i, j) => entries[at][i * across.n + j] !== null);
    const drawing = JSON.stringify([entries, now.image, now.kernel]);
    if (drawing !== parts.drawing) { parts.drawing = drawing; parts.mark = drawMatrix(now, entries, limit); }
    parts.mark(at);
  }

  /** Draws both matrices; returns how to mark a row of the one, which is a column of the other. */
  function drawMatrix(now, entries, limit) {
    const [, across] = axesOf(now);
    const [rows, columns] = [entries.length, entries[0].length];
    const [x, y] = [now.image.flat(), scattered(now).flat()];
    const [wide, high, gap, head] = [columns > 9 ? 22 : 28, Math.max(1.5, Math.min(18, 640 / rows)), 12, 18];
    const [top, right] = [head + gap, columns * wide + gap];
    const text = (left, middle, inside, size) => drawn("text", { x: left, y: middle, "font-size": Math.min(size, (wide * 1.55) / inside.length) }, inside);
    const filled = (value, most) => `fill: ${shade(value, most) || "transparent"}`;
    const cells = (name, values, height, most) => values.flatMap(([value, left, at]) => [
      drawn("rect", { class: name, x: left + 0.5, y: at + 0.5, width: wide, height, style: filled(value, most) }),
      ...(height >= 11 ? [text(left + wide / 2, at + height / 2 + 0.5, inCell(settled(value)), Math.min(11, height * 0.8))] : []),
    ]);
    const weights = entries.flatMap((row, r) => row.flatMap((weight, j) => (weight === null ? [] : [[weight, r, j]])));
    const lines = Array.from({ length: rows / across.size - 1 }, (_, a) => top + (a + 1) * across.size * high + 0.5);
    const turnedOver = picture({
      viewBox: `0 0 ${right + wide + 1} ${top + rows * high + 1}`, width: right + wide + 1, role: "img",
      class: high >= 11 ? "numbered" : "",
    },
    ...cells("x", x.map((value, j) => [value, j * wide, 0]), head, largest(x)),
    text(right + wide / 2, head / 2, "y", 11),
    drawn("rect", { class: "ground", x: 0.5, y: top + 0.5, width: columns * wide, height: rows * high }),
    drawn("rect", { class: "ground", x: right + 0.5, y: top + 0.5, width: wide, height: rows * high }),
    ...cells("entry", weights.map(([weight, r, j]) => [weight, j * wide, top + r * high]), high, limit),
    ...cells("y", y.map((value, r) => [value, right, top + r * high]), high, largest(y)),
    ...lines.map((line) => drawn("path", { class: "block", d: `M0 ${line}H${columns * wide + 1}` })),
    drawn("rect", { class: "mark", x: 1, width: right + wide - 1, height: high }));
    const choose = (place) => { if (place >= 0 && place < rows) go([Math.floor(place / across.size), place % across.size]); };
    turnedOver.addEventListener("click", ({ clientY }) => {
      const box = turnedOver.getBoundingClientRect();
      choose(Math.floor((((clientY - box.top) / box.height) * (top + rows * high + 1) - top) / high));
    });
    const before = picture({ viewBox: `0 0 ${rows} ${columns}`, preserveAspectRatio: "none", role: "img" },
    drawn("rect", { class: "ground", width: rows, height: columns }),
    ...weights.map(([weight, r, j]) => drawn("rect", { class: "entry", x: r, y: j, width: 1, height: 1, style: filled(weight, limit) })),
    drawn("rect", { class: "mark", y: 0, width: 1, height: columns }));
    before.style.height = `${columns * 7}px`;
    before.addEventListener("click", ({ clientX }) => {
      const box = before.getBoundingClientRect();
      choose(Math.floor(((clientX - box.left) / box.width) * rows));
    });
    matrix.replaceChildren(
      element("figure", {}, caption(`C: ${columns} × ${rows}`), before),
      element("figure", {}, caption(`x above Cᵀ: ${rows} × ${columns}`), turnedOver));
    return (at) => {
      turnedOver.setAttribute("aria-label", `the turned matrix, ${rows} × ${columns}, times x makes y; row ${at} is marked`);
      turnedOver.lastChild.setAttribute("y", top + at * high + 0.5);
      before.setAttribute("aria-label", `the matrix of the convolution, ${columns} × ${rows}; column ${at} is marked`);
      before.lastChild.setAttribute("x", at);
    };
  }

  function updateOverlap(now, [a, e]) {
    writeAll(parts.counts, countsOf(now));
    writeAll(parts.even, evenOf(now));
    for (const array of [parts.counts, parts.even]) frame(array, (r, c) => r === a && c === e);
  }

  function update() {
    const now = state();
    updateControls(now);
    const trouble = problemOf(now);
    say(problem, trouble);
    body.hidden = Boolean(trouble);
    if (trouble) { stopPlaying(); return; }

    const form = JSON.stringify([now.view, ...axesOf(now)]);
    if (form !== built) { built = form; build(now); }
    matrix.hidden = now.view !== "matrix";
    const output = scattered(now);
    const [i, j] = presentOf(now);
    writeAll(parts.input, now.image);
    writeAll(parts.kernel, now.kernel);
    writeAll(parts.output, output, now.view === "scatter" ? largest(canvasOf(now)) : largest(output));
    if (now.view !== "scatter") {
      frame(parts.output, (r, c) => r === i && c === j);
      parts.output.cells.forEach((row, r) => row.forEach((cell, c) => {
        cell.setAttribute("aria-label", `output, row ${r}, column ${c}: ${shown(settled(output[r][c]))}`);
        isCurrent(cell, r === i && c === j);
      }));
      parts.output.stop(parts.output.cells[i][j]);
      const read = readersOf(now, i, j);
      frame(parts.input, (r, c) => read.some((one) => one.i === r && one.j === c));
      frame(parts.kernel, (u, v) => read.some((one) => one.u === u && one.v === v));
    }
    ({ scatter: updateScatter, gather: updateGather, matrix: updateMatrix, overlap: updateOverlap })[now.view](now, [i, j]);
    say(legend, legendOf(now));
    say(whose, `or choose a pixel of the ${now.view === "scatter" ? "input" : "output"}`);
    say(sum, element("strong", {}, headInWords(now.view, [i, j])), pointInWords(now, [i, j], now.view === "scatter" ? 0 : output[i][j]));
    say(whole, wholeInWords(now));
    const [rows, columns] = placesOf(now);
    back.disabled = i + j === 0;
    next.disabled = i === rows - 1 && j === columns - 1;
    play.disabled = rows * columns === 1;
  }

  // Walking through the pixels
  function walk(by) {
    const counts = placesOf(state());
    const last = counts[0] * counts[1] - 1;
    const [i, j] = presentOf(state());
    const place = Math.max(0, Math.min(i * counts[1] + j + by, last));
    change(model, { position: [Math.floor(place / counts[1]), place % counts[1]] });
    return place < last;
  }
  function stopPlaying() {
    clearInterval(playing);
    playing = null;
    play.textContent = "play";
    play.setAttribute("aria-label", "play through all pixels");
    sum.setAttribute("aria-live", "polite");
  }
  function togglePlaying() {
    if (playing) { stopPlaying(); return; }
    if (next.disabled) change(model, { position: [0, 0] });
    sum.setAttribute("aria-live", "off"); // a screen reader could not keep up
    play.textContent = "pause";
    play.setAttribute("aria-label", "pause");
    playing = setInterval(() => { if (!el.isConnected || !walk(1)) stopPlaying(); }, 700);
  }
  const back = button("back", () => { stopPlaying(); walk(-1); }, "back one pixel");
  const next = button("next", () => { stopPlaying(); walk(1); }, "next pixel");
  const play = button("play", togglePlaying);
  const whose = element("span", { className: "lab-note" });
  const steps = element("div", { className: "lab-steps" }, back, play, next, whose);
  // Beside a tall matrix, or alone
  const body = element("div", {}, element("div", { className: "lab-side" }, arrays, legend, steps, sum, whole), matrix);

  introduce(el, "transposed_convolution", "Live lab: transposed convolution");
  el.replaceChildren(
    settings,
    element("div", { className: "lab-row" }, linked.element, usual.element, images.element, kernels.element),
    element("div", { className: "lab-row" }, views.element), meaning,
    problem, body,
    element("div", { className: "lab-formulas", role: "status" }, ...sizes),
  );
  stopPlaying();
  const unfollow = follow(model, names, update);
  return () => { stopPlaying(); unfollow(); };
}

export default { render };
