// The question bank in a page: it asks, judges by arithmetic, explains, and remembers in the reader's own browser.

const KINDS = {
  numeric: "a number", shape: "a shape", output: "what does it print?", choice: "one of these",
  truth: "true or false, and why", order: "put in order", derive: "derive",
};
const LEVELS = ["all", "recall", "apply", "combine"];
const COMPUTED = ["numeric", "shape", "output"];
const MEMORY = "convolutions-questions";
const ONE_NUMBER = "One number is wanted here. A decimal has a point: 0.25.";

// --- arithmetic, as people type it ---

const FUNCTIONS = { floor: Math.floor, ceil: Math.ceil, sqrt: Math.sqrt, abs: Math.abs, min: Math.min, max: Math.max };
/** The remainder has the sign of the divisor, as in Python. */
const remainder = (a, b) => (a % b && a % b < 0 !== b < 0 ? (a % b) + b : a % b);
const OPERATORS = {
  "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => a / b,
  "//": (a, b) => Math.round((a - remainder(a, b)) / b), "%": remainder, "**": (a, b) => a ** b,
};
const DIVISIONS = ["/", "//", "%"];

/** A number, or an array of them for a shape; an Error that says what is wrong. */
function evaluate(text, names = {}, shape = false) {
  let plain = shape ? text.replace(/(\d)\s*[x×]\s*(?=\d)/g, "$1, ") : text;
  // As NumPy prints it.
  if (/^\s*\[/.test(text)) plain = plain.replace(/([\d.\]])\s+(?=[-−]?[\d.[(])/g, "$1, ");
  plain = plain.replace(/[×·]/g, "*").replaceAll("−", "-").replaceAll("[", "(").replaceAll("]", ")").trim();
  if (!plain || plain.length > 200) throw Error("type a number, a fraction or a shape");
  if (/\d\s*%$/.test(plain)) plain = `(${plain.slice(0, -1)}) / 100`;
  const tokens = plain.match(/\d+\.?\d*(?:e[+-]?\d+)?|\.\d+|[a-z_]\w*|\*\*|\/\/|\S/gi);
  const fail = () => { throw Error(`this is no arithmetic: ${text.trim()}`); };
  const take = (...signs) => (signs.includes(tokens[0]) ? tokens.shift() : null);
  const number = (value) => (Array.isArray(value) ? fail() : value);
  const compute = (sign, a, b) => {
    [a, b].forEach(number);
    if ((DIVISIONS.includes(sign) && b === 0) || (sign === "**" && a === 0 && b < 0)) throw Error(`this divides by zero: ${text.trim()}`);
    if (sign === "**" && Math.abs(b) * Math.log2(Math.abs(a) + 2) > 64) throw Error(`this is too large: ${text.trim()}`);
    return OPERATORS[sign](a, b);
  };

  function list(end) {
    const values = [];
    let comma = false;
    while (tokens.length && tokens[0] !== end) {
      values.push(sum());
      if (!take(",")) return comma ? values : values[0];
      comma = true;
    }
    return comma ? values : fail();
  }
  function sum() {
    let value = term();
    for (let sign; (sign = take("+", "-")); ) value = compute(sign, value, term());
    return value;
  }
  function term() {
    let value = signed();
    for (let sign; (sign = take("*", "/", "//", "%")); ) value = compute(sign, value, signed());
    return value;
  }
  function signed() {
    const sign = take("+", "-");
    if (sign) return sign === "-" ? -number(signed()) : number(signed());
    const base = atom();
    return take("**") ? compute("**", base, signed()) : base;
  }
  function atom() {
    const token = tokens.shift() ?? fail();
    if (/^[\d.]/.test(token)) return Number.isNaN(Number(token)) ? fail() : Number(token);
    if (token === "(") {
      const value = list(")");
      return take(")") ? value : fail();
    }
    if (Object.hasOwn(FUNCTIONS, token) && take("(")) {
      const value = list(")");
      const values = Array.isArray(value) ? value.map(number) : [value];
      const expected = ["min", "max"].includes(token) ? values.length > 1 : values.length === 1;
      return take(")") && expected ? FUNCTIONS[token](...values) : fail();
    }
    if (!/^[a-z_]/i.test(token)) fail();
    if (!Object.hasOwn(names, token)) throw Error(`${token} stands for no number here`);
    return names[token];
  }

  const value = list();
  if (tokens.length) fail();
  for (const one of [value].flat(Infinity)) {
    if (Number.isNaN(one)) fail();
    if (Math.abs(one) > 1e15) throw Error(`this is too large, or no number: ${text.trim()}`);
  }
  return value;
}

const written = (value) => (Array.isArray(value) ? `(${value.map(written).join(", ")})` : shown(value));
const filled = (text, names) => text.replace(/\{([^{}]+)\}/g, (_, inside) => written(evaluate(inside, names)));

// --- questions ---

/** A question with what was left out because it is empty. */
const whole = (entry) => ({
  notes: 0, code: "", variation: "", formula: "", numbers: {}, where: [], mistakes: [], options: [], items: [], points: [], ...entry,
});

const firstNumbers = (question) => Object.fromEntries(Object.entries(question.numbers).map(([letter, values]) => [letter, values[0]]));
const makesSense = (question, numbers) => question.where.every((condition) => evaluate(condition, numbers) >= 0);

/** Other numbers than those; `random` gives from 0 to below 1. */
function draw(question, numbers, random = Math.random) {
  for (let attempt = 0; attempt < 200; attempt++) {
    const drawn = Object.fromEntries(Object.entries(question.numbers).map(([letter, values]) => [letter, values[Math.floor(random() * values.length)]]));
    if (makesSense(question, drawn) && !same(drawn, numbers)) return drawn;
  }
  return numbers;
}

const answerOf = (question, numbers) => (question.formula ? evaluate(question.formula, numbers) : question.answer);

/** Shapes and whole numbers exactly, others as people round them: to half a percent. */
function equal(one, other) {
  if (Array.isArray(one) !== Array.isArray(other)) return equal([one].flat(1), [other].flat(1));
  if (Array.isArray(one)) return one.length === other.length && one.every((each, i) => Array.isArray(each) === Array.isArray(other[i]) && equal(each, other[i]));
  return Math.abs(one - other) <= (Number.isInteger(other) ? 0 : 0.005 * Math.abs(other)) + 1e-9;
}

/** [is it right, what to say about it]; `given` is a value, the place of an option, or an order of places. */
function judge(question, given, numbers) {
  if (question.options.length) {
    const option = question.options[given];
    return [option.right, option.because];
  }
  if (question.kind === "order") {
    const wrong = given.findIndex((place, i) => place !== i);
    return wrong < 0 ? [true, question.solution] : [false, `${wrong ? `Right up to place ${wrong}; something else comes next.` : "Something else comes first."} ${question.hint}`];
  }
  if (question.kind === "derive") return [given, question.solution];
  if (question.kind === "numeric" && Array.isArray(given)) return [false, ONE_NUMBER];
  const right = answerOf(question, numbers);
  if (equal(given, right)) return [true, filled(question.solution, { ...numbers, answer: right })];
  const mistake = question.mistakes.find(({ formula }) => equal(given, evaluate(formula, numbers)));
  return [false, mistake ? filled(mistake.because, numbers) : `A hint: ${filled(question.hint, numbers)}`];
}

const solutionOf = (question, numbers) =>
  filled(question.solution, COMPUTED.includes(question.kind) ? { ...numbers, answer: answerOf(question, numbers) } : numbers);

const shows = (question, chapter, level) =>
  (chapter === "all" || (chapter === "notes" ? question.notes > 0 : question.chapter === chapter)) && (!level || question.level === level);

/** The order in which the items are offered: never the right one, and for each question always the same. */
function shuffled(question) {
  let seed = [...question.id].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 65521, 7);
  const places = range(question.items.length);
  for (let i = places.length - 1; i > 0; i--) {
    seed = (seed * 17364 + 1) % 65521;
    const j = seed % (i + 1);
    [places[i], places[j]] = [places[j], places[i]];
  }
  return places.every((place, i) => place === i) ? places.reverse() : places;
}

/** Some of them, mixed. */
function some(questions, count, random = Math.random) {
  const rest = [...questions];
  return range(Math.min(count, rest.length)).map(() => rest.splice(Math.floor(random() * rest.length), 1)[0]);
}

// --- what is shown ---

/** Paragraphs, with code between backticks. */
function prose(text) {
  return text.split("\n\n").map((one) => element("p", {}, ...inline(one)));
}

const inline = (text) => text.split("`").map((part, i) => (i % 2 ? element("code", {}, part) : part));

/** The marks of the reader: 1 for a question that was answered right, 0 for one that was tried. */
function memory() {
  let marks = {};
  try {
    marks = JSON.parse(localStorage.getItem(MEMORY)) ?? {};
  } catch { /* a browser that remembers nothing */ }
  const save = () => {
    try {
      localStorage.setItem(MEMORY, JSON.stringify(marks));
    } catch { /* the same */ }
  };
  return {
    of: (id) => marks[id],
    note(id, right) { marks[id] = right ? 1 : marks[id] ?? 0; save(); },
    forget() { marks = {}; save(); },
  };
}

/** What the reader fills in: `value()` is null while it is empty, and throws where it is no arithmetic. */
function field(question, name, { onEnter, onTick }) {
  if (question.options.length) {
    const picked = { value: null };
    const made = choice({ name, choices: Object.fromEntries(question.options.map((option, i) => [i, ""])), onChange: (i) => { picked.value = Number(i); } });
    made.element.classList.add("quiz-options");
    made.inputs.forEach((input, i) => input.parentElement.append(element("span", {}, ...inline(question.options[i].text))));
    return { element: made.element, value: () => picked.value, clear() {} };
  }
  if (question.kind === "order") return orderField(question, name);
  if (question.kind === "derive") {
    const ask = element("p", { role: "status" }, "Write it down, then open the solution and compare.");
    const boxes = question.points.map((point) => checkbox("", () => {
      const ticked = boxes.filter((box) => box.input.checked).length;
      say(ask, `You have ${ticked} of ${boxes.length} points.`);
      onTick(ticked === boxes.length);
    }));
    boxes.forEach((box, i) => box.element.append(element("span", {}, ...inline(question.points[i]))));
    const list = element("div", { className: "quiz-points", hidden: true, role: "group", "aria-label": name }, ...boxes.map((box) => box.element));
    return {
      element: element("div", {}, ask, list),
      open() {
        if (list.hidden) say(ask, "Tick what you have:");
        list.hidden = false;
      },
    };
  }
  const input = element("input", { type: "text", autocomplete: "off", spellcheck: false, placeholder: question.kind === "numeric" ? "" : "(…, …)", "aria-label": name, "data-lm-suppress-shortcuts": "true" });
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") onEnter(); });
  return {
    element: element("div", { className: "quiz-field" }, input),
    value: () => (input.value.trim() ? evaluate(input.value, {}, question.kind === "shape") : null),
    clear() { input.value = ""; },
  };
}

function orderField(question, name) {
  const places = shuffled(question);
  const list = element("ol", { className: "quiz-order", "aria-label": name });
  let moved = false;
  const show = (focus, direction) => {
    list.replaceChildren(...places.map((place, i) => {
      const text = question.items[place];
      const move = (by, sign, word) => {
        const one = button(sign, () => {
          [places[i], places[i + by]] = [places[i + by], places[i]];
          moved = true;
          show(i + by, word);
        }, `${word}: ${text}`);
        one.disabled = !(i + by in places);
        return one;
      };
      return element("li", {}, move(-1, "↑", "Up"), move(1, "↓", "Down"), element("span", {}, ...inline(text)));
    }));
    if (focus === undefined) return;
    const buttons = list.children[focus].querySelectorAll("button");
    const wanted = buttons[direction === "Up" ? 0 : 1];
    (wanted.disabled ? buttons[direction === "Up" ? 1 : 0] : wanted).focus();
  };
  show();
  return { element: list, value: () => (moved ? [...places] : null), clear() {} };
}

/** What is right, why, and how to go on. */
function solved(question, numbers) {
  const right = question.options.find((option) => option.right);
  return [
    ...(right ? [element("p", {}, "The right one: ", ...inline(right.text))] : []),
    ...(question.items.length ? [element("ol", { className: "quiz-items" }, ...question.items.map((item) => element("li", {}, ...inline(item))))] : []),
    ...prose(solutionOf(question, numbers)), ...goOn(question),
  ];
}

const goOn = (question) => (question.variation ? prose(`Go on: ${question.variation}`) : []);

/** One question; in an exam it keeps its judgement to itself until it is handed in. */
function card(question, place, { exam, marks, onMark }) {
  let numbers = question.formula && exam ? draw(question, {}) : firstNumbers(question);
  const ask = element("div", {});
  const mark = element("span", { className: "quiz-mark" });
  const feedback = element("div", { role: "status", className: "quiz-feedback" });
  const hint = element("div", { className: "quiz-hint", hidden: true });
  const answer = field(question, `Your answer to question ${place}`, { onEnter: () => check(), onTick: (all) => note(all) });
  const derive = question.kind === "derive";

  const showMark = () => {
    const known = exam ? undefined : marks.of(question.id);
    mark.textContent = known === undefined ? "" : known ? "✓ right" : "tried";
  };
  const write = () => {
    ask.replaceChildren(...prose(filled(question.ask, numbers)), ...(question.code ? [element("pre", {}, question.code)] : []));
    hint.replaceChildren(...prose(filled(question.hint, numbers)));
  };
  const tell = (heading, kind, ...parts) => {
    feedback.className = `quiz-feedback ${kind}`;
    feedback.replaceChildren(element("strong", {}, `${heading} `), ...parts);
  };
  const tellRight = (text) => tell("Right.", "right", ...prose(text), ...(question.options.length ? prose(solutionOf(question, numbers)) : []), ...goOn(question));
  const solve = () => {
    tell("Solution.", "", ...solved(question, numbers));
    answer.open?.();
  };
  const note = (right) => {
    marks.note(question.id, right);
    showMark();
    onMark();
  };
  function result() {
    const given = answer.value();
    return given === null ? null : judge(question, given, numbers);
  }
  function check() {
    if (exam) return;
    let outcome;
    try {
      outcome = result();
    } catch (error) {
      tell("Not quite.", "wrong", ...prose(`I cannot read this: ${error.message}.`));
      return;
    }
    if (outcome === null) {
      tell("Give an answer first.", "");
      return;
    }
    const [right, text] = outcome;
    if (right) tellRight(text);
    else tell("Not quite.", "wrong", ...prose(text));
    note(right);
  }
  const steps = element("div", { className: "lab-steps" });
  if (!exam) {
    const hinting = button("Hint", () => {
      hint.hidden = !hint.hidden;
      hinting.setAttribute("aria-expanded", String(!hint.hidden));
    }, `Hint for question ${place}`);
    hinting.setAttribute("aria-expanded", "false");
    steps.append(
      ...(derive ? [] : [button("Check", check, `Check question ${place}`)]), hinting, button("Solution", solve, `Solution of question ${place}`),
      ...(question.formula ? [button("New numbers", () => {
        numbers = draw(question, numbers);
        answer.clear();
        feedback.className = "quiz-feedback";
        feedback.replaceChildren();
        write();
      }, `New numbers for question ${place}`)] : []),
    );
  }
  write();
  showMark();
  return {
    element: element("section", { className: "quiz-card", "aria-label": `Question ${place}` },
      element("p", { className: "quiz-head" }, element("strong", {}, `${place}. `), `${LEVELS[question.level]}, ${KINDS[question.kind]}`, mark),
      ask, ...(derive ? [steps, hint, feedback, answer.element] : [answer.element, ...(exam ? [] : [steps]), hint, feedback])),
    /** Judges it for good, and says so. */
    handIn() {
      let outcome = null;
      try {
        outcome = result();
      } catch { /* not readable, so not right */ }
      const right = outcome !== null && outcome[0];
      marks.note(question.id, right);
      if (right) tellRight(outcome[1]);
      else if (outcome === null) tell("No answer.", "wrong", ...solved(question, numbers));
      else tell("Not quite.", "wrong", ...prose(outcome[1]), ...solved(question, numbers));
      for (const control of answer.element.querySelectorAll("input, button")) control.disabled = true;
      return right;
    },
  };
}

/** The same as plain questions and answers, for paper. */
function paper(question, place) {
  const numbers = firstNumbers(question);
  const answer = COMPUTED.includes(question.kind) ? [element("p", {}, element("code", {}, written(answerOf(question, numbers))))] : [];
  const list = (tag, texts) => (texts.length ? [element(tag, {}, ...texts.map((text) => element("li", {}, ...inline(text))))] : []);
  return element("div", { className: "question" },
    element("p", {}, element("strong", {}, `${place}. `), element("em", {}, `${LEVELS[question.level]}, ${KINDS[question.kind]}`)),
    ...prose(filled(question.ask, numbers)), ...(question.code ? [element("pre", {}, question.code)] : []),
    ...list("ol", question.options.map((option) => option.text)), ...list("ul", [...question.items].sort()),
    element("p", {}, element("strong", {}, "Answer")), ...answer,
    ...list("ol", question.options.map((option) => `${option.right ? "Right" : "No"}. ${option.because}`)), ...list("ol", question.items),
    ...prose(solutionOf(question, numbers)));
}

function render({ model, el }) {
  introduce(el, "quiz", "Questions");
  const questions = model.get("bank").map(whole);
  const marks = memory();
  const list = element("div", { className: "quiz-list" });
  const onPaper = element("div", { className: "quiz-paper" });
  const progress = element("p", { role: "status", className: "quiz-progress" });
  const score = element("p", { role: "status", className: "quiz-score", tabIndex: -1 });
  let exam = null;

  const chapters = menu({
    name: "Questions of",
    choices: { notes: "the lecture notes", ...Object.fromEntries(Object.entries(model.get("titles")).map(([number, title]) => [`${number}`, `chapter ${number}: ${title}`])), all: "all chapters" },
    onChange: (value) => change(model, { chapter: value }),
  });
  // Whole numbers as keys would come before the words.
  chapters.input.prepend(chapters.input.querySelector('[value="notes"]'));
  const levels = choice({ name: "Level", label: "Level", choices: Object.fromEntries(LEVELS.map((label, level) => [level, label])), onChange: (value) => change(model, { level: Number(value) }) });
  const count = element("input", { type: "number", min: 1, max: 50, value: 10, "aria-label": "Questions in a mock exam", "data-lm-suppress-shortcuts": "true" });
  const start = button("Mock exam", () => begin());
  const [forget, sure] = ["Forget my answers", "Forget them: sure?"];
  const reset = button(forget, () => {
    if (reset.textContent === forget) return label(sure);
    marks.forget();
    label(forget);
    update();
  });
  const label = (text) => { reset.textContent = text; reset.setAttribute("aria-label", text); };
  reset.addEventListener("blur", () => label(forget));
  const handIn = button("Hand in", () => finish());
  const back = button("Back to practice", () => { exam = null; update(); start.focus(); });
  const settings = element("div", { className: "lab-row" }, chapters.element, levels.element);
  const doing = element("div", { className: "lab-row" }, element("span", { className: "quiz-count" }, start, " of ", count, " questions"), reset);
  const handing = element("div", { className: "lab-steps" }, handIn, back);

  const chosen = () => questions.filter((question) => shows(question, model.get("chapter"), model.get("level")));
  const tell = () => {
    const here = chosen();
    const right = here.filter((question) => marks.of(question.id)).length;
    say(progress, `${plural(here.length, "question")} here, ${right} answered right; ${questions.filter((one) => marks.of(one.id)).length} of all ${questions.length}.`);
  };
  function update() {
    exam = null;
    chapters.set(model.get("chapter"));
    levels.set(String(model.get("level")));
    for (const one of [settings, doing, progress]) one.hidden = false;
    handing.hidden = true;
    score.textContent = "";
    const here = chosen();
    list.replaceChildren(...here.map((question, i) => card(question, i + 1, { exam: false, marks, onMark: tell }).element));
    onPaper.replaceChildren(...here.map((question, i) => paper(question, i + 1)));
    tell();
  }
  function begin() {
    const pool = chosen().filter((question) => question.kind !== "derive");
    const wanted = Math.min(Math.max(Math.round(Number(count.value)) || 10, 1), 50);
    if (!pool.length) { say(progress, "There is no question here that a page can judge."); return; }
    exam = some(pool, wanted).map((question, i) => card(question, i + 1, { exam: true, marks, onMark() {} }));
    list.replaceChildren(...exam.map((one) => one.element));
    for (const one of [settings, doing, progress]) one.hidden = true;
    handing.hidden = handIn.hidden = false;
    handIn.hidden = false;
    score.textContent = `A mock exam of ${plural(exam.length, "question")}: answer them, then hand in.`;
    score.focus();
  }
  function finish() {
    const right = exam.filter((one) => one.handIn()).length;
    handIn.hidden = true;
    score.textContent = `${right} of ${exam.length} right: ${Math.round((100 * right) / exam.length)} %. Each question now says why.`;
    score.focus();
  }

  el.append(settings, doing, progress, score, list, handing, onPaper);
  return follow(model, ["chapter", "level", "bank"], update);
}

export default { render };
