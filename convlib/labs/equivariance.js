// Equivariance: a picture is transformed and given to an operation, or the other way round; do both agree?

const SIDE = 24;
const FURTHEST = 8;
const PICTURES = ["eye", "digit", "stripes, period 3", "stripes, period 2", "dot"];
const TRANSFORMS = ["move", "turn", "rescale"];
const TURNS = { 1: "a quarter", 2: "a half", 3: "three quarters" };
const FACTORS = { 0.5: "½", 2: "2" };
const HEADINGS = { move: "right by", turn: "quarter turns", rescale: "size times" };
// Sums of powers of two, so that all arithmetic is exact and "equal" means equal.
const KERNELS = {
  identity: [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
  blur: [[1, 2, 1], [2, 4, 2], [1, 2, 1]].map((row) => row.map((weight) => weight / 16)),
  Sobel: [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]].map((row) => row.map((weight) => weight / 4)),
  "no symmetry": [[2, -1, 0], [3, 1, -2], [-1, 0, -1]].map((row) => row.map((weight) => weight / 4)),
};
const MODES = ["circular", "zeros", "reflect"];
// The stride, and how many pixels before and after its place an answer looks at; the kernel is included.
const DOWNSAMPLING = {
  none: [1, 1, 1], "stride 2": [2, 1, 1], "stride 4": [4, 1, 1], "max pool k2 s1": [1, 1, 2], "max pool k2 s2": [2, 1, 2],
  "average pool k2 s2": [2, 1, 2], "blur pool s2": [2, 2, 2],
};

// --- the arithmetic ---

const rowsOf = (height, width, value) =>
  Array.from({ length: height }, (_, i) => Array.from({ length: width }, (_, j) => value(i, j)));

/** The picture, 24 × 24 numbers from 0 to 255. */
function pixelsOf({ picture, photograph }) {
  if (picture === "eye") return photograph;
  return rowsOf(SIDE, SIDE, (r, c) => {
    if (picture === "dot") return 255 * (r === SIDE / 2 && c === SIDE / 2);
    if (picture !== "digit") return 255 * (c % Number(picture.at(-1)) === 0);
    if (r >= 4 && r <= 6 && c >= 6 && c <= 18) return 255; // a 7
    return r > 6 && r < 21 ? 85 * Math.max(0, Math.min(3, 5 - Math.abs(2 * c - 34 + r - 6))) : 0;
  });
}

/** The row or column that stands at place `i`, which may lie outside; -1 for none, a zero. */
function seenAt(i, n, mode) {
  if (i >= 0 && i < n) return i;
  if (mode === "zeros") return -1;
  if (mode === "circular") return (i + n) % n;
  return i < 0 ? -i : 2 * (n - 1) - i;
}

/** One number for each window: `combine` of the numbers in it, row by row. */
function windowed(rows, { size, stride = 1, first = 0, mode, combine }) {
  const n = rows.length;
  const values = Array(size * size).fill(0);
  const seen = Array.from({ length: n + size }, (_, i) => seenAt(i + first, n, mode));
  return rowsOf(n / stride, n / stride, (i, j) => {
    for (let u = 0; u < size; u++) for (let v = 0; v < size; v++) {
      values[u * size + v] = rows[seen[i * stride + u]]?.[seen[j * stride + v]] ?? 0;
    }
    return combine(values);
  });
}

function weighted(kernel) {
  const weights = kernel.flat();
  return (values) => values.reduce((sum, value, at) => sum + weights[at] * value, 0);
}

/** Convolution, ReLU where it is on, and downsampling. */
function operate(state, image, then = state.downsampling) {
  const around = state.padding_mode === "circular" ? "circular" : "reflect"; // for what pools
  const [stride] = DOWNSAMPLING[then];
  const convolved = windowed(image, {
    size: 3, first: -1, mode: state.padding_mode, combine: weighted(KERNELS[state.kernel]), stride: then.startsWith("stride") ? stride : 1,
  });
  const answer = state.relu ? convolved.map((row) => row.map((value) => Math.max(value, 0))) : convolved;
  const pooled = (combine) => windowed(answer, { size: 2, stride, mode: around, combine });
  if (then.startsWith("max")) return pooled((values) => Math.max(...values));
  if (then.startsWith("average")) return pooled((values) => (values[0] + values[1] + values[2] + values[3]) / 4);
  if (then.startsWith("blur")) return windowed(answer, { size: 3, stride, first: -1, mode: around, combine: weighted(KERNELS.blur) });
  return answer;
}

