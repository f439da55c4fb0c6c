// Brings the labs of a page to life. No kernel stands behind them: the state lives in the page.

/** What anywidget gives a lab in Jupyter, without Python on the other side. */
function localModel(state) {
  const listeners = {};
  return {
    get: (name) => state[name],
    set(name, value) {
      state[name] = value;
      for (const listener of [...(listeners[`change:${name}`] ?? [])]) listener();
    },
    save_changes() {},
    on(event, listener) { (listeners[event] ??= []).push(listener); },
    off(event, listener) { listeners[event] = listeners[event]?.filter((one) => one !== listener); },
  };
}

// In a lazy page a lab is made when the reader comes near: all of them at once would hold up the page that is being
// opened. Where all heights must be right they are made before, and in the end anyway, for those who go from control to
// control by ear.
const waiting = new Set([...document.querySelectorAll(".lab[data-lab]")].filter(({ dataset }) => dataset.lab in labs));

function start(el) {
  if (!waiting.delete(el)) return;
  near.unobserve(el);
  const model = localModel(JSON.parse(el.dataset.state));
  el.replaceChildren();
  labs[el.dataset.lab].render({ model, el });
}

const near = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) start(target);
}, { rootMargin: "100% 0px" });
const all = () => waiting.forEach(start);

if (!document.documentElement.classList.contains("lazy")) all();
addEventListener("hashchange", all, { capture: true });
addEventListener("beforeprint", all);
for (const el of waiting) {
  near.observe(el);
  setTimeout(start, 10_000, el);
}
