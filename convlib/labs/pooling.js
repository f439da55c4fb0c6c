// The pooling lab: windows that become one number each, and the gradient on its way back through them.

const AXES = ["rows", "columns"];
const KINDS = ["max", "average", "Lp", "global max", "global average"];
const LIMITS = { size: [1, 10], kernel_size: [1, 4], stride: [1, 4], padding: [0, 2], norm_type: [1, 4] };
const TIES = { first: "to the first (torch’s max_pool2d)", shared: "shared among them (torch’s amax)" };
const UPSTREAM = { ones: "all ones", counted: "1, 2, 3, …", own: "your own" };
const MOST_WRITTEN = 16;

// --- the arithmetic, along one axis and then window by window ---

const isGlobal = ({ kind }) => kind.startsWith("global");
const isMax = ({ kind }) => kind.endsWith("max");

/** All that the size formula says about one axis; `laid` before a window that would hold no pixel is taken away. */
function axisOf(state, axis) {
  const n = axis ? state.image[0].length : state.image.length;
  const [k, s] = isGlobal(state) ? [n, n] : [state.kernel_size[axis], state.stride[axis]];
  const p = isGlobal(state) || state.kind === "Lp" ? 0 : state.padding[axis];
  const up = state.ceil_mode && !isGlobal(state);
  const room = n + 2 * p - k;
  const laid = (up ? Math.ceil : Math.floor)(room / s) + 1;
  const count = Math.max(0, (laid - 1) * s >= n + p ? laid - 1 : laid);
  const starts = Array.from({ length: count }, (_, i) => i * s - p);
  const unread = Array.from({ length: n }, (_, r) => r).filter((r) => !starts.some((start) => start <= r && r < start + k));
  const end = (count - 1) * s + k;
  return { n, k, s, p, up, room, laid, count, starts, unread, beyond: Math.max(0, end - n - 2 * p), extent: Math.max(n + 2 * p, end) };
}

/** Why there is no output, in a sentence; "" where there is one. */
function problemOf(state) {
  for (const axis of [0, 1]) {
    const { n, k, p, count } = axisOf(state, axis);
    const half = Math.floor(k / 2);
    if (p > half) return `Padding ${p} is too much: it can be at most half of the window, which is ${half} for ${plural(k, AXES[axis].slice(0, -1))}.`;
    if (count < 1) return `No window fits: it spans ${k} ${AXES[axis]}, the padded input has ${n + 2 * p}.`;
  }
  return "";
}

/** What window (i, j) reads and what it makes of it; a place of the padding is [null, -1, -1]. */
function windowOf(state, i, j) {
  const [down, across] = [axisOf(state, 0), axisOf(state, 1)];
  const lines = [];
  for (let u = 0; u < down.k; u++) {
    const r = down.starts[i] + u;
    if (r >= down.n + down.p) break;
    lines.push([]);
    for (let v = 0; v < across.k; v++) {
      const c = across.starts[j] + v;
      if (c >= across.n + across.p) break;
      lines[u].push(r >= 0 && r < down.n && c >= 0 && c < across.n ? [state.image[r][c], r, c] : [null, -1, -1]);
    }
  }
  const read = lines.flat();
  const pixels = read.filter(([, r]) => r >= 0);
  const taps = down.k * across.k;
  const window = { read, pixels, zeros: read.length - pixels.length, beyond: taps - read.length };
  const sum = (power) => lines.reduce((all, line) => all + line.reduce((part, [value]) => part + (value ?? 0) ** power, 0), 0);
  if (isMax(state)) {
    const value = Math.max(...pixels.map(([one]) => one));
    const winners = pixels.filter(([one]) => one === value);
    return { ...window, value, winners, index: winners[0][1] * across.n + winners[0][2] };
  }
  if (state.kind === "Lp") {
    // As torch takes it: the mean of the powers times the size of a whole window.
    const powers = (sum(state.norm_type) / read.length) * taps;
    return { ...window, taps, powers, value: powers ** (1 / state.norm_type) };
  }
  const divisor = state.count_include_pad ? read.length : pixels.length;
  return { ...window, divisor, value: sum(1) / divisor };
}

