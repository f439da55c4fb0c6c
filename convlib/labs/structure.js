// The structure of a layer: one matrix from a picture to its outputs, with ever fewer weights of its own.

const KINDS = ["fully connected", "locally connected", "convolution"];
const SIDES = { line: [4, 16], picture: [3, 6], kernel: [1, 5] };
const STARTS = { line: [1, 8], picture: [5, 5] };
const LAYERS = {
  digits: { title: "28×28×1 → 16 maps, k5", image: [1, 28, 28], kernel: [5, 5], maps: [16, 24, 24] },
  small: { title: "32×32×3 → 32 maps, k3", image: [3, 32, 32], kernel: [3, 3], maps: [32, 30, 30] },
  vgg: { title: "224×224×3 → 64 maps, k3 p1 (VGG-16)", image: [3, 224, 224], kernel: [3, 3], maps: [64, 224, 224] },
};

// --- the numbers to begin with, the same as Python's ---

function seeded(i, j) {
  const start = (1009 * i + j + 7) ** 2 % 1000003;
  return start ** 2 % 1000003;
}
const withoutZero = (digit) => (digit < 5 ? digit - 5 : digit - 4); // 0 to 9 become -5 to -1 and 1 to 5
const freshWeight = (i, j) => withoutZero(seeded(i + 1, j) % 10);
const freshTap = (u, v) => withoutZero((7 * (3 * u + v) + 8) % 10);
const freshPixel = (r, c) => seeded(r + 40, c) % 5;

// --- the arithmetic; a line is a picture of one row ---

function sizesOf({ image, kernel, wrap }) {
  const [input, window] = [image, kernel].map((rows) => [rows.length, rows[0].length]);
  const output = input.map((n, axis) => (wrap ? n : n - window[axis] + 1));
  return { input, window, output, line: input[0] === 1, pixels: input[0] * input[1], taps: window[0] * window[1], outputs: output[0] * output[1] };
}

/** Why there is no matrix, in a sentence; "" where there is one. */
function problemOf(state) {
  const { input, window, line } = sizesOf(state);
  for (const axis of [0, 1]) {
    if (window[axis] > input[axis]) {
      const unit = line ? "pixels, the line" : `${["rows", "columns"][axis]}, the picture`;
      return `No window fits: the kernel spans ${window[axis]} ${unit} has ${input[axis]}.`;
    }
  }
  return "";
}

/** Row and column of the number at place `at`, where the rows of `width` numbers lie end to end. */
const place = (at, width) => [Math.floor(at / width), at % width];

/** For each output and each pixel: through which tap of the kernel the window sees it; -1 for none. */
function tapsOf(state) {
  const { input, window, output, pixels, outputs } = sizesOf(state);
  return Array.from({ length: outputs }, (_, row) => Array.from({ length: pixels }, (_, column) => {
    const [i, j] = place(row, output[1]);
    const [r, c] = place(column, input[1]);
    const [u, v] = [(r - i + input[0]) % input[0], (c - j + input[1]) % input[1]]; // around the end only where windows go there
    return u < window[0] && v < window[1] ? u * window[1] + v : -1;
  }));
}

/** The matrix of the layer. */
function matrixOf(state) {
  const kernel = state.kernel.flat();
  return tapsOf(state).map((row, i) => row.map((tap, j) => {
    if (state.kind === "convolution") return tap < 0 ? 0 : kernel[tap];
    return tap < 0 && state.kind === "locally connected" ? 0 : freshWeight(i, j);
  }));
}

/** What the layer answers to a picture, as a picture. */
function answer(matrix, image, width) {
  const pixels = image.flat();
  const numbers = matrix.map((row) => row.reduce((sum, weight, j) => sum + weight * pixels[j], 0));
  return Array.from({ length: numbers.length / width }, (_, i) => numbers.slice(i * width, (i + 1) * width));
}

