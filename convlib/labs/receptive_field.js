// The receptive field: a stack of layers, what one unit sees of a photograph, and which units see one pixel.

const KINDS = {
  conv: "convolution", pool: "pooling", transposed: "transposed convolution", upsample: "upsampling, nearest", bilinear: "upsampling, bilinear",
};
const ENLARGING = ["upsample", "bilinear"];
const RANGES = { k: [1, 16], s: [1, 16], p: [0, 16], d: [1, 16] };
const SIZES = [16, 256];
const MOST_LAYERS = 20;
const LARGEST_MAP = 1024;
const LONGEST_PERIOD = 1024;
const PICTURE = 150;

// --- well-known stacks, the same as Python's ---

const convLayer = (k, s = 1, p = null, d = 1, kind = "conv") => ({ kind, k, s, p: p ?? d * Math.floor(k / 2), d });
const poolLayer = (k = 2, s = 2, p = 0) => convLayer(k, s, p, 1, "pool");
const times = (n, make) => Array.from({ length: n }, (_, i) => make(i));
const PRESETS = {
  "three 3×3": [48, times(3, () => convLayer(3))],
  "one 7×7": [48, [convLayer(7)]],
  "stride 2, five times": [96, times(5, () => convLayer(3, 2))],
  "dilated 1, 2, 4, 8": [96, [1, 2, 4, 8].map((d) => convLayer(3, 1, null, d))],
  "dilated 2, 2, 2": [48, times(3, () => convLayer(3, 1, null, 2))],
  "down and up again": [96, [convLayer(3), poolLayer(), convLayer(3), poolLayer(), convLayer(3), convLayer(4, 2, 1, 1, "transposed"), convLayer(3),
    { kind: "bilinear", k: 1, s: 2, p: 0, d: 1 }, convLayer(3)]],
  AlexNet: [224, [convLayer(11, 4, 2), poolLayer(3), convLayer(5), poolLayer(3), convLayer(3), convLayer(3), convLayer(3), poolLayer(3)]],
  "VGG-16": [224, [2, 2, 3, 3, 3].flatMap((n) => [...times(n, () => convLayer(3)), poolLayer()])],
  "ResNet-18, its longest path": [224, [convLayer(7, 2), poolLayer(3, 2, 1),
    ...times(4, (block) => times(4, (i) => convLayer(3, block && !i ? 2 : 1))).flat()]],
  "MobileNetV1 without its 1×1 layers": [224, [2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1].map((s) => convLayer(3, s))],
  "U-Net, its encoder": [188, [...times(4, () => [convLayer(3, 1, 0), convLayer(3, 1, 0), poolLayer()]).flat(), convLayer(3, 1, 0), convLayer(3, 1, 0)]],
  empty: [96, []],
};

// --- which units of the layer below each unit reads; `phases` repeat, `advance` units further on each time ---

const modulo = (a, n) => ((a % n) + n) % n;
const gcd = (a, b) => (b ? gcd(b, a % b) : a);
const isEnlarging = ({ kind }) => ENLARGING.includes(kind);
const isWindow = ({ kind }) => kind === "conv" || kind === "pool";

function tapsOf(layer) {
  const { kind, k, s, p, d } = layer;
  if (isWindow(layer)) return { phases: [times(k, (t) => t * d - p)], advance: s };
  if (kind === "upsample") return { phases: times(s, () => [0]), advance: 1 };
  if (kind === "bilinear") {
    return { advance: 1, phases: times(s, (unit) => { // at (unit + 1/2) / s - 1/2
      const twice = 2 * unit + 1 - s;
      const whole = Math.floor(twice / (2 * s));
      return twice % (2 * s) ? [whole, whole + 1] : [whole];
    }) };
  }
  return { advance: 1, phases: times(s, (unit) => times(k, (t) => unit + p - d * t).filter((at) => modulo(at, s) === 0).map((at) => at / s)) };
}

function tapsAt({ phases, advance }, unit) {
  const on = Math.floor(unit / phases.length) * advance;
  return phases[modulo(unit, phases.length)].map((tap) => tap + on);
}

/** Why a layer makes nothing of a map of n rows and columns; "" where it does. */
function problemOf(layer, n) {
  const { kind, k, s, p, d } = layer;
  const span = d * (k - 1) + 1;
  if (kind === "pool" && p > Math.floor(k / 2)) {
    return `The padding of a pooling can be at most half of its window: ${Math.floor(k / 2)} for ${k}, not ${p}.`;
  }
  if (isWindow(layer)) return span > n + 2 * p ? `No window fits: it spans ${plural(span, "row")}, the padded map has ${n + 2 * p}.` : "";
  const made = outputSize(layer, n);
  if (made < 1) return `Padding ${p} on either side leaves nothing of the ${plural(made + 2 * p, "row")}.`;
  return made > LARGEST_MAP ? `The output would have ${grouped(made)} rows, and this lab stops at ${grouped(LARGEST_MAP)}.` : "";
}

