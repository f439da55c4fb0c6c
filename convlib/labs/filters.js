// Filters: a kernel and a photograph, the result, and what the kernel makes of waves.

const SIDE = 96;
const PICTURES = ["cat", "photographer", "astronaut", "coffee", "rings"];
const OWN = "your own";
const PRESETS = {
  identity: [], box: ["size"], binomial: ["size"], gaussian: ["sigma"], motion_blur: ["length", "angle"],
  prewitt: ["axis"], sobel: ["axis"], scharr: ["axis"], roberts: ["diagonal"], laplacian: ["neighbors"],
  laplacian_of_gaussian: ["sigma"], difference_of_gaussians: ["sigma", "ratio"],
  sharpen: ["amount", "neighbors"], unsharp: ["sigma", "amount"], emboss: ["x", "y"], gabor: ["wavelength", "angle", "phase"],
};
const GROUPS = { smooth: ["identity", "motion_blur"], "take a difference": ["prewitt", "difference_of_gaussians"], sharpen: ["sharpen", "emboss"], waves: ["gabor", "gabor"] };
const RANGES = {
  size: [1, 15, 1, 5], sigma: [.3, 3, .1, 1], ratio: [1.1, 2, .1, 1.6], length: [1, 21, 1, 9], angle: [0, 180, 15, 0],
  wavelength: [2, 10, .5, 4], phase: [0, 345, 15, 0], amount: [0, 3, .25, 1], x: [-2, 2, .25, 1], y: [-2, 2, .25, 1],
};
const CHOICES = { axis: ["x", "y"], diagonal: ["down", "up"], neighbors: [4, 8] };
const MODES = ["reflect", "replicate", "circular", "zeros"];
const [EDITED, BIAS, TIMES, FREQUENCIES, MOST_WRITTEN] = [7, 1, 4, 64, 9];
const MIDDLE = FREQUENCIES / 2;
const [SAME, LITTLE, RANK_TOLERANCE] = [1e-9, .1, 1e-12];
const STOPS = [0x0b4f8a, 0x6fa8d6, 0xffffff, 0xf2a65e, 0xb4540a];
const BEYOND = { reflect: "the picture is mirrored", replicate: "the last pixel is repeated", circular: "the other side follows", zeros: "zeros lie" };
const WAVES = ["constant area", "finest upright stripes", "finest lying stripes", "finest checkerboard"];

// --- kernels, built as convlib.filters builds them ---

const table = (height, width, value) => range(height).map((i) => range(width).map((j) => value(i, j)));
const outer = (column, row) => column.map((one) => row.map((other) => one * other));
const together = (combine, ...kernels) => kernels[0].map((row, i) => row.map((_, j) => combine(...kernels.map((one) => one[i][j]))));
const transposed = (kernel) => kernel[0].map((_, j) => kernel.map((row) => row[j]));
const flipped = (kernel) => [...kernel].reverse().map((row) => [...row].reverse());
const sum = (values) => values.reduce((all, one) => all + one, 0);

const middle = (k) => table(k, k, (i, j) => Number(i === k >> 1 && j === k >> 1));
const pascal = (k) => range(k).map((tap) => range(tap).reduce((all, i) => all * (k - 1 - i) / (i + 1), 1) / 2 ** (k - 1));

/** A bell curve that adds up to 1. */
function bell(sigma, k = 2 * Math.trunc(4 * sigma + .5) + 1) {
  const curve = range(k).map((i) => Math.exp(-((i - (k >> 1)) ** 2) / (2 * sigma ** 2)));
  const all = sum(curve);
  return curve.map((one) => one / all);
}

/** The second derivative of a bell curve, made to add up to 0. */
function bend(curve, sigma) {
  const bent = curve.map((one, i) => ((i - (curve.length >> 1)) ** 2 / sigma ** 2 - 1) * one / sigma ** 2);
  const all = sum(bent);
  return bent.map((one, i) => one - all * curve[i]);
}

const gaussian = (sigma, k) => outer(bell(sigma, k), bell(sigma, k));
function slope(smooth, axis) {
  const kernel = outer(smooth, [-1, 0, 1]);
  return axis === "x" ? kernel : transposed(kernel);
}
const laplacian = (neighbors) => table(3, 3, (i, j) => (i === 1 && j === 1 ? -neighbors : Number(neighbors === 8 || i === 1 || j === 1)));

/** (x, y) of length 1; exact for quarter turns. */
function direction(angle) {
  const degrees = angle % 360;
  if (degrees % 90 === 0) return [[1, 0], [0, 1], [-1, 0], [0, -1]][degrees / 90];
  return [Math.cos(degrees * Math.PI / 180), Math.sin(degrees * Math.PI / 180)];
}

function motionBlur(length, angle) {
  const [x, y] = direction(angle);
  const radius = Math.ceil(length / 2 - .5);
  const steps = Math.round(64 * length);
  const kernel = table(2 * radius + 1, 2 * radius + 1, () => 0);
  for (let step = 0; step < steps; step++) {
    const along = (step - (steps - 1) / 2) * (length / steps);
    kernel[Math.round(along * y) + radius][Math.round(along * x) + radius] += 1 / steps;
  }
  return kernel;
}

