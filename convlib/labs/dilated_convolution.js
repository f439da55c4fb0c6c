// The dilated convolution lab: the taps of a stack of layers, followed from one output unit down to the input.

const LIMITS = { kernel_size: [2, 5], layers: [1, 6], dilation: [1, 16] };
const MARGIN = 4; // pixels beside the receptive field
const MOST_WRITTEN = 40;
const WARM = [224, 123, 24]; // --lab-warm
const SPACE = "\u00a0"; // where no line may end
const LARGEST_MAP = 160; // squares along a side
const STACKS = {
  dense: ["1, 1, 1: dense", { kernel_size: 3, dilations: [1, 1, 1], causal: false }],
  gridding: ["2, 2, 2: gridding", { kernel_size: 3, dilations: [2, 2, 2], causal: false }],
  doubling: ["1, 2, 4: doubled", { kernel_size: 3, dilations: [1, 2, 4], causal: false }],
  hybrid: ["1, 2, 5: no common factor", { kernel_size: 3, dilations: [1, 2, 5], causal: false }],
  single: ["1, 3, 9: one way to each pixel", { kernel_size: 3, dilations: [1, 3, 9], causal: false }],
  wavenet: ["1, 2, 4, 8: causal, kernel 2 (WaveNet)", { kernel_size: 2, dilations: [1, 2, 4, 8], causal: true }],
};

// --- the arithmetic ---

const total = (numbers) => numbers.reduce((one, other) => one + other, 0);
const extentOf = ({ kernel_size: k }, d) => d * (k - 1) + 1;
const paddingBefore = ({ kernel_size: k, causal }, d) => (causal ? d * (k - 1) : Math.floor((d * (k - 1)) / 2));

/** The receptive field of a unit of each layer, the first at the input. */
function fieldsOf(state) {
  let field = 1;
  return state.dilations.map((d) => (field += extentOf(state, d) - 1));
}
const fieldOf = (state) => fieldsOf(state).at(-1);
const sizeOf = (state) => fieldOf(state) + 2 * MARGIN;
/** The unit whose taps all lie inside, with the margin on either side. */
const homeOf = (state) => MARGIN + total(state.dilations.map((d) => paddingBefore(state, d)));
const unitOf = (state) => (state.position === null ? homeOf(state) : Math.max(0, Math.min(state.position, sizeOf(state) - 1)));
const besideOf = (state) => unitOf(state) + (unitOf(state) < sizeOf(state) - 1 ? 1 : -1);

/** From a unit down: for the output and each layer below on how many ways its units are reached, and the taps as [from, to]. */
function treeOf(state, unit) {
  const n = sizeOf(state);
  const levels = [range(n).map((i) => Number(i === unit))];
  const taps = [];
  for (const d of [...state.dilations].reverse()) {
    const before = paddingBefore(state, d);
    const below = new Array(n).fill(0);
    const edges = [];
    levels.at(-1).forEach((ways, i) => {
      if (!ways) return;
      for (let t = 0; t < state.kernel_size; t++) {
        const to = i + t * d - before;
        edges.push([i, to]);
        if (to >= 0 && to < n) below[to] += ways; // in the padding a way ends
      }
    });
    levels.push(below);
    taps.push(edges);
  }
  return { levels, taps };
}
const waysFrom = (state, unit) => treeOf(state, unit).levels.at(-1);
/** The ways to each pixel of the receptive field, away from the ends of the line. */
const coverageOf = (state) => waysFrom(state, homeOf(state)).slice(MARGIN, -MARGIN);

/** What has the same receptive field: [name, layers, weights along a line, weights in a picture]. */
function comparisonOf(state) {
  const { kernel_size: k, dilations } = state;
  const [field, dense] = [fieldOf(state), total(dilations)];
  const layers = (name, count) => [name, count, count * k, count * k * k];
  return [layers("this stack", dilations.length), layers(`dense layers, kernel ${k}`, dense), [`one dense kernel of ${field}`, 1, field, field * field]];
}