/** `by / stride` as a whole number; halves go up. */
const nearest = (by, stride) => Math.floor((2 * by + stride) / (2 * stride));

/** A picture or, where the stride is not 1, an answer, transformed. */
function transformed(state, rows, stride) {
  const n = rows.length;
  if (state.transform === "move") {
    const [down, right] = state.shift.map((by) => nearest(by, stride));
    return rowsOf(n, n, (i, j) => rows[(i - down + n) % n][(j - right + n) % n]);
  }
  if (state.transform === "turn") {
    return Array.from({ length: state.turns }).reduce((now) => rowsOf(n, n, (i, j) => now[j][n - 1 - i]), rows);
  }
  if (state.factor === 2) return rowsOf(2 * n, 2 * n, (i, j) => rows[i >> 1][j >> 1]);
  return rowsOf(n / 2, n / 2, (i, j) => (rows[2 * i][2 * j] + rows[2 * i][2 * j + 1] + rows[2 * i + 1][2 * j] + rows[2 * i + 1][2 * j + 1]) / 4);
}

/** 1 where an answer sees nothing of the padding. */
function seesPictureOnly(state, n) {
  const [stride, before, after] = DOWNSAMPLING[state.downsampling];
  const along = (i) => state.padding_mode === "circular" || (stride * i >= before && stride * i + after < stride * n);
  return rowsOf(n, n, (i, j) => Number(along(i) && along(j)));
}

/** Both orders, and how much they differ. */
function bothOrders(state, then = state.downsampling, answer = operate(state, pixelsOf(state), then)) {
  const [stride] = DOWNSAMPLING[then];
  const picture = pixelsOf(state);
  const moved = transformed(state, picture, 1);
  const first = operate(state, moved, then);
  const later = transformed(state, answer, stride);
  const unseen = transformed(state, seesPictureOnly(state, answer.length), stride);
  const sees = seesPictureOnly(state, first.length);
  const inside = sees.map((row, i) => row.map((one, j) => one === 1 && unseen[i][j] === 1));
  const difference = first.map((row, i) => row.map((value, j) => value - later[i][j]));
  const size = (rows) => Math.max(...rows.flat().map(Math.abs));
  const largestNumber = Math.max(size(first), size(later));
  const share = (value) => value / (largestNumber || 1);
  let worst = [0, 0];
  difference.forEach((row, i) => row.forEach((value, j) => { if (Math.abs(value) > Math.abs(difference[worst[0]][worst[1]])) worst = [i, j]; }));
  return {
    picture, moved, answer, first, later, inside, difference, worst, largestNumber,
    count: difference.length ** 2, wrong: difference.flat().filter(Boolean).length,
    error: share(size(difference)),
    errorInside: share(size(difference.map((row, i) => row.map((value, j) => value * inside[i][j])))),
  };
}

/** The error for each setting of the transform, with its label; `now` marks the present one. */
function errorsOf(state) {
  const settings = {
    move: Array.from({ length: FURTHEST + 1 }, (_, by) => [String(by), { shift: [state.shift[0], by] }, by === state.shift[1]]),
    turn: [1, 2, 3].map((turns) => [String(turns), { turns }, turns === state.turns]),
    rescale: [0.5, 2].map((factor) => [FACTORS[factor], { factor }, factor === state.factor]),
  }[state.transform];
  const answer = operate(state, pixelsOf(state));
  return settings.map(([label, setting, now]) => {
    const { error, errorInside } = bothOrders({ ...state, ...setting }, state.downsampling, answer);
    return { label, now, error, errorInside };
  });
}

// --- in words ---

const percent = (share, digits = 3) => shown(Number((100 * share).toPrecision(digits)));
const shortPercent = (share) => percent(share, share < 1 ? 2 : 3); // in the table, nine side by side on a phone
const pixelsInWords = (count) => `${count} pixel${count === 1 ? "" : "s"}`;