function gabor(wavelength, angle, phase) {
  const sigma = wavelength / 2;
  const [along, down] = direction(angle);
  const radius = Math.ceil(3 * sigma);
  return table(2 * radius + 1, 2 * radius + 1, (i, j) => {
    const [y, x] = [i - radius, j - radius];
    const [across, stripes] = [along * x + down * y, along * y - down * x];
    return Math.exp(-(across ** 2 + stripes ** 2) / (2 * sigma ** 2)) * Math.cos(2 * Math.PI * across / wavelength + phase * Math.PI / 180);
  });
}

const MAKE = {
  identity: () => middle(3),
  box: ({ size }) => table(size, size, () => 1 / (size * size)),
  binomial: ({ size }) => outer(pascal(size), pascal(size)),
  gaussian: ({ sigma }) => gaussian(sigma),
  motion_blur: ({ length, angle }) => motionBlur(length, angle),
  prewitt: ({ axis }) => slope([1, 1, 1], axis),
  sobel: ({ axis }) => slope([1, 2, 1], axis),
  scharr: ({ axis }) => slope([3, 10, 3], axis),
  roberts: ({ diagonal }) => (diagonal === "down" ? [[-1, 0], [0, 1]] : [[0, 1], [-1, 0]]),
  laplacian: ({ neighbors }) => laplacian(neighbors),
  laplacian_of_gaussian({ sigma }) {
    const curve = bell(sigma);
    const bent = bend(curve, sigma);
    return together((one, other) => one + other, outer(bent, curve), outer(curve, bent));
  },
  difference_of_gaussians({ sigma, ratio }) {
    const wide = gaussian(ratio * sigma);
    return together((one, other) => one - other, gaussian(sigma, wide.length), wide);
  },
  sharpen: ({ amount, neighbors }) => together((one, other) => one - amount * other, middle(3), laplacian(neighbors)),
  unsharp({ sigma, amount }) {
    const blur = gaussian(sigma);
    return together((one, other) => one + amount * (one - other), middle(blur.length), blur);
  },
  emboss: ({ x, y }) => together((one, right, down) => one + x * right + y * down, middle(3), slope([1, 1, 1], "x"), slope([1, 1, 1], "y")),
  gabor: ({ wavelength, angle, phase }) => gabor(wavelength, angle, phase),
};

const kernelOf = ({ preset, settings, weights }) => (preset === OWN ? weights : MAKE[preset](settings));

/** A kernel with other sides; its middle stays in the middle, what is new is 0. */
const cropped = (kernel, k) => table(k, k, (i, j) =>
  kernel[i - ((k - 1) >> 1) + ((kernel.length - 1) >> 1)]?.[j - ((k - 1) >> 1) + ((kernel[0].length - 1) >> 1)] ?? 0);

/** Divided by its sum, or, where that is 0, by the sum of its weights without signs. */
function normalised(kernel) {
  const [all, sizes] = [sum(kernel.flat()), sum(kernel.flat().map(Math.abs))];
  const by = Math.abs(all) > SAME * sizes ? all : sizes || 1;
  return kernel.map((row) => row.map((weight) => weight / by));
}

// --- what a kernel is made of ---

/**
 * Columns and rows whose outer products add up to the kernel, the strongest first: its singular vectors, found by
 * turning one pair of columns after the other until all are at right angles (one-sided Jacobi).
 */
function separate(kernel) {
  const unit = Math.max(...kernel.flat().map(Math.abs));
  if (!unit) return [];
  const columns = transposed(kernel).map((column) => column.map((weight) => weight / unit));
  const rows = table(columns.length, columns.length, (i, j) => Number(i === j));
  const product = (one, other) => {
    let all = 0;
    for (let i = 0; i < one.length; i++) all += one[i] * other[i];
    return all;
  };
  const whole = sum(columns.map((one) => product(one, one)));
  const turn = (vectors, p, q, c, s) => {
    for (let i = 0; i < vectors[p].length; i++) {
      const [one, other] = [vectors[p][i], vectors[q][i]];
      vectors[p][i] = c * one - s * other;
      vectors[q][i] = s * one + c * other;
    }
  };
  let turned = true;
  for (let sweep = 0; turned && sweep < 40; sweep++) {
    turned = false;
    for (let p = 0; p < columns.length; p++) for (let q = p + 1; q < columns.length; q++) {
      const [one, other, both] = [product(columns[p], columns[p]), product(columns[q], columns[q]), product(columns[p], columns[q])];
      if (Math.min(one, other) < 1e-28 * whole || Math.abs(both) <= 1e-15 * Math.sqrt(one * other)) continue; // nothing but roundings
      const half = (other - one) / (2 * both);
      const tangent = (half < 0 ? -1 : 1) / (Math.abs(half) + Math.sqrt(1 + half * half));
      const cosine = 1 / Math.sqrt(1 + tangent * tangent);
      for (const vectors of [columns, rows]) turn(vectors, p, q, cosine, cosine * tangent);
      turned = true;
    }
  }
  const found = columns.map((column, i) => ({ column: column.map((value) => unit * value), row: rows[i], value: unit * Math.sqrt(product(column, column)) }));
  found.sort((one, other) => other.value - one.value);
  return found.filter(({ value }) => value > RANK_TOLERANCE * found[0].value);
}

