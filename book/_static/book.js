// Small comforts. Every page can be read, searched for and folded open without this file, save the search itself.
"use strict";

// Colours: as the system, light, dark.
{
  const root = document.documentElement;
  const button = document.querySelector(".theme");
  const next = { auto: "light", light: "dark", dark: "auto" };
  const words = { auto: "as the system", light: "light", dark: "dark" };
  const name = () => { button.setAttribute("aria-label", `Colours: ${words[root.dataset.theme]}`); button.title = button.ariaLabel; };
  button.addEventListener("click", () => {
    root.dataset.theme = next[root.dataset.theme] ?? "light";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* private windows refuse */ }
    name();
  });
  name();
}

// What scrolls sideways must be reachable by keyboard, and only then be a stop for it.
{
  const boxes = document.querySelectorAll(".highlight pre, .math-scroll, .table-scroll, .cell_output > .output");
  const names = { "math-scroll": "Formula", "table-scroll": "Table", "output": "Output" };
  const check = (box) => {
    if (box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1) {
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", `${names[box.classList[0]] ?? "Code"}, scrolls sideways`);
    } else {
      for (const attribute of ["tabindex", "role", "aria-label"]) box.removeAttribute(attribute);
    }
  };
  const watch = new ResizeObserver((entries) => entries.forEach((entry) => check(entry.target)));
  boxes.forEach((box) => watch.observe(box));
  // Wider letters, in a box of the same size. Only what is laid out: asking the others would lay out the whole chapter.
  const laidOut = (box) => box.checkVisibility({ contentVisibilityAuto: true });
  document.fonts.addEventListener("loadingdone", () => [...boxes].filter(laidOut).forEach(check));
}

// Copy buttons on code, not on output.
if (navigator.clipboard) {
  for (const code of document.querySelectorAll(".highlight")) {
    if (code.closest(".cell_output") && !code.closest("[class*=highlight-python]")) continue;
    const button = document.createElement("button");
    button.className = "copy";
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy this code");
    button.addEventListener("click", async () => {
      // Prompts of interactive examples are not part of what one wants to run.
      const text = code.querySelector("pre").innerText;
      const lines = text.split("\n").filter((line) => /^(>>>|\.\.\.)/.test(line));
      await navigator.clipboard.writeText(lines.length ? lines.map((line) => line.slice(4)).join("\n") : text);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    code.append(button);
  }
}

// A figure opens large: by a click on it, or by the button that stands on it for the keyboard.
{
  let dialog;
  const open = (image) => {
    if (!dialog) {
      dialog = document.createElement("dialog");
      dialog.className = "enlarged";
      dialog.setAttribute("aria-label", "Enlarged figure");
      dialog.innerHTML = '<div tabindex="0" role="group" aria-label="Figure, the arrow keys move it" autofocus></div><button type="button">Close</button>';
      dialog.addEventListener("click", () => dialog.close());
      document.body.append(dialog);
    }
    const large = new Image();
    large.src = image.currentSrc || image.src;
    large.alt = image.alt;
    large.style.setProperty("--natural", `${image.naturalWidth}px`);
    large.style.aspectRatio = `${image.naturalWidth} / ${image.naturalHeight}`;
    large.style.setProperty("--ratio", image.naturalWidth / image.naturalHeight);
    dialog.firstChild.replaceChildren(large);
    dialog.showModal();
    dialog.firstChild.scrollTo(0, 0);
  };
  for (const image of document.querySelectorAll("main img:not(.lab *, a *)")) {
    const box = document.createElement("span");
    box.className = "figure";
    const button = document.createElement("button");
    button.className = "enlarge";
    button.type = "button";
    button.textContent = "Enlarge";
    button.setAttribute("aria-label", "Enlarge this figure");
    button.addEventListener("click", () => open(image));
    image.addEventListener("click", () => { button.focus({ preventScroll: true }); open(image); });
    image.before(box);
    box.append(image, button);
  }
}

// What has been read: a page gets its tick in the list of chapters when the end of each of its parts was on the screen.
{
  const KEY = "convolutions-read";
  const load = () => { try { return localStorage.getItem(KEY) ?? "{}"; } catch { return null; } };
  const save = (text) => { try { localStorage.setItem(KEY, text); } catch { /* full, or refused since */ } };
  const list = document.getElementById("chapters");
  const root = document.documentElement.dataset;
  const book = new URL(root.content_root, location.href).href;
  const parts = [...document.querySelectorAll("article > section > section[id]")];
  let pages = {};
  const tick = () => {
    for (const link of list.querySelectorAll("a")) {
      const name = link.href.split("#")[0].replace(book, "").replace(/\.html$/, "");
      link.querySelector(".read")?.remove();
      if (pages[name] === true) link.insertAdjacentHTML("beforeend", '<span class="read" role="img" aria-label="read">✓</span>');
    }
  };
  const seen = (id) => {
    // What another window has noted since is kept.
    try { pages = JSON.parse(load()) ?? {}; } catch { pages = {}; }
    if (pages === false || pages[root.page] === true) return;
    const known = new Set(pages[root.page]).add(id);
    pages[root.page] = parts.every((part) => known.has(part.id)) || [...known];
    save(JSON.stringify(pages));
    if (pages[root.page] === true) tick();
  };
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      watch.unobserve(entry.target);
      seen(entry.target.closest("article > section > section")?.id ?? "");
    }
  });
  const start = () => {
    const ends = parts.length ? parts : document.querySelectorAll("article > section[id]");
    for (const part of ends) watch.observe(part.lastElementChild);
  };
  if (load() !== null) {
    try { pages = JSON.parse(load()) ?? {}; } catch { /* not ours: begin anew */ }
    list.insertAdjacentHTML("beforeend", '<label class="remember"><input type="checkbox"> Tick what I have read</label>');
    const box = list.querySelector(".remember input");
    box.checked = pages !== false;
    box.addEventListener("change", () => {
      pages = box.checked ? {} : false; // off means forgotten, too
      save(JSON.stringify(pages));
      watch.disconnect();
      if (box.checked) start();
      tick();
    });
    tick();
    if (box.checked) start();
  }
}

