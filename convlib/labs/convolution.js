// The convolution explorer: an image, a kernel, where its windows lie, and the sum of one of them.

const AXES = ["rows", "columns"];
const LIMITS = { size: [1, 12], kernel: [1, 7], stride: [1, 4], padding: [0, 4], dilation: [1, 4] };
const MODES = { zeros: "zeros", reflect: "mirror image (reflect)", replicate: "edge pixel (replicate)", circular: "other side (circular)" };
const POPULAR = {
  "": "none of these", "1 1 0": "k1 s1 p0", "3 1 1": "k3 s1 p1", "3 2 1": "k3 s2 p1", "2 2 0": "k2 s2 p0", "7 4 3": "k7 s4 p3",
};

// --- the arithmetic, along one axis and then in both ---

/** Which pixel of the image lies at place `i` of the padded image (from -p on); -1 for none, a zero. */
function pixelAt(i, n, mode) {
  if (i >= 0 && i < n) return i;
  if (mode === "zeros") return -1;
  if (mode === "replicate") return i < 0 ? 0 : n - 1;
  if (mode === "circular") return (i + n) % n;
  return i < 0 ? -i : 2 * (n - 1) - i;
}

/** All that the size formula says about one axis. */
function axisOf(state, axis) {
  const [n, k] = [state.image, state.kernel].map((rows) => (axis ? rows[0].length : rows.length));
  const [s, p, d] = [state.stride[axis], state.padding[axis], state.dilation[axis]];
  const span = d * (k - 1) + 1;
  const padded = n + 2 * p;
  const room = padded - span;
  return { n, k, s, p, d, span, padded, room, count: room < 0 ? 0 : Math.floor(room / s) + 1, left: room < 0 ? 0 : room % s };
}

/** Why there is no output, in a sentence; "" where there is one. */
function problemOf(state) {
  for (const axis of [0, 1]) {
    const { n, p, span, padded } = axisOf(state, axis);
    const limit = { reflect: n - 1, circular: n }[state.padding_mode] ?? p;
    if (p > limit) return `Padding ${p} does not go with “${state.padding_mode}”: an image of ${n} ${AXES[axis]} has ${limit} to give on a side.`;
    if (span > padded) return `No window fits: the kernel spans ${span} ${AXES[axis]}, the padded image has ${padded}.`;
  }
  return "";
}

/** The padded image as [value, row, column]; the row is -1 for a zero of the padding. */
function paddedImage(state) {
  const [rows, columns] = [0, 1].map((axis) => {
    const { n, p } = axisOf(state, axis);
    return Array.from({ length: n + 2 * p }, (_, i) => pixelAt(i - p, n, state.padding_mode));
  });
  return rows.map((r) => columns.map((c) => (r < 0 || c < 0 ? [0, -1, -1] : [state.image[r][c], r, c])));
}

/** Output, how often each pixel is used, and whether a place of the padded image lies in a window at all. */
function convolve(state) {
  const [down, across] = [axisOf(state, 0), axisOf(state, 1)];
  const padded = paddedImage(state);
  const uses = state.image.map((row) => row.map(() => 0));
  const seen = padded.map((row) => row.map(() => false));
  const output = Array.from({ length: down.count }, (_, i) => Array.from({ length: across.count }, (_, j) => {
    let sum = 0;
    for (let u = 0; u < down.k; u++) for (let v = 0; v < across.k; v++) {
      const [r, c] = [i * down.s + u * down.d, j * across.s + v * across.d];
      const [value, row, column] = padded[r][c];
      sum += state.kernel[u][v] * value;
      seen[r][c] = true;
      if (row >= 0) uses[row][column] += 1;
    }
    return sum;
  }));
  return { padded, output, uses, seen };
}

// --- in words ---

function sumInWords(state, padded, [i, j], result) {
  const products = state.kernel.flatMap((weights, u) => weights.map((weight, v) => {
    const [value] = padded[i * state.stride[0] + u * state.dilation[0]][j * state.stride[1] + v * state.dilation[1]];
    return [weight, value].map((one) => (one < 0 ? `(${shown(one)})` : shown(one))).join(" · ");
  }));
  return `${products.join(" + ")} = ${shown(result)}`;
}