/** The change of these settings, with the unit kept where it was, seen from the middle. */
function moved(state, settings) {
  const next = { ...state, ...settings };
  if (state.position === null) return settings;
  return { ...settings, position: Math.max(0, Math.min(homeOf(next) + unitOf(state) - homeOf(state), sizeOf(next) - 1)) };
}

// --- in words ---

const ordinal = (number) => `${number}${{ 2: "nd", 3: "rd" }[number] ?? "th"}`;
const divisor = (one, other) => (other ? divisor(other, one % other) : one);

function fieldInWords(state) {
  const { kernel_size: k, dilations } = state;
  const terms = dilations.join(" + ");
  return `Receptive field: 1 + (${k} − 1) · ${dilations.length > 1 ? `(${terms})` : terms} = ${fieldOf(state)} pixels.`;
}

const weightsInWords = ({ kernel_size: k }) => `Every layer has ${k} weights along a line and ${k * k} in a picture, whatever its dilation.`;

function verdictInWords(state) {
  const field = fieldOf(state);
  const holes = coverageOf(state).filter((ways) => !ways).length;
  return holes ? `${plural(holes, "hole")}: ${field - holes} of ${field} pixels are read.` : `No holes: all ${field} pixels are read.`;
}

/** Why there are holes, or none. In which order the dilations stand does not matter. */
function reasonInWords(state) {
  let smaller = 1; // the receptive field of the dilations before this one, in order of size
  const bounds = [...state.dilations].sort((one, other) => one - other).map((d) => {
    const bound = [d, smaller];
    smaller += (state.kernel_size - 1) * d;
    return bound;
  });
  const [d, reached] = bounds.find(([one, other]) => one > other) ?? [];
  if (!d) {
    const steps = bounds.map(([one, other]) => `${one}${SPACE}≤${SPACE}${other}`).join(", ");
    return `In order of size, no dilation is larger than the receptive field of the smaller ones: ${steps}.`;
  }
  const common = state.dilations.reduce(divisor);
  if (common > 1) return `Every dilation is a multiple of ${common}: at most every ${ordinal(common)} pixel is read.`;
  if (reached === 1) return "No dilation is 1: the pixel beside the first is not reached.";
  return `Dilation ${d} is larger than ${reached}, the receptive field of the smaller ones: what lies between its taps is not filled.`;
}

function unitInWords(state, ways = waysFrom(state, unitOf(state))) {
  const { kernel_size: k, dilations } = state;
  const count = dilations.length;
  const [all, arrived] = [k ** count, total(ways)];
  const words = `${count > 1 ? `${k}${"⁰¹²³⁴⁵⁶"[count]} = ` : ""}${grouped(all)} ways down from unit ${unitOf(state)}`;
  const read = ways.filter(Boolean).length;
  const [first, last] = endsOf(ways);
  const ends = read === 1 ? `one pixel, ${first}` : `${read} pixels, from ${first} to ${last}`;
  if (arrived === all) return `All ${words} end at ${ends}.`;
  return `${grouped(arrived)} of the ${words} ${arrived === 1 ? "ends" : "end"} at ${ends}, and ${grouped(all - arrived)} in the zeros of the padding.`;
}

const endsOf = (ways) => [ways.findIndex(Boolean), ways.findLastIndex(Boolean)];

function neighbourInWords(state, ways = waysFrom(state, unitOf(state)), others = waysFrom(state, besideOf(state))) {
  const shared = others.filter((one, at) => one && ways[at]).length;
  return `The neighbour, unit ${besideOf(state)}, reads ${plural(others.filter(Boolean).length, "pixel")} and shares ${shared || "none"} with unit ${unitOf(state)}.`;
}