/** The cheaper of two ways: the window as it is, or for each rank a pass down and a pass across. */
function wayOf(kernel, parts) {
  const [height, width] = [kernel.length, kernel[0].length];
  const passes = parts.length * (height + width);
  const separable = passes > 0 && passes < height * width;
  return { separable, rank: parts.length, multiplyAdds: separable ? passes : height * width };
}

/** For a kernel of rank 1: one of its rows, and how many times of it each row is. */
function columnAndRow(kernel) {
  const sizes = kernel.map((row) => Math.max(...row.map(Math.abs)));
  const first = sizes.indexOf(Math.min(...sizes.filter(Boolean))); // 1 2 1 times −1 0 1, where numbers are whole
  const made = [first, sizes.indexOf(Math.max(...sizes))].map((at) => {
    const row = kernel[at];
    const pivot = row.findIndex((weight) => Math.abs(weight) === sizes[at]);
    return { row, column: kernel.map((other) => other[pivot] / row[pivot]) };
  });
  return made[0].column.every((value) => Math.abs(value - Math.round(value)) < SAME) ? made[0] : made[1];
}

/** What the kernel makes of waves: real and imaginary parts, 64 × 64 of each, with 0 cycles per pixel in the middle. */
function responseOf(kernel) {
  const [height, width] = [kernel.length, kernel[0].length];
  const wave = (f, k) => range(k).map((i) => {
    const angle = 2 * Math.PI * ((f - MIDDLE) * (i - ((k - 1) >> 1)) % FREQUENCIES) / FREQUENCIES;
    return [Math.cos(angle), Math.sin(angle)];
  });
  const [downs, acrosses] = [height, width].map((k) => range(FREQUENCIES).map((f) => wave(f, k)));
  const real = [];
  const imaginary = [];
  for (const down of downs) {
    const mixed = range(width).map((j) => [0, 1].map((part) => kernel.reduce((all, row, i) => all + row[j] * down[i][part], 0)));
    const lines = [real, imaginary].map((rows) => rows[rows.push(new Array(FREQUENCIES)) - 1]);
    acrosses.forEach((across, f) => {
      let [re, im] = [0, 0];
      for (let j = 0; j < width; j++) {
        re += mixed[j][0] * across[j][0] - mixed[j][1] * across[j][1];
        im += mixed[j][0] * across[j][1] + mixed[j][1] * across[j][0];
      }
      lines[0][f] = re;
      lines[1][f] = im;
    });
  }
  return { real, imaginary };
}

/** The wave that grows most; of several the longest. */
function peakOf(strength) {
  const times = Math.max(...strength.flat());
  let [alike, nearest, place] = [0, Infinity, [0, 0]];
  strength.forEach((row, i) => row.forEach((value, j) => {
    if (value < times * (1 - SAME)) return;
    alike++;
    const at = [(i - MIDDLE) / FREQUENCIES, (j - MIDDLE) / FREQUENCIES];
    const far = at[0] ** 2 + at[1] ** 2;
    if (far < nearest) [nearest, place] = [far, at];
  }));
  let [down, right] = place;
  if (right < 0 || (right === 0 && down < 0)) [down, right] = [-down, -right]; // the same wave
  return { right: right + 0, down: down + 0, times: tidy(times), alike };
}

// --- pictures ---

/** The picture, 96 × 96 greys from 0 to 1. */
function imageOf({ picture, photographs }) {
  if (picture !== "rings") return Float64Array.from(atob(photographs[picture]), (one) => one.charCodeAt(0) / 255);
  return Float64Array.from({ length: SIDE * SIDE }, (_, at) => {
    const [y, x] = [Math.floor(at / SIDE) - SIDE / 2, (at % SIDE) - SIDE / 2];
    return Math.round(127 + 126 * Math.cos(Math.PI * (x * x + y * y) / SIDE)) / 255;
  });
}

/** The row or column that stands at place `i`, which may lie outside; -1 for a zero. */
function seenAt(i, mode) {
  if (i >= 0 && i < SIDE) return i;
  if (mode === "replicate") return Math.max(0, Math.min(i, SIDE - 1));
  if (mode === "circular") return (i + SIDE) % SIDE;
  return mode === "zeros" ? -1 : SIDE - 1 - Math.abs(SIDE - 1 - Math.abs(i));
}

/** One pass: a kernel over an image, which keeps its size. */
function passed(image, kernel, mode) {
  const [height, width] = [kernel.length, kernel[0].length];
  const [above, before] = [(height - 1) >> 1, (width - 1) >> 1];
  const wide = SIDE + width - 1;
  const columns = range(wide).map((j) => seenAt(j - before, mode));
  const padded = new Float64Array((SIDE + height - 1) * wide);
  for (let i = 0; i < SIDE + height - 1; i++) {
    const row = seenAt(i - above, mode);
    if (row >= 0) for (let j = 0; j < wide; j++) if (columns[j] >= 0) padded[i * wide + j] = image[row * SIDE + columns[j]];
  }
  const made = new Float64Array(SIDE * SIDE);
  for (let u = 0; u < height; u++) for (let v = 0; v < width; v++) {
    const weight = kernel[u][v];
    if (!weight) continue;
    for (let i = 0; i < SIDE; i++) {
      const [to, from] = [i * SIDE, (i + u) * wide + v];
      for (let j = 0; j < SIDE; j++) made[to + j] += weight * padded[from + j];
    }
  }
  return made;
}

