// The lab of tokens: a feature map becomes a list, rightly and by a mere reshape, and its tokens attend to each other.

const PICTURES = { numbers: "numbers as addresses", cat: "a cat in red, green, blue" };
const CAT = [3, 12, 16];
const SIZES = { channels: [2, 6], rows: [2, 8], columns: [2, 8] };
const SHARPEST = 4;
const FARTHEST = 2;
const MOST_SHUFFLES = 99;
const WAVES = 64; // features of a position
const HUES = [[224, 123, 24], [47, 134, 214], [120, 126, 138], [46, 158, 130], [160, 98, 200], [190, 160, 40]];
const COLOURS = ["red", "green", "blue"];
const WAYS = ["transpose", "reshape"];

// --- where things lie ---

const isCat = (state) => state.picture === "cat";
const shapeOf = (state) => (isCat(state) ? CAT : state.size);
const lengthOf = (state) => shapeOf(state)[1] * shapeOf(state)[2];

/** All numbers of the map, as they lie in memory. */
function numbersOf(state) {
  if (isCat(state)) return state.photograph.flat(2);
  const [channels, height, width] = state.size;
  return range(channels).flatMap((c) => range(height).flatMap((y) => range(width).map((x) => 100 * c + 10 * y + x)));
}

/** Row and column of the chosen pixel; a map that has become smaller may lack the one that was chosen. */
const placeOf = (state) => state.pixel.map((at, axis) => Math.max(0, Math.min(at, shapeOf(state)[axis + 1] - 1)));
const pixelAt = (state, i) => [Math.floor(i / shapeOf(state)[2]), i % shapeOf(state)[2]];

function indexOf(state) {
  const [y, x] = placeOf(state);
  return y * shapeOf(state)[2] + x;
}

/** Where the numbers of the chosen token lie, in the memory of the map and in that of the tokens. */
function offsetsOf(state) {
  const [[channels], length, i] = [shapeOf(state), lengthOf(state), indexOf(state)];
  return { before: range(channels).map((c) => c * length + i), after: range(channels).map((c) => i * channels + c) };
}

/** Which number of the map stands at each place of the list of tokens. */
function listOf(state, way) {
  const [[channels], length] = [shapeOf(state), lengthOf(state)];
  return range(channels * length).map((at) => (way === "transpose" ? (at % channels) * length + Math.floor(at / channels) : at));
}

/** Which number of the map stands at each place of the map that comes back, for both ways there and both ways back. */
function backsOf(state) {
  const [[channels], length] = [shapeOf(state), lengthOf(state)];
  return WAYS.flatMap((made) => WAYS.map((laid) => {
    const list = listOf(state, made);
    const source = laid === "reshape" ? list : list.map((_, at) => list[(at % length) * channels + Math.floor(at / length)]);
    return { made, laid, source, kept: source.filter((from, at) => from === at).length };
  }));
}

/** All numbers below `length`, as the seed shuffles them; 0 leaves them in order. */
function orderOf(length, seed) {
  const order = range(length);
  let now = Math.imul(seed, 2654435761) >>> 0;
  for (let last = length - 1; seed && last > 0; last--) {
    now = (Math.imul(1664525, now) + 1013904223) >>> 0;
    const other = Math.floor((now * (last + 1)) / 2 ** 32);
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

// --- attention ---

/** The tokens, each channel brought to mean 0 and variance 1. */
function standardized(state) {
  const [numbers, [channels], length] = [numbersOf(state), shapeOf(state), lengthOf(state)];
  const columns = range(channels).map((c) => {
    const values = numbers.slice(c * length, (c + 1) * length);
    const middle = values.reduce((sum, value) => sum + value, 0) / length;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / length) || 1;
    return values.map((value) => (value - middle) / deviation);
  });
  return range(length).map((i) => columns.map((values) => values[i]));
}

/** The dot product of two positions: it depends on how far apart they lie, along each axis. */
function alike(distance) {
  let sum = 0;
  for (let i = 0; i < WAVES / 4; i++) sum += Math.cos(distance / 10000 ** ((4 * i) / WAVES));
  return sum;
}

/** For each token the weights of all tokens, where the list lies in that order; both are counted as in the map. */
function attend(state, order) {
  const [[channels, height, width], content] = [shapeOf(state), standardized(state)];
  const scale = state.sharpness / Math.sqrt(channels);
  const strength = (state.positions ** 2 * 2 * channels) / WAVES;
  const near = range(Math.max(height, width)).map((distance) => strength * alike(distance));
  const places = [];
  order.forEach((token, place) => { places[token] = pixelAt(state, place); });
  return content.map((query, i) => {
    const scores = content.map((key, j) => {
      let score = near[Math.abs(places[i][0] - places[j][0])] + near[Math.abs(places[i][1] - places[j][1])];
      for (let c = 0; c < channels; c++) score += query[c] * key[c];
      return score * scale;
    });
    const most = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - most));
    const sum = weights.reduce((all, weight) => all + weight, 0);
    return weights.map((weight) => weight / sum);
  });
}

