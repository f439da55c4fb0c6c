// Which channels a convolution connects, drawn as lines and as a matrix, and what each kind costs.

const KINDS = {
  standard: "standard", grouped: "grouped", depthwise: "depthwise", pointwise: "pointwise (1 × 1)",
  separable: "depthwise separable", bottleneck: "bottleneck", "two grouped": "two grouped layers",
};
const LIMITS = { in_channels: [2, 16], out_channels: [2, 16], middle: [1, 16], kernel_size: [1, 7], size: [7, 112] };

// --- the arithmetic ---

/** The convolutions of a kind, one after the other. */
function layersOf({ in_channels: c, out_channels: o, kernel_size: k, groups: g, middle: m }, kind) {
  const layer = (before, after, kernel, groups) => ({ before, after, kernel, groups });
  return {
    standard: [layer(c, o, k, 1)],
    grouped: [layer(c, o, k, g)],
    depthwise: [layer(c, o, k, c)],
    pointwise: [layer(c, o, 1, 1)],
    separable: [layer(c, c, k, c), layer(c, o, 1, 1)],
    bottleneck: [layer(c, m, 1, 1), layer(m, m, k, 1), layer(m, o, 1, 1)],
    "two grouped": [layer(c, o, k, g), layer(o, o, k, g)],
  }[kind];
}

/** Why a kind is impossible, in a sentence; "" where it is possible. */
function problemOf(state, kind = state.kind) {
  for (const { before, after, groups } of layersOf(state, kind)) {
    for (const [word, count] of [["input", before], ["output", after]]) {
      if (count % groups) return `${count} ${word} channels cannot be split into ${groups} groups.`;
    }
  }
  return "";
}

const shapeOf = ({ before, after, kernel, groups }) => [after, before / groups, kernel, kernel];
const product = (numbers) => numbers.reduce((one, other) => one * other, 1);
const total = (numbers) => numbers.reduce((one, other) => one + other, 0);

const shuffles = (state) => state.kind === "two grouped" && state.shuffle;

/** What lies between the columns of channels: for each, which of the channels after sees which before. */
function stepsOf(state) {
  return layersOf(state, state.kind).flatMap((layer, at) => {
    const { before, after, kernel, groups } = layer;
    const groupOf = (channel, count) => Math.floor(channel / (count / groups));
    const sees = range(after).map((o) => range(before).map((c) => Number(groupOf(o, after) === groupOf(c, before))));
    const conv = { name: `${kernel}×${kernel}`, groups, sees };
    if (!at || !shuffles(state)) return [conv];
    // The first of every group, then the second of every group, and so on
    const from = (place) => (place % groups) * (before / groups) + Math.floor(place / groups);
    return [{ name: "shuffle", sees: range(before).map((place) => range(before).map((c) => Number(from(place) === c))) }, conv];
  });
}

/** On how many ways each output (row) is reached by each input (column). */
function pathsOf(state) {
  const [first, ...others] = stepsOf(state).map(({ sees }) => sees);
  return others.reduce((ways, sees) => sees.map((row) => range(state.in_channels).map((c) => total(row.map((seen, b) => seen * ways[b][c])))), first);
}

/** The marked channel, as [on the side of the outputs?, number]. */
function markedIn({ side, channel, in_channels: c, out_channels: o }) {
  return [side === "output", Math.min(channel, (side === "output" ? o : c) - 1)];
}

/** For each column of channels: whether the marked channel sees or reaches each of them. */
function markedColumns(state) {
  const [isOutput, channel] = markedIn(state);
  const steps = stepsOf(state).map(({ sees }) => sees);
  const ends = range(isOutput ? state.out_channels : state.in_channels).map((one) => one === channel);
  if (isOutput) {
    return steps.reduceRight((columns, sees) => [range(sees[0].length).map((c) => sees.some((row, o) => row[c] && columns[0][o])), ...columns], [ends]);
  }
  return steps.reduce((columns, sees) => [...columns, sees.map((row) => row.some((seen, c) => seen && columns.at(-1)[c]))], [ends]);
}