function outputSize(layer, n) {
  const { k, s, p, d } = layer;
  if (isEnlarging(layer)) return n * s;
  const span = d * (k - 1) + 1;
  return isWindow(layer) ? Math.floor((n + 2 * p - span) / s) + 1 : (n - 1) * s + span - 2 * p;
}

// --- what the units see, along one axis: intervals of pixels, `advance` pixels further on each time; null for nothing ---

const PIXELS = { intervals: [[0, 0]], advance: 1 };

function regionOf({ intervals, advance }, unit) {
  const interval = intervals[modulo(unit, intervals.length)];
  const on = Math.floor(unit / intervals.length) * advance;
  return interval && interval.map((end) => end + on);
}

const hull = (intervals) => intervals.filter(Boolean).reduce((all, one) => (all ? [Math.min(all[0], one[0]), Math.max(all[1], one[1])] : one), null);

/** The field with one layer more; null where it repeats too seldom to be a rule. */
function withLayer(field, layer) {
  const taps = tapsOf(layer);
  const period = field.intervals.length;
  const rounds = period / gcd(taps.advance, period);
  if (rounds * taps.phases.length > LONGEST_PERIOD) return null;
  const intervals = times(rounds * taps.phases.length, (unit) => hull(tapsAt(taps, unit).map((tap) => regionOf(field, tap))));
  return shortest({ intervals, advance: field.advance * taps.advance * rounds / period });
}

/** The same rule with the shortest period. */
function shortest(field) {
  const whole = field.intervals.length;
  for (let period = 1; period < whole; period++) {
    if (whole % period || (field.advance * period) % whole) continue;
    const short = { intervals: field.intervals.slice(0, period), advance: field.advance * period / whole };
    if (field.intervals.every((interval, unit) => String(regionOf(short, unit)) === String(interval))) return short;
  }
  return field;
}

/** Numbers that hold for all units. The centre is that of unit 0, on average over a period. */
function numbersOf(field) {
  const { intervals, advance } = field;
  const period = intervals.length;
  const extents = [...new Set(intervals.map((one) => (one ? one[1] - one[0] + 1 : 0)))].sort((a, b) => a - b);
  const seeing = times(period, (unit) => unit).filter((unit) => intervals[unit]);
  const sum = seeing.reduce((all, unit) => all + (intervals[unit][0] + intervals[unit][1]) * period - 2 * unit * advance, 0);
  const common = gcd(advance, period);
  return {
    extents, size: extents.at(-1), jump: advance / period, jumpText: period === common ? String(advance / common) : `${advance / common}/${period / common}`,
    start: seeing.length ? intervals[seeing[0]][0] : 0, centre: sum / (2 * period * Math.max(1, seeing.length)),
  };
}

/** First and last of n units in whose field a pixel lies, or null. */
function unitsOf({ intervals, advance }, pixel, n) {
  const found = intervals.flatMap((interval, phase) => {
    if (!interval) return [];
    const earliest = Math.max(0, Math.ceil((pixel - interval[1]) / advance));
    const latest = Math.min(Math.floor((pixel - interval[0]) / advance), Math.floor((n - 1 - phase) / intervals.length));
    return earliest <= latest ? [earliest, latest].map((at) => at * intervals.length + phase) : [];
  });
  return found.length ? [Math.min(...found), Math.max(...found)] : null;
}

/** A row for the photograph and for each layer. Where one does not fit, those below wait for it. */
function rowsOf({ layers, size }) {
  const rows = [{ text: "photograph", output: size, field: PIXELS, problem: "", ...numbersOf(PIXELS) }];
  let stopped = 0;
  layers.forEach((layer, i) => {
    const below = rows[i];
    const text = layerInWords(layer);
    let problem = stopped ? `Waits for layer ${stopped}.` : problemOf(layer, below.output);
    const field = problem ? null : withLayer(below.field, layer);
    if (!problem && !field) problem = "Enlarged too often: no rule tells what its units see.";
    if (problem) { stopped ||= i + 1; rows.push({ text, output: 0, problem }); return; }
    rows.push({ text, output: outputSize(layer, below.output), field, problem, ...numbersOf(field) });
  });
  return rows;
}

/** The layer that is looked at: the last that fits, where the chosen one does not. */
function lookedAt({ layer }, rows) {
  const fitting = rows.filter((row) => row.field).length - 1;
  return Math.max(0, Math.min(layer, fitting));
}

const clamped = (pair, n) => pair.map((at) => Math.max(0, Math.min(at, n - 1)));

