// dom - building the page: elements, times, questions, messages.
// Text goes in as text nodes only, so no data can become markup.

// h("button", {class: "x", onclick: f, testid: "y"}, "text", child, ...)
export function h(tag, props, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
    else if (name === "testid") el.dataset.testid = value;
    else if (name === "value") el.value = value;
    else el.setAttribute(name, value === true ? "" : value);
  }
  el.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return el;
}

// Put new children into el. The focus stays on the element of the same test id.
export function fill(el, ...children) {
  const held = el.contains(document.activeElement) ? document.activeElement.dataset.testid : null;
  el.replaceChildren(...children.flat(Infinity).filter(Boolean));
  if (held) el.querySelector(`[data-testid="${CSS.escape(held)}"]`)?.focus();
}

// A link to somewhere else; only to what a browser shows as a page.
export function webLink(url, props) {
  const shown = url.replace(/^https?:\/\//, "").replace(/\/$/, "");
  if (!/^https?:\/\//.test(url)) return h("span", null, url);
  return h("a", {href: url, rel: "noopener", target: "_blank", ...props}, shown);
}

const units = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];

export function ago(time) {
  if (!time) return "";
  const seconds = Math.round((Date.now() - new Date(time)) / 1000);
  const [unit, size] = units.find(([, s]) => seconds >= s) || ["", 0];
  const text = unit ? `${Math.floor(seconds / size)}${unit} ago` : "just now";
  return h("time", {datetime: time, title: new Date(time).toLocaleString()}, text);
}

// A word with a coloured dot: good, busy, bad or off.
export function state(kind, text, props) {
  return h("span", {class: `state ${kind}`, ...props}, text);
}

// A part of a page with a heading, and a place for its own error.
export function section(id, title, ...actions) {
  const body = h("div", {class: "body"}, h("p", {class: "hint"}, "Loading…"));
  const el = h("section", {id, class: "card", "aria-labelledby": `${id}-title`, testid: id},
    h("div", {class: "head"}, h("h2", {id: `${id}-title`}, title), h("div", {class: "actions"}, actions)), body);
  return {el, body};
}

const toast = document.getElementById("toast");
let toastTimer;

export function say(text) {
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { toast.hidden = true; }, 6000);
}

const alertBox = document.getElementById("alert");

export function complain(error) {
  if (error?.name === "AbortError") return;
  alertBox.replaceChildren(h("span", null, error?.message || String(error)),
    h("button", {type: "button", class: "quiet", testid: "alert-close", onclick: calm}, "Dismiss"));
  alertBox.hidden = false;
}

export function calm() {
  alertBox.hidden = true;
}

// Run an action of a button: it can't be pressed twice, and a failure shows.
export async function act(button, work) {
  calm();
  if (button) button.disabled = true;
  try {
    return await work();
  } catch (error) {
    complain(error);
  } finally {
    if (button) button.disabled = false;
  }
}

// Ask in a dialog. With `word` it must be typed. Resolves to true or false.
export function ask({title, text, yes, danger, word}) {
  return new Promise((resolve) => {
    const ok = h("button", {type: "submit", value: "yes", class: danger ? "danger" : "primary", testid: "confirm-yes"}, yes);
    const typed = word && h("input", {id: "confirm-word", testid: "confirm-word", autocomplete: "off", autocapitalize: "none",
      spellcheck: "false", oninput: () => { ok.disabled = typed.value !== word; }});
    if (word) ok.disabled = true;
    const dialog = h("dialog", {"aria-labelledby": "ask-title", testid: "confirm"},
      h("form", {method: "dialog"},
        h("h2", {id: "ask-title"}, title), h("p", null, text),
        word && h("label", {for: "confirm-word"}, "Type ", h("strong", null, word), " to go on"), typed,
        h("div", {class: "buttons"},
          h("button", {type: "button", testid: "confirm-no", onclick: () => dialog.close("no")}, "Cancel"), ok)));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