/** The rows and columns moved down and to the right; what leaves at one end comes back at the other. */
function rolled(rows, [down, across]) {
  const back = (i, by, n) => (i - (by % n) + n) % n;
  return rows.map((row, i) => row.map((_, j) => rows[back(i, down, rows.length)][back(j, across, row.length)]));
}

/** The picture moved, the answer to it, the old answer moved along (null where there was none), and how they differ. */
function movedAlong(state) {
  const { input, output } = sizesOf(state);
  const matrix = matrixOf(state);
  const image = rolled(state.image, state.shift);
  const before = answer(matrix, state.image, output[1]);
  const after = answer(matrix, image, output[1]);
  const room = resized([], ...input, (i, j) => before[i]?.[j] ?? null);
  const expected = rolled(room, state.shift).slice(0, output[0]).map((row) => row.slice(0, output[1]));
  const limit = 1e-9 * Math.max(1, ...[before, after].flat(2).map(Math.abs)); // decimals are rounded on their way
  let [agree, compared, largestDifference] = [0, 0, 0];
  const differs = after.map((row, i) => row.map((value, j) => {
    if (expected[i][j] === null) return false;
    const difference = Math.abs(value - expected[i][j]);
    compared += 1;
    if (difference <= limit) { agree += 1; return false; }
    largestDifference = Math.max(largestDifference, difference);
    return true;
  }));
  return { image, before, after, expected, differs, agree, compared, fresh: differs.flat().length - compared, difference: largestDifference };
}

/** Weights to learn in a layer of each structure: from an image (channels, rows, columns) to maps (the same). */
function countsOf({ image, kernel, maps }) {
  const product = (numbers) => numbers.reduce((one, other) => one * other, 1);
  const window = [...image.slice(0, -2), ...kernel];
  const factors = { "fully connected": [maps, image], "locally connected": [maps, window], convolution: [maps.slice(0, -2), window] };
  return Object.fromEntries(KINDS.map((kind) => [kind, { factors: factors[kind], count: product(factors[kind].flat()) }]));
}

/** The same for the layer of the matrix, which has one channel; a line has one axis. */
function ownCounts(state) {
  const { input, window, output, line } = sizesOf(state);
  const [image, kernel, maps] = [input, window, output].map((sizes) => (line ? sizes.slice(1) : sizes));
  return countsOf({ image, kernel, maps });
}

// --- in words ---

/** As in "(3·3) · (5·5) = 9 · 25 = 225". */
function countInWords({ factors, count }) {
  const parts = factors.filter((part) => part.length);
  const long = parts.some((part) => part.length > 1);
  const written = parts.map((part) => (part.length > 1 && parts.length > 1 ? `(${part.join("·")})` : part.join("·"))).join(" · ");
  const short = parts.map((part) => grouped(part.reduce((one, other) => one * other, 1))).join(" · ");
  return [written, ...(long && parts.length > 1 ? [short] : []), ...(factors.flat().length > 1 ? [grouped(count)] : [])].join(" = ");
}

function entryInWords(state, row, column) {
  const { input, window, output, line, outputs } = sizesOf(state);
  const tap = tapsOf(state)[row][column];
  const at = (number, width) => (line ? String(number) : `(${place(number, width).join(", ")})`);
  const [pixel, target, head] = [at(column, input[1]), at(row, output[1]), `Row ${row}, column ${column}`];
  const value = shown(matrixOf(state)[row][column]);
  if (state.kind === "fully connected") return `${head}: ${value}, a weight of its own, used once: from pixel ${pixel} to output ${target}.`;
  if (tap < 0) return `${head} must be 0: pixel ${pixel} is outside of the window of output ${target}.`;
  const where = `pixel ${pixel} in the window of output ${target}`;
  if (state.kind === "locally connected") return `${head}: ${value}, a weight of its own, used once: ${where}.`;
  return `${head}: ${tapName(tap, window[1], line)} = ${value}, ${where}. The same weight stands at ${plural(outputs, "place")}, one in each row.`;
}