/** What a kind costs, for one image; null where it is impossible. */
function costsOf(state, kind) {
  if (problemOf(state, kind)) return null;
  const layers = layersOf(state, kind);
  const shapes = layers.map(shapeOf);
  const weights = shapes.map(product);
  const pixels = state.size ** 2;
  return {
    shapes,
    parameters: total(weights) + (state.bias ? total(layers.map(({ after }) => after)) : 0),
    multiplyAdds: total(weights) * pixels,
    numbers: layers.map(({ after }) => after * pixels),
  };
}

const divisorsOf = (...numbers) => range(16).map((i) => i + 1).filter((g) => numbers.every((n) => n % g === 0));

/** The nearest state in which a kind is possible: fewer groups, or as many outputs as a multiplier gives. */
function fitted(state, kind) {
  const { in_channels: c, out_channels: o } = state;
  if (!problemOf(state, kind)) return { kind };
  if (kind === "depthwise") return { kind, out_channels: c * Math.max(1, Math.min(Math.round(o / c), Math.floor(16 / c))) };
  return { kind, groups: divisorsOf(c, o).findLast((g) => g <= state.groups) };
}

/** Where the sliders of the channels begin and end, and their steps: a kind only gets channels that it can split. */
function channelChoices({ kind, in_channels: c, out_channels: o, groups: g }) {
  const [least, most] = LIMITS.in_channels;
  const multiples = (n) => [Math.max(n, least), most - (most % n), n];
  if (kind === "depthwise") {
    return { in_channels: [least, Math.max(c, Math.floor(most / Math.max(1, Math.floor(o / c)))), 1], out_channels: multiples(c) };
  }
  const step = multiples(kind === "grouped" || kind === "two grouped" ? g : 1);
  return { in_channels: step, out_channels: step };
}

// --- in words ---

const capital = (text) => text[0].toUpperCase() + text.slice(1);
const percent = (part, whole) => `${shown((100 * part) / whole)} %`;
const shapesInWords = (shapes) => shapes.map((shape) => `(${shape.join(", ")})`).join(", ");

function nameOf({ groups, middle, shuffle }, kind) {
  if (kind === "grouped") return `grouped, ${plural(groups, "group")}`;
  if (kind === "bottleneck") return `bottleneck of ${middle}`;
  if (kind === "two grouped") return `two grouped layers, ${plural(groups, "group")}${shuffle ? ", channel shuffle between" : ""}`;
  return KINDS[kind];
}

function reachInWords(state) {
  const [isOutput, channel] = markedIn(state);
  const [word, verb, other] = isOutput ? ["Output", "sees", "input"] : ["Input", "reaches", "output"];
  const ways = pathsOf(state);
  const line = isOutput ? ways[channel] : ways.map((row) => row[channel]);
  const found = range(line.length).filter((one) => line[one]);
  const which = found.length === line.length ? `all ${other}s` : `${other}${found.length === 1 ? "" : "s"} ${found.join(", ")}`;
  return `${word} ${channel} ${verb} ${which}: ${found.length} of ${line.length}.`;
}

const mixingInWords = (state) => `${pathsOf(state).flat().every(Boolean) ? "Every" : "No"} output sees every input.`;