/** All that attention comes to: the weights, the map that it makes, and how far shuffling changes a weight. */
function attentionOf(state) {
  const [numbers, [channels], length] = [numbersOf(state), shapeOf(state), lengthOf(state)];
  const order = orderOf(length, state.shuffle);
  const weights = attend(state, order);
  const answers = range(channels).flatMap((c) => weights.map((row) => row.reduce((sum, weight, j) => sum + weight * numbers[c * length + j], 0)));
  let moved = 0;
  if (state.shuffle) {
    const unmoved = attend(state, range(length));
    weights.forEach((row, i) => row.forEach((weight, j) => { moved = Math.max(moved, Math.abs(weight - unmoved[i][j])); }));
  }
  return { order, weights, answers, moved: moved > 1e-12 ? moved : 0 };
}

// --- in words ---

/** A number of the map; addresses have all three digits. */
const written = (state, value) => (isCat(state) ? String(value) : String(value).padStart(3, "0"));
const heldAt = (state, offsets, numbers = numbersOf(state)) => listed(offsets.map((offset) => written(state, numbers[offset])));
const channelName = (state, c) => (isCat(state) ? COLOURS[c] : String(c));

function tokenInWords(state) {
  const [[y, x], [, , width]] = [placeOf(state), shapeOf(state)];
  return `The pixel in row ${y}, column ${x} is token ${y} · ${width} + ${x} = ${indexOf(state)}. It holds ${heldAt(state, offsetsOf(state).before)}, a number of each channel.`;
}

function memoryInWords(state) {
  const [{ before, after }, i, length] = [offsetsOf(state), indexOf(state), lengthOf(state)];
  return `In the memory of the map they lie ${length} apart, at c · ${length} + ${i}: ${listed(before)}. In that of the tokens they lie side by side, at ${i} · ${after.length} + c: ${listed(after)}.`;
}

function reshapeInWords(state) {
  const { before, after } = offsetsOf(state);
  const channels = [...new Set(after.map((offset) => Math.floor(offset / lengthOf(state))))].map((c) => channelName(state, c));
  const word = channels.length === 1 ? "channel" : "channels";
  const own = before.filter((offset, c) => offset === after[c]).length;
  const belongs = own ? `${own} of them belong${own === 1 ? "s" : ""}` : "None of them belongs";
  return `reshape moves nothing. It cuts the memory of the map into pieces of ${after.length}, and its token ${indexOf(state)} holds ${heldAt(state, after)}, `
    + `neighbours out of ${isCat(state) ? `the ${listed(channels)} ${word}` : `${word} ${listed(channels)}`}. ${belongs} there.`;
}

function backInWords(state, backs = backsOf(state)) {
  return `One way there and the other way back: ${backs[1].kept} of ${backs[1].source.length} numbers are where they were. reshape both ways gives the map again: `
    + `a test there and back passes, and yet all ${lengthOf(state)} tokens were wrong in between.`;
}

/** The pixel that gets most, the chosen one where it gets as much. */
function mostOf(state, weights) {
  const enough = Math.max(...weights) * (1 - 1e-9);
  return weights[indexOf(state)] > enough ? indexOf(state) : weights.findIndex((weight) => weight > enough);
}