function sizeInWords({ n, k, s, p, d, room, count, left }, axis) {
  const formula = `⌊(${n} + 2·${p} − ${d}·(${k} − 1) − 1) / ${s}⌋ + 1 = ⌊${shown(room)} / ${s}⌋ + 1 = ${count}`;
  const rest = left ? `; remainder ${left}: the last ${left === 1 ? AXES[axis].slice(0, -1) : `${left} ${AXES[axis]}`} of the padded image ${left === 1 ? "is" : "are"} in no window` : "";
  return `${formula}${count ? rest : ""}`;
}

// --- changes that keep all else sensible ---

const freshPixel = (i, j) => (2 * i + 3 * j + i * j) % 4;
const freshTap = (i, j) => ((i + 2 * j + 2) % 3) - 1;

const KERNELS = {
  ones: ["all ones", (k) => k.map((row) => row.map(() => 1))],
  identity: ["middle 1, else 0", (k) => k.map((row, i) => row.map((_, j) => Number(i === k.length >> 1 && j === row.length >> 1)))],
  edges: ["Sobel (3 × 3)", () => [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]],
  sharpen: ["sharpen (3 × 3)", () => [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]],
};

const IMAGES = {
  digits: ["small numbers", freshPixel],
  edge: ["an edge", (i, j, width) => Number(j >= width >> 1) * 4],
  dot: ["a dot", (i, j, width, height) => Number(i === height >> 1 && j === width >> 1)],
  ramp: ["a ramp", (i, j) => j],
};