/** For each pixel of one axis, whether a way leads from it to a unit of layer `number`. */
function pixelsRead({ layers }, rows, number, unit) {
  let found = [unit];
  for (let at = number; at > 0; at--) {
    const [taps, n] = [tapsOf(layers[at - 1]), rows[at - 1].output];
    const below = new Set();
    for (const one of found) for (const tap of tapsAt(taps, one)) if (tap >= 0 && tap < n) below.add(tap);
    found = [...below];
  }
  return found.sort((a, b) => a - b);
}

/** The units of layer `number`, along one axis, that read a pixel. */
function readersOf({ layers }, rows, number, pixel) {
  let marked = new Uint8Array(rows[0].output);
  marked[pixel] = 1;
  for (let at = 1; at <= number; at++) {
    const { phases, advance } = tapsOf(layers[at - 1]);
    const above = new Uint8Array(rows[at].output);
    for (let unit = 0; unit < above.length; unit++) {
      const on = Math.floor(unit / phases.length) * advance;
      for (const tap of phases[unit % phases.length]) above[unit] |= marked[tap + on]; // 0 where there is none
    }
    marked = above;
  }
  return [...marked.keys()].filter((unit) => marked[unit]);
}

/** The unit that looks nearest to a place, along one axis. */
const nearest = ({ centre, jump, output }, place) => Math.max(0, Math.min(Math.round((place - centre) / jump), output - 1));

/** All that the pictures and sentences need. */
function lookUp(state) {
  const rows = rowsOf(state);
  const number = lookedAt(state, rows);
  const row = rows[number];
  const unit = clamped(state.position, row.output);
  const pixel = clamped(state.pixel, state.size);
  return {
    rows, number, row, unit, pixel, fitting: rows.filter((one) => one.field).length - 1,
    region: unit.map((at) => regionOf(row.field, at)), read: unit.map((at) => pixelsRead(state, rows, number, at)),
    units: pixel.map((at) => unitsOf(row.field, at, row.output)), readers: pixel.map((at) => readersOf(state, rows, number, at)),
  };
}

// --- in words ---

const square = (n) => `${grouped(n)} × ${grouped(n)}`;
const rangeInWords = (word, [first, last]) => (first === last ? `${word} ${shown(first)}` : `${word}s ${shown(first)} to ${shown(last)}`);
const AXES = ["row", "column"];

function layerInWords({ kind, k, s, p, d }) {
  if (ENLARGING.includes(kind)) return `${kind} ×${s}`;
  return `${kind === "transposed" ? "transposed conv" : kind} ${k}×${k}, s${s} p${p}${d > 1 ? ` d${d}` : ""}`;
}

function summaryInWords({ size }, { rows, fitting }) {
  const head = fitting < rows.length - 1 ? `Layer ${fitting + 1} does not fit. ` : "";
  if (!fitting) return `${head}Without layers, a unit is a pixel.`;
  const last = rows[fitting];
  const words = `${head}After ${plural(fitting, "layer")} there are ${square(last.output)} units. `
    + `Each sees ${last.extents.length > 1 ? "up to " : ""}${square(last.size)} pixels, and neighbours look ${last.jumpText} ${last.jump > 1 ? "pixels" : "pixel"} apart. `;
  if (last.size <= size) return `${words}A field is ${shown(100 * last.size ** 2 / size ** 2)} % of the photograph.`;
  return `${words}From layer ${rows.findIndex((row) => row.size > size)} on, a field is larger than the photograph.`;
}

/** How the numbers of the layer that is looked at follow from those of the layer below it. */
function recurrenceInWords({ layers }, { rows, number }) {
  if (!number) return [];
  const [layer, below, row] = [layers[number - 1], rows[number - 1], rows[number]];
  const { k, s, p, d } = layer;
  if (isWindow(layer) && below.field.intervals.length === 1) {
    return [
      `field: ${below.size} + ${d > 1 ? `${d}·` : ""}(${k} − 1)·${below.jumpText} = ${row.size}`,
      `jump: ${below.jumpText}·${s} = ${row.jumpText}`,
      `start: ${shown(below.start)} − ${p}·${below.jumpText} = ${shown(row.start)}`,
      `centre: ${shown(row.start)} + (${row.size} − 1)/2 = ${shown(row.centre)}`,
    ];
  }
  const period = row.field.intervals.length;
  return [
    `field: ${row.extents.length > 1 ? `${row.extents[0]} to ${row.size}` : row.size}${period > 1 ? `, the same again after ${period} units` : ""}`,
    `jump: ${below.jumpText}${isWindow(layer) ? "·" : " / "}${s} = ${row.jumpText}`,
    `start: ${shown(row.start)}`,
    `centre: ${shown(row.centre)}${period > 1 ? ", on average" : ""}`,
  ];
}