/** To which pixels a window sends its gradient, as [how much, row, column]. */
function sentBy(state, { pixels, winners, divisor, powers, taps, read }, gradient) {
  if (isMax(state)) {
    const chosen = state.ties === "first" ? winners.slice(0, 1) : winners;
    return chosen.map(([, r, c]) => [gradient / chosen.length, r, c]);
  }
  if (state.kind !== "Lp") return pixels.map(([, r, c]) => [gradient / divisor, r, c]);
  const outer = powers === 0 ? 0 : (gradient * powers ** (1 / state.norm_type - 1) * taps) / read.length;
  return pixels.map(([value, r, c]) => [outer * value ** (state.norm_type - 1), r, c]);
}

/** Everything: the windows, their numbers, what each pixel wins, and the gradient from the output to the input. */
function pool(state) {
  const [down, across] = [axisOf(state, 0), axisOf(state, 1)];
  const windows = down.starts.map((_, i) => across.starts.map((__, j) => windowOf(state, i, j)));
  const upstream = windows.map((row, i) => row.map((_, j) => (
    { ones: 1, counted: i * across.count + j + 1 }[state.upstream] ?? state.gradient[i]?.[j] ?? 1)));
  const [wins, arriving, senders] = [0, 1, 2].map(() => state.image.map((row) => row.map(() => 0)));
  windows.forEach((row, i) => row.forEach((window, j) => {
    if (window.winners) wins[window.winners[0][1]][window.winners[0][2]] += 1;
    for (const [value, r, c] of sentBy(state, window, upstream[i][j])) {
      arriving[r][c] += value;
      senders[r][c] += 1;
    }
  }));
  const each = (what) => windows.map((row) => row.map((window) => window[what]));
  return { windows, output: each("value"), indices: isMax(state) ? each("index") : null, wins, upstream, arriving, senders };
}

// --- in words ---

const raised = (power) => (power === 1 ? "" : "⁰¹²³⁴"[power]);
const inSum = (value) => (value < 0 ? `(${shown(value)})` : shown(value));
const inBrackets = (terms) => (terms.length > 1 ? `(${terms.join(" + ")})` : terms[0]);
/** The first and the last of many. */
const shortened = (words) => (words.length > MOST_WRITTEN ? [...words.slice(0, 3), "…", words.at(-1)] : words);
const theFirst = (winners) => (winners.length > 1 ? `, the first of ${winners.length} equal ones` : "");

function windowInWords(state, { read, pixels, zeros, beyond, winners, index, divisor, taps, powers, value }) {
  if (isMax(state)) {
    const [, r, c] = winners[0];
    const numbers = shortened(read.map(([one]) => (one === null ? "−∞" : shown(one))));
    return `max(${numbers.join(", ")}) = ${shown(value)}, at row ${r}, column ${c} (flat index ${index})${theFirst(winners)}`;
  }
  if (state.kind === "Lp") {
    const p = state.norm_type;
    const terms = pixels.map(([one]) => inSum(one) + raised(p));
    const sum = p === 1 && !beyond ? terms.join(" + ") : inBrackets(terms);
    const whole = beyond ? `${sum} · ${taps} / ${read.length}` : sum;
    const root = p === 1 ? whole : `${pixels.length > 1 && !beyond ? whole : `(${whole})`}^(1/${p})`;
    const scaled = beyond ? `; ${plural(beyond, "place")} beyond the edge, so the sum is scaled up to a whole window` : "";
    return `${root} = ${shown(value)}${scaled}${p > 1 && powers < 0 ? "; the sum is negative, and no root of it is taken" : ""}`;
  }
  const counted = state.count_include_pad ? read : pixels;
  const notes = [
    zeros ? (state.count_include_pad ? `; ${plural(zeros, "zero")} of the padding counted` : "; the padding is not counted") : "",
    beyond ? `; ${plural(beyond, "place")} beyond the edge never ${beyond === 1 ? "counts" : "count"}` : "",
  ];
  return `${inBrackets(shortened(counted.map(([one]) => inSum(one ?? 0))))} / ${divisor} = ${shown(value)}${notes.join("")}`;
}

