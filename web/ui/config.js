// config - config vars: hidden until asked for, changed one at a time.
import {request} from "/ui/api.js";
import {act, ask, fill, h, say, section} from "/ui/dom.js";

const MASK = "••••••••";
const SHORT = 20; // characters that fit beside the name

export function configPart(ctx) {
  const shown = new Set(); // keys whose values are to be seen
  let vars = {};
  let drawn = ""; // what the list shows
  const revealAll = h("button", {type: "button", class: "quiet", testid: "config-reveal-all", onclick: () => {
    const all = Object.keys(vars);
    if (all.every((key) => shown.has(key))) shown.clear();
    else all.forEach((key) => shown.add(key));
    draw();
  }}, "Reveal all");
  const {el, body} = section("config", "Config vars", revealAll);
  const list = h("ul", {class: "vars", testid: "config-list"});
  const key = h("input", {id: "config-key", testid: "config-key", required: true, placeholder: "KEY", autocomplete: "off",
    autocapitalize: "characters", spellcheck: "false", maxlength: "128", pattern: "[A-Za-z_][A-Za-z0-9_]*",
    title: "Letters, digits and _, no digit first"});
  const value = h("input", {id: "config-value", testid: "config-value", placeholder: "value", autocomplete: "off", spellcheck: "false"});
  const save = h("button", {type: "submit", class: "primary", testid: "config-save"}, "Save");

  async function patch(changes, done) {
    vars = await request("PATCH", ["apps", ctx.name, "config-vars"], {body: changes});
    say(done);
    draw();
    await ctx.refresh();
  }

  function submit(event) {
    event.preventDefault();
    const name = key.value.trim();
    act(save, async () => {
      await patch({[name]: value.value}, `${name} is set: a new release is on its way`);
      key.value = value.value = "";
    });
  }

  async function remove(event, name) {
    const button = event.target;
    if (!await ask({title: `Remove ${name}?`, yes: "Remove", danger: true, text: "This makes a new release and restarts the app."})) return;
    await act(button, () => patch({[name]: null}, `${name} is removed: a new release is on its way`));
  }

  function edit(name) {
    key.value = name;
    value.value = vars[name];
    value.focus();
  }

  function row(name) {
    const open = shown.has(name);
    const toggle = () => {
      if (open) shown.delete(name);
      else shown.add(name);
      draw();
    };
    const button = (label, id, onclick) =>
      h("button", {type: "button", class: "quiet", testid: `config-${id}-${name}`, "aria-label": `${label} ${name}`, onclick}, label);
    return h("li", {class: open && vars[name].length > SHORT ? "long" : null, testid: `config-row-${name}`}, h("span", {class: "mono key"}, name),
      h("span", {class: open ? "mono value" : "value masked", testid: `config-shown-${name}`},
        !open ? MASK : vars[name] || h("span", {class: "hint"}, "(empty)")),
      h("span", {class: "tools"}, button(open ? "Hide" : "Reveal", "reveal", toggle), button("Edit", "edit", () => edit(name)),
        button("Remove", "remove", (event) => remove(event, name))));
  }

  function draw() {
    const names = Object.keys(vars);
    const now = JSON.stringify([vars, [...shown]]);
    if (now === drawn) return;
    drawn = now;
    revealAll.hidden = !names.length;
    revealAll.textContent = names.every((name) => shown.has(name)) ? "Hide all" : "Reveal all";
    fill(list, names.length ? names.map(row) : h("li", {class: "hint"}, "None yet."));
  }

  fill(body, list, h("form", {class: "add", onsubmit: submit, testid: "config-form"},
    h("label", {for: "config-key", class: "sr"}, "Key"), key, h("label", {for: "config-value", class: "sr"}, "Value"), value, save));
  return {el, uses: ["vars"], draw(data) {
    vars = data.vars;
    draw();
  }};
}
