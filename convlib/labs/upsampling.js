// The upsampling lab: an image at another size, and where each number of it comes from.

const AXES = ["rows", "columns"];
const MODES = ["nearest", "nearest-exact", "bilinear", "bicubic", "area"];
const SIDES = { image: [2, 6], size: [1, 12] };
const MOST_WRITTEN = 16;
const FINE = 24; // points of the curve for each pixel

// --- the weights along one axis ---

const isSmooth = ({ mode }) => mode === "bilinear" || mode === "bicubic";
const isAligned = (state) => isSmooth(state) && state.align_corners;
const isWide = (state) => isSmooth(state) && state.antialias;
const sizeOf = (state, axis) => (axis ? state.image[0].length : state.image.length);

/** Input pixels from one output pixel to the next. */
function scaleOf(state, axis) {
  const [n, m] = [sizeOf(state, axis), state.size[axis]];
  if (isAligned(state)) return m > 1 ? (n - 1) / (m - 1) : 0;
  return n / m;
}

/** Where output pixel i looks, counted from the centre of the first pixel of the image. */
function placeOf(state, axis, i) {
  const scale = scaleOf(state, axis);
  if (isAligned(state) && !isWide(state)) return i * scale;
  return (i + (state.mode === "nearest" ? 0 : 0.5)) * scale - 0.5;
}