/** The kernel applied once, the cheaper way. */
function applied(image, kernel, { bias, padding_mode }, parts, separable) {
  let made = new Float64Array(SIDE * SIDE);
  if (!separable) made = passed(image, kernel, padding_mode);
  else for (const { column, row } of parts) {
    const part = passed(passed(image, column.map((weight) => [weight]), padding_mode), [row], padding_mode);
    for (let at = 0; at < part.length; at++) made[at] += part[at];
  }
  return made.map((value) => value + bias);
}

/** All that the pictures and sentences need, apart from the chosen pixel. */
function lookUp(state) {
  const kernel = kernelOf(state);
  const parts = separate(kernel);
  const way = wayOf(kernel, parts);
  const image = imageOf(state);
  let lastInput = image;
  for (let i = 1; i < state.times; i++) lastInput = applied(lastInput, kernel, state, parts, way.separable);
  const output = applied(lastInput, kernel, state, parts, way.separable);
  const { real, imaginary } = responseOf(kernel);
  const strength = real.map((row, i) => row.map((value, j) => Math.hypot(value, imaginary[i][j])));
  return {
    kernel, parts, way, image, lastInput, output, real, imaginary, strength, peak: peakOf(strength),
    both: way.rank === 1 ? columnAndRow(kernel) : null,
    onWaves: [MIDDLE, 0].flatMap((down) => [MIDDLE, 0].map((right) => tidy(real[down][right]))),
    low: tidy(Math.min(...output)), high: tidy(Math.max(...output)),
    below: output.reduce((count, value) => count + (value < -SAME), 0), above: output.reduce((count, value) => count + (value > 1 + SAME), 0),
  };
}

// --- in words ---

/** A function of convlib.filters as it is spoken of. */
const inWords = (name) => name.replaceAll("_", " ").replace(/gaussian|prewitt|sobel|scharr|roberts|laplacian|gabor/g, (who) => who[0].toUpperCase() + who.slice(1));

/** Without the roundings that differ from machine to machine. */
const tidy = (value) => Math.round(value * 1e9) / 1e9 + 0;
const inSum = (value) => (value < 0 ? `(${shown(value)})` : shown(value));

function sumInWords({ bias, times }, { kernel }) {
  const total = tidy(sum(kernel.flat()));
  const added = bias ? ` The bias adds ${shown(bias)} everywhere.` : "";
  if (!kernel.flat().some(Boolean)) return `All weights are 0: nothing of the picture is left.${added}`;
  const size = Math.abs(total);
  const does = size === 1 ? "keeps its brightness" : total ? `comes out ${shown(size)} times as bright` : "becomes 0, and only differences are left";
  const each = times > 1 && total !== 0 && total !== 1 ? " each time" : "";
  return `The weights add up to ${shown(total)}: a flat area ${does}${total < 0 ? ", with the sign turned" : ""}${each}.${added}`;
}

function flipInWords({ kernel }) {
  const [one, other] = [kernel.flat(), flipped(kernel).flat()];
  const unit = SAME * Math.max(...one.map(Math.abs));
  if (one.every((weight, i) => Math.abs(other[i] - weight) <= unit)) return "Flipped, the kernel is the same.";
  if (one.every((weight, i) => Math.abs(other[i] + weight) <= unit)) return "Flipped, the kernel changes its sign, and so does the result without its bias.";
  return "Flipped, it is another kernel.";
}

function resultInWords({ view }, { low, high, below, above }) {
  const words = `The result ${low < high ? `reaches from ${shown(low)} to ${shown(high)}` : `is ${shown(low)} everywhere`}.`;
  if (view === "signed") {
    const limit = shown(Math.max(Math.abs(low), Math.abs(high)));
    return `${words} White is 0, the darkest orange ${limit}, the darkest blue −${limit}.`;
  }
  if (!(below + above)) return `${words} No pixel is clipped.`;
  const ends = [...(below ? [`${grouped(below)} below 0`] : []), ...(above ? [`${grouped(above)} above 1`] : [])];
  return `${words} ${grouped(below + above)} of ${grouped(SIDE ** 2)} pixels ${below + above === 1 ? "is" : "are"} clipped: ${listed(ends)}.`;
}

/** Each weight that counts with the pixel under it, and whether that lies beyond the border. */
function tapsOf({ padding_mode }, { kernel, lastInput }, [i, j]) {
  const least = SAME * Math.max(...kernel.flat().map(Math.abs)); // for a wave, what should be 0 is not quite
  return kernel.flatMap((line, u) => line.flatMap((weight, v) => {
    if (Math.abs(weight) <= least) return [];
    const at = [i + u - ((kernel.length - 1) >> 1), j + v - ((line.length - 1) >> 1)];
    const [row, column] = at.map((one) => seenAt(one, padding_mode));
    return [{ weight, grey: row < 0 || column < 0 ? 0 : tidy(lastInput[row * SIDE + column]), beyond: at.some((one) => one < 0 || one >= SIDE) }];
  }));
}