function kindInWords(state) {
  const { kind, in_channels: c, out_channels: o, kernel_size: k, groups: g, middle: m } = state;
  const kernel = `${k} × ${k}`;
  if (kind === "standard") return `Each output has a kernel slice for each input: ${o} · ${c} = ${o * c} slices of ${kernel}.`;
  if (kind === "grouped") {
    const special = { 1: " One group: the standard convolution.", [c]: " As many groups as inputs: the depthwise convolution." }[g] ?? "";
    return `Each output has a slice for the ${c === g ? "input" : `${c / g} inputs`} of its own group only: ${o} · ${c / g} = ${o * c / g} slices of ${kernel}.${special}`;
  }
  if (kind === "depthwise") return `Each input is filtered by itself and makes ${plural(o / c, "output")}: ${o} slices of ${kernel}. No channels are mixed.`;
  if (kind === "pointwise") return `Each output mixes all inputs, but only at its own pixel: ${o} · ${c} = ${o * c} slices of 1 × 1, which are single weights.`;
  if (kind === "separable") return `First each input is filtered by itself (${c} slices of ${kernel}), then a pointwise layer mixes the channels (${o} · ${c} = ${o * c} slices of 1 × 1).`;
  if (kind === "bottleneck") return `A pointwise layer leads from ${c} channels to ${m}, the ${kernel} layer works there, and a pointwise layer leads to ${o}: ${m * c} + ${m * m} + ${o * m} slices.`;
  const slices = `${o} · ${c / g} + ${o} · ${o / g} = ${o * c / g + o * o / g} slices of ${kernel}`;
  if (g === 1) return `Two layers of one group, which are standard convolutions: ${slices}.`;
  if (!state.shuffle) return `Two layers of ${g} groups, and no group ever meets another: ${slices}.`;
  const n = o / g;
  return `Two layers of ${g} groups: ${slices}. The shuffle deals the channels out in between: a group's ${n === 1 ? "channel comes" : `${n} channels come`} from ${Math.min(n, g)} of the ${g} groups before.`;
}

function ratioInWords({ out_channels: o, kernel_size: k, bias }) {
  const what = bias ? "multiply-adds" : "parameters and multiply-adds";
  return `Depthwise separable against standard, ${what}: 1/O + 1/k² = 1/${o} + 1/${k * k} = ${shown((o + k * k) / (o * k * k))}.`;
}

const plus = (numbers) => numbers.map(grouped).join(" + ");

/** As in "16·4·3·3 + 16 = 592". */
function parametersInWords(state, kind) {
  const layers = layersOf(state, kind);
  const shapes = layers.map(shapeOf);
  const counts = layers.map(({ after }, at) => product(shapes[at]) + (state.bias ? after : 0));
  const parts = layers.map(({ after }, at) => shapes[at].join("·") + (state.bias ? ` + ${after}` : ""));
  if (layers.length === 1) return `${parts[0]} = ${grouped(counts[0])}`;
  return `${parts.map((part) => (state.bias ? `(${part})` : part)).join(" + ")} = ${plus(counts)} = ${grouped(total(counts))}`;
}

function multiplyAddsInWords(state, kind) {
  const { shapes, multiplyAdds } = costsOf(state, kind);
  const weights = shapes.map(product);
  const first = weights.length > 1 ? `(${plus(weights)})` : shapes[0].join("·");
  return `${first} · ${state.size}·${state.size} = ${grouped(multiplyAdds)}`;
}

function numbersInWords(state, kind) {
  const all = layersOf(state, kind).map(({ after }) => `${after}·${state.size}·${state.size} = ${grouped(after * state.size ** 2)}`);
  return all.at(-1) + (all.length > 1 ? ` (in between: ${all.slice(0, -1).join(", ")})` : "");
}

function summaryInWords(state) {
  const [own, standard] = [state.kind, "standard"].map((kind) => costsOf(state, kind));
  return `${plural(own.parameters, "parameter")}, ${plural(own.multiplyAdds, "multiply-add")}: ${percent(own.multiplyAdds, standard.multiplyAdds)} of the standard convolution's.`;
}

// --- the drawing ---

const BUTTON = 26; // pixels: fingers must find each channel

/** A picture of lines across its whole width; each is [where it begins, where it ends, from which channel, to which]. */
function drawnLines(lines, className) {
  const text = lines.map(([y1, y2, from, to]) => `<line x1="0%" x2="100%" y1="${y1}" y2="${y2}" data-from="${from}" data-to="${to}"></line>`);
  return element("div", { innerHTML: `<svg class="${className}" aria-hidden="true">${text.join("")}</svg>` }).firstChild;
}