const tent = (distance) => Math.max(1 - Math.abs(distance), 0);
function cubic(distance, a) {
  const d = Math.abs(distance);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/** What a place is made of, as [pixel, weight]; beyond the edge, the edge pixel counts again. */
function tapsAround(n, place, isCubic) {
  const at = isCubic ? place : Math.max(place, 0);
  return (isCubic ? [-1, 0, 1, 2] : [0, 1]).map((step) => {
    const pixel = Math.floor(at) + step;
    return [Math.max(0, Math.min(pixel, n - 1)), isCubic ? cubic(pixel - at, -0.75) : tent(pixel - at)];
  });
}

/** The same with antialiasing: a stretched kernel, and only what lies inside; `centre` is measured from the edge. */
function tapsUnder(n, centre, scale, isCubic) {
  const stretch = Math.max(scale, 1);
  const reach = (isCubic ? 2 : 1) * stretch;
  const first = Math.max(0, Math.trunc(centre - reach + 0.5));
  const end = Math.min(n, Math.trunc(centre + reach + 0.5));
  const taps = Array.from({ length: end - first }, (_, at) => {
    const distance = (first + at + 0.5 - centre) / stretch;
    return [first + at, isCubic ? cubic(distance, -0.5) : tent(distance)];
  });
  const sum = taps.reduce((all, [, weight]) => all + weight, 0);
  return taps.map(([pixel, weight]) => [pixel, weight / sum]);
}

/** What each output pixel of an axis is made of. */
function tapsOf(state, axis) {
  const [n, m, scale] = [sizeOf(state, axis), state.size[axis], scaleOf(state, axis)];
  const isCubic = state.mode === "bicubic";
  return Array.from({ length: m }, (_, i) => {
    if (state.mode === "area") {
      const [first, end] = [Math.floor((i * n) / m), Math.ceil(((i + 1) * n) / m)];
      return Array.from({ length: end - first }, (__, at) => [first + at, 1 / (end - first)]);
    }
    if (!isSmooth(state)) { // in single precision, as everywhere
      const place = Math.fround(Math.fround(i + (state.mode === "nearest" ? 0 : 0.5)) * Math.fround(scale));
      return [[Math.min(Math.floor(place), n - 1), 1]];
    }
    if (isWide(state)) return tapsUnder(n, (i + 0.5) * scale, scale, isCubic);
    return tapsAround(n, isAligned(state) ? i * scale : (i + 0.5) * scale - 0.5, isCubic);
  });
}

/** The taps as one row of weights. */
function dense(taps, n) {
  const weights = Array(n).fill(0);
  for (const [pixel, weight] of taps) weights[pixel] += weight;
  return weights;
}

// --- both axes ---

/** A weighted sum, in the order in which convlib adds. */
const mean = (taps, values) => taps.reduce((sum, [pixel, weight]) => sum + weight * values[pixel], 0);
const settled = (value, unit = 1) => (Math.abs(value) < 1e-12 * unit ? 0 : value);

/** Everything about a state: the matrices, the output, and what makes its chosen pixel. */
function resize(state) {
  const taps = [0, 1].map((axis) => tapsOf(state, axis));
  const [rows, columns] = taps.map((all, axis) => all.map((one) => dense(one, sizeOf(state, axis))));
  const [i, j] = state.position.map((at, axis) => Math.min(at, state.size[axis] - 1));
  const unit = Math.max(...state.image.flat().map(Math.abs));
  const narrow = state.image.map((row) => taps[1].map((one) => mean(one, row)));
  const output = taps[0].map((one) => taps[1].map((_, c) => settled(mean(one, narrow.map((row) => row[c])), unit)));
  const [down, across] = [rows[i], columns[j]].map((weights) => weights.map((weight) => settled(weight)));
  const weights = down.map((one) => across.map((other) => one * other));
  const [usedRows, usedColumns] = [rows, columns].map((matrix) => matrix[0].map((_, pixel) => matrix.some((line) => line[pixel])));
  const unread = state.image.map((row, r) => row.map((_, c) => !usedRows[r] || !usedColumns[c]));
  const mixed = state.image[0].map((_, c) => settled(mean([...rows[i].entries()], state.image.map((row) => row[c])), unit));
  return { i, j, rows, columns, output, down, across, weights, unread, mixed, unit };
}

/** What every place of a row is made of, from the one edge of the image to the other. */
function fineTapsOf(state) {
  const [n, scale, isCubic] = [sizeOf(state, 1), scaleOf(state, 1), state.mode === "bicubic"];
  const wide = isWide(state);
  return Array.from({ length: FINE * n }, (_, t) => {
    const place = (t + 0.5) / FINE - 0.5;
    return [place, wide ? tapsUnder(n, place + 0.5, scale, isCubic) : tapsAround(n, place, isCubic)];
  });
}

/** The row of the image that makes row i of the output, at every place: a broken line of [place, value]. */
function curveOf(state, values, outputs, fine = isSmooth(state) ? fineTapsOf(state) : []) {
  const n = values.length;
  if (state.mode === "area") {
    const scale = scaleOf(state, 1);
    return outputs.flatMap((value, j) => [[j * scale - 0.5, value], [(j + 1) * scale - 0.5, value]]);
  }
  if (!isSmooth(state)) return values.flatMap((value, c) => [[c - 0.5, value], [c + 0.5, value]]);
  return fine.map(([place, taps]) => [place, mean(taps, values)]);
}

// --- in words ---

const inSum = (value) => (value < 0 ? `(${shown(value)})` : shown(value));
/** The first and the last of many. */
const shortened = (words) => (words.length > MOST_WRITTEN ? [...words.slice(0, 3), "…", words.at(-1)] : words);
const nonzero = (weights) => weights.flatMap((weight, at) => (weight ? [at] : []));

function modeInWords(state) {
  const does = {
    nearest: "every output pixel copies the pixel under its top left corner",
    "nearest-exact": "every output pixel copies the pixel under its centre",
    bilinear: "along each axis the 2 pixels around its place count, the nearer the more",
    bicubic: `along each axis the 4 pixels around its place count, the outer 2 with negative weights (a = ${isWide(state) ? "−0.5" : "−0.75"})`,
    area: "every output pixel is the plain mean of all pixels that it touches, however little",
  }[state.mode];
  const words = [`${state.mode}: ${does}.`];
  if (isAligned(state) && isWide(state)) words.push("With both options the step is that of align_corners, but the half pixel stays, as in torch: the corners are not aligned.");
  else if (isAligned(state)) words.push("Pixels are points: the first and the last of both images lie on each other.");
  else if (isSmooth(state)) words.push("Pixels are squares: both images begin and end at the same edges.");
  if (isWide(state)) {
    words.push([0, 1].some((axis) => scaleOf(state, axis) > 1)
      ? "Where output pixels lie more than one pixel apart, antialias makes the kernel as much wider, and every pixel counts."
      : "Output pixels lie at most one pixel apart, so antialias makes nothing wider.");
  }
  return words.join(" ");
}

/** What the kernel meets that is not inside the image, or how far it is stretched. */
function noteInWords(state, axis, place) {
  const [n, scale] = [sizeOf(state, axis), scaleOf(state, axis)];
  if (isWide(state)) {
    return scale > 1 ? `; the kernel is ${shown(scale)} times as wide` : "";
  }
  if (Number.isInteger(place)) return ""; // a whole place needs no neighbours
  const reach = state.mode === "bicubic" ? 2 : 1;
  const first = Math.floor(place) + 1 - reach;
  const outside = [...(first < 0 ? [0] : []), ...(first + 2 * reach > n ? [n - 1] : [])];
  if (outside.length === 2) return `; beyond the edges ${AXES[axis]} 0 and ${n - 1} count again`;
  return outside.length ? `; beyond the edge ${AXES[axis].slice(0, -1)} ${outside[0]} counts again` : "";
}

function placeInWords(state, axis, { i, j, down, across }) {
  const [n, m, at, weights] = [sizeOf(state, axis), state.size[axis], axis ? j : i, axis ? across : down];
  const one = AXES[axis].slice(0, -1);
  const head = `Output ${one} ${at}`;
  const read = nonzero(weights);
  if (state.mode.startsWith("nearest")) return `${head} reads ${one} ⌊${state.mode === "nearest" ? at : `(${at} + ½)`} · ${n}/${m}⌋ = ${read[0]}.`;
  if (state.mode === "area") {
    const touched = read.length === 1 ? `${one} ${read[0]} alone` : `${AXES[axis]} ${listed(read)}, 1/${read.length} each`;
    return `${head} reaches from ${shown((at * n) / m)} to ${shown(((at + 1) * n) / m)}, measured from the edge, and touches ${touched}.`;
  }
  const place = placeOf(state, axis, at);
  const step = `(${n} − 1)/(${m} − 1)`;
  const formula = isAligned(state) ? (isWide(state) ? `(${at} + ½) · ${step} − ½` : `${at} · ${step}`) : `(${at} + ½) · ${n}/${m} − ½`;
  const lies = m === 1 && isAligned(state) ? `The only output ${one} lies at` : `${head} lies at ${formula} =`;
  const parts = read.map((pixel) => `${shown(weights[pixel])} of ${one} ${pixel}`);
  return `${lies} ${shown(place)}: ${listed(parts)}${noteInWords(state, axis, place)}.`;
}

function sumInWords(state, { i, j, weights, output }) {
  const read = weights.flatMap((row, r) => row.flatMap((weight, c) => (weight ? [[weight, state.image[r][c]]] : [])));
  const value = shown(output[i][j]);
  if (state.mode === "area" && read.length > 1) return `(${shortened(read.map(([, pixel]) => inSum(pixel))).join(" + ")}) / ${read.length} = ${value}`;
  return `${shortened(read.map(([weight, pixel]) => `${inSum(weight)} · ${inSum(pixel)}`)).join(" + ")} = ${value}`;
}

function readingInWords({ weights, unread }) {
  const all = weights.flat();
  const below = all.filter((weight) => weight < 0).length;
  const left = unread.flat().filter(Boolean).length;
  const sum = Math.round(all.reduce((total, weight) => total + weight, 0) * 1e9) / 1e9;
  const words = `The output pixel reads ${nonzero(all).length} of ${all.length} pixels${below ? `, ${below} with a negative weight` : ""}; the weights add up to ${shown(sum)}.`;
  return `${words} ${left ? `${plural(left, "pixel")} ${left === 1 ? "is" : "are"} read by no output pixel at all.` : "Every pixel is read by some output pixel."}`;
}

const rangeOf = (rows) => [Math.min(...rows.flat()), Math.max(...rows.flat())];

function rangeInWords(state, { output, unit }) {
  const [[low, high], [least, most]] = [rangeOf(state.image), rangeOf(output)];
  const over = [
    ...(low - least > 1e-12 * unit ? [`${shown(low - least)} below`] : []),
    ...(most - high > 1e-12 * unit ? [`${shown(most - high)} above`] : []),
  ];
  return `The image reaches from ${shown(low)} to ${shown(high)}, the output from ${shown(least)} to ${shown(most)}: ${over.length ? `it overshoots by ${listed(over)}` : "no overshoot"}.`;
}

function stripInWords(state, { i, mixed, output }) {
  const places = output[i].map((_, j) => shown(placeOf(state, 1, j))).join(", ");
  const reads = {
    nearest: `The output reads at the left edges of its columns, ${places}, and holds`,
    area: `The columns of the output have their centres at ${places} and hold`,
  }[state.mode] ?? `The output reads at ${places} and holds`;
  return `Row ${i}: the columns of the image, at 0 to ${mixed.length - 1}, hold ${mixed.map(shown).join(", ")} here. ${reads} ${output[i].map(shown).join(", ")}.`;
}

function headingOf(state, { i }) {
  const curve = state.mode === "area" ? "flat pieces: what each output column covers" : "curve: the same row at every place";
  return `Row ${i} of the output. Dots: the image, its rows mixed with the row weights; ${curve}; rings: the output; lines: the column weights${state.mode === "bicubic" ? ", dashed below 0" : ""}. Drag along it to choose a column.`;
}

function legendOf(state, { unread, output, unit }) {
  const [[low, high], [least, most]] = [rangeOf(state.image), rangeOf(output)];
  return [
    "Frame: read by the chosen output pixel",
    unread.flat().some(Boolean) ? "; hatched: read by no output pixel" : "",
    low - least > 1e-12 * unit || most - high > 1e-12 * unit ? "; underlined: beyond the range of the image" : "",
    "; orange: above 0, blue: below.",
  ].join("");
}

// --- changes that keep all else sensible ---

const IMAGES = {
  edge: ["an edge", (i, j, height, width) => Number(j >= width / 2)],
  dot: ["one bright pixel", (i, j, height, width) => Number(i === (height - 1) >> 1 && j === (width - 1) >> 1)],
  ramp: ["a ramp", (i, j) => j],
  checkerboard: ["a checkerboard", (i, j) => (i + j) % 2],
};
const tableOf = (height, width, value) => Array.from({ length: height }, (_, i) => Array.from({ length: width }, (__, j) => value(i, j)));
const presetImage = (key, height, width) => tableOf(height, width, (i, j) => IMAGES[key][1](i, j, height, width));
const presetOf = (image) => Object.keys(IMAGES).find((key) => same(presetImage(key, image.length, image[0].length), image)) ?? "";

// --- the strip: one row, in the plane of place and value ---

const HEIGHTS = { top: 20, bottom: 148, weights: 178, image: 184, squares: 24, output: 244, all: 270 };

/** Where the columns of the output look, and the places at both ends of the strip. */
function extentOf(state) {
  const [n, m] = [sizeOf(state, 1), state.size[1]];
  const places = Array.from({ length: m }, (_, column) => placeOf(state, 1, column));
  return { places, ends: isAligned(state) ? [Math.min(-0.35, ...places), Math.max(n - 0.65, ...places)] : [-0.5, n - 0.5] };
}

/** A picture that is as wide as its place: all that is horizontal is in percent, all that is vertical in pixels. */
function stripOf(state, made, curve, [least, most]) {
  const { i, j, across, mixed, output } = made;
  const scale = scaleOf(state, 1);
  const points = isAligned(state); // or squares
  const { places, ends: [low, high] } = extentOf(state);
  const across100 = (place) => 2.5 + (95 * (place - low)) / (high - low);
  const x = (place) => `${across100(place).toFixed(3)}%`;
  const { top, bottom } = HEIGHTS;
  const y = (value) => bottom - ((bottom - top) * (value - least)) / (most - least || 1);
  const [darkest, brightest] = rangeOf(state.image);
  const text = (place, height, words, more = "") => `<text x="${x(place)}" y="${height}" text-anchor="middle" ${more}>${words}</text>`;

  const band = `<rect class="lab-band" x="0" width="100%" y="${y(brightest)}" height="${Math.max(y(darkest) - y(brightest), 1)}"></rect>`
    + `<text class="lab-limit" x="0" y="${y(brightest) - 6}">largest of the image: ${shown(brightest)}</text>`
    + `<text class="lab-limit" x="100%" y="${y(darkest) + 14}" text-anchor="end">smallest: ${shown(darkest)}</text>`;
  const line = curve.map(([place, value]) => `${((across100(place)) * 10).toFixed(2)},${y(value).toFixed(2)}`).join(" ");
  const path = `<svg x="0" y="0" width="100%" height="${HEIGHTS.all}" viewBox="0 0 1000 ${HEIGHTS.all}" preserveAspectRatio="none"><polyline class="lab-curve" points="${line}"></polyline></svg>`;
  const dots = mixed.map((value, c) => `<circle class="lab-source" cx="${x(c)}" cy="${y(value)}" r="4.5"></circle>`).join("");
  const rings = output[i].map((value, c) => `<circle class="lab-ring${c === j ? " chosen" : ""}" cx="${x(places[c])}" cy="${y(value)}" r="${c === j ? 6.5 : 4}"></circle>`).join("");
  const guide = `<line class="lab-guide" x1="${x(places[j])}" x2="${x(places[j])}" y1="${y(output[i][j])}" y2="${HEIGHTS.output}"></line>`;

  const pixel = (place, width, height, number, kind) => (points
    ? `<circle class="${kind}" cx="${x(place)}" cy="${height + 12}" r="8"></circle>`
    : `<rect class="${kind}" x="${x(place - width / 2)}" y="${height}" width="${((95 * width) / (high - low)).toFixed(3)}%" height="${HEIGHTS.squares}"></rect>`)
    + text(place, height + 16, number);
  const sources = mixed.map((_, c) => pixel(c, 1, HEIGHTS.image, c, across[c] ? "lab-pixel chosen" : "lab-pixel")).join("");
  const centre = (column) => (points ? places[column] : (column + 0.5) * scale - 0.5);
  const order = [...output[i].keys()].filter((column) => column !== j).concat(j); // the chosen one above its neighbours
  const outputs = order.map((column) => pixel(centre(column), scale, HEIGHTS.output, column, column === j ? "lab-pixel chosen" : "lab-pixel")).join("");
  const wires = across.map((weight, c) => (weight ? `<line class="${weight < 0 ? "lab-below" : "lab-above"}" x1="${x(c)}" x2="${x(places[j])}" y1="${HEIGHTS.image + HEIGHTS.squares}" y2="${HEIGHTS.output}" stroke-width="${(1.5 + 7 * Math.min(Math.abs(weight), 1)).toFixed(2)}"></line>` : "")).join("");
  const labels = across.map((weight, c) => (weight ? text(c, HEIGHTS.weights, inCell(weight), 'class="lab-halo"') : "")).join("");
  return `<svg class="lab-strip" width="100%" height="${HEIGHTS.all}" role="img">${band}${path}${guide}${wires}${sources}${outputs}${labels}${dots}${rings}</svg>`;
}

/** The smallest and the largest number that the strip shows in any row, so that walking through the rows compares. */
function heightsOf(state, { rows, output }) {
  const fine = isSmooth(state) ? fineTapsOf(state) : [];
  const heights = rows.map((weights, r) => {
    const mixed = state.image[0].map((_, c) => mean([...weights.entries()], state.image.map((row) => row[c])));
    return [...mixed, ...output[r], ...curveOf(state, mixed, output[r], fine).map(([, value]) => value)];
  });
  return rangeOf([...heights, ...state.image]);
}

/** The output column that lies nearest to a share of the strip's width. */
function columnAt(state, share) {
  const { places, ends: [low, high] } = extentOf(state);
  const place = low + ((share * 100 - 2.5) / 95) * (high - low);
  return places.reduce((best, one, column) => (Math.abs(one - place) < Math.abs(places[best] - place) ? column : best), 0);
}

// --- controls of this lab ---

function render({ model, el }) {
  const names = ["image", "size", "mode", "align_corners", "antialias", "position"];
  const state = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  const sideOf = { image: (axis) => sizeOf(state(), axis), size: (axis) => model.get("size")[axis] };
  let together = ["image", "size"].every((what) => sideOf[what](0) === sideOf[what](1));
  let kept = null; // the reader's own numbers, also those that a smaller image does not show
  let laid = {}; // the last image that was made here, and from which preset: small ones look alike
  let playing = null;
  let built = "";
  let image, weights, output;

  function set(what, axis, value) {
    const pair = [0, 1].map((one) => (one === axis || together ? value : sideOf[what](one)));
    if (what === "size") { change(model, { size: pair }); return; }
    lay(presetNow(model.get("image")), pair);
  }

  const presetNow = (rows) => (same(rows, laid.image) ? laid.preset : presetOf(rows));
  function lay(preset, size) {
    laid = { preset, image: preset ? presetImage(preset, ...size) : tableOf(...size, (i, j) => kept[i]?.[j] ?? 0) };
    change(model, { image: laid.image });
  }

  // The controls
  const modes = choice({ name: "mode", choices: Object.fromEntries(MODES.map((mode) => [mode, mode])), onChange: (mode) => change(model, { mode }) });
  const corners = checkbox("align_corners", (align_corners) => change(model, { align_corners }));
  const wide = checkbox("antialias", (antialias) => change(model, { antialias }));
  const labels = { image: "image", size: "output" };
  const sliders = Object.entries(labels).map(([what, label]) => [what, label, [0, 1].map((axis) => slider({
    name: `${label}, ${AXES[axis]}`, min: SIDES[what][0], max: SIDES[what][1], onInput: (value) => set(what, axis, value),
  }))]);
  const settings = element("div", { className: "lab-settings" }, element("span"), ...AXES.map((axis) => element("span", {}, axis)));
  for (const [, label, pair] of sliders) settings.append(element("span", {}, label), ...pair.map((one) => one.element));
  const linked = checkbox("rows and columns together", (checked) => { together = checked; });
  const images = menu({
    name: "numbers", choices: { "": "your own", ...Object.fromEntries(Object.entries(IMAGES).map(([key, [label]]) => [key, label])) },
    onChange: (key) => (key || kept ? lay(key, [0, 1].map(sideOf.image)) : update()),
  });

  // What is shown
  const about = element("p", { className: "lab-mode", role: "status" });
  const arrays = element("div", { className: "lab-arrays" });
  const legend = element("p", { className: "lab-note" });
  const sum = element("p", { className: "lab-sum" });
  const reading = element("p", { className: "lab-reading" });
  const range = element("p", { className: "lab-range", role: "status" });
  const places = AXES.map(() => element("p", { className: "lab-formula" }));
  const heading = element("figcaption");
  const strip = element("div");
  const figure = element("figure", { className: "lab-row-figure" }, heading, strip);
  const spoken = [sum, reading, ...places];

  const choose = (position) => { stopPlaying(); if (!same(position, model.get("position"))) change(model, { position }); };
  function captioned(caption, array) {
    const made = element("figure", {}, element("figcaption", {}, caption), array.element);
    made.style.setProperty("--widest", array.cells[0].length); // on a phone, each as large as fits
    return made;
  }

  function build(now) {
    const [height, width] = [sizeOf(now, 0), sizeOf(now, 1)];
    image = grid({ name: "image", rows: height, columns: width, cell: (i, j) =>
      numberCell("", (value) => change(model, { image: replaced(model.get("image"), i, j, value) })) });
    weights = grid({ name: "weights", rows: height + 1, columns: width + 1, cell: (i, j) => element("span", { className: i && j ? "" : "outside" }) });
    weights.cells[0][0].textContent = "·";
    output = grid({ name: "output", rows: now.size[0], columns: now.size[1], cell: (i, j) => button("", () => choose([i, j])) });
    output.element.addEventListener("focusin", (event) => {
      const i = output.cells.findIndex((row) => row.includes(event.target));
      if (i >= 0 && event.target.matches(":focus-visible")) choose([i, output.cells[i].indexOf(event.target)]);
    });
    image.element.addEventListener("focusout", () => queueMicrotask(update));
    arrays.style.setProperty("--beside", width + 1 + now.size[1]);
    arrays.replaceChildren(
      element("div", {}, captioned(`image ${height} × ${width}`, image), captioned("weights: row · column", weights)),
      captioned(`output ${now.size.join(" × ")}`, output),
    );
  }

  function updateControls(now) {
    modes.set(now.mode);
    corners.input.checked = now.align_corners;
    wide.input.checked = now.antialias;
    for (const { input } of [corners, wide]) input.disabled = !isSmooth(now);
    for (const [what, , pair] of sliders) pair.forEach((one, axis) => one.set(sideOf[what](axis)));
    linked.input.checked = together;
    images.set(presetNow(now.image));
  }

  function update() {
    const now = state();
    updateControls(now);
    if (!presetNow(now.image)) {
      const before = kept;
      kept = tableOf(SIDES.image[1], SIDES.image[1], (i, j) => now.image[i]?.[j] ?? before?.[i][j] ?? 0);
    }
    const form = JSON.stringify([now.image.length, now.image[0].length, now.size]);
    if (form !== built) { built = form; build(now); }

    const made = resize(now);
    const { i, j } = made;
    const limit = largest([...now.image, ...made.output]);
    const [low, high] = rangeOf(now.image);
    const dust = 1e-12 * made.unit;
    image.cells.forEach((row, r) => row.forEach((cell, c) => {
      write(cell, now.image[r][c], limit, inCell);
      const weight = made.weights[r][c];
      cell.classList.toggle("under", weight !== 0);
      cell.classList.toggle("ignored", made.unread[r][c]);
      const told = made.unread[r][c] ? ", read by no output pixel" : weight ? `, weight ${shown(weight)}` : "";
      cell.title = told.slice(2);
      cell.setAttribute("aria-label", `pixel, row ${r}, column ${c}${told}`);
    }));
    const limits = { both: largest(made.weights), down: largest(made.down), across: largest(made.across) };
    weights.cells.forEach((row, r) => row.forEach((cell, c) => {
      if (r + c === 0) return;
      const value = r && c ? made.weights[r - 1][c - 1] : r ? made.down[r - 1] : made.across[c - 1];
      write(cell, value, r && c ? limits.both : r ? limits.down : limits.across, inCell);
      cell.classList.toggle("under", Boolean(r && c && value));
    }));
    output.cells.forEach((row, r) => row.forEach((cell, c) => {
      const value = made.output[r][c];
      write(cell, value, limit, inCell);
      const beyond = value - high > dust ? ", above the range of the image" : low - value > dust ? ", below the range of the image" : "";
      cell.classList.toggle("beyond", Boolean(beyond));
      cell.classList.toggle("chosen", r === i && c === j);
      cell.setAttribute("aria-label", `output, row ${r}, column ${c}: ${shown(value)}${beyond}`);
      if (r === i && c === j) { cell.setAttribute("aria-current", "true"); output.stop(cell); } else cell.removeAttribute("aria-current");
    }));

    strip.innerHTML = stripOf(now, made, curveOf(now, made.mixed, made.output[i]), heightsOf(now, made));
    strip.firstChild.setAttribute("aria-label", stripInWords(now, made));

    say(about, modeInWords(now));
    say(legend, legendOf(now, made));
    say(sum, element("strong", {}, `row ${i}, column ${j}: `), sumInWords(now, made));
    say(reading, readingInWords(made));
    say(range, rangeInWords(now, made));
    say(heading, headingOf(now, made));
    for (const axis of [0, 1]) say(places[axis], placeInWords(now, axis, made));
    back.disabled = i + j === 0;
    next.disabled = i === now.size[0] - 1 && j === now.size[1] - 1;
    play.disabled = now.size[0] * now.size[1] === 1;
  }

  // Along the strip, by mouse or finger
  const point = (event) => {
    const { left, width } = strip.getBoundingClientRect();
    const [i] = model.get("position").map((at, axis) => Math.min(at, model.get("size")[axis] - 1));
    choose([i, columnAt(state(), (event.clientX - left) / width)]);
  };
  strip.addEventListener("pointerdown", point);
  strip.addEventListener("pointermove", (event) => { if (event.buttons) point(event); });

  // Walking through the output
  function walk(by) {
    const size = model.get("size");
    const last = size[0] * size[1] - 1;
    const [i, j] = model.get("position").map((one, axis) => Math.min(one, size[axis] - 1));
    const place = Math.max(0, Math.min(i * size[1] + j + by, last));
    change(model, { position: [Math.floor(place / size[1]), place % size[1]] });
    return place < last;
  }
  function stopPlaying() {
    clearInterval(playing);
    playing = null;
    play.textContent = "play";
    play.setAttribute("aria-label", "play through all output pixels");
    for (const part of spoken) part.setAttribute("aria-live", "polite");
  }
  function togglePlaying() {
    if (playing) { stopPlaying(); return; }
    if (next.disabled) change(model, { position: [0, 0] });
    for (const part of spoken) part.setAttribute("aria-live", "off"); // a screen reader could not keep up
    play.textContent = "pause";
    play.setAttribute("aria-label", "pause");
    playing = setInterval(() => { if (!el.isConnected || !walk(1)) stopPlaying(); }, 700);
  }
  const back = button("back", () => { stopPlaying(); walk(-1); }, "back one pixel");
  const next = button("next", () => { stopPlaying(); walk(1); }, "next pixel");
  const play = button("play", togglePlaying);

  introduce(el, "upsampling", "Live lab: upsampling");
  el.replaceChildren(
    modes.element,
    element("div", { className: "lab-row" }, corners.element, wide.element, element("span", { className: "lab-note" }, "(options of bilinear and bicubic)")),
    settings,
    element("div", { className: "lab-row" }, images.element, linked.element),
    about, arrays, legend, element("div", { className: "lab-steps" }, back, play, next), figure,
    sum, ...places, reading, range,
  );
  stopPlaying();
  const unfollow = follow(model, names, update);
  return () => { stopPlaying(); unfollow(); };
}

export default { render };