function unitInWords({ size }, { number, unit, region, read }) {
  if (!number) return "Layer 0 is the photograph itself: its units are the pixels, and each sees itself.";
  const name = `Unit (${unit.join(", ")}) of layer ${number}`;
  if (!region.every(Boolean)) return `${name} sees nothing: no tap of a transposed convolution reaches it.`;
  const sizes = region.map(([first, last]) => last - first + 1);
  const [rows, columns] = region.map((ends, axis) => rangeInWords(AXES[axis], ends));
  const middle = region.map(([first, last]) => shown((first + last) / 2)).join(", ");
  const words = `${name} sees ${rows} and ${columns}: ${sizes.join(" × ")} pixels around (${middle}).`;
  const inside = region.map(([first, last]) => Math.max(0, Math.min(last, size - 1) - Math.max(first, 0) + 1));
  if (!inside.every(Boolean)) return `${words} All of it lies in the padding.`;
  const outside = sizes.flatMap((n, axis) => (n > inside[axis] ? [plural(n - inside[axis], AXES[axis])] : []));
  const padding = outside.length ? ` Of them, ${outside.join(" and ")} ${/^1 [a-z]+$/.test(outside.join()) ? "lies" : "lie"} in the padding.` : "";
  const [count, field] = [read, inside.map((length) => ({ length }))].map(([down, across]) => down.length * across.length);
  return words + padding + (count < field ? ` Of the ${grouped(field)} in the photograph it reads only ${grouped(count)} (${shown(100 * count / field)} %).` : "");
}

function pixelInWords({ number, row, pixel, units, readers }) {
  if (!number) return "";
  const [name, layer] = [`ixel (${pixel.join(", ")})`, `layer ${number}`];
  if (!units.every(Boolean)) return `No unit of ${layer} sees p${name}.`;
  const [spanned, read] = [units.map(([first, last]) => last - first + 1), readers.map((all) => all.length)].map(([down, across]) => down * across);
  const where = units.map((ends, axis) => rangeInWords(AXES[axis], ends)).join(", ");
  const all = `${plural(row.output ** 2, "unit")} of ${layer}`;
  if (read === spanned) return `P${name} is seen by ${grouped(read)} of the ${all}: ${where}.`;
  return `P${name} lies between what ${grouped(spanned)} of the ${all} see (${where}); ${grouped(read)} of them ${read === 1 ? "reads" : "read"} it.`;
}

// --- the photograph ---

/** The greys of the photograph, scaled to n × n: means of what lies under a pixel, or what lies nearest. */
function scaled(greys, n) {
  const ends = (at) => {
    const first = Math.floor(at * PICTURE / n);
    return [first, Math.max(first + 1, Math.floor((at + 1) * PICTURE / n))];
  };
  const made = new Uint8Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) {
    const [[top, bottom], [left, right]] = [ends(i), ends(j)];
    let sum = 0;
    for (let r = top; r < bottom; r++) for (let c = left; c < right; c++) sum += greys[r * PICTURE + c];
    made[i * n + j] = sum / ((bottom - top) * (right - left));
  }
  return made;
}

/** How much of the padding is drawn on each side: as far as any unit sees, but never more than the photograph again. */
function marginOf({ size }, rows) {
  const beyond = rows.filter((row) => row.field).flatMap((row) => [0, row.output - 1].flatMap((unit) => {
    const ends = regionOf(row.field, unit);
    return ends ? [-ends[0], ends[1] + 1 - size] : [];
  }));
  return Math.min(size, Math.max(...beyond, Math.ceil(size / 32)));
}

const COLOURS = { warm: [224, 123, 24], cool: [47, 134, 214] };

/** Draws greys, those that are lit with a tint and the others pale; a grey of null stays empty. */
function paint(canvas, n, greyAt, lit, tint) {
  if (canvas.width !== n) canvas.width = canvas.height = n;
  const context = canvas.getContext("2d");
  const image = context.createImageData(n, n);
  const [rows, columns] = lit.map((one) => {
    const marks = new Uint8Array(n);
    for (const at of one) marks[at] = 1;
    return marks;
  });
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) {
    const grey = greyAt(i, j);
    if (grey === null) continue;
    const on = rows[i] && columns[j];
    const at = 4 * (i * n + j);
    for (let channel = 0; channel < 3; channel++) image.data[at + channel] = on ? .78 * grey + .22 * COLOURS[tint][channel] : grey;
    image.data[at + 3] = on ? 255 : 115;
  }
  context.putImageData(image, 0, 0);
}