function render({ model, el }) {
  const names = ["kind", "in_channels", "out_channels", "groups", "middle", "shuffle", "kernel_size", "size", "bias", "side", "channel"];
  const state = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  let built = "";
  let sides, matrix;

  // The controls
  const kinds = choice({ name: "kind", choices: KINDS, onChange: (kind) => change(model, fitted(state(), kind)) });
  const labelled = (label, name, options) => {
    const made = slider({ name, ...options });
    return { ...made, parts: [element("span", {}, label), made.element] };
  };
  const simple = (what, label, name, step = 1) => labelled(label, name, {
    min: LIMITS[what][0], max: LIMITS[what][1], step, onInput: (value) => change(model, { [what]: value }),
  });
  const inputs = labelled("inputs", "input channels", { min: 2, max: 16, onInput(value) {
    const { kind, in_channels: c, out_channels: o } = state();
    change(model, { in_channels: value, ...(kind === "depthwise" && { out_channels: value * Math.max(1, Math.floor(o / c)) }) });
  } });
  const outputs = simple("out_channels", "outputs", "output channels");
  const kernels = simple("kernel_size", "kernel k", "kernel size", 2);
  const sizes = simple("size", "image side", "image side");
  const middles = simple("middle", "in the middle", "channels in the middle");
  let divisors = [1];
  const groups = labelled("groups g", "groups", { min: 0, max: 1, onInput: (at) => change(model, { groups: divisors[at] }) });
  const multipliers = labelled("multiplier", "outputs for each input", { min: 1, max: 8, onInput: (value) => change(model, { out_channels: value * model.get("in_channels") }) });
  const bias = checkbox("bias", (checked) => change(model, { bias: checked }));
  const shuffle = checkbox("channel shuffle in between", (checked) => change(model, { shuffle: checked }));
  const settings = element("div", { className: "lab-settings lab-pairs" },
    ...[inputs, outputs, kernels, sizes, groups, multipliers, middles].flatMap(({ parts }) => parts));
  const checks = element("div", { className: "lab-row" }, bias.element, shuffle.element);

  // The channels, with lines between those that a kernel slice connects, and the matrix of it
  const wires = element("div", { className: "lab-wires" });
  const table = element("div", { className: "lab-paths" });
  const caption = element("figcaption");
  const figures = element("div", { className: "lab-reach" }, wires, element("figure", {}, caption, table));
  const problem = element("p", { className: "lab-problem", role: "status" });
  const [reach, mixing] = [0, 1].map(() => element("span", { role: "status" }));
  const seen = element("p", { className: "lab-sum" }, reach, " ", mixing);
  const sentence = element("p");
  const summary = element("p", { className: "lab-sum", role: "status" });

  function build(now, steps) {
    const counts = [now.in_channels, ...steps.map(({ sees }) => sees.length)];
    const pitch = Math.max(BUTTON, Math.min(40, Math.round(288 / Math.max(...counts))));
    const height = pitch * Math.max(...counts);
    const centre = (at, count) => (height + pitch * (2 * at + 1 - count)) / 2;
    const put = (made, at, count) => { made.style.top = `${centre(at, count)}px`; return made; };
    sides = [["input", now.in_channels], ["output", now.out_channels]].map(([side, count]) => {
      const made = grid({ name: `mark an ${side}`, rows: count, columns: 1, cell: (at) =>
        put(button(at, () => change(model, { side, channel: at }), `${side} ${at}`), at, count) });
      made.element.addEventListener("focusin", ({ target }) => {
        if (target.matches(":focus-visible")) change(model, { side, channel: made.cells.findIndex(([one]) => one === target) });
      });
      return made;
    });
    const middle = counts.slice(1, -1).map((count) => element("div", { className: "lab-between", "aria-hidden": "true" },
      ...range(count).map((at) => put(element("span", {}, at), at, count))));
    const columns = [sides[0].element, ...middle, sides[1].element];
    const lines = steps.map(({ name, sees }, at) => drawnLines(
      sees.flatMap((row, o) => row.flatMap((seen, c) => (seen ? [[centre(c, counts[at]), centre(o, counts[at + 1]), c, o]] : []))),
      name === "shuffle" ? "lab-shuffle" : "",
    ));
    const heads = counts.map((count, at) => element("strong", {}, element("span", {}, at === 0 ? `${count} in` : at === steps.length ? `${count} out` : count)));
    const named = steps.map(({ name, groups: g }) => element("span", {}, name, ...(g > 1 ? [element("br"), plural(g, "group")] : [])));
    wires.style.setProperty("--height", `${height}px`);
    wires.style.gridTemplateColumns = `auto ${"minmax(0, 1fr) auto ".repeat(steps.length)}`;
    wires.replaceChildren(element("span"), ...named.flatMap((one) => [one, element("span")]),
      ...columns.flatMap((column, at) => [column, ...lines.slice(at, at + 1)]), ...heads.flatMap((head) => [head, element("span")]).slice(0, -1));

    matrix = grid({ name: "", rows: now.out_channels, columns: now.in_channels, cell: () => element("span") });
    const numbered = (rows, count) => grid({ name: "", rows, columns: count, cell: (i, j) => element("span", {}, i + j) }).element;
    const [above, before] = [numbered(1, now.in_channels), numbered(now.out_channels, 1)];
    above.classList.add("lab-labels");
    before.classList.add("lab-labels");
    table.setAttribute("role", "img");
    table.style.setProperty("--columns", now.in_channels);
    table.replaceChildren(element("span"), above, before, matrix.element);
  }

  function mark(now, steps) {
    const [isOutput, channel] = markedIn(now);
    const columns = markedColumns(now);
    sides.forEach(({ cells, stop }, side) => cells.forEach(([cell], at) => {
      const chosen = isOutput === (side === 1) && at === channel;
      cell.setAttribute("aria-pressed", chosen);
      cell.classList.toggle("linked", columns.at(side ? -1 : 0)[at]);
      if (chosen || (at === 0 && isOutput !== (side === 1))) stop(cell);
    }));
    wires.querySelectorAll(".lab-between").forEach((box, at) => [...box.children].forEach((one, c) => one.classList.toggle("linked", columns[at + 1][c])));
    wires.querySelectorAll("svg").forEach((svg, at) => {
      const lines = [...svg.children];
      for (const line of lines) {
        const end = isOutput ? columns[at + 1][line.dataset.to] : columns[at][line.dataset.from];
        line.classList.toggle("linked", end);
      }
      svg.append(...lines.filter((line) => line.matches(".linked"))); // above the others
    });
    const ways = pathsOf(now);
    const most = largest(ways);
    matrix.cells.forEach((row, o) => row.forEach((cell, c) => {
      cell.textContent = ways[o][c] || "";
      cell.classList.toggle("must", !ways[o][c]);
      cell.classList.toggle("under", ways[o][c] > 0 && (isOutput ? o : c) === channel);
      cell.style.background = ways[o][c] ? shade(0.6 * most, most) : "";
    }));
    const single = steps.length === 1;
    table.style.setProperty("--digits", String(most).length);
    say(caption, single ? "1: a kernel slice from input (column) to output (row)" : "Ways from input (column) to output (row)");
    table.setAttribute("aria-label", `matrix, ${now.out_channels} outputs by ${now.in_channels} inputs: ${mixingInWords(now)}`);
  }

  // The costs of all kinds
  const cards = Object.fromEntries(Object.keys(KINDS).map((kind) => {
    const parts = Object.fromEntries(["name", "shapes", "parameters", "multiplyAdds", "numbers"].map((part) => [part, element("span")]));
    const bars = [0, 1].map(() => element("div", { className: "lab-bar" }));
    const [counts, shares] = [0, 1].map(() => [0, 1].map(() => element("span")));
    const figure = (what, at) => element("div", {},
      element("div", {}, counts[at], " ", shares[at]), element("div", { className: "lab-track", "aria-hidden": "true" }, bars[at]), parts[what]);
    const costs = element("div", { className: "lab-costs" }, figure("parameters", 0), figure("multiplyAdds", 1),
      element("p", {}, "numbers out: ", parts.numbers));
    const item = element("li", {}, element("div", {}, element("strong", {}, parts.name), " ", parts.shapes), costs);
    return [kind, { item, parts, bars, counts, shares, costs }];
  }));

  function compare(now) {
    const all = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, costsOf(now, kind)]));
    for (const [kind, { item, parts, bars, counts, shares, costs }] of Object.entries(cards)) {
      const own = all[kind];
      if (kind === now.kind) item.setAttribute("aria-current", "true"); else item.removeAttribute("aria-current");
      say(parts.name, capital(nameOf(now, kind)));
      if (own) parts.shapes.replaceChildren(...own.shapes.flatMap((shape, at) => [at ? ", " : "", element("span", {}, shapesInWords([shape]))]));
      else say(parts.shapes, `impossible: ${problemOf(now, kind)}`);
      costs.hidden = !own;
      if (!own) continue;
      for (const [at, what, word, words] of [[0, "parameters", "parameter", parametersInWords], [1, "multiplyAdds", "multiply-add", multiplyAddsInWords]]) {
        const most = Math.max(...Object.values(all).map((one) => one?.[what] ?? 0));
        say(parts[what], words(now, kind));
        say(shares[at], percent(own[what], all.standard[what]));
        say(counts[at], plural(own[what], word));
        bars[at].style.width = `${(100 * own[what]) / most}%`;
        bars[at].parentElement.style.setProperty("--whole", `${(100 * all.standard[what]) / most}%`);
      }
      say(parts.numbers, numbersInWords(now, kind));
    }
  }
  const ratio = element("p");

  function update() {
    const now = state();
    kinds.set(now.kind);
    const choices = channelChoices(now);
    for (const [what, one] of [["in_channels", inputs], ["out_channels", outputs]]) {
      [one.input.min, one.input.max, one.input.step] = choices[what];
      one.set(now[what]);
    }
    kernels.set(now.kernel_size);
    sizes.set(now.size);
    middles.set(now.middle);
    multipliers.input.max = Math.floor(16 / now.in_channels);
    multipliers.set(now.out_channels / now.in_channels);
    divisors = divisorsOf(now.in_channels, now.out_channels);
    groups.input.max = divisors.length - 1;
    groups.set(now.groups);
    groups.input.value = divisors.indexOf(now.groups);
    groups.input.setAttribute("aria-valuetext", `${now.groups} of ${divisors.join(", ")}`);
    const used = { grouped: groups, "two grouped": groups, depthwise: multipliers, bottleneck: middles }[now.kind];
    for (const one of [groups, multipliers, middles]) for (const part of one.parts) part.hidden = one !== used;
    shuffle.element.hidden = now.kind !== "two grouped";
    shuffle.input.checked = now.shuffle;
    bias.input.checked = now.bias;
    compare(now);
    say(ratio, ratioInWords(now));

    const trouble = problemOf(now);
    say(problem, trouble);
    for (const part of [figures, seen, sentence, summary]) part.hidden = Boolean(trouble);
    if (trouble) { built = ""; return; }
    const steps = stepsOf(now);
    const form = JSON.stringify(["kind", "in_channels", "out_channels", "groups", "middle", "shuffle", "kernel_size"].map((name) => now[name]));
    if (form !== built) { built = form; build(now, steps); }
    mark(now, steps);
    say(reach, reachInWords(now));
    say(mixing, mixingInWords(now));
    say(sentence, kindInWords(now));
    say(summary, summaryInWords(now));
  }

  introduce(el, "channels", "Live lab: which channels see each other");
  el.replaceChildren(
    kinds.element, settings, checks, problem, figures, seen, sentence, summary,
    element("p", { className: "lab-heading" }, element("strong", {}, "What each kind costs"), " at these sizes, for one image; standard = 100 %"),
    element("ul", { className: "lab-cards" }, ...Object.values(cards).map(({ item }) => item)),
    ratio,
  );
  return follow(model, names, update);
}

export default { render };