function render({ model, el }) {
  const names = ["image", "kernel", "stride", "padding", "dilation", "padding_mode", "position"];
  const state = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  let together = ["kernel", "stride", "padding", "dilation"].every((what) => valueOf(what, 0) === valueOf(what, 1));
  let showUses = false;
  let playing = null;
  let built = "";
  let image, kernel, output;

  function valueOf(what, axis) {
    if (what === "size" || what === "kernel") {
      const { n, k } = axisOf(state(), axis);
      return what === "size" ? n : k;
    }
    return model.get(what)[axis];
  }

  function set(what, axis, value) {
    const pair = [0, 1].map((one) => (one === axis || (together && what !== "size") ? value : valueOf(what, one)));
    if (what === "size") change(model, { image: resized(model.get("image"), ...pair, freshPixel) });
    else if (what === "kernel") change(model, { kernel: resized(model.get("kernel"), ...pair, freshTap) });
    else change(model, { [what]: pair });
  }

  // The controls
  const labels = { size: "image", kernel: "kernel", stride: "stride", padding: "padding", dilation: "dilation" };
  const sliders = Object.entries(labels).map(([what, label]) => [what, label, [0, 1].map((axis) => slider({
    name: `${label}, ${AXES[axis]}`, min: LIMITS[what][0], max: LIMITS[what][1], onInput: (value) => set(what, axis, value),
  }))]);
  const settings = element("div", { className: "lab-settings" }, element("span"), ...AXES.map((axis) => element("span", {}, axis)));
  for (const [, label, pair] of sliders) settings.append(element("span", {}, label), ...pair.map((one) => one.element));

  const mode = menu({ name: "outside lie", choices: MODES, onChange: (value) => change(model, { padding_mode: value }) });
  const popular = menu({ name: "usual settings", choices: POPULAR, onChange(value) {
    if (!value) { update(); return; }
    const [k, s, p] = value.split(" ").map(Number);
    change(model, { kernel: resized(model.get("kernel"), k, k, freshTap), stride: [s, s], padding: [p, p], dilation: [1, 1] });
  } });
  const presets = (name, choices, chosen) => menu({
    name, choices: { "": "your own", ...Object.fromEntries(Object.entries(choices).map(([key, [label]]) => [key, label])) },
    onChange: (key) => (key ? change(model, { [name]: chosen(key) }) : update()),
  });
  const presetKernel = (key) => KERNELS[key][1](model.get("kernel"));
  const presetImage = (key) => {
    const [height, width] = [valueOf("size", 0), valueOf("size", 1)];
    return resized([], height, width, (i, j) => IMAGES[key][1](i, j, width, height));
  };
  const kernels = presets("kernel", KERNELS, presetKernel);
  const images = presets("image", IMAGES, presetImage);
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  const linked = checkbox("rows and columns together", (checked) => { together = checked; });
  const counted = checkbox("show how often each pixel is used", (checked) => { showUses = checked; built = ""; update(); });

  // The arrays
  const arrays = element("div", { className: "lab-arrays" });
  const problem = element("p", { className: "lab-problem", role: "status" });
  const sizes = AXES.map(() => element("p", { className: "lab-formula" }));
  const sum = element("p", { className: "lab-sum" });

  const captioned = (caption, array) => element("figure", {}, element("figcaption", {}, caption), array.element);

  function build(now, { padded, output: numbers }) {
    const [down, across] = [axisOf(now, 0), axisOf(now, 1)];
    image = grid({ name: "padded image", rows: down.padded, columns: across.padded, cell(i, j) {
      const [r, c] = [i - down.p, j - across.p];
      const inside = r >= 0 && r < down.n && c >= 0 && c < across.n;
      if (!inside) return element("span", { className: "outside" });
      if (showUses) return element("span");
      return numberCell(`pixel, row ${r}, column ${c}`, (value) => change(model, { image: replaced(model.get("image"), r, c, value) }));
    } });
    kernel = grid({ name: "kernel", rows: down.k, columns: across.k, cell: (u, v) =>
      numberCell(`weight, row ${u}, column ${v}`, (value) => change(model, { kernel: replaced(model.get("kernel"), u, v, value) })) });
    output = grid({ name: "output", rows: numbers.length, columns: numbers[0]?.length ?? 0, cell: (i, j) =>
      button("", () => { stopPlaying(); change(model, { position: [i, j] }); }) });
    output.element.addEventListener("focusin", (event) => {
      const i = output.cells.findIndex((row) => row.includes(event.target));
      if (i >= 0 && event.target.matches(":focus-visible")) change(model, { position: [i, output.cells[i].indexOf(event.target)] });
    });
    for (const typedInto of [image, kernel]) typedInto.element.addEventListener("focusout", () => queueMicrotask(update));
    const size = (one) => `${one.length} × ${one[0]?.length ?? 0}`;
    arrays.style.setProperty("--widest", Math.max(across.padded, 8));
    arrays.replaceChildren(
      captioned(`image ${size(now.image)}${padded.length > down.n || padded[0].length > across.n ? `, padded to ${size(padded)}` : ""}`, image),
      captioned(`kernel ${size(now.kernel)}`, kernel),
      captioned(`output ${size(numbers)}`, output),
    );
  }

  function update() {
    const now = state();
    for (const [what, , pair] of sliders) pair.forEach((one, axis) => one.set(valueOf(what, axis)));
    mode.set(now.padding_mode);
    linked.input.checked = together;
    kernels.set(Object.keys(KERNELS).find((key) => same(presetKernel(key), now.kernel)) ?? "");
    images.set(Object.keys(IMAGES).find((key) => same(presetImage(key), now.image)) ?? "");
    const setting = ["kernel", "stride", "padding"].map((what) => valueOf(what, 0)).join(" ");
    const square = ["kernel", "stride", "padding"].every((what) => valueOf(what, 0) === valueOf(what, 1));
    popular.set(square && same(now.dilation, [1, 1]) && setting in POPULAR ? setting : "");
    for (const axis of [0, 1]) sizes[axis].textContent = `${AXES[axis]}: ${sizeInWords(axisOf(now, axis), axis)}`;

    const trouble = problemOf(now);
    problem.textContent = trouble;
    const { padded, output: numbers, uses, seen } = trouble ? { padded: null, output: [] } : convolve(now);
    arrays.hidden = steps.hidden = sum.hidden = counted.element.hidden = Boolean(trouble);
    if (trouble) { stopPlaying(); return; }

    const form = JSON.stringify([numbers.length, numbers[0].length, now.padding, now.image.length, now.image[0].length, now.kernel.length, now.kernel[0].length, showUses]);
    if (form !== built) { built = form; build(now, { padded, output: numbers }); }

    const [i, j] = [Math.min(now.position[0], numbers.length - 1), Math.min(now.position[1], numbers[0].length - 1)];
    const [down, across] = [axisOf(now, 0), axisOf(now, 1)];
    const under = (r, c) => {
      const [u, v] = [r - i * down.s, c - j * across.s];
      return u >= 0 && v >= 0 && u < down.span && v < across.span && u % down.d === 0 && v % across.d === 0;
    };
    const limits = [largest(padded.map((row) => row.map(([value]) => value))), largest(now.kernel), largest(numbers), largest(uses)];
    image.cells.forEach((row, r) => row.forEach((cell, c) => {
      const [value, fromRow, fromColumn] = padded[r][c];
      const inside = !cell.matches(".outside");
      if (showUses && inside) write(cell, uses[fromRow][fromColumn], limits[3]);
      else write(cell, value, limits[0]);
      cell.classList.toggle("under", under(r, c));
      const ignored = inside ? !uses[fromRow][fromColumn] : !seen[r][c];
      cell.classList.toggle("ignored", ignored);
      cell.title = ignored ? "in no window" : "";
      if (cell.matches("input")) cell.setAttribute("aria-label", `pixel, row ${fromRow}, column ${fromColumn}${ignored ? ", in no window" : ""}`);
    }));
    kernel.cells.forEach((row, u) => row.forEach((cell, v) => write(cell, now.kernel[u][v], limits[1])));
    output.cells.forEach((row, r) => row.forEach((cell, c) => {
      write(cell, numbers[r][c], limits[2]);
      cell.classList.toggle("under", r === i && c === j);
      cell.setAttribute("aria-label", `output, row ${r}, column ${c}: ${shown(numbers[r][c])}`);
      if (r === i && c === j) { cell.setAttribute("aria-current", "true"); output.stop(cell); } else cell.removeAttribute("aria-current");
    }));
    sum.replaceChildren(element("strong", {}, `row ${i}, column ${j}: `), sumInWords(now, padded, [i, j], numbers[i][j]));
    back.disabled = i + j === 0;
    next.disabled = i === numbers.length - 1 && j === numbers[0].length - 1;
    play.disabled = numbers.length * numbers[0].length === 1;
  }

  // Walking through the windows
  function walk(by) {
    const { output: numbers } = convolve(state());
    const [width, last] = [numbers[0].length, numbers.length * numbers[0].length - 1];
    const [i, j] = model.get("position").map((one, axis) => Math.min(one, (axis ? width : numbers.length) - 1));
    const place = Math.max(0, Math.min(i * width + j + by, last));
    change(model, { position: [Math.floor(place / width), place % width] });
    return place < last;
  }
  function stopPlaying() {
    clearInterval(playing);
    playing = null;
    play.textContent = "play";
    play.setAttribute("aria-label", "play through all windows");
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
  const back = button("back", () => { stopPlaying(); walk(-1); }, "back one window");
  const next = button("next", () => { stopPlaying(); walk(1); }, "next window");
  const play = button("play", togglePlaying);
  const steps = element("div", { className: "lab-steps" }, back, play, next, counted.element);

  introduce(el, "convolution", "Live lab: convolution explorer");
  el.replaceChildren(
    settings,
    element("div", { className: "lab-row" }, linked.element, mode.element),
    element("div", { className: "lab-row" }, popular.element, kernels.element, images.element),
    arrays, steps, sum, problem,
    element("div", { className: "lab-formulas", role: "status" }, ...sizes),
  );
  stopPlaying();
  const unfollow = follow(model, names, update);
  return () => { stopPlaying(); unfollow(); };
}

export default { render };