function render({ model, el }) {
  const names = ["layers", "size", "layer", "position", "pixel", "photograph"];
  const state = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  let place = null; // where the chosen unit looks, as a share of the photograph; another layer's unit is chosen by it
  let pixelPlace = null;
  let seated = ""; // the unit and pixel that belong to these places
  let playing = null;
  let built = -1;
  let lines = [];
  let greys = { of: "", n: 0, pixels: null };

  const greysOf = ({ photograph, size }) => {
    if (greys.of !== photograph || greys.n !== size) {
      greys = { of: photograph, n: size, pixels: scaled(Uint8Array.from(atob(photograph), (one) => one.charCodeAt(0)), size) };
    }
    return greys.pixels;
  };
  const seatOf = ({ layers, layer, position, pixel, size }) => JSON.stringify([layers, layer, position, pixel, size]);

  /** Changes the stack, the layer or the size; the unit that looks where the old one looked is chosen. */
  function reseat(values) {
    const now = { ...state(), ...values };
    const rows = rowsOf(now);
    const row = rows[lookedAt(now, rows)];
    const seats = { position: place.map((share) => nearest(row, share * now.size - .5)), pixel: clamped(pixelPlace.map((share) => Math.floor(share * now.size)), now.size) };
    seated = seatOf({ ...now, ...seats });
    change(model, { ...values, ...seats });
  }
  function remember(now, { row, unit, pixel }) {
    if (seated === seatOf(now)) return;
    seated = seatOf(now);
    place = unit.map((at) => (row.centre + at * row.jump + .5) / now.size);
    pixelPlace = pixel.map((at) => (at + .5) / now.size);
  }

  // The stack and its photograph
  const presets = menu({
    name: "stack", choices: { "": "your own", ...Object.fromEntries(Object.keys(PRESETS).map((name) => [name, name])) },
    onChange(name) {
      stopPlaying();
      if (!name) { update(); return; }
      const [size, layers] = structuredClone(PRESETS[name]);
      place = [.5, .5];
      reseat({ size, layers, layer: layers.length });
    },
  });
  const sizes = slider({ name: "rows and columns of the photograph", min: SIZES[0], max: SIZES[1], onInput: (size) => { stopPlaying(); reseat({ size }); } });
  const summary = element("p", { className: "lab-summary", role: "status" });

  // The pictures
  const layerOf = (className) => element("div", { className });
  const [padded, dots, rings, field, target] = ["lab-padded", "lab-dots", "lab-rings", "lab-field", "lab-target"].map(layerOf);
  const [photo, map] = [0, 1].map(() => element("canvas", { "aria-hidden": "true" }));
  const [cells, readers, chosen] = ["lab-cells", "lab-readers", "lab-chosen"].map(layerOf);
  const scene = element("div", { className: "lab-scene", tabIndex: 0, role: "application", "aria-label": "photograph: choose a pixel with the arrow keys", "data-lm-suppress-shortcuts": "true" },
    padded, photo, dots, rings, field, target);
  const units = element("div", { className: "lab-scene lab-map", tabIndex: 0, role: "application", "aria-label": "units: choose one with the arrow keys", "data-lm-suppress-shortcuts": "true" },
    map, cells, readers, chosen);
  const [sceneTitle, unitsTitle] = [0, 1].map(() => element("figcaption"));
  const key = (kind, words) => element("span", { className: "lab-key" }, element("span", { className: `lab-swatch lab-${kind}`, "aria-hidden": "true" }), words);
  const cut = element("span", { hidden: true }, " The field goes on beyond what is drawn.");
  const legend = element("p", { className: "lab-note" },
    key("warm", "the chosen unit and what it sees; thin: the layers below it"), " ", key("cool", "the chosen pixel and the units that see it"), " ",
    key("outside", "padding"), cut);

  const moveBy = (name, n, [down, across]) => {
    stopPlaying();
    const { unit, pixel } = lookUp(state());
    const [i, j] = name === "position" ? unit : pixel;
    change(model, { [name]: clamped([i + down, j + across], n) });
  };
  const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  function choosing(box, name, placeAt, count) {
    const choose = (event) => {
      const { left, top, width, height } = box.getBoundingClientRect();
      stopPlaying();
      change(model, { [name]: placeAt((event.clientY - top) / height, (event.clientX - left) / width) });
    };
    box.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      if (event.pointerType === "mouse") box.setPointerCapture(event.pointerId);
      choose(event);
    });
    box.addEventListener("pointermove", (event) => { if (event.buttons & 1) choose(event); });
    box.addEventListener("keydown", (event) => {
      const by = ARROWS[event.key];
      if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      moveBy(name, count(), by.map((one) => one * (event.shiftKey ? 10 : 1)));
    });
  }
  const mapSize = () => lookUp(state()).row.output;
  choosing(scene, "pixel", (...shares) => {
    const now = state();
    const margin = marginOf(now, rowsOf(now));
    return clamped(shares.map((share) => Math.floor(share * (now.size + 2 * margin) - margin)), now.size);
  }, () => model.get("size"));
  choosing(units, "position", (...shares) => clamped(shares.map((share) => Math.floor(share * mapSize())), mapSize()), mapSize);

  const sliders = [["unit", "position"], ["pixel", "pixel"]].map(([label, name]) => AXES.map((axis, one) => slider({
    name: `${label}, ${axis}`, min: 0, max: 1, onInput: (value) => {
      stopPlaying();
      const { unit, pixel } = lookUp(state());
      change(model, { [name]: (name === "position" ? unit : pixel).map((old, at) => (at === one ? value : old)) });
    },
  })));
  const settings = element("div", { className: "lab-settings lab-places" },
    ...["", ...AXES].map((words) => element("span", { "aria-hidden": "true" }, words)),
    ...sliders.flatMap((pair, i) => [element("span", {}, ["unit", "pixel"][i]), ...pair.map((one) => one.element)]));
  const unitWords = element("p", { className: "lab-sum lab-unit-words", "aria-live": "polite" });
  const pixelWords = element("p", { className: "lab-sum lab-pixel-words", "aria-live": "polite" });

  // The stack as a table
  const group = String(Math.random());
  const body = element("tbody");
  const heads = ["", "layer", "output", "field", "jump", "start", "centre"];
  const table = element("table", {}, element("caption", {}, "Choose a layer. Sizes are rows; for columns they are the same."),
    element("thead", {}, element("tr", {}, ...heads.map((words) => (words ? element("th", { scope: "col" }, words) : element("td"))))), body);
  const scroller = element("div", { className: "lab-stack" }, table);
  const choose = (layer) => reseat({ layer });

  function makeLine(number) {
    const input = element("input", { type: "radio", name: group, value: number, "data-lm-suppress-shortcuts": "true" });
    input.addEventListener("change", () => { stopPlaying(); choose(number); });
    const what = element("td", { className: "lab-what" });
    const values = heads.slice(2).map(() => element("td"));
    const line = element("tr", {}, element("td", { className: "lab-pick" }, element("label", {}, input, element("span", {}, String(number)))), what, ...values);
    line.addEventListener("click", (event) => {
      if (event.target.closest("label")) return; // the browser does it
      stopPlaying();
      choose(number);
    });
    return {
      line, input,
      show(row, now, widest) {
        input.checked = number === Math.min(now.layer, now.layers.length);
        line.classList.toggle("chosen", input.checked);
        line.classList.toggle("waiting", !row.field);
        input.setAttribute("aria-label", `layer ${number}: ${row.text}`);
        what.textContent = row.text;
        const remark = row.problem ? [element("span", { className: "lab-remark" }, row.problem)] : [];
        values[0].colSpan = row.field ? 1 : 5;
        values.slice(1).forEach((cell) => { cell.hidden = !row.field; });
        if (!row.field) { values[0].replaceChildren(...remark); values[0].className = "lab-why"; return; }
        values[0].className = "";
        [grouped(row.output), grouped(row.size), row.jumpText, shown(row.start), shown(row.centre)].forEach((text, i) => { values[i].textContent = text; });
        values[1].className = "lab-size";
        values[1].style.setProperty("--share", `${(100 * row.size / widest).toFixed(1)}%`);
      },
    };
  }

  // The chosen layer: its settings and its place
  const FRESH = convLayer(3);
  const chosenAt = () => Math.min(model.get("layer"), model.get("layers").length);
  const withSetting = (values) => {
    stopPlaying();
    reseat({ layers: model.get("layers").map((layer, i) => (i === chosenAt() - 1 ? { ...layer, ...values } : layer)) });
  };
  const kinds = menu({ name: "kind", choices: KINDS, onChange: (kind) => withSetting({ kind, ...(ENLARGING.includes(kind) && model.get("layers")[chosenAt() - 1]?.s < 2 && { s: 2 }) }) });
  const labels = { k: "kernel k", s: "stride s", p: "padding p", d: "dilation d" };
  const numbers = Object.entries(labels).map(([name, label]) => {
    const made = slider({ name: label, min: RANGES[name][0], max: RANGES[name][1], onInput: (value) => withSetting({ [name]: value }) });
    return { ...made, name, label: element("span", {}, label) };
  });
  function edit(layer, how) {
    stopPlaying();
    const layers = [...model.get("layers")];
    how(layers);
    reseat({ layers, layer });
  }
  const swap = (list, a, b) => { [list[a], list[b]] = [list[b], list[a]]; };
  const add = button("add", () => edit(chosenAt() + 1, (layers) => layers.splice(chosenAt(), 0, { ...FRESH })), "add a layer after this one");
  const copy = button("copy", () => edit(chosenAt() + 1, (layers) => layers.splice(chosenAt(), 0, { ...layers[chosenAt() - 1] })), "copy this layer");
  const up = button("up", () => edit(chosenAt() - 1, (layers) => swap(layers, chosenAt() - 1, chosenAt() - 2)), "move this layer up");
  const down = button("down", () => edit(chosenAt() + 1, (layers) => swap(layers, chosenAt() - 1, chosenAt())), "move this layer down");
  const remove = button("remove", () => edit(Math.max(chosenAt() - 1, model.get("layers").length > 1 ? 1 : 0), (layers) => layers.splice(chosenAt() - 1, 1)), "remove this layer");
  const editorTitle = element("strong");
  const editor = element("div", { className: "lab-editor" },
    element("div", { className: "lab-row" }, editorTitle, kinds.element, element("div", { className: "lab-steps" }, add, copy, up, down, remove)),
    element("div", { className: "lab-settings lab-numbers" }, ...numbers.flatMap((one) => [one.label, one.element])));
  const problem = element("p", { className: "lab-problem", role: "status" });
  const formulaTitle = element("p", { className: "lab-formula-title" });
  const formulas = [0, 1, 2, 3].map(() => element("p", { className: "lab-formula" }));
  const recurrence = element("div", { className: "lab-formulas" }, formulaTitle, ...formulas);

  // Layer after layer
  function walk(by) {
    const most = lookUp(state()).fitting;
    const layer = Math.max(0, Math.min(model.get("layer") + by, most));
    choose(layer);
    return layer < most;
  }
  function stopPlaying() {
    clearInterval(playing);
    playing = null;
    play.textContent = "play";
    play.setAttribute("aria-label", "play through all layers");
    for (const part of [unitWords, pixelWords]) part.setAttribute("aria-live", "polite");
  }
  function togglePlaying() {
    if (playing) { stopPlaying(); return; }
    if (next.disabled) choose(0);
    for (const part of [unitWords, pixelWords]) part.setAttribute("aria-live", "off"); // a screen reader could not keep up
    play.textContent = "pause";
    play.setAttribute("aria-label", "pause");
    playing = setInterval(() => { if (!el.isConnected || !walk(1)) stopPlaying(); }, 800);
  }
  const back = button("back", () => { stopPlaying(); walk(-1); }, "back one layer");
  const next = button("next", () => { stopPlaying(); walk(1); }, "next layer");
  const play = button("play", togglePlaying);
  const stepTitle = element("span", { className: "lab-step-title" });
  const steps = element("div", { className: "lab-steps" }, back, play, next, stepTitle);
  const pictures = element("div", { className: "lab-pictures" },
    element("figure", {}, sceneTitle, scene), element("div", { className: "lab-beside" }, steps, element("figure", {}, unitsTitle, units)));

  /** Lays a part over the pixels [first, last] of each axis, in a picture that shows those from `low` to `low + extent`. */
  function lay(part, region, low, extent) {
    const ends = region.map(([first, last]) => [Math.max(first, low), Math.min(last + 1, low + extent)]);
    const shares = ends.map(([from, to]) => [100 * (from - low) / extent, 100 * Math.max(0, to - from) / extent]);
    [part.style.top, part.style.height, part.style.left, part.style.width] = shares.flat().map((share) => `${share}%`);
    const [top, bottom, left, right] = region.flatMap(([first, last], axis) => [first < low, last + 1 > low + extent].map(Boolean));
    part.dataset.cut = Object.entries({ top, bottom, left, right }).filter(([, is]) => is).map(([side]) => side).join(" ");
    return top || bottom || left || right;
  }

  function drawScene(now, found) {
    const { rows, row, number, unit, pixel, region, read } = found;
    const { size } = now;
    const margin = marginOf(now, rows);
    const extent = size + 2 * margin;
    const pixels = greysOf(now);
    paint(photo, size, (i, j) => pixels[i * size + j], read, "warm");
    lay(photo, [[0, size - 1], [0, size - 1]], -margin, extent);
    const sees = region.every(Boolean);
    for (const part of [field, padded]) part.hidden = !sees;
    cut.hidden = !sees || !lay(field, region, -margin, extent);
    if (sees) lay(padded, region, -margin, extent);
    lay(target, pixel.map((at) => [at, at]), -margin, extent);
    // A dot where each unit looks
    const first = row.centre + .5 - row.jump / 2;
    lay(dots, [0, 1].map(() => [first, first + row.output * row.jump - 1]), -extent, 3 * extent);
    const shares = [first + margin, row.output * row.jump].map((length) => `${100 * length / extent}%`);
    [dots.style.top, dots.style.height] = shares;
    [dots.style.left, dots.style.width] = shares;
    delete dots.dataset.cut;
    dots.style.backgroundSize = `${100 / row.output}% ${100 / row.output}%`;
    // What the layers below see from the same place
    const below = rows.slice(1, number).map((one) => unit.map((at) => regionOf(one.field, nearest(one, row.centre + at * row.jump)))).filter((both) => both.every(Boolean));
    while (rings.childElementCount < below.length) rings.append(element("div"));
    [...rings.children].forEach((ring, i) => {
      ring.hidden = i >= below.length;
      if (!ring.hidden) lay(ring, below[i], -margin, extent);
    });
    say(sceneTitle, `photograph ${square(size)}: choose a pixel`);
  }

  function drawMap(now, { number, row, unit, units: spanned, readers: reading }) {
    const n = row.output;
    const pixels = greysOf(now);
    const sources = times(n, (at) => {
      const centre = Math.round(row.centre + at * row.jump);
      return centre >= 0 && centre < now.size ? centre : null;
    });
    paint(map, n, (i, j) => (sources[i] === null || sources[j] === null ? null : pixels[sources[i] * now.size + sources[j]]), reading, "cool");
    cells.hidden = n > 40;
    cells.style.backgroundSize = `${100 / n}% ${100 / n}%`;
    readers.hidden = !spanned.every(Boolean);
    if (!readers.hidden) lay(readers, spanned, 0, n);
    lay(chosen, unit.map((at) => [at, at]), 0, n);
    say(unitsTitle, `layer ${number}, ${n === 1 ? "1 unit" : `${square(n)} units`}${n > 1 ? ": choose one" : ""}`);
  }

  /** Hides dots that would run into each other, and scrolls to the chosen layer. */
  const settle = new ResizeObserver(() => {
    const now = state();
    const { rows, row, number } = lookUp(now);
    dots.hidden = !number || row.jump / (now.size + 2 * marginOf(now, rows)) * scene.clientWidth < 9;
    const { line } = lines[chosenAt()];
    const [above, beneath] = [line.offsetTop - table.tHead.offsetHeight, line.offsetTop + line.offsetHeight];
    if (above < scroller.scrollTop) scroller.scrollTop = above;
    else if (beneath > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = beneath - scroller.clientHeight;
  });

  function update() {
    const now = state();
    const found = lookUp(now);
    const { rows, number, row, unit, pixel, fitting } = found;
    remember(now, found);
    const texts = JSON.stringify(now.layers.map(layerInWords));
    presets.set(Object.keys(PRESETS).find((name) => PRESETS[name][0] === now.size && JSON.stringify(PRESETS[name][1].map(layerInWords)) === texts) ?? "");
    sizes.set(now.size);
    say(summary, summaryInWords(now, found));
    drawScene(now, found);
    drawMap(now, found);
    sliders.forEach((pair, i) => pair.forEach((one, axis) => {
      one.input.max = (i ? now.size : row.output) - 1;
      one.set((i ? pixel : unit)[axis]);
      one.input.disabled = !i && row.output === 1;
    }));
    say(unitWords, unitInWords(now, found));
    say(pixelWords, pixelInWords(found));

    if (built !== rows.length) {
      built = rows.length;
      lines = rows.map((_, i) => makeLine(i));
      body.replaceChildren(...lines.map((one) => one.line));
    }
    const widest = Math.max(now.size, ...rows.map((one) => one.size ?? 0));
    lines.forEach((one, i) => one.show(rows[i], now, widest));
    const at = chosenAt();

    const layer = now.layers[at - 1];
    say(editorTitle, at ? `Layer ${at}` : "The photograph");
    kinds.input.disabled = !layer;
    if (layer) {
      kinds.set(layer.kind);
      for (const one of numbers) {
        const used = one.name === "s" || !isEnlarging(layer);
        one.set(layer[one.name]);
        one.input.disabled = !used;
        if (!used) one.element.querySelector("output").textContent = "–";
      }
    }
    for (const one of numbers) { if (!layer) { one.input.disabled = true; one.element.querySelector("output").textContent = "–"; } }
    say(problem, fitting < rows.length - 1 ? `Layer ${fitting + 1}: ${rows[fitting + 1].problem}` : "");
    add.disabled = copy.disabled = now.layers.length >= MOST_LAYERS;
    if (!layer) copy.disabled = true;
    up.disabled = at < 2;
    down.disabled = !layer || at === now.layers.length;
    remove.disabled = !layer;
    const written = recurrenceInWords(now, found);
    say(formulaTitle, element("strong", {}, number ? `Layer ${number} from layer ${number - 1}` : "Layer 0"));
    formulas.forEach((one, i) => say(one, written[i] ?? (i ? "" : "A pixel sees itself: field 1, jump 1, start 0.")));
    say(stepTitle, `layer ${number} of ${now.layers.length}`);
    back.disabled = number === 0;
    next.disabled = number >= fitting;
    play.disabled = !fitting;
    settle.disconnect(); // and soon again, after the layout: to ask for a size here would stop everything for it
    settle.observe(scene);
  }

  introduce(el, "receptive_field", "Live lab: receptive field");
  el.replaceChildren(
    element("div", { className: "lab-row" }, presets.element, element("div", { className: "lab-size-of" }, element("span", {}, "photograph"), sizes.element)),
    pictures, editor, settings, problem, unitWords, pixelWords, legend, scroller, summary, recurrence,
  );
  stopPlaying();
  const unfollow = follow(model, names, update);
  return () => { stopPlaying(); settle.disconnect(); unfollow(); };
}

export default { render };