function sendingInWords(state, window, gradient) {
  const { pixels, winners, divisor, read, taps, beyond, zeros, powers, value } = window;
  const its = `Its gradient ${shown(gradient)}`;
  if (isMax(state)) {
    const [, r, c] = winners[0];
    if (state.ties === "first" || winners.length === 1) return `${its} goes to row ${r}, column ${c}${theFirst(winners)}.`;
    return `${its} is shared among ${winners.length} equal pixels: ${shown(gradient)} / ${winners.length} = ${shown(gradient / winners.length)} for each.`;
  }
  const each = pixels.length === 1 ? "its one pixel" : `each of its ${pixels.length} pixels`;
  if (state.kind === "Lp") {
    if (powers === 0) return "The sum is 0: it sends nothing, as in torch.";
    const scaled = beyond ? ` · ${taps} / ${read.length}` : "";
    const sent = sentBy(state, window, gradient).map(([one]) => shown(one));
    if (state.norm_type === 1) return `${its} goes to ${each}${scaled && `: ${shown(gradient)}${scaled} = ${sent[0]}`}.`;
    return `Each pixel x gets ${shown(gradient)}${scaled} · (x / ${inSum(value)})${raised(state.norm_type - 1)}: ${sent.join(", ")}.`;
  }
  const lost = zeros && state.count_include_pad ? `; what ${plural(zeros, "zero")} of the padding would get is lost` : "";
  return `${its} is shared evenly: ${shown(gradient)} / ${divisor} = ${shown(gradient / divisor)} for ${each}${lost}.`;
}

/** What adds up to 0 but for many roundings is 0. */
const settled = (value) => (Math.abs(value) < 1e-9 ? 0 : value);

/** A sum without the dust of many roundings. */
const summed = (numbers) => {
  const sum = numbers.flat().reduce((all, one) => all + one, 0);
  return Number.isInteger(sum) ? sum : Math.round(sum * 1e9) / 1e9;
};

function shareInWords({ arriving, upstream, senders }) {
  const all = arriving.flat();
  const reached = all.filter((one) => settled(one) !== 0).length;
  const several = senders.flat().filter((one) => one > 1).length;
  return [
    `${reached} of ${plural(all.length, "pixel")} ${reached === 1 ? "gets" : "get"} a gradient other than 0 (${shown((100 * reached) / all.length)} %).`,
    `The windows were given ${shown(summed(upstream))}, the pixels get ${shown(summed(arriving))}.`,
    several ? `${plural(several, "pixel")} ${several === 1 ? "adds" : "add"} up what several windows send.` : "",
  ].filter(Boolean).join(" ");
}

function sizeInWords(state, axis) {
  const { n, k, s, p, up, room, laid, count, unread, beyond } = axisOf(state, axis);
  const one = AXES[axis].slice(0, -1);
  if (isGlobal(state)) return `one window of ${n === 1 ? `the only ${one}` : `all ${n} ${AXES[axis]}`}`;
  const [open, close] = up ? "⌈⌉" : "⌊⌋";
  const formula = `${open}(${n} + 2·${p} − ${k}) / ${s}${close} + 1 = ${open}${shown(room)} / ${s}${close} + 1 = ${shown(laid)}`;
  if (problemOf(state)) return formula;
  return [
    formula,
    laid > count ? `, less 1 = ${count}: a window must start inside the input or in the padding before it, and the last would start behind ${one} ${n - 1}` : "",
    beyond ? `; the last window reaches ${plural(beyond, one)} beyond the ${p ? "padded " : ""}input` : "",
    unread.length ? `; ${unread.length === 1 ? `${one} ${unread[0]} is` : `${AXES[axis]} ${listed(unread)} are`} in no window` : "",
  ].join("");
}

