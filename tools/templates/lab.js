// Thing name: how many windows fit into a row.

const [PIXELS, KERNEL, LARGEST] = [12, 3, 6];

// --- the arithmetic ---

const windowsOf = ({ stride }) => Math.floor((PIXELS - KERNEL) / stride) + 1;

// --- in words ---

const inWords = (state) => `Stride ${state.stride}: ${plural(windowsOf(state), "window")} of ${KERNEL} pixels in a row of ${PIXELS}.`;

// --- controls of this lab ---

function render({ model, el }) {
  const stride = slider({ name: "stride", min: 1, max: LARGEST, onInput: (value) => change(model, { stride: value }) });
  const result = element("p", { className: "lab-sum", role: "status" });

  function update() {
    const state = { stride: model.get("stride") };
    stride.set(state.stride);
    say(result, inWords(state));
  }

  introduce(el, "thing_name", "Live lab: Thing name");
  el.replaceChildren(element("div", { className: "lab-row" }, "stride", stride.element), result);
  return follow(model, ["stride"], update);
}

export default { render };
