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

for (const el of document.querySelectorAll(".lab[data-lab]")) {
  if (!(el.dataset.lab in labs)) continue; // a script of its own brings it
  const model = localModel(JSON.parse(el.dataset.state));
  el.replaceChildren();
  labs[el.dataset.lab].render({ model, el });
}