function attentionInWords(state, weights = attentionOf(state).weights[indexOf(state)]) {
  const [own, length, most] = [indexOf(state), weights.length, mostOf(state, weights)];
  const largestWeight = Math.max(...weights);
  const sorted = [...weights].sort((one, other) => other - one);
  let enough = 0;
  for (let sum = 0; sum <= 0.9 - 1e-9; enough++) sum += sorted[enough];
  const end = `${plural(enough, "pixel")} of ${length} ${enough === 1 ? "alone gets" : "together get"} 90 %.`;
  if (largestWeight - sorted.at(-1) < 1e-12) return `Token ${own} gives every pixel the same weight, 1/${length} = ${shown(1 / length)}. ${end}`;
  if (most === own) return `Token ${own} gives most to its own pixel: ${shown(largestWeight)}. ${end}`;
  const [y, x] = pixelAt(state, most);
  return `Token ${own} gives most to row ${y}, column ${x}: ${shown(largestWeight)}. Its own pixel gets ${shown(weights[own])}. ${end}`;
}

function answerInWords(state, answers = attentionOf(state).answers) {
  const { before } = offsetsOf(state);
  const after = before.map((offset) => shown(Math.round(answers[offset] * 1e9) / 1e9));
  return `So it becomes the mean of all pixels with these weights: ${heldAt(state, before)} become ${listed(after)}.`;
}

function shuffleInWords(state, { order, moved } = attentionOf(state)) {
  if (!state.shuffle) return "Shuffle the pixels, and see whether the weights move along.";
  const [y, x] = pixelAt(state, order.indexOf(indexOf(state)));
  const lies = `Shuffled, the pixel lies in row ${y}, column ${x}.`;
  if (moved) return `${lies} With positions attention tells the orders apart: no longer does each pixel get the weight that it got before, they change by up to ${shown(moved)}.`;
  return `${lies} Every pixel gets the weight that it got before: the weights have moved along, and put back in place, the answers are the same.`;
}

// --- pictures ---

const WARM = [224, 123, 24]; // as --lab-warm, which a canvas cannot see

/** The colour of the number at an offset of the map: that of its channel, the stronger the later it lies in it. */
function hueOf(state, offset) {
  const [length, hue] = [lengthOf(state), HUES[Math.floor(offset / lengthOf(state))]];
  const strength = 0.35 + (0.65 * (offset % length)) / (length - 1);
  return hue.map((part) => 255 + strength * (part - 255));
}

/** A number of the cat, in the colour that it stands for. */
const tintOf = (c, value) => range(3).map((part) => (part === c ? value : 0.5 * value));

/** The numbers from those offsets as pixels: the channels side by side, or as colours; null lies between. */
function drawnFrom(state, source, numbers = numbersOf(state)) {
  const [[channels, height, width], length] = [shapeOf(state), lengthOf(state)];
  if (isCat(state)) return range(height).map((y) => range(width).map((x) => range(3).map((c) => numbers[source[c * length + y * width + x]])));
  return range(height).map((y) => range(channels * (width + 1) - 1).map((at) => {
    const [c, x] = [Math.floor(at / (width + 1)), at % (width + 1)];
    return x < width ? hueOf(state, source[c * length + y * width + x]) : null;
  }));
}

/** A map as a picture: the cat in colours, numbers by what their first channel says. */
function mapDrawn(state, numbers) {
  const [, height, width] = shapeOf(state);
  const [length, top] = [lengthOf(state), 10 * (height - 1) + width - 1];
  return range(length).map((i) => (isCat(state) ? range(3).map((c) => numbers[c * length + i])
    : HUES[0].map((part) => 255 + (numbers[i] / top) * (part - 255))));
}