function legendOf(state) {
  const chosen = isMax(state) ? "; small frame: what it chooses; underlined: chosen by some window" : "";
  const outside = [0, 1].some((axis) => axisOf(state, axis).unread.length) ? "; hatched: in no window" : "";
  const zeros = state.kind === "average" && !state.count_include_pad && [0, 1].some((axis) => axisOf(state, axis).p) ? "; struck out: not counted" : "";
  return `${chosen ? "Large frame" : "Frame"}: the present window${chosen}${outside}${zeros}.`;
}

// --- changes that keep all else sensible ---

const freshPixel = (i, j) => (3 * i * i + 7 * j + 2 * i * j + 1) % 10;
const IMAGES = {
  digits: ["small numbers", freshPixel],
  equal: ["all equal (ties)", () => 3],
  negative: ["all negative", (i, j) => -1 - freshPixel(i, j)],
  relu: ["many zeros (after a ReLU)", (i, j) => Math.max(0, freshPixel(i, j) - 5)],
  line: ["a thin line", (i, j, width) => Number(j === width >> 1) * 8],
};

// --- controls of this lab ---

function render({ model, el }) {
  const names = ["image", "kind", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "norm_type", "ties", "view", "upstream", "gradient", "position"];
  const state = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  let together = ["kernel_size", "stride", "padding"].every((what) => valueOf(what, 0) === valueOf(what, 1));
  let tiled = same(model.get("stride"), model.get("kernel_size"));
  let playing = null;
  let built = "";
  let image, output, sources, below;

  function valueOf(what, axis) {
    if (what !== "size") return model.get(what)[axis];
    return axis ? model.get("image")[0].length : model.get("image").length;
  }

  function set(what, axis, value) {
    const pair = [0, 1].map((one) => (one === axis || (together && what !== "size") ? value : valueOf(what, one)));
    if (what === "size") { change(model, { image: resized(model.get("image"), ...pair, freshPixel) }); return; }
    if (what === "stride") tiled = same(pair, model.get("kernel_size"));
    change(model, what === "kernel_size" && tiled ? { kernel_size: pair, stride: pair } : { [what]: pair });
  }

  // The controls
  const kinds = choice({ name: "kind of pooling", choices: Object.fromEntries(KINDS.map((kind) => [kind, kind])), onChange: (kind) => change(model, { kind }) });
  const labels = { size: "input", kernel_size: "window", stride: "stride", padding: "padding" };
  const sliders = Object.entries(labels).map(([what, label]) => [what, label, [0, 1].map((axis) => slider({
    name: `${label}, ${AXES[axis]}`, min: LIMITS[what][0], max: LIMITS[what][1], onInput: (value) => set(what, axis, value),
  }))]);
  const settings = element("div", { className: "lab-settings" }, element("span"), ...AXES.map((axis) => element("span", {}, axis)));
  for (const [, label, pair] of sliders) settings.append(element("span", {}, label), ...pair.map((one) => one.element));
  const linked = checkbox("rows and columns together", (checked) => { together = checked; });
  const tiling = checkbox("stride = window", (checked) => {
    tiled = checked;
    if (checked) change(model, { stride: [...model.get("kernel_size")] });
  });
  const rounding = checkbox("round up (ceil_mode)", (ceil_mode) => change(model, { ceil_mode }));
  const counting = checkbox("count padding (count_include_pad)", (count_include_pad) => change(model, { count_include_pad }));
  const power = slider({ name: "p of the Lp norm", min: LIMITS.norm_type[0], max: LIMITS.norm_type[1], onInput: (norm_type) => change(model, { norm_type }) });
  const powers = element("span", { className: "lab-power" }, "p", power.element);
  const presetImage = (key) => {
    const [height, width] = [valueOf("size", 0), valueOf("size", 1)];
    return resized([], height, width, (i, j) => IMAGES[key][1](i, j, width));
  };
  const images = menu({
    name: "input", choices: { "": "your own", ...Object.fromEntries(Object.entries(IMAGES).map(([key, [label]]) => [key, label])) },
    onChange: (key) => (key ? change(model, { image: presetImage(key) }) : update()),
  });
  const views = choice({
    name: "show", label: "show:", choices: { values: "values", indices: "indices", gradient: "gradient" }, onChange: (view) => change(model, { view }),
  });
  const ties = choice({ name: "gradient of equal maxima", label: "equal maxima:", choices: TIES, onChange: (rule) => change(model, { ties: rule }) });
  const upstreams = menu({ name: "gradient of the output", choices: UPSTREAM, onChange: (upstream) =>
    change(model, upstream === "own" ? { upstream, gradient: pool(state()).upstream } : { upstream }) });
  const backward = element("div", { className: "lab-row" }, upstreams.element, ties.element);

  // The arrays
  const arrays = element("div", { className: "lab-arrays" });
  const lower = element("div", { className: "lab-arrays" });
  const legend = element("p", { className: "lab-note" });
  const problem = element("p", { className: "lab-problem", role: "status" });
  const sizes = AXES.map(() => element("p", { className: "lab-formula" }));
  const sum = element("p", { className: "lab-sum" });
  const sending = element("p", { className: "lab-sum" });
  const share = element("p", { className: "lab-share", role: "status" });

  const captioned = (caption, array) => element("figure", {}, element("figcaption", {}, caption), array.element);
  const size = (rows) => `${rows.length} × ${rows[0].length}`;
  const viewOf = (now) => (now.view === "indices" && !isMax(now) ? "values" : now.view);
  /** Moves the present window to the cell that the keyboard has reached. */
  const pointing = (array) => array.element.addEventListener("focusin", (event) => {
    const i = array.cells.findIndex((row) => row.includes(event.target));
    if (i >= 0 && event.target.matches(":focus-visible")) { stopPlaying(); change(model, { position: [i, array.cells[i].indexOf(event.target)] }); }
  });

  function build(now, numbers) {
    const [down, across] = [axisOf(now, 0), axisOf(now, 1)];
    const [rows, columns] = [down.count, across.count];
    image = grid({ name: "padded input", rows: down.extent, columns: across.extent, cell(i, j) {
      const [r, c] = [i - down.p, j - across.p];
      const inside = r >= 0 && r < down.n && c >= 0 && c < across.n;
      if (inside) return numberCell("", (value) => change(model, { image: replaced(model.get("image"), r, c, value) }));
      const beyond = r >= down.n + down.p || c >= across.n + across.p;
      return element("span", { className: beyond ? "outside beyond" : "outside", title: beyond ? "beyond the padded input" : "padding" });
    } });
    output = grid({ name: "output", rows, columns, cell: (i, j) => button("", () => { stopPlaying(); change(model, { position: [i, j] }); }) });
    pointing(output);
    const padded = down.p || across.p ? `, padded to ${down.n + 2 * down.p} × ${across.n + 2 * across.p}` : "";
    for (const part of [arrays, lower]) {
      part.style.setProperty("--widest", Math.max(across.extent, 8));
      part.style.setProperty("--extent", across.extent);
    }
    arrays.replaceChildren(captioned(`input ${size(now.image)}${padded}`, image), captioned(`output ${size(numbers)}`, output));
    image.element.addEventListener("focusout", () => queueMicrotask(update));

    below = sources = null;
    if (viewOf(now) === "values") { lower.replaceChildren(); return; }
    const backwards = viewOf(now) === "gradient";
    const titles = backwards ? ["gradient at the input", "gradient of the output"] : ["windows that each pixel wins", "flat index of each maximum"];
    below = grid({ name: titles[0], rows: down.n, columns: across.n, cell: () => element("span") });
    sources = grid({ name: titles[1], rows, columns, cell: (i, j) => (backwards
      ? numberCell("", (value) => change(model, { upstream: "own", gradient: replaced(pool(state()).upstream, i, j, value) }))
      : element("span")) });
    pointing(sources);
    sources.element.addEventListener("focusout", () => queueMicrotask(update));
    below.element.style.setProperty("--inset", across.p); // under the pixels that it belongs to
    lower.replaceChildren(captioned(titles[0], below), captioned(titles[1], sources));
  }

  function updateControls(now) {
    kinds.set(now.kind);
    const unused = { size: false, kernel_size: isGlobal(now), stride: isGlobal(now), padding: isGlobal(now) || now.kind === "Lp" };
    for (const [what, , pair] of sliders) pair.forEach((one, axis) => {
      one.set(valueOf(what, axis));
      one.input.disabled = unused[what];
      if (unused[what]) one.element.querySelector("output").textContent = "–";
    });
    linked.input.checked = together;
    tiling.input.checked = tiled = tiled && same(now.stride, now.kernel_size);
    rounding.input.checked = now.ceil_mode;
    counting.input.checked = now.count_include_pad;
    power.set(now.norm_type);
    for (const { input } of [tiling, rounding]) input.disabled = isGlobal(now);
    counting.input.disabled = now.kind !== "average";
    counting.element.hidden = now.kind === "Lp";
    powers.hidden = now.kind !== "Lp";
    images.set(Object.keys(IMAGES).find((key) => same(presetImage(key), now.image)) ?? "");
    views.set(viewOf(now));
    views.inputs[1].disabled = !isMax(now);
    upstreams.set(now.upstream);
    ties.set(now.ties);
    ties.element.hidden = !isMax(now);
    for (const axis of [0, 1]) say(sizes[axis], `${AXES[axis]}: ${sizeInWords(now, axis)}`);
  }

  function update() {
    const now = state();
    updateControls(now);
    const trouble = problemOf(now);
    say(problem, trouble);
    const backwards = viewOf(now) === "gradient";
    for (const part of [arrays, steps, sum, legend]) part.hidden = Boolean(trouble);
    lower.hidden = Boolean(trouble) || viewOf(now) === "values";
    for (const part of [sending, share]) part.hidden = Boolean(trouble) || !backwards;
    backward.hidden = Boolean(trouble) || !backwards;
    if (trouble) { stopPlaying(); return; }

    const pooled = pool(now);
    const { windows, output: numbers, wins, upstream, arriving } = pooled;
    const [down, across] = [axisOf(now, 0), axisOf(now, 1)];
    const form = JSON.stringify([[down, across].map(({ n, p, extent, count }) => [n, p, extent, count]), viewOf(now)]);
    if (form !== built) { built = form; build(now, numbers); }

    const [i, j] = [Math.min(now.position[0], down.count - 1), Math.min(now.position[1], across.count - 1)];
    const present = windows[i][j];
    const receivers = isMax(now) ? (backwards && now.ties === "shared" ? present.winners : present.winners.slice(0, 1)) : [];
    const chosen = (r, c) => receivers.some(([, row, column]) => row === r && column === c);
    /** One frame around all cells of the window. */
    const frame = (cell, r, c, onlyPixels = false) => {
      const [[top, bottom], [left, right]] = [[down, i], [across, j]].map(([{ n, k, starts }, at]) => {
        const [first, last] = [starts[at], starts[at] + k - 1];
        return onlyPixels ? [Math.max(first, 0), Math.min(last, n - 1)] : [first, last];
      });
      const inside = r >= top && r <= bottom && c >= left && c <= right;
      const edges = { under: true, top: r === top, bottom: r === bottom, left: c === left, right: c === right };
      for (const [edge, is] of Object.entries(edges)) cell.classList.toggle(edge, inside && is);
    };
    const won = backwards && isMax(now) ? pooled.senders : wins;
    const zero = isMax(now) ? "−∞" : "0";
    const limit = largest(now.image);
    image.cells.forEach((row, y) => row.forEach((cell, x) => {
      const [r, c] = [y - down.p, x - across.p];
      frame(cell, r, c);
      if (!cell.matches("input")) {
        const counted = now.count_include_pad || now.kind !== "average";
        if (!cell.matches(".beyond")) cell.replaceChildren(counted ? zero : element("s", {}, zero));
        return;
      }
      write(cell, now.image[r][c], limit, inCell);
      const unread = down.unread.includes(r) || across.unread.includes(c);
      cell.classList.toggle("ignored", unread);
      cell.classList.toggle("winner", won[r][c] > 0);
      cell.classList.toggle("chosen", chosen(r, c));
      const told = unread ? ", in no window" : won[r][c] ? `, wins in ${plural(won[r][c], "window")}` : "";
      cell.title = told.slice(2);
      cell.setAttribute("aria-label", `pixel, row ${r}, column ${c}${told}`);
    }));
    const outputLimit = largest(numbers);
    output.cells.forEach((row, r) => row.forEach((cell, c) => {
      write(cell, numbers[r][c], outputLimit, inCell);
      cell.classList.toggle("chosen", r === i && c === j);
      cell.setAttribute("aria-label", `output, row ${r}, column ${c}: ${shown(numbers[r][c])}`);
      if (r === i && c === j) { cell.setAttribute("aria-current", "true"); output.stop(cell); } else cell.removeAttribute("aria-current");
    }));
    if (below) {
      const [left, right] = backwards ? [arriving, upstream] : [wins, pooled.indices];
      const limits = [largest(left), backwards ? largest(right) : Infinity];
      below.cells.forEach((row, r) => row.forEach((cell, c) => {
        write(cell, settled(left[r][c]), limits[0], inCell);
        frame(cell, r, c, true);
        cell.classList.toggle("chosen", chosen(r, c));
      }));
      sources.cells.forEach((row, r) => row.forEach((cell, c) => {
        write(cell, right[r][c], limits[1], inCell);
        cell.classList.toggle("chosen", r === i && c === j);
        if (backwards) cell.setAttribute("aria-label", `gradient of the output, row ${r}, column ${c}`);
      }));
    }
    say(legend, legendOf(now));
    say(sum, element("strong", {}, `row ${i}, column ${j}: `), windowInWords(now, present));
    if (backwards) {
      say(sending, sendingInWords(now, present, upstream[i][j]));
      say(share, shareInWords(pooled));
    }
    back.disabled = i + j === 0;
    next.disabled = i === down.count - 1 && j === across.count - 1;
    play.disabled = down.count * across.count === 1;
  }

  // Walking through the windows
  function walk(by) {
    const counts = [0, 1].map((axis) => axisOf(state(), axis).count);
    const last = counts[0] * counts[1] - 1;
    const [i, j] = model.get("position").map((one, axis) => Math.min(one, counts[axis] - 1));
    const place = Math.max(0, Math.min(i * counts[1] + j + by, last));
    change(model, { position: [Math.floor(place / counts[1]), place % counts[1]] });
    return place < last;
  }
  function stopPlaying() {
    clearInterval(playing);
    playing = null;
    play.textContent = "play";
    play.setAttribute("aria-label", "play through all windows");
    for (const part of [sum, sending]) part.setAttribute("aria-live", "polite");
  }
  function togglePlaying() {
    if (playing) { stopPlaying(); return; }
    if (next.disabled) change(model, { position: [0, 0] });
    for (const part of [sum, sending]) part.setAttribute("aria-live", "off"); // a screen reader could not keep up
    play.textContent = "pause";
    play.setAttribute("aria-label", "pause");
    playing = setInterval(() => { if (!el.isConnected || !walk(1)) stopPlaying(); }, 700);
  }
  const back = button("back", () => { stopPlaying(); walk(-1); }, "back one window");
  const next = button("next", () => { stopPlaying(); walk(1); }, "next window");
  const play = button("play", togglePlaying);
  const steps = element("div", { className: "lab-steps" }, back, play, next);

  introduce(el, "pooling", "Live lab: pooling");
  el.replaceChildren(
    kinds.element, settings,
    element("div", { className: "lab-row" }, linked.element, tiling.element, rounding.element, counting.element,
powers),
    element("div", { className: "lab-row" }, images.element, views.element), backward,
    problem, arrays, lower, legend, steps, sum, sending, share,
    element("div", { className: "lab-formulas", role: "status" }, ...sizes),
  );
  stopPlaying();
  const unfollow = follow(model, names, update);
  return () => { stopPlaying(); unfollow(); };
}

export default { render };