function pixelInWords(state, found, [i, j] = state.position) {
  const taps = tapsOf(state, found, [i, j]);
  const many = taps.length > MOST_WRITTEN;
  const written = many ? [...taps].sort((one, other) => Math.abs(tidy(other.weight)) - Math.abs(tidy(one.weight))).slice(0, 3) : taps;
  const terms = written.map(({ weight, grey }) => `${inSum(weight)} · ${inSum(grey)}`);
  if (!terms.length) terms.push("0");
  if (many) terms.push(`… (${taps.length} terms)`);
  if (state.bias) terms.push(`${inSum(state.bias)} (bias)`);
  const made = state.times > 1 ? `, from what ${state.times === 2 ? "applying it once" : `${state.times - 1} times`} has made` : "";
  const words = `Row ${i}, column ${j}${made}: ${terms.join(" + ")} = ${shown(tidy(found.output[i * SIDE + j]))}.`;
  const beyond = taps.filter((one) => one.beyond).length;
  if (!beyond) return words;
  return `${words} Of ${plural(taps.length, "pixel")} ${beyond} ${beyond === 1 ? "lies" : "lie"} beyond the border, where ${BEYOND[state.padding_mode]}.`;
}

function frequencyInWords({ times: often }, found) {
  const words = factorInWords(found);
  return often > 1 && found.peak.times ? `${words} Applied ${often} times, each factor counts to the power of ${often}.` : words;
}

function factorInWords({ strength, peak: { right, down, times, alike }, onWaves: [still, ...others] }) {
  if (!times) return "No wave passes.";
  if (Math.min(...strength.flat()) >= Math.max(...strength.flat()) * (1 - SAME)) return `All waves come back with factor ${shown(times)}.`;
  const factor = `he largest factor is ${shown(times)}, for`;
  const [constant, finest] = [Math.abs(still) / times, Math.max(...others.map(Math.abs)) / times];
  if (constant >= 1 - SAME) {
    return alike === 1 ? `A low-pass: t${factor} a constant area; finer waves are weaker.` : `T${factor} a constant area, and as large for other waves.`;
  }
  const lean = !down ? "upright" : !right ? "lying" : "slanting";
  const wave = Math.abs(right) === .5 && Math.abs(down) === .5 ? "the finest checkerboard" : `${lean} stripes ${shown(1 / Math.hypot(right, down))} pixels apart`;
  const place = `(${shown(right)} cycles per pixel to the right, ${shown(down)} down)`;
  if (Math.max(constant, finest) < LITTLE) return `A band-pass: t${factor} ${wave} ${place}; coarser and finer waves are weaker.`;
  if (constant <= SAME && finest >= 1 - SAME) return `A high-pass: t${factor} ${wave} ${place}; a constant area is removed.`;
  return `T${factor} ${wave} ${place}; for a constant area it is ${shown(still)}.`;
}

function rankInWords({ kernel, way: { separable, rank } }) {
  const [height, width] = [kernel.length, kernel[0].length];
  const window = `${height} · ${width} = ${plural(height * width, "multiply-add")} a pixel`;
  if (!rank) return `Rank 0: all weights are 0. The window takes ${window}.`;
  const cost = rank * (height + width);
  const head = rank === 1
    ? `Rank 1: separable. A pass down and a pass across take ${height} + ${width} = ${cost}`
    : `Rank ${rank}: a sum of ${rank} separable kernels. Their ${2 * rank} passes take ${rank} · (${height} + ${width}) = ${cost}`;
  return `${head}, the window ${window}: ${cost === height * width ? "both are alike" : `the ${separable ? "passes are" : "window is"} cheaper`}.`;
}

function columnAndRowInWords({ both }) {
  if (!both || Math.max(both.column.length, both.row.length) > MOST_WRITTEN) return "";
  const [column, row] = [both.column, both.row].map((values) => values.map((value) => shown(tidy(value))).join(", "));
  return `Column (${column}) times row (${row}).`;
}

// --- what is drawn ---

/** 255 colours, blue through white to orange; white stands in the middle, at 127. */
const PALETTE = range(255).map((place) => {
  const at = place * (STOPS.length - 1) / 254;
  const first = Math.min(Math.floor(at), STOPS.length - 2);
  return [16, 8, 0].map((bits) => {
    const [one, other] = [STOPS[first], STOPS[first + 1]].map((stop) => (stop >> bits) & 255);
    return Math.round(one + (at - first) * (other - one));
  });
});