// Where am I: mark the section being read in "On this page".
{
  const links = new Map();
  for (const link of document.querySelectorAll(".page-contents a")) {
    const section = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (section) links.set(section, link);
    link.addEventListener("click", () => document.getElementById("page-contents").hidePopover?.());
  }
  const seen = new Set();
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) entry.isIntersecting ? seen.add(entry.target) : seen.delete(entry.target);
    const current = [...links.keys()].filter((section) => seen.has(section)).pop();
    for (const [section, link] of links) link.toggleAttribute("aria-current", section === current);
  }, { rootMargin: "-10% 0px -75% 0px" });
  links.forEach((_, section) => watch.observe(section));
}

// A link into the page opens the folds around its end. All sections are laid out first: heights that are still
// guesses would let it end elsewhere. Where nothing changes the browser knows better: on the way back, the old place.
{
  const arrive = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    let hasChanged = document.documentElement.classList.contains("lazy");
    document.documentElement.classList.remove("lazy");
    for (let part = target.closest("details"); part; part = part.parentElement.closest("details")) {
      hasChanged ||= !part.open;
      part.open = true;
    }
    if (hasChanged) target.scrollIntoView();
  };
  addEventListener("hashchange", arrive);
  if (location.hash) arrive();
}

// The sections that nobody has come to yet are laid out paragraph by paragraph, whenever there is time: until then the
// length of the page is a guess. One that is as long as a module's reference waits.
addEventListener("load", () => {
  const sections = [...document.querySelectorAll("article > section > section")]
    .filter((section) => section.getElementsByTagName("*").length < 3000);
  const later = globalThis.requestIdleCallback ?? setTimeout;
  let parts = [];
  const next = () => {
    for (let room = 40, isFirst = true; ; isFirst = false) {
      while (!parts.length) {
        const section = sections.shift();
        if (!section) return;
        if (!section.firstElementChild.checkVisibility({ contentVisibilityAuto: true })) {
          parts = [...section.querySelectorAll(":scope > :not(section), section[id] > :not(section)")];
          for (const part of parts) part.classList.add("later");
        }
        section.style.contentVisibility = "visible";
      }
      room -= 1 + parts[0].getElementsByTagName("*").length;
      if (room < 0 && !isFirst) break;
      parts.shift().classList.remove("later");
    }
    later(next);
  };
  later(next);
});

// "/" and Ctrl+K go to the search field.
addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable;
  if ((event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) || (event.key === "k" && (event.ctrlKey || event.metaKey))) {
    const field = document.querySelector("input[type=search]");
    if (field?.checkVisibility()) { event.preventDefault(); field.focus(); field.select(); }
  }
});