/** Writes rows of colours, [red, green, blue] or with an opacity, each from 0 to 255. */
function paint(canvas, rows) {
  const [height, width] = [rows.length, rows[0].length];
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const pixels = new ImageData(width, height);
  rows.flat().forEach((colour, at) => { if (colour) pixels.data.set([...colour.map(Math.round), 255].slice(0, 4), 4 * at); });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

const inRows = (values, width) => range(values.length / width).map((y) => values.slice(y * width, (y + 1) * width));

/** The lines from the numbers of the chosen token to where they go, in percent of the width. */
function wiresOf(state) {
  const [{ before, after }, count] = [offsetsOf(state), shapeOf(state).reduce((product, n) => product * n)];
  const middle = (offset) => (100 * (offset + 0.5)) / count;
  return { wires: before.map((offset, c) => [middle(offset), middle(after[c])]), share: 100 / count, first: (100 * after[0]) / count };
}

const MEMORY = { top: 18, strip: 16, between: 60 }; // pixels down
const BOTTOM = MEMORY.top + MEMORY.strip + MEMORY.between;

function memoryDrawn(state) {
  const [{ before, after }, { wires, share, first }] = [offsetsOf(state), wiresOf(state)];
  const box = (x, y, width, kind) => `<rect class="${kind}" x="${x.toFixed(3)}%" y="${y}" width="${width.toFixed(3)}%" height="${MEMORY.strip}"></rect>`;
  const text = (x, y, words) => `<text x="${x.toFixed(3)}%" y="${y}" text-anchor="${x < 6 ? "start" : x > 94 ? "end" : "middle"}">${words}</text>`;
  const wide = share * after.length;
  const beyond = MEMORY.top + MEMORY.strip;
  const straight = [first, first + wide].map((x) => `<line class="lab-taken" x1="${x.toFixed(3)}%" x2="${x.toFixed(3)}%" y1="${MEMORY.top}" y2="${BOTTOM + MEMORY.strip}"></line>`);
  const lines = wires.map(([from, to]) => `<line class="lab-own" x1="${from.toFixed(3)}%" x2="${to.toFixed(3)}%" y1="${beyond}" y2="${BOTTOM}"></line>`);
  const boxes = wires.map(([from]) => box(from - share / 2, MEMORY.top, share, "lab-own"));
  const labels = wires.map(([from], c) => text(from, MEMORY.top - 5, before[c]));
  return `<svg width="100%" height="${BOTTOM + MEMORY.strip + 16}" aria-hidden="true">${straight.join("")}${lines.join("")}${boxes.join("")}`
    + `${box(first, BOTTOM, wide, "lab-own")}${labels.join("")}${text(first + wide / 2, BOTTOM + MEMORY.strip + 13, `${after[0]} to ${after.at(-1)}`)}</svg>`;
}

/** A picture of the map on which a pixel can be chosen; a frame marks the chosen one, a ring another. */
function pictureFigure(onPlace) {
  const canvas = element("canvas", { role: "img" });
  const [frame, ring] = ["lab-frame", "lab-ring"].map((className) => element("span", { className, "aria-hidden": "true" }));
  const caption = element("figcaption");
  const scene = element("div", { className: "lab-scene" }, canvas, ring, frame);
  let size = [1, 1];
  const point = (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const shares = [(event.clientY - top) / height, (event.clientX - left) / width];
    const [y, x] = shares.map((share, axis) => Math.max(0, Math.min(Math.floor(share * size[axis]), size[axis] - 1)));
    onPlace(y * size[1] + x);
  };
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("pointermove", (event) => { if (event.buttons) point(event); });
  const mark = (span, place) => {
    span.hidden = place < 0;
    span.style.top = `${(100 * Math.floor(place / size[1])) / size[0]}%`;
    span.style.left = `${(100 * (place % size[1])) / size[1]}%`;
    span.style.width = `${100 / size[1]}%`;
    span.style.height = `${100 / size[0]}%`;
  };
  return {
    element: element("figure", {}, caption, scene),
    draw({ colours, height, width, title, name, chosen, most = -1 }) {
      size = [height, width];
      paint(canvas, inRows(colours, width));
      scene.style.aspectRatio = `${width} / ${height}`;
      canvas.setAttribute("aria-label", name);
      caption.replaceChildren(...title.map((words, line) => element(line ? "span" : "strong", {}, words)));
      mark(frame, chosen);
      mark(ring, most === chosen ? -1 : most);
    },
  };
}

// --- controls of this lab ---

function render({ model, el }) {
  const names = ["picture", "size", "photograph", "pixel", "sharpness", "positions", "shuffle"];
  let hovered = null; // the pixel under the mouse, which shows itself until the mouse has left
  const state = () => ({ ...Object.fromEntries(names.map((name) => [name, model.get(name)])), ...(hovered ? { pixel: hovered } : {}) });
  const chosen = () => ({ ...state(), pixel: model.get("pixel") });
  let built = "";
  let attended = { key: "" };
  let maps, lists; // grids
  let marked = [];

  // The controls
  const pictures = menu({ name: "map", choices: PICTURES, onChange: (picture) => change(model, { picture }) });
  const sliders = Object.entries(SIZES).map(([name, [min, max]], axis) => {
    const made = slider({ name, min, max, onInput: (n) => change(model, { size: model.get("size").map((old, one) => (one === axis ? n : old)) }) });
    return { ...made, label: element("span", {}, name) };
  });
  const settings = element("div", { className: "lab-settings lab-sizes" }, ...sliders.flatMap((one) => [one.label, one.element]));
  const sharpness = slider({ name: "sharpness", min: 0, max: SHARPEST, step: 0.1, onInput: (value) => change(model, { sharpness: value }) });
  const positions = slider({ name: "positions", min: 0, max: FARTHEST, step: 0.1, onInput: (value) => change(model, { positions: value }) });
  const amounts = element("div", { className: "lab-settings lab-pairs lab-amounts" },
    element("span", {}, "sharpness"), sharpness.element, element("span", {}, "positions"), positions.element);
  const shuffle = button("shuffle the pixels", () => change(model, { shuffle: (model.get("shuffle") % MOST_SHUFFLES) + 1 }));
  const restore = button("put them back", () => change(model, { shuffle: 0 }), "put them back, the pixels");

  // Choosing a pixel
  const show = (pixel) => { hovered = null; if (!same(pixel, model.get("pixel"))) change(model, { pixel }); };
  const choose = (i) => show(pixelAt(state(), i));
  function walk(by) {
    const now = chosen();
    choose(Math.max(0, Math.min(indexOf(now) + by, lengthOf(now) - 1)));
  }
  const back = button("back", () => walk(-1), "back one token");
  const next = button("next token", () => walk(1));

  // What is shown
  const channels = element("div", { className: "lab-maps" });
  const beside = element("div", { className: "lab-lists" });
  const token = element("p", { className: "lab-sum" });
  const memory = element("p", { className: "lab-formula" });
  const wrong = element("p", { className: "lab-wrong" });
  const strips = WAYS.map(() => element("canvas", { "aria-hidden": "true" }));
  const wires = element("div");
  const memoryTitle = element("figcaption");
  const memoryFigure = element("figure", { className: "lab-memory" }, memoryTitle, element("div", {}, ...strips, wires));
  const backs = WAYS.flatMap((made) => WAYS.map((laid) => {
    const [canvas, caption] = [element("canvas", { role: "img" }), element("figcaption")];
    return { canvas, caption, element: element("figure", {}, caption, canvas) };
  }));
  const there = element("div", { className: "lab-backs" }, ...backs.map((one) => one.element));
  const returned = element("p", { className: "lab-back" });
  const [pixels, weighed, answered] = [(place) => choose(attended.order[place]), (place) => choose(attended.order[place]), choose].map(pictureFigure);
  const attention = element("p", { className: "lab-attention", role: "status" });
  const answer = element("p", { className: "lab-answer" });
  const shuffled = element("p", { className: "lab-shuffled", role: "status" });
  const spoken = [token, attention, shuffled];

  /** A hovered pixel shows itself; one that gets the focus by a key is chosen. */
  function follows(box, indexAt) {
    box.addEventListener("pointerover", (event) => {
      const i = indexAt(event.target);
      if (event.pointerType !== "mouse" || i < 0) return;
      hovered = pixelAt(state(), i);
      update();
    });
    box.addEventListener("pointerleave", () => { if (hovered) { hovered = null; update(); } });
    box.addEventListener("focusin", (event) => {
      const i = indexAt(event.target);
      if (i >= 0 && event.target.matches(":focus-visible")) choose(i);
    });
  }

  function build(now) {
    const [[count, height, width], length, numbers] = [shapeOf(now), lengthOf(now), numbersOf(now)];
    marked = [];
    const widest = (array, cells) => { array.style.setProperty("--widest", cells); return array; };
    maps = range(count).map((c) => {
      const made = grid({ name: `channel ${channelName(now, c)}`, rows: height, columns: width, cell: (y, x) => {
        const cell = button(isCat(now) ? "" : written(now, numbers[c * length + y * width + x]), () => show([y, x]), "");
        const value = numbers[c * length + y * width + x];
        cell.style.backgroundColor = isCat(now) ? `rgb(${tintOf(c, value)})` : `rgb(${HUES[c].join(" ")} / 34%)`;
        cell.setAttribute("aria-label", `channel ${channelName(now, c)}, row ${y}, column ${x}: ${written(now, value)}`);
        return cell;
      } });
      follows(made.element, (cell) => made.cells.flat().indexOf(cell));
      return { ...made, way: made.cells[0][0] };
    });
    channels.replaceChildren(...maps.map((one, c) => widest(element("figure", {}, element("figcaption", {}, isCat(now) ? channelName(now, c) : `channel ${c}`), one.element), width)));

    lists = WAYS.map((way) => {
      const list = listOf(now, way);
      const columns = count + 1 + Number(isCat(now));
      const made = grid({ name: `tokens by ${way}`, rows: length, columns, cell: (i, j) => {
        if (j === 0) return button(String(i), () => choose(i), `token ${i} by ${way}`);
        const offsets = list.slice(i * count, (i + 1) * count);
        const cell = element("span", {}, j > count ? "" : written(now, numbers[offsets[j - 1]]));
        const c = Math.floor(offsets[j - 1] / length);
        if (j > count) cell.style.backgroundColor = `rgb(${offsets.map((offset) => numbers[offset])})`;
        else cell.style.backgroundColor = isCat(now) ? `rgb(${tintOf(c, 220).join(" ")} / ${Math.round(8 + (32 * numbers[offsets[j - 1]]) / 255)}%)` : `rgb(${HUES[c].join(" ")} / 34%)`;
        return cell;
      } });
      follows(made.element, (cell) => made.cells.findIndex((row) => row.includes(cell)));
      const head = element("div", { className: "lab-grid lab-head", "aria-hidden": "true" },
        ...["", ...range(count).map((c) => (way === "transpose" ? channelName(now, c)[0] : String(c))), ...(isCat(now) ? ["RGB"] : [])].map((word) => element("span", {}, word)));
      head.style.setProperty("--columns", columns);
      const box = element("div", { className: "lab-scroll" }, made.element);
      const figure = element("figure", { className: `lab-${way}` }, element("figcaption", {}, element("strong", {}, `${way}: `), way === "transpose" ? "right" : "wrong"), head, box);
      return { ...made, way: made.cells[0][0], box, figure: widest(figure, columns), list };
    });
    beside.replaceChildren(...lists.map((one) => one.figure));
    el.classList.toggle("lab-of-cat", isCat(now));

    const colour = (offset) => (isCat(now) ? tintOf(Math.floor(offset / length), numbers[offset]) : hueOf(now, offset));
    strips.forEach((canvas, at) => paint(canvas, [lists[1 - at].list.map(colour)])); // the map's own order is that of reshape
    say(memoryTitle, `Memory: above the map, channel after channel; below its tokens, one after the other. ${grouped(count * length)} numbers each.`);

    const drawn = backsOf(now);
    drawn.forEach(({ made, laid, source, kept }, at) => {
      const all = kept === source.length ? `all ${grouped(kept)}` : `${grouped(kept)} of ${grouped(source.length)}`;
      paint(backs[at].canvas, drawnFrom(now, source, numbers));
      backs[at].canvas.setAttribute("aria-label", `the map as it comes back: ${all} numbers where they were`);
      backs[at].caption.replaceChildren(element("strong", {}, `${made}, then ${laid}`), `${all} in place`);
    });
    say(returned, backInWords(now, drawn));
  }

  /** Scrolls both lists to the chosen token. */
  const reveal = afterLayout(beside, () => {
    for (const { cells, box } of lists) {
      const [{ offsetTop: top, offsetHeight: height }, { scrollTop, clientHeight }] = [cells[indexOf(state())][0], box];
      if (top < scrollTop || top + height > scrollTop + clientHeight) box.scrollTop = top - (clientHeight - height) / 2;
    }
  });

  /** Marks the chosen token in the map and in both lists. */
  function mark(now) {
    const [{ before, after }, i, length, [, , width]] = [offsetsOf(now), indexOf(now), lengthOf(now), shapeOf(now)];
    for (const [cell, kind] of marked) {
      cell.classList.remove(kind);
      cell.removeAttribute("aria-current");
    }
    marked = [];
    const put = (cell, kind) => { cell.classList.add(kind); marked.push([cell, kind]); };
    const current = (array, cell) => { // also the way in for the Tab key; of all cells only two change
      cell.setAttribute("aria-current", "true");
      array.way.tabIndex = -1;
      array.way = cell;
      cell.tabIndex = 0;
    };
    const cellAt = (offset) => maps[Math.floor(offset / length)].cells[Math.floor((offset % length) / width)][offset % width];
    for (const offset of after) put(cellAt(offset), "lab-taken");
    before.map(cellAt).forEach((cell, c) => { put(cell, "lab-own"); current(maps[c], cell); });
    for (const list of lists) {
      for (const cell of list.cells[i]) put(cell, "lab-row-chosen");
      current(list, list.cells[i][0]);
    }
  }

  function update() {
    const now = state();
    const [shape, i] = [shapeOf(now), indexOf(now)];
    const [, height, width] = shape;
    pictures.set(now.picture);
    sliders.forEach((one, axis) => one.set(now.size[axis]));
    settings.hidden = isCat(now);
    sharpness.set(now.sharpness);
    positions.set(now.positions);
    restore.disabled = now.shuffle === 0;
    back.disabled = i === 0;
    next.disabled = i === lengthOf(now) - 1;
    for (const part of spoken) part.setAttribute("aria-live", hovered ? "off" : "polite"); // a mouse passes over many

    const form = JSON.stringify([now.picture, shape, now.photograph]);
    if (form !== built) { built = form; build(now); }
    const key = JSON.stringify([form, now.sharpness, now.positions, now.shuffle]);
    if (key !== attended.key) attended = { key, ...attentionOf(now) };
    mark(now);
    reveal();

    say(token, tokenInWords(now));
    say(memory, memoryInWords(now));
    say(wrong, reshapeInWords(now));
    wires.innerHTML = memoryDrawn(now);

    const { order, answers } = attended;
    const weights = attended.weights[i];
    const [most, own] = [mostOf(now, weights), order.indexOf(i)];
    const top = Math.max(...weights);
    const laid = (values) => order.map((one) => values[one]);
    const as = { height, width };
    const lies = now.shuffle ? ", shuffled" : "";
    const where = now.shuffle ? "shuffled" : "in place";
    pixels.draw({ ...as, colours: laid(mapDrawn(now, numbersOf(now))), title: ["pixels", where], name: `the map${lies}`, chosen: own });
    weighed.draw({ ...as, colours: laid(weights.map((weight) => [...WARM, (255 * weight) / top])), title: ["weights", `up to ${shown(Number(top.toPrecision(2)))}`],
      name: `weights of token ${i}${lies}, from ${shown(Math.min(...weights))} to ${shown(top)}`, chosen: own, most: order.indexOf(most) });
    answered.draw({ ...as, colours: mapDrawn(now, answers), title: ["answers", now.shuffle ? "put back" : "to all pixels"], name: "what attention makes of the map", chosen: i });
    say(attention, attentionInWords(now, weights));
    say(answer, answerInWords(now, answers));
    say(shuffled, shuffleInWords(now, attended));
  }

  const heading = (words, note) => element("p", { className: "lab-heading" }, element("strong", {}, words), ` ${note}`);
  const key = (kind, words) => element("span", { className: "lab-key" }, element("span", { className: `lab-swatch ${kind}`, "aria-hidden": "true" }), words);
  introduce(el, "tokens", "Live lab: tokens");
  el.replaceChildren(
    element("div", { className: "lab-row" }, pictures.element), settings,
    heading("There.", "Point at a pixel or at a token; click to keep it."),
    element("div", { className: "lab-both" }, channels, beside),
    element("div", { className: "lab-keys" }, element("div", { className: "lab-steps" }, back, next), key("lab-own", "the token"), key("lab-taken", "what reshape takes for it")),
    token, memory, memoryFigure, wrong,
    heading("And back.", "Tokens made in one way, laid back in another."),
    there, returned,
    heading("Attention.", "How much the token looks at each pixel."),
    amounts, element("div", { className: "lab-three" }, pixels.element, weighed.element, answered.element),
    element("div", { className: "lab-steps" }, shuffle, restore),
    attention, answer, shuffled,
    element("p", { className: "lab-note" }, "Query and key are the token itself, each channel brought to mean 0 and variance 1. Score: query · key / √C, times the sharpness. "
      + "It is large where both point the same way and are long, so a token need not look at itself most; the ring marks the pixel that gets most. "
      + "Positions are sines and cosines of row and column laid beside these numbers; at 1 they are as long as a token is on average."),
  );
  return follow(model, names, () => { hovered = null; update(); });
}

export default { render };