function waysInWords(state, ways = waysFrom(state, unitOf(state))) {
  const [first, last] = endsOf(ways);
  let numbers = ways.slice(first, last + 1).map(grouped);
  if (numbers.length > MOST_WRITTEN) numbers = [...numbers.slice(0, 8), "…", ...numbers.slice(-8)];
  return `Ways to ${first === last ? `pixel ${first}` : `pixels ${first} to ${last}`}: ${numbers.join(", ")}.`;
}

function pictureInWords(state) {
  const field = fieldOf(state);
  const read = coverageOf(state).filter(Boolean).length;
  const share = shown((100 * read ** 2) / field ** 2);
  return `In a picture, with the same dilations along both axes: ${read} · ${read} = ${grouped(read ** 2)} of ${field} · ${field} = ${grouped(field ** 2)} pixels are read (${share}${SPACE}%).`;
}

const captionInWords = (state) => `What sees ${fieldOf(state)} pixels: layers, and weights along a line and in a picture (one channel, no bias)`;

// --- the drawing ---

/** Paths of an SVG that is stretched to the line: dots and lines keep their width. */
const dots = (row, y) => row.flatMap((ways, i) => (ways ? [`M${i + 0.5} ${y}h0`] : [])).join("");
const lines = (edges, y) => edges.map(([from, to]) => `M${from + 0.5} ${y}L${to + 0.5} ${y + 1}`).join("");
/** How strongly something is coloured that so many of the most ways lead to: the single way must be seen, too. */
const strength = (ways, most) => (ways ? 0.22 + 0.78 * Math.sqrt(ways / most) : 0);