const tapName = (tap, width, line) => `w[${line ? tap : place(tap, width).join(", ")}]`;

function givenUpInWords(state) {
  const { pixels, taps, outputs } = sizesOf(state);
  return {
    "fully connected": `Nothing is given up: every linear map from ${plural(pixels, "pixel")} to ${plural(outputs, "output")} is possible. M holds ${plural(pixels * outputs, "weight")}, each used once.`,
    "locally connected": `Given up: a view of the whole. Each output looks at its window of ${plural(taps, "pixel")} and all else must be 0, but it may look at each place in a different way.`,
    convolution: `Given up as well: a way of its own for each place. All ${plural(outputs, "window")} share ${taps === 1 ? "1 weight" : `the same ${taps} weights`}, so the layer does the same everywhere.`,
  }[state.kind];
}

function movedInWords(state) {
  const { line } = sizesOf(state);
  if (!state.shift.some(Boolean)) return "Move the input, and see whether the output moves along.";
  const { agree, compared, fresh, difference } = movedAlong(state);
  const news = fresh ? ` ${plural(fresh, "window")} now ${fresh === 1 ? "lies" : "lie"} across the seam where ${line ? "the ends" : "opposite sides"} meet: there is no earlier output to compare.` : "";
  if (!compared) return `No output can be compared.${news}`;
  const all = agree === compared;
  return `The output ${all ? "has" : "has not"} moved along (largest difference ${shown(difference)}): ${agree} of ${plural(compared, "output")} ${agree === 1 ? "agrees" : "agree"}.${news}`;
}

// --- controls of this lab ---

/** Values that are their own labels. */
const named = (values) => Object.fromEntries(values.map((value) => [value, value]));

/** The three counts below one another, with bars. */
function countTable() {
  const lines = KINDS.map((kind) => ({
    kind, count: element("strong"), memory: element("span"), formula: element("span"),
    bar: element("span", { className: "lab-bar", "aria-hidden": "true" }), box: element("li"),
  }));
  for (const { kind, count, memory, formula, bar, box } of lines) {
    box.append(element("span", {}, `${kind}: `, count), bar, element("span", { className: "lab-formula" }, formula, "; ", memory));
  }
  return {
    element: element("ul", { className: "lab-counts" }, ...lines.map(({ box }) => box)),
    set(counts, plain, current) {
      const length = (one) => (plain ? one : Math.log(one));
      const longest = length(counts["fully connected"].count) || 1;
      for (const { kind, count, memory, formula, bar, box } of lines) {
        count.textContent = plural(counts[kind].count, "weight");
        memory.textContent = inBytes(4 * counts[kind].count);
        formula.textContent = countInWords(counts[kind]);
        bar.style.width = `${100 * length(counts[kind].count) / longest}%`;
        if (kind === current) box.setAttribute("aria-current", "true"); else box.removeAttribute("aria-current");
      }
    },
  };
}