function transformInWords(state) {
  if (state.transform === "turn") return `The picture makes ${TURNS[state.turns]} turn to the left; so should its answer.`;
  if (state.transform === "rescale") {
    return `In the picture ${state.factor === 2 ? "each pixel becomes 2 × 2 pixels" : "each 2 × 2 pixels become their mean"}; the same should happen to its answer.`;
  }
  const [[down, right], [s]] = [state.shift, DOWNSAMPLING[state.downsampling]];
  const moved = `The picture moves ${pixelsInWords(down)} down and ${pixelsInWords(right)} to the right`;
  if (s === 1) return `${moved}; so should its answer.`;
  const whole = down % s || right % s ? `, but it can only move by whole numbers: ${nearest(down, s)} and ${nearest(right, s)}` : "";
  return `${moved}; with stride ${s} its answer should move by ${shown(down / s)} and ${shown(right / s)}${whole}.`;
}

function reasonInWords(state) {
  const [[s], kernel] = [DOWNSAMPLING[state.downsampling], KERNELS[state.kernel]];
  const keeps = `A stride of ${s} keeps only every ${s === 2 ? "second" : "fourth"} row and column`;
  if (state.transform === "move") {
    const moved = `${keeps}: after this move, others.`;
    if (state.downsampling !== "blur pool s2") return moved;
    const where = state.padding_mode === "circular" ? "" : " away from the border";
    return `${moved} Without the blur before it the error${where} would be ${percent(bothOrders(state, "stride 2").errorInside)}%.`;
  }
  if (state.transform === "turn") {
    if (String(kernel) !== String(transformed(state, kernel, 1))) return "The kernel is not turned, and turned it would be another one.";
    if (s === 1) return "Its pooling windows reach down and to the right, in the turned picture as well.";
    return `${keeps}, counted from the top left: after this turn, others.`;
  }
  if (state.kernel === "identity" && state.downsampling.startsWith("stride")) return `${keeps}, whatever the size of what they show.`;
  return "Its windows keep their size in pixels, so they hold another part of the rescaled picture.";
}

function findingInWords(state, { count, wrong, errorInside } = bothOrders(state)) {
  const verb = state.transform === "rescale" ? "scale" : state.transform;
  if (verb === "move" && !state.shift.some(Boolean)) return "Move the picture, and see whether its answer moves along.";
  if (!wrong) return `The answer ${verb}s along exactly: all ${grouped(count)} numbers are equal.`;
  const places = `${grouped(wrong)} of ${grouped(count)} places`;
  if (!errorInside) {
    const outside = state.padding_mode === "zeros" ? "zeros" : "mirrored pixels";
    return `The answer ${verb}s along away from the border: the ${outside} outside break it at ${places}.`;
  }
  return `The answer does not ${verb} along: it differs at ${places}. ${reasonInWords(state)}`;
}

function numbersInWords(state, { error, errorInside, worst: [i, j], first, later, largestNumber } = bothOrders(state)) {
  const text = `Error ${percent(error)}%${state.padding_mode === "circular" ? "" : `, ${percent(errorInside)}% away from the border`}.`;
  if (!error) return text;
  return `${text} Largest difference: ${shown(first[i][j])} against ${shown(later[i][j])} in row ${i}, column ${j}. Largest number: ${shown(largestNumber)}.`;
}

// --- pictures ---

const WARM = [224, 123, 24]; // as --lab-warm and --lab-cool, which a canvas cannot see
const COOL = [47, 134, 214];