function render({ model, el }) {
  const names = ["kernel_size", "dilations", "causal", "position", "neighbour"];
  const state = () => Object.fromEntries(names.map((name) => [name, model.get(name) ?? null]));
  const memory = [...model.get("dilations")]; // what a layer had before it was taken away
  let playing = null;
  let [built, drawn] = ["", ""];
  const cells = [];
  const set = (settings) => change(model, moved(state(), settings));

  // The controls
  const stacks = menu({
    name: "stack", choices: { "": "your own", ...Object.fromEntries(Object.entries(STACKS).map(([key, [label]]) => [key, label])) },
    onChange: (key) => (key ? change(model, { ...structuredClone(STACKS[key][1]), position: null }) : update()),
  });
  const kernels = slider({ name: "kernel size", min: LIMITS.kernel_size[0], max: LIMITS.kernel_size[1], onInput: (kernel_size) => set({ kernel_size }) });
  const counts = slider({ name: "layers", min: LIMITS.layers[0], max: LIMITS.layers[1], onInput(count) {
    const dilations = model.get("dilations").slice(0, count);
    for (let at = dilations.length; at < count; at++) dilations.push(memory[at] ?? Math.min(2 * dilations[at - 1], LIMITS.dilation[1]));
    set({ dilations });
  } });
  const causal = checkbox("causal (nothing after the unit)", (checked) => set({ causal: checked }));
  const neighbour = checkbox("draw the neighbour, too", (checked) => change(model, { neighbour: checked }));
  const settings = element("div", { className: "lab-settings lab-pairs" },
    element("span", {}, "kernel k"), kernels.element, element("span", {}, "layers"), counts.element);

  const rows = range(LIMITS.layers[1]).map((at) => {
    const dilation = slider({ name: `dilation of layer ${at + 1}`, min: LIMITS.dilation[0], max: LIMITS.dilation[1], onInput: (d) =>
      set({ dilations: model.get("dilations").map((old, one) => (one === at ? d : old)) }) });
    const [extent, field] = range(2).map(() => element("td"));
    const row = element("tr", {}, element("th", { scope: "row" }, at + 1), element("td", {}, dilation.element), extent, field);
    return { row, dilation, extent, field };
  });
  const layers = element("table", { className: "lab-layers", "aria-label": "layers, the first at the input" },
    element("thead", {}, element("tr", {}, ...["layer", "dilation d", "kernel spans", "unit sees"].map((text) => element("th", { scope: "col" }, text)))),
    element("tbody", {}, ...rows.map(({ row }) => row)));

  // The tree between its output unit, which is a slider, and the pixels
  const svg = element("div", { innerHTML: `<svg preserveAspectRatio="none" aria-hidden="true"><rect class="lab-pad"></rect><rect class="lab-pad"></rect>${
    ["all", "beside", "beside-dots", "taps", "tap-dots", "chosen"].map((name) => `<path class="lab-${name}"></path>`).join("")}</svg>` }).firstChild;
  const path = (name) => svg.querySelector(`.lab-${name}`);
  const units = element("input", { type: "range", min: 0, className: "lab-units", "aria-label": "output unit", "data-lm-suppress-shortcuts": "true" });
  units.addEventListener("input", () => { stopPlaying(); change(model, { position: Number(units.value) }); });
  const pixels = element("div", { className: "lab-pixels", "aria-hidden": "true" });
  const line = element("div", { className: "lab-line" }, units, svg, pixels);
  const scroller = element("div", { className: "lab-scroller" }, line);
  const gutter = element("div", { className: "lab-gutter", "aria-hidden": "true" });
  const tree = element("div", { className: "lab-tree" }, gutter, scroller);
  const legend = element("p", { className: "lab-note" });

  const play = button("play", togglePlaying);
  const again = button("back to the middle", () => { stopPlaying(); change(model, { position: null }); });
  const steps = element("div", { className: "lab-steps" }, play, again, neighbour.element);

  const weights = element("p", { className: "lab-weights" });
  const field = element("p", { className: "lab-sum", "aria-live": "polite" });
  const coverage = element("p", { className: "lab-coverage", "aria-live": "polite" });
  const ends = element("p", { "aria-live": "polite" });
  const shares = element("p", { "aria-live": "polite" });
  const written = element("p", { className: "lab-note lab-ways" });

  // The picture and the comparison
  const canvas = element("canvas", { role: "img" });
  const centre = element("span", { className: "lab-centre", "aria-hidden": "true" });
  const map = element("div", { className: "lab-map" }, canvas, centre);
  const picture = element("p", { "aria-live": "polite" });
  const scale = element("p", { className: "lab-note" });
  const caption = element("caption");
  const compared = element("tbody");
  const comparison = element("table", { className: "lab-comparison" }, caption,
    element("thead", {}, element("tr", {}, ...["", "layers", "line", "picture"].map((text) => element(text ? "th" : "td", text ? { scope: "col" } : {}, text)))), compared);

  // A finger or a mouse on the drawing takes the unit along
  const pointed = (event) => {
    const box = svg.getBoundingClientRect();
    const n = sizeOf(state());
    const unit = Math.floor(((event.clientX - box.left) / box.width) * (n + 3) - 1.5);
    stopPlaying();
    change(model, { position: Math.max(0, Math.min(unit, n - 1)) });
  };
  svg.addEventListener("pointerdown", (event) => { svg.setPointerCapture(event.pointerId); pointed(event); });
  svg.addEventListener("pointermove", (event) => { if (event.buttons) pointed(event); });

  function build(n, count) {
    line.style.setProperty("--count", n);
    tree.style.setProperty("--layers", count);
    svg.setAttribute("viewBox", `-1.5 -0.2 ${n + 3} ${count + 0.4}`);
    svg.querySelectorAll("rect").forEach((rect, end) => {
      for (const [name, value] of Object.entries({ x: end ? n : -1.5, y: -0.2, width: 1.5, height: count + 0.4 })) rect.setAttribute(name, value);
    });
    path("all").setAttribute("d", range(count + 1).map((y) => dots(new Array(n).fill(1), y)).join(""));
    units.max = n - 1;
    const step = n <= 40 ? 5 : n <= 100 ? 10 : 50;
    for (const { cell } of cells.splice(n)) cell.remove();
    while (cells.length < n) {
      const [number, bar, label] = ["b", "i", "small"].map((tag) => element(tag));
      cells.push({ cell: element("span", {}, number, bar), number, bar, label });
      pixels.append(cells.at(-1).cell);
    }
    cells.forEach(({ cell, label }, at) => {
      label.textContent = at;
      if (at % step) label.remove(); else cell.append(label);
    });
  }

  function draw(now) {
    const [n, unit] = [sizeOf(now), unitOf(now)];
    const { levels, taps } = treeOf(now, unit);
    const beside = treeOf(now, besideOf(now));
    const form = JSON.stringify([n, now.dilations.length]);
    const rebuilt = form !== built;
    if (rebuilt) { built = form; build(n, now.dilations.length); }
    const all = (draws, parts) => parts.map((part, y) => draws(part, y)).join("");
    path("taps").setAttribute("d", all(lines, taps));
    path("tap-dots").setAttribute("d", all(dots, levels));
    path("beside").setAttribute("d", now.neighbour ? all(lines, beside.taps) : "");
    path("beside-dots").setAttribute("d", now.neighbour ? all(dots, beside.levels) : "");
    path("chosen").setAttribute("d", `M${unit + 0.5} 0h0`);
    units.value = unit;
    units.setAttribute("aria-valuetext", `unit ${unit}`);
    gutter.replaceChildren(element("span", {}, `unit ${unit}`), ...[...now.dilations].reverse().map((d) => element("span", {}, `d = ${d}`)), element("span", {}, "ways"));

    const ways = levels.at(-1);
    const others = beside.levels.at(-1);
    const [first, last] = endsOf(ways);
    const most = Math.max(...ways);
    pixels.style.setProperty("--digits", Math.max(2, grouped(most).length));
    cells.forEach((one, at) => {
      const { cell, number, bar } = one;
      cell.classList.toggle("hole", !ways[at] && at > first && at < last);
      cell.classList.toggle("shared", now.neighbour && others[at] > 0);
      const share = ways[at] / most;
      if (one.ways === ways[at] && one.share === share) return;
      Object.assign(one, { ways: ways[at], share });
      number.textContent = ways[at] ? grouped(ways[at]) : "";
      number.style.background = ways[at] ? `color-mix(in srgb, var(--lab-warm) ${Math.round(60 * strength(ways[at], most))}%, transparent)` : "";
      bar.style.height = `${100 * share}%`;
      cell.title = `pixel ${at}: ${ways[at] ? plural(ways[at], "way") : "not read"}`;
    });
    say(ends, unitInWords(now, ways));
    say(shares, neighbourInWords(now, ways, others));
    say(written, waysInWords(now, ways));
    say(legend, `Drag the unit along the line. Below each pixel: on how many ways it is reached${ways.slice(first, last).includes(0) ? "; hatched: a hole" : ""}${
      now.neighbour ? "; blue: the neighbour, with a ring around what both read" : ""}. Shaded ends: the padding.`);
    if (rebuilt) reveal();
  }

  /** Scrolls to the unit where the line is longer than its place. */
  const reveal = afterLayout(scroller, () => {
    const now = state();
    const at = (scroller.scrollWidth * (unitOf(now) + 2)) / (sizeOf(now) + 3) - scroller.scrollLeft;
    if (at < 24 || at > scroller.clientWidth - 24) scroller.scrollLeft += at - scroller.clientWidth / 2;
  });

  function drawMap(now) {
    const coverage = coverageOf(now);
    const block = Math.ceil(coverage.length / LARGEST_MAP); // no pixel may fall between the dots of a screen
    const size = Math.ceil(coverage.length / block);
    const read = range(size).map((at) => Math.max(...coverage.slice(at * block, (at + 1) * block)));
    const most = Math.max(...read) ** 2;
    canvas.width = canvas.height = size;
    const context = canvas.getContext("2d");
    const image = context.createImageData(size, size);
    for (let r = 0; r < size; r++) for (let c = 0; c < size; c++) {
      const at = 4 * (r * size + c);
      [image.data[at], image.data[at + 1], image.data[at + 2]] = WARM;
      image.data[at + 3] = 255 * strength(read[r] * read[c], most);
    }
    context.putImageData(image, 0, 0);
    map.style.setProperty("--size", size);
    map.style.setProperty("--at", (homeOf(now) - MARGIN) / block);
    map.classList.toggle("ruled", size <= 40);
    const words = pictureInWords(now);
    say(picture, words);
    say(scale, block > 1 ? `A square of the map is ${block} × ${block} pixels, coloured where one of them is read.` : "");
    canvas.setAttribute("aria-label", `map of the receptive field in a picture. ${words}`);
  }

  function updateControls(now) {
    const { kernel_size: k, dilations } = now;
    stacks.set(Object.keys(STACKS).find((key) => same(STACKS[key][1], { kernel_size: k, dilations, causal: now.causal })) ?? "");
    kernels.set(k);
    counts.set(dilations.length);
    causal.input.checked = now.causal;
    neighbour.input.checked = now.neighbour;
    const fields = fieldsOf(now);
    rows.forEach(({ row, dilation, extent, field: cell }, at) => {
      row.hidden = at >= dilations.length;
      if (row.hidden) return;
      memory[at] = dilations[at];
      dilation.set(dilations[at]);
      extent.textContent = extentOf(now, dilations[at]);
      cell.textContent = fields[at];
    });
  }

  /** What depends on the stack, and not on the unit. */
  function drawStack(now) {
    drawMap(now);
    say(field, fieldInWords(now));
    say(coverage, element("strong", {}, verdictInWords(now)), ` ${reasonInWords(now)}`);
    say(weights, weightsInWords(now));
    again.textContent = now.causal ? "back to the end" : "back to the middle";
    again.setAttribute("aria-label", again.textContent);
    say(caption, captionInWords(now));
    compared.replaceChildren(...comparisonOf(now).map(([name, ...numbers]) =>
      element("tr", {}, element("th", { scope: "row" }, name), ...numbers.map((one) => element("td", {}, grouped(one))))));
  }

  function update() {
    const now = state();
    updateControls(now);
    draw(now);
    const stack = JSON.stringify([now.kernel_size, now.dilations, now.causal]);
    if (stack !== drawn) { drawn = stack; drawStack(now); }
  }

  // Walking along the line
  function walk() {
    const now = state();
    const unit = unitOf(now);
    if (unit < sizeOf(now) - 1) change(model, { position: unit + 1 });
    reveal();
    return unit + 1 < sizeOf(now) - 1;
  }
  const live = [ends, shares];
  function stopPlaying() {
    clearInterval(playing);
    playing = null;
    play.textContent = "play";
    play.setAttribute("aria-label", "play along the line");
    for (const part of live) part.setAttribute("aria-live", "polite");
  }
  function togglePlaying() {
    if (playing) { stopPlaying(); return; }
    const now = state();
    if (unitOf(now) === sizeOf(now) - 1) change(model, { position: 0 });
    for (const part of live) part.setAttribute("aria-live", "off"); // a screen reader could not keep up
    play.textContent = "pause";
    play.setAttribute("aria-label", "pause");
    playing = setInterval(() => { if (!el.isConnected || !walk()) stopPlaying(); }, 400);
  }

  introduce(el, "dilated_convolution", "Live lab: dilated convolution");
  el.replaceChildren(
    element("div", { className: "lab-row" }, stacks.element, causal.element),
    settings, layers, field, tree, steps, legend, coverage, ends, shares, written,
    element("div", { className: "lab-square" }, map, element("div", {}, picture, scale, weights, comparison)),
  );
  stopPlaying();
  const unfollow = follow(model, names, update);
  return () => { stopPlaying(); unfollow(); };
}

export default { render };