function render({ model, el }) {
  const names = ["kind", "image", "kernel", "wrap", "selected", "shift", "layer"];
  const state = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  let built = "";
  let plainBars = false;
  let matrix, pixels, numbers, kernel, picture, result, moved;

  // The controls
  const kinds = choice({ name: "structure", choices: named(KINDS), onChange: (kind) => change(model, { kind }) });
  const inputs = choice({ name: "input", choices: named(["line", "picture"]), onChange: (what) => change(model, {
    image: resized([], ...STARTS[what], freshPixel),
    kernel: resized([], what === "line" ? 1 : model.get("kernel")[0].length, model.get("kernel")[0].length, freshTap),
    selected: [0, 0], shift: [0, 0],
  }) });
  const sizeSlider = (label, name, what, onInput) => {
    const made = slider({ name, min: SIDES[what][0], max: SIDES[what][1], onInput });
    return { ...made, parts: [element("span", {}, label), made.element] };
  };
  const resize = (axis) => (value) => {
    const size = sizesOf(state()).input;
    size[axis] = value;
    change(model, {
      image: resized(model.get("image"), ...size, freshPixel),
      shift: model.get("shift").map((by, one) => Math.min(by, size[one] - 1)),
    });
  };
  const lengths = sizeSlider("pixels", "pixels of the line", "line", resize(1));
  const heights = sizeSlider("rows", "rows of the picture", "picture", resize(0));
  const widths = sizeSlider("columns", "columns of the picture", "picture", resize(1));
  const windows = sizeSlider("kernel", "kernel size", "kernel", (k) =>
    change(model, { kernel: resized(model.get("kernel"), sizesOf(state()).line ? 1 : k, k, freshTap) }));
  const settings = element("div", { className: "lab-settings lab-pairs" },
    ...[windows, lengths, heights, widths].flatMap(({ parts }) => parts));
  const wrapped = checkbox("windows go on around the end (circular)", (wrap) => change(model, { wrap }));

  // The matrix and what belongs to it
  const problem = element("p", { className: "lab-problem", role: "status" });
  const arrays = element("div", { className: "lab-arrays" });
  const product = element("div", { className: "lab-product" });
  const caption = element("figcaption");
  const sentence = element("p", { className: "lab-sum", "aria-live": "polite" });
  const givenUp = element("p", { role: "status" });

  const captioned = (text, array) => element("figure", {}, element("figcaption", {}, text), array.element);
  const spans = (name, rows, columns) => grid({ name, rows, columns, cell: () => element("span") });
  const pixelGrid = (rows, columns) => grid({ name: "input", rows, columns, cell: (r, c) =>
    numberCell(rows === 1 ? `pixel ${c}` : `pixel (${r}, ${c})`, (value) => change(model, { image: replaced(model.get("image"), r, c, value) })) });
  const unseen = (one) => { one.element.setAttribute("aria-hidden", "true"); return one; };
  function counted(rows, columns) {
    const made = unseen(spans("", rows, columns));
    made.element.classList.add("lab-numbers", rows === 1 ? "lab-above" : "lab-before");
    made.cells.flat().forEach((cell, at) => { cell.textContent = at; });
    return made.element;
  }

  function build(now) {
    const { input, window, output, line, pixels: columns, outputs: rows } = sizesOf(now);
    matrix = grid({ name: "matrix", rows, columns, cell: (i, j) => button("", () => change(model, { selected: [i, j] })) });
    matrix.element.addEventListener("focusin", (event) => {
      const i = matrix.cells.findIndex((row) => row.includes(event.target));
      if (event.target.matches(":focus-visible")) change(model, { selected: [i, matrix.cells[i].indexOf(event.target)] });
    });
    matrix.cells.forEach((row, i) => row.forEach((cell, j) => {
      if (line) return;
      cell.classList.toggle("block-above", i > 0 && i % output[1] === 0);
      cell.classList.toggle("block-before", j > 0 && j % input[1] === 0);
    }));
    pixels = line ? pixelGrid(1, columns) : unseen(spans("", 1, columns));
    numbers = line ? spans("output", rows, 1) : unseen(spans("", rows, 1));
    product.style.setProperty("--columns", columns);
    product.classList.toggle("lab-line", line);
    product.replaceChildren(
      element("span"), counted(1, columns), element("span"),
      element("i", {}, "x"), pixels.element, element("i", {}, "y"),
      counted(rows, 1), matrix.element, numbers.element,
    );
    kernel = grid({ name: "kernel", rows: window[0], columns: window[1], cell: (u, v) => numberCell(
      `weight ${tapName(u * window[1] + v, window[1], line)}`,
      (value) => change(model, { kernel: replaced(model.get("kernel"), u, v, value) })) });
    const weights = `${tapName(0, 1, line)}${window[0] * window[1] > 1 ? ` to ${tapName(window[0] * window[1] - 1, window[1], line)}` : ""}`;
    const figures = [captioned(`kernel ${weights}`, kernel)];
    picture = result = null;
    if (!line) {
      picture = pixelGrid(...input);
      result = spans("output", ...output);
      figures.unshift(captioned(`input ${input.join(" × ")}`, picture), captioned(`output ${output.join(" × ")}`, result));
    }
    arrays.style.setProperty("--widest", line ? 8 : 10);
    arrays.replaceChildren(...figures);
    for (const typedInto of [pixels, kernel, picture]) typedInto?.element.addEventListener("focusout", () => queueMicrotask(update));
    caption.textContent = `y = M x; M has ${plural(rows, "row")}, one for each output, and ${plural(columns, "column")}, one for each pixel${line ? "" : " (the rows of the picture end to end)"}`;
    moved = { image: spans("the input, moved", ...input), after: spans("the output for it", ...output), expected: spans("the earlier output, moved", ...output) };
    movedArrays.style.setProperty("--widest", line ? Math.max(input[1], 8) : 20);
    movedArrays.classList.toggle("lab-stack", line);
    movedArrays.replaceChildren(
      captioned("the input, moved", moved.image), captioned("M times it (outlined: differs)", moved.after), captioned("the earlier output, moved", moved.expected),
    );
  }

  // One entry further, for fingers that are wider than the squares
  const step = (label, name, down, right) => button(label, () => {
    const { outputs, pixels: columns } = sizesOf(state());
    const [i, j] = selectedIn(state());
    change(model, { selected: [Math.max(0, Math.min(i + down, outputs - 1)), Math.max(0, Math.min(j + right, columns - 1))] });
  }, name);
  const steps = element("div", { className: "lab-steps", role: "group", "aria-label": "marked entry of the matrix" },
    element("span", {}, "marked entry:"), step("←", "one column to the left", 0, -1), step("→", "one column to the right", 0, 1),
    step("↑", "one row up", -1, 0), step("↓", "one row down", 1, 0));

  function selectedIn(now) {
    const { outputs, pixels: columns } = sizesOf(now);
    return [Math.min(now.selected[0], outputs - 1), Math.min(now.selected[1], columns - 1)];
  }

  // Moving the input
  const mover = (axis, label, name) => {
    const made = slider({ name, min: 0, max: 1, onInput: (by) =>
      change(model, { shift: model.get("shift").map((old, one) => (one === axis ? by : old)) }) });
    return { ...made, parts: [element("span", {}, label), made.element] };
  };
  const movers = [mover(0, "down by", "move the input down by"), mover(1, "right by", "move the input to the right by")];
  const movedArrays = element("div", { className: "lab-arrays" });
  const verdict = element("p", { className: "lab-sum", role: "status" });
  const moving = element("div", {}, element("p", { className: "lab-heading" }, element("strong", {}, "Does the output move along?")),
    element("div", { className: "lab-settings lab-pairs" }, ...[movers[1], movers[0]].flatMap(({ parts }) => parts)), movedArrays, verdict);

  // The counts
  const layers = menu({ name: "layer", choices: Object.fromEntries(Object.entries(LAYERS).map(([key, { title }]) => [key, title])),
    onChange: (layer) => change(model, { layer }) });
  const scales = checkbox("bars to scale (else logarithmic, from 1)", (checked) => { plainBars = checked; update(); });
  const [own, real] = [countTable(), countTable()];
  const ownBox = element("div", {}, element("p", { className: "lab-which" }, "the layer above"), own.element);

  function update() {
    const now = state();
    const { input, window, output, line } = sizesOf(now);
    kinds.set(now.kind);
    inputs.set(line ? "line" : "picture");
    wrapped.input.checked = now.wrap;
    windows.set(window[1]);
    lengths.set(input[1]);
    heights.set(input[0]);
    widths.set(input[1]);
    for (const part of lengths.parts) part.hidden = !line;
    for (const part of [...heights.parts, ...widths.parts]) part.hidden = line;
    layers.set(now.layer);
    real.set(countsOf(LAYERS[now.layer]), plainBars, now.kind);

    const trouble = problemOf(now);
    say(problem, trouble);
    for (const part of [arrays, figure, steps, sentence, givenUp, moving, ownBox]) part.hidden = Boolean(trouble);
    if (trouble) return;

    const form = JSON.stringify([input, window, now.wrap]);
    if (form !== built) { built = form; build(now); }
    const [i, j] = selectedIn(now);
    const [taps, entries, comparison] = [tapsOf(now), matrixOf(now), movedAlong(now)];
    const tap = taps[i][j];
    const shares = (r, c) => (now.kind === "convolution" && tap >= 0 ? taps[r][c] === tap : r === i && c === j);
    const free = (r, c) => now.kind === "fully connected" || taps[r][c] >= 0;
    const limit = largest(entries);
    entries.forEach((row, r) => row.forEach((value, c) => {
      const cell = matrix.cells[r][c];
      const named = now.kind === "convolution" && free(r, c) ? `${tapName(taps[r][c], window[1], line)} = ` : "";
      write(cell, free(r, c) ? value : null, limit);
      cell.classList.toggle("must", !free(r, c));
      cell.classList.toggle("under", shares(r, c));
      cell.setAttribute("aria-label", `row ${r}, column ${c}: ${free(r, c) ? `${named}${shown(value)}` : "must be 0"}`);
      if (r === i && c === j) { cell.setAttribute("aria-current", "true"); matrix.stop(cell); } else cell.removeAttribute("aria-current");
    }));
    const flat = now.image.flat();
    const [pixelLimit, outputLimit] = [largest(flat), largest([comparison.before, comparison.after].flat())];
    const pixelCells = [pixels.cells[0], ...(picture ? [picture.cells.flat()] : [])];
    for (const cells of pixelCells) cells.forEach((cell, c) => {
      write(cell, flat[c], pixelLimit);
      cell.classList.toggle("under", free(i, c));
    });
    for (const cells of [numbers.cells.flat(), ...(result ? [result.cells.flat()] : [])]) cells.forEach((cell, r) => {
      write(cell, comparison.before.flat()[r], outputLimit);
      cell.classList.toggle("under", r === i);
    });
    kernel.cells.flat().forEach((cell, at) => {
      write(cell, now.kernel.flat()[at], largest(now.kernel));
      cell.classList.toggle("under", now.kind === "convolution" && at === tap);
    });
    say(sentence, entryInWords(now, i, j));
    say(givenUp, element("strong", {}, `${now.kind}: `), givenUpInWords(now));

    movers.forEach((one, axis) => { one.input.max = input[axis] - 1; one.set(now.shift[axis]); });
    for (const part of movers[0].parts) part.hidden = line;
    moved.image.cells.flat().forEach((cell, at) => write(cell, comparison.image.flat()[at], pixelLimit));
    for (const which of ["after", "expected"]) moved[which].cells.forEach((row, r) => row.forEach((cell, c) => {
      const value = comparison[which][r][c];
      cell.classList.toggle("outside", value === null);
      cell.classList.toggle("differs", comparison.differs[r][c]);
      write(cell, value, outputLimit);
    }));
    say(verdict, movedInWords(now));
    own.set(ownCounts(now), plainBars, now.kind);
  }

  const figure = element("figure", { className: "lab-matrix" }, caption, product);
  introduce(el, "structure", "Live lab: the structure of a layer");
  el.replaceChildren(
    kinds.element,
    element("div", { className: "lab-row" }, inputs.element, wrapped.element),
    settings, problem, arrays, figure, steps, sentence, givenUp, moving,
    element("p", { className: "lab-heading" }, element("strong", {}, "Weights to learn"), " (biases not counted; 4 bytes each)"),
    scales.element,
    element("div", { className: "lab-halves" }, ownBox,
      element("div", {}, element("div", { className: "lab-which" }, layers.element), real.element)),
  );
  return follow(model, names, update);
}

export default { render };