/** A picture that is as wide as its place, with a frame around the pixel that is spoken of. */
function canvasFigure() {
  const canvas = element("canvas", { role: "img" });
  const mark = element("span", { "aria-hidden": "true" });
  const caption = element("figcaption");
  return {
    element: element("figure", {}, caption, element("div", {}, canvas, mark)),
    /** Grey from 0 to `limit`, or, where signs matter, orange above zero and blue below. */
    draw({ rows, limit, signed, title, name, marked }) {
      const n = rows.length;
      if (canvas.width !== n || canvas.height !== n) canvas.width = canvas.height = n;
      const pixels = new ImageData(n, n);
      rows.flat().forEach((value, at) => {
        const share = Math.min(Math.abs(value) / (limit || 1), 1);
        const grey = Math.round(255 * share);
        const colour = signed ? [...(value > 0 ? WARM : COOL), grey] : [grey, grey, grey, 255];
        pixels.data.set(colour, 4 * at);
      });
      canvas.getContext("2d").putImageData(pixels, 0, 0);
      canvas.setAttribute("aria-label", name);
      caption.textContent = title;
      mark.hidden = !marked;
      if (!marked) return;
      for (const [side, at] of [["top", marked[0]], ["left", marked[1]]]) mark.style[side] = `${100 * at / n}%`;
      mark.style.width = mark.style.height = `${100 / n}%`;
    },
  };
}

/** The errors as bars above their numbers, in one table. */
function errorTable() {
  const table = element("table", { className: "lab-errors" });
  return {
    element: table,
    draw({ errors, heading, border }) {
      const top = Math.max(1, ...errors.map(({ error }) => error));
      const bar = (share, kind) => {
        const made = element("span", { className: `lab-${kind}` });
        made.style.height = `${100 * share / top}%`;
        made.hidden = !share;
        return made;
      };
      const line = (title, cells) => element("tr", {}, element("th", { scope: "row" }, title), ...cells);
      const bars = errors.map(({ error, errorInside, now }) => element("td", { className: now ? "under" : "" },
        element("div", {}, bar(error, "everywhere"), ...(border ? [bar(errorInside, "inside")] : []))));
      const numbers = (which) => errors.map((one) => element("td", { className: one.now ? "under" : "" }, shortPercent(one[which])));
      const head = element("tr", {}, element("th", { scope: "col" }, heading), ...errors.map(({ label, now }) => {
        const cell = element("th", { scope: "col", className: now ? "under" : "" }, label);
        if (now) cell.setAttribute("aria-current", "true");
        return cell;
      }));
      const drawn = element("tr", { "aria-hidden": "true" }, element("td"), ...bars);
      const key = (kind) => (border ? [element("span", { className: `lab-key lab-${kind}`, "aria-hidden": "true" })] : []);
      const body = [line(element("span", {}, ...key("everywhere"), "error in %"), numbers("error"))];
      if (border) body.push(line(element("span", {}, ...key("inside"), "away from the border"), numbers("errorInside")));
      table.replaceChildren(element("caption", {}, "The error for each setting"), element("thead", {}, head), element("tbody", {}, drawn, ...body));
    },
  };
}