/** Paints numbers, row by row: grey from 0 to 1, or signed with the darkest colours at the limit. */
function paint(canvas, height, width, values, limit) {
  if (canvas.height !== height || canvas.width !== width) { canvas.height = height; canvas.width = width; }
  const pixels = new ImageData(width, height);
  for (let at = 0; at < height * width; at++) {
    const value = values[at];
    const grey = Math.round(255 * Math.max(0, Math.min(value, 1)));
    const [red, green, blue] = limit === undefined ? [grey, grey, grey] : PALETTE[127 + Math.round(127 * value / (limit || 1))];
    pixels.data.set([red, green, blue, 255], 4 * at);
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

/** A kernel of rank 1 as a table of products: its column on the left, its row above, each on a scale of its own. */
function paintProduct(canvas, { kernel, both: { column, row } }) {
  const gap = 1.5; // in cells; their sides are even, so that all edges are whole
  const side = Math.max(4, 2 * Math.floor(112 / (Math.max(column.length, row.length) + gap)));
  canvas.width = side * (row.length + gap) + 1;
  canvas.height = side * (column.length + gap) + 1;
  const context = canvas.getContext("2d");
  context.strokeStyle = "#8a8f98";
  const draw = (values, limit, top, left) => values.forEach((line, i) => line.forEach((value, j) => {
    const place = [side * (left + j) + .5, side * (top + i) + .5, side, side];
    context.fillStyle = `rgb(${PALETTE[127 + Math.round(127 * value / limit)]})`;
    context.fillRect(...place);
    if (side > 14) context.strokeRect(...place);
  }));
  draw([row], largest([row]), 0, gap);
  draw(column.map((value) => [value]), largest([column]), gap, 0);
  draw(kernel, largest(kernel), gap, gap);
}

/** A picture of 96 × 96 pixels in which one is pointed at, with a frame. */
function sceneOf(properties) {
  const canvas = element("canvas", { "aria-hidden": "true" });
  const frame = element("span", { className: "lab-frame", "aria-hidden": "true" });
  return {
    element: element("div", { className: "lab-scene", ...properties }, canvas, frame), canvas,
    /** Frames the rows from `top` on, and the columns from `left` on; all or some may lie outside. */
    mark({ top, left, height, width }) {
      for (const [side, value] of Object.entries({ top, left, height, width })) frame.style[side] = `${100 * value / SIDE}%`;
    },
  };
}

/** A bar of colours above the numbers that they stand for. */
function scaleOf() {
  const numbers = [0, 1, 2].map(() => element("span"));
  const made = element("div", { className: "lab-scale" }, element("div", { "aria-hidden": "true" }), element("div", {}, ...numbers));
  return {
    element: made,
    show(kind, texts) {
      made.dataset.kind = kind;
      numbers.forEach((one, i) => { one.textContent = texts[i]; });
    },
  };
}

function render({ model, el }) {
  const names = ["preset", "settings", "weights", "bias", "times", "padding_mode", "picture", "view", "position", "photographs"];
  const state = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  let hovered = null; // the pixel under the mouse
  let known = {};
  let built = "";
  let cells;

  /** What follows from all but the chosen pixel; kept while that moves. */
  function foundFor(now) {
    const { photographs, position, view, ...rest } = now;
    const key = JSON.stringify(rest);
    if (known.key !== key || known.photographs !== photographs) known = { key, photographs, found: lookUp(now) };
    return known.found;
  }
  const kernelNow = () => kernelOf(state());
  const lay = (weights) => change(model, { preset: OWN, weights });
  const close = (one, other) => same([one.length, one[0].length], [other.length, other[0].length])
    && Math.max(...together((a, b) => Math.abs(a - b), one, other).flat()) <= SAME * largest(one);

  // The kernel: where it comes from
  const presets = menu({
    name: "kernel", choices: { [OWN]: OWN, ...Object.fromEntries(Object.keys(PRESETS).map((name) => [name, inWords(name)])) },
    onChange(preset) {
      if (preset === OWN) { lay(kernelNow()); return; }
      const total = tidy(sum(kernelOf({ ...state(), preset }).flat()));
      change(model, { preset, view: total === 1 ? "picture" : "signed" });
    },
  });
  const options = Object.fromEntries([...presets.input.options].map((one) => [one.value, one]));
  const order = Object.keys(PRESETS);
  presets.input.append(...Object.entries(GROUPS).map(([label, [first, last]]) =>
    element("optgroup", { label }, ...order.slice(order.indexOf(first), order.indexOf(last) + 1).map((name) => options[name]))));
  const set = (name, value) => change(model, { settings: { ...model.get("settings"), [name]: value } });
  const parameters = Object.fromEntries([
    ...Object.entries(RANGES).map(([name, [min, max, step]]) => {
      const made = slider({ name, min, max, step, onInput: (value) => set(name, value) });
      return [name, { ...made, element: element("div", { className: "lab-parameter" }, element("span", { "aria-hidden": "true" }, name), made.element) }];
    }),
    ...Object.entries(CHOICES).map(([name, values]) => [name, choice({
      name, label: name, choices: Object.fromEntries(values.map((value) => [value, value])),
      onChange: (text) => set(name, values.find((value) => String(value) === text)),
    })]),
  ]);
  const setting = element("div", { className: "lab-parameters" }, ...Object.values(parameters).map((one) => one.element));

  // The kernel itself
  const kernelTitle = element("figcaption");
  const kernelBox = element("div", { className: "lab-kernel" });
  const sizes = choice({
    name: "rows and columns of the kernel", label: "size", choices: Object.fromEntries([1, 3, 5, 7].map((k) => [k, k])),
    onChange: (k) => lay(cropped(kernelNow(), Number(k))),
  });
  const bias = slider({ name: "bias", min: -BIAS, max: BIAS, step: .05, onInput: (value) => change(model, { bias: value }) });
  const times = slider({ name: "how often it is applied", min: 1, max: TIMES, onInput: (value) => change(model, { times: value }) });
  function mix(how) {
    const kernel = kernelNow();
    const made = how(kernel);
    if (!close(made, kernel)) lay(made);
  }
  const mixes = [
    button("flip", () => mix(flipped), "flip the kernel by half a turn"),
    button("transpose", () => mix(transposed), "transpose: rows become columns"),
    button("normalise", () => mix(normalised), "normalise: divide by the sum, or by the sum without signs"),
  ];
  const total = element("p", { className: "lab-total", role: "status" });

  // The picture and the result
  const pictures = menu({ name: "picture", choices: Object.fromEntries(PICTURES.map((name) => [name, name])), onChange: (picture) => change(model, { picture }) });
  const modes = menu({ name: "border", choices: Object.fromEntries(MODES.map((mode) => [mode, mode])), onChange: (padding_mode) => change(model, { padding_mode }) });
  const views = menu({ name: "result", choices: { signed: "signed, about 0", picture: "picture, 0 to 1" }, onChange: (view) => change(model, { view }) });
  const before = sceneOf({ role: "img" });
  const after = sceneOf({
    tabIndex: 0, role: "application", "aria-label": "result: choose a pixel with the arrow keys", "data-lm-suppress-shortcuts": "true",
  });
  const scale = scaleOf();
  const result = element("p", { className: "lab-result" });
  const pixel = element("p", { className: "lab-sum lab-pixel", "aria-live": "polite" });

  const clamped = (place) => place.map((at) => Math.max(0, Math.min(at, SIDE - 1)));
  const chosen = () => hovered ?? clamped(model.get("position"));
  const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  for (const scene of [before, after]) {
    const pixelAt = ({ clientX, clientY }) => {
      const { left, top, width, height } = scene.canvas.getBoundingClientRect();
      return clamped([(clientY - top) / height, (clientX - left) / width].map((share) => Math.floor(share * SIDE)));
    };
    const point = (event) => {
      hovered = event.pointerType === "mouse" ? pixelAt(event) : null;
      pixel.setAttribute("aria-live", "off"); // a screen reader could not keep up
      if (event.buttons & 1) change(model, { position: pixelAt(event) });
      drawPixel(state());
    };
    scene.element.addEventListener("pointerdown", point);
    scene.element.addEventListener("pointermove", point);
    scene.element.addEventListener("pointerleave", () => { hovered = null; drawPixel(state()); });
  }
  after.element.addEventListener("keydown", (event) => {
    const by = STEPS[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    hovered = null;
    pixel.setAttribute("aria-live", "polite");
    change(model, { position: clamped(clamped(model.get("position")).map((at, axis) => at + by[axis] * (event.shiftKey ? 10 : 1))) });
  });

  // Waves and passes
  const waves = element("canvas", { role: "img" });
  const ring = element("span", { className: "lab-ring", "aria-hidden": "true" });
  const ticks = (className) => element("div", { className, "aria-hidden": "true" }, ...["−½", "0", "½"].map((text) => element("span", {}, text)));
  const factors = WAVES.map(() => element("td"));
  const frequency = element("p", { className: "lab-frequency" });
  const waveScale = scaleOf();
  const waveFigure = element("figure", { className: "lab-waves" },
    element("figcaption", {}, "factors, by cycles per pixel"),
    element("div", { className: "lab-axes" }, ticks("lab-down"), element("div", { className: "lab-plane" }, waves, ring), ticks("lab-right")), waveScale.element);
  const waveTable = element("table", {}, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "wave"), element("th", { scope: "col" }, "factor"))), element("tbody", {}, ...WAVES.map((name, i) =>
    element("tr", {}, element("th", { scope: "row" }, name), factors[i]))));
  const rank = element("p", { className: "lab-rank" });
  const product = element("p", { className: "lab-product" });
  const productPicture = element("canvas", { role: "img", "aria-label": "the column on the left, the row above, and their products, the kernel" });
  const productFigure = element("figure", { className: "lab-product-picture" }, element("figcaption", {}, "column times row"), productPicture);

  function buildKernel(kernel) {
    const [height, width] = [kernel.length, kernel[0].length];
    if (Math.max(height, width) > EDITED) {
      cells = null;
      kernelBox.replaceChildren(element("canvas", { role: "img" }));
      return;
    }
    cells = grid({ name: "kernel", rows: height, columns: width, cell: (i, j) =>
      numberCell(`weight, row ${i}, column ${j}`, (value) => lay(replaced(kernelNow(), i, j, value))) });
    cells.element.style.setProperty("--side", Math.max(height, width, 3));
    cells.element.addEventListener("focusout", () => queueMicrotask(update));
    kernelBox.replaceChildren(cells.element);
  }

  function drawKernel({ kernel, both }) {
    const [height, width] = [kernel.length, kernel[0].length];
    const size = `${height} × ${width}`;
    if (built !== size) { built = size; buildKernel(kernel); }
    const limit = largest(kernel);
    const ends = [Math.min, Math.max].map((end) => shown(Number(tidy(end(...kernel.flat())).toPrecision(2))));
    const reach = `${ends[0]} to ${ends[1]}`;
    say(kernelTitle, cells ? `kernel ${size}` : `kernel ${size}, ${reach}`);
    if (!cells) {
      paint(kernelBox.firstChild, height, width, kernel.flat().map((weight) => weight / limit), 1);
      kernelBox.firstChild.setAttribute("aria-label", `kernel, ${size} weights from ${reach}`);
    } else cells.cells.forEach((row, i) => row.forEach((cell, j) => {
      const weight = kernel[i][j];
      cell.style.background = shade(weight, limit);
      if (cell.getRootNode().activeElement === cell) return; // what the reader is typing stays
      cell.value = shown(Number(tidy(weight).toPrecision(width > 5 ? 2 : 3)));
      cell.title = cell.value === shown(weight) ? "" : shown(weight);
      cell.style.setProperty("--length", Math.max(cell.value.length, 3));
      cell.removeAttribute("aria-invalid");
    }));
    productFigure.hidden = !both;
    if (!both) return;
    paintProduct(productPicture, { kernel, both });
  }

  function drawWaves({ strength, peak, onWaves }) {
    paint(waves, FREQUENCIES, FREQUENCIES, strength.flat(), peak.times);
    waves.setAttribute("aria-label", `factor for each wave, 0 white, ${shown(peak.times)} dark orange; the frequency along x to the right, along y down, 0 in the middle`);
    const share = (f) => `${100 * (Math.min(f * FREQUENCIES + MIDDLE, FREQUENCIES - 1) + .5) / FREQUENCIES}%`;
    ring.hidden = peak.alike === FREQUENCIES ** 2 || !peak.times;
    [ring.style.left, ring.style.top] = [share(peak.right), share(peak.down)];
    factors.forEach((cell, i) => { cell.textContent = shown(onWaves[i]); });
    waveScale.show("factor", ["0", "", shown(peak.times)]);
  }

  function drawPixel(now) {
    const found = foundFor(now);
    const [i, j] = chosen();
    const [height, width] = [found.kernel.length, found.kernel[0].length];
    before.mark({
      top: i - now.times * ((height - 1) >> 1), left: j - now.times * ((width - 1) >> 1),
      height: now.times * (height - 1) + 1, width: now.times * (width - 1) + 1,
    });
    after.mark({ top: i, left: j, height: 1, width: 1 });
    say(pixel, pixelInWords(now, found, [i, j]));
  }

  function update() {
    const now = state();
    const found = foundFor(now);
    presets.set(now.preset);
    for (const [name, one] of Object.entries(parameters)) {
      one.set(name in CHOICES ? String(now.settings[name]) : now.settings[name]);
      one.element.hidden = !(PRESETS[now.preset] ?? []).includes(name);
    }
    pictures.set(now.picture);
    modes.set(now.padding_mode);
    views.set(now.view);
    bias.set(now.bias);
    times.set(now.times);
    const [height, width] = [found.kernel.length, found.kernel[0].length];
    sizes.set(height === width ? String(height) : "");

    drawKernel(found);
    const limit = Math.max(Math.abs(found.low), Math.abs(found.high));
    paint(before.canvas, SIDE, SIDE, found.image);
    before.element.setAttribute("aria-label", `the picture: ${now.picture}`);
    paint(after.canvas, SIDE, SIDE, found.output, now.view === "signed" ? Math.max(limit, ...found.output.map(Math.abs)) : undefined);
    scale.show(now.view, now.view === "signed" ? [`−${shown(limit)}`, "0", shown(limit)] : ["0", "", "1"]);
    drawWaves(found);
    say(total, element("strong", {}, sumInWords(now, found)), ` ${flipInWords(found)}`);
    say(result, resultInWords(now, found));
    say(frequency, frequencyInWords(now, found));
    say(rank, rankInWords(found));
    say(product, columnAndRowInWords(found));
    drawPixel(now);
  }

  introduce(el, "filters", "Live lab: filters");
  const figure = (...inside) => element("figure", {}, ...inside);
  const named = (label, control) => element("div", { className: "lab-parameter" }, element("span", { "aria-hidden": "true" }, label), control.element);
  el.replaceChildren(
    element("div", { className: "lab-source" }, presets.element, setting),
    element("div", { className: "lab-pictures" },
      figure(element("div", { className: "lab-above" }, pictures.element), before.element, element("div", { className: "lab-below" }, modes.element)),
      figure(element("div", { className: "lab-above" }, views.element), after.element, element("div", { className: "lab-below" }, scale.element))),
    element("div", { className: "lab-work" },
      element("figure", { className: "lab-kernel-figure" }, kernelTitle, kernelBox),
      element("div", { className: "lab-about" },
        sizes.element, named("bias", bias), named("times", times), element("div", { className: "lab-steps" }, ...mixes), total)),
    result, pixel,
    element("div", { className: "lab-more" },
      element("div", {}, element("p", { className: "lab-title" }, element("strong", {}, "Waves")), waveFigure, waveTable, frequency),
      element("div", { className: "lab-passes" }, element("p", { className: "lab-title" }, element("strong", {}, "Passes")), rank, product, productFigure)),
  );
  return follow(model, names, update);
}

export default { render };