function render({ model, el }) {
  const names = ["picture", "photograph", "transform", "shift", "turns", "factor", "kernel", "padding_mode", "relu", "downsampling"];
  const state = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  const same = (values) => Object.fromEntries(values.map((value) => [value, value]));

  // The controls
  const chosen = (name, label, choices, read = String) =>
    [name, menu({ name: label, choices, onChange: (value) => change(model, { [name]: read(value) }) })];
  const menus = Object.fromEntries([
    chosen("picture", "picture", same(PICTURES)),
    chosen("transform", "transform", same(TRANSFORMS)),
    chosen("turns", "turn to the left", TURNS, Number),
    chosen("factor", "size times", FACTORS, Number),
    chosen("kernel", "kernel", same(Object.keys(KERNELS))),
    chosen("padding_mode", "padding", same(MODES)),
    chosen("downsampling", "downsampling", same(Object.keys(DOWNSAMPLING))),
  ]);
  const movers = [["down by", "move the picture down by"], ["right by", "move the picture to the right by"]].map(([label, name], axis) => {
    const made = slider({ name, min: 0, max: FURTHEST, onInput: (by) =>
      change(model, { shift: model.get("shift").map((old, one) => (one === axis ? by : old)) }) });
    return { ...made, parts: [element("span", {}, label), made.element] };
  });
  const moving = element("div", { className: "lab-settings lab-pairs" }, ...movers[1].parts, ...movers[0].parts);
  const relu = checkbox("ReLU", (checked) => change(model, { relu: checked }));

  // Both orders: the picture and its answer above, both transformed below or beside
  const [picture, answer, later, moved, first, difference] = Array.from({ length: 6 }, canvasFigure);
  const square = element("div", { className: "lab-square" },
    ...[picture, answer, later, moved, first, difference].map((one) => one.element));
  const going = element("p", { className: "lab-sum" });
  const finding = element("p", { className: "lab-sum", role: "status" });
  const numbers = element("p", { className: "lab-sum" });
  const errors = errorTable();
  const row = element("table");
  const rowTitle = element("summary");
  const details = element("details", {}, rowTitle, row);
  details.addEventListener("toggle", () => update());

  function update() {
    const now = state();
    for (const [name, one] of Object.entries(menus)) one.set(String(now[name]));
    movers.forEach((one, axis) => one.set(now.shift[axis]));
    relu.input.checked = now.relu;
    moving.hidden = now.transform !== "move";
    menus.turns.element.hidden = now.transform !== "turn";
    menus.factor.element.hidden = now.transform !== "rescale";

    const both = bothOrders(now);
    const [i, j] = both.worst;
    const marked = both.error ? both.worst : null;
    const past = { move: "moved", turn: "turned", rescale: "rescaled" }[now.transform];
    const limit = Math.max(both.largestNumber, largest(both.answer));
    const signed = [both.answer, both.first, both.later].some((rows) => rows.flat().some((value) => value < 0));
    const size = (rows) => `${rows.length} × ${rows.length}`;
    const range = (rows) => `${size(rows)} numbers from ${shown(Math.min(...rows.flat()))} to ${shown(Math.max(...rows.flat()))}`;
    const show = (figure, rows, title, name, more) => figure.draw({ rows, title, name: `${name}: ${range(rows)}`, limit, signed, ...more });
    const grey = { limit: largest(both.picture), signed: false };
    show(picture, both.picture, "picture", `the picture, ${now.picture}`, grey);
    show(moved, both.moved, `${past} picture`, `the ${past} picture`, grey);
    show(answer, both.answer, "answer", "the answer to the picture");
    show(first, both.first, `answer to the ${past} picture`, `the answer to the ${past} picture`, { marked });
    show(later, both.later, `answer, ${past}`, `the answer, ${past}`, { marked });
    show(difference, both.difference, both.error ? "difference" : "no difference", "the difference between both orders",
      { marked, signed: true, limit: largest(both.difference) });

    going.textContent = transformInWords(now);
    const found = findingInWords(now, both);
    const end = found.indexOf(". ") + 1 || found.length;
    if (finding.textContent !== found) finding.replaceChildren(element("strong", {}, found.slice(0, end)), found.slice(end));
    numbers.textContent = numbersInWords(now, both);
    errors.draw({ errors: errorsOf(now), heading: HEADINGS[now.transform], border: now.padding_mode !== "circular" });

    rowTitle.textContent = `Row ${i} of both answers in numbers`;
    if (!details.open) return;
    const cells = (tag, values) => element("tr", {}, ...values.map((value) => element(tag, tag === "th" ? { scope: "col" } : {}, value)));
    row.replaceChildren(
      element("thead", {}, cells("th", ["column", `${now.transform} first`, "operation first", "difference"])),
      element("tbody", {}, ...both.first[i].map((value, c) => {
        const line = cells("td", [String(c), shown(value), shown(both.later[i][c]), shown(both.difference[i][c])]);
        if (marked && c === j) line.className = "under";
        return line;
      })),
    );
  }

  introduce(el, "equivariance", "Live lab: equivariance");
  el.replaceChildren(
    element("div", { className: "lab-row lab-controls" }, menus.kernel.element, menus.padding_mode.element, relu.element,
      menus.downsampling.element, menus.picture.element, menus.transform.element),
    element("div", { className: "lab-transform" }, moving, menus.turns.element, menus.factor.element),
    square, finding, going, numbers, errors.element,
    element("p", { className: "lab-note" },
      "Error: the largest difference between the two answers on the right, as a share of the largest number in them, both without sign. "
      + "Away from the border: only where no window sees the padding. Orange is above zero, blue below; where nothing is below, answers are grey."),
    details,
  );
  return follow(model, names, update);
}

export default { render };
