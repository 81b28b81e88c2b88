// apps - the list of apps, and a form for a new one.
import {get, request} from "/ui/api.js";
import {act, ago, complain, fill, h, say, state, webLink} from "/ui/dom.js";

const REFRESH_MS = 10000;

// What an app is doing, in a word or two, from the counts of its processes.
export function appState(app) {
  if (app.maintenance) return ["busy", "Maintenance"];
  if (!app.processes) return ["off", "Unknown"];
  const {starting, up, crashed, rests} = app.processes;
  if (rests) return ["off", "Idle: the next request wakes it"];
  const all = starting + up + crashed; // one that stops has a successor
  if (!all) return ["off", app.released_at ? "Stopped" : "Not deployed"];
  if (crashed) return ["bad", "Crashed"];
  if (!up) return ["busy", "Starting"];
  if (up < all) return ["busy", `${up} of ${all} processes up`];
  return ["good", up === 1 ? "1 process up" : `${up} processes up`];
}

function row(app) {
  const [kind, text] = appState(app);
  return h("li", {class: "app", testid: `app-${app.name}`},
    h("div", {class: "name"}, h("a", {href: `#/apps/${encodeURIComponent(app.name)}`, testid: `app-link-${app.name}`}, app.name)),
    state(kind, text, {testid: `app-state-${app.name}`}),
    h("div", {class: "url"}, webLink(app.web_url, {testid: `app-url-${app.name}`})),
    h("div", {class: "hint when"}, app.released_at ? ["Released ", ago(app.released_at)] : ["Created ", ago(app.created_at)]));
}

function firstSteps() {
  return h("div", {class: "card empty", testid: "no-apps"}, h("h2", null, "No apps yet"),
    h("p", null, "Name one above, or make it in the folder of your code:"),
    h("pre", null, "paas create hello\ngit push paas main"));
}

function newAppForm() {
  const name = h("input", {id: "new-app-name", testid: "new-app-name", placeholder: "name-of-the-app", autocomplete: "off",
    autocapitalize: "none", spellcheck: "false", maxlength: "30"});
  const submit = h("button", {type: "submit", class: "primary", testid: "new-app-submit"}, "Create app");
  const create = (event) => {
    event.preventDefault();
    act(submit, async () => {
      const body = name.value.trim() ? {name: name.value.trim()} : {};
      const app = await request("POST", ["apps"], {body});
      say(`Created ${app.name}`);
      location.hash = `#/apps/${encodeURIComponent(app.name)}`;
    });
  };
  return h("form", {class: "inline", onsubmit: create, testid: "new-app-form"},
    h("label", {for: "new-app-name", class: "sr"}, "Name of the new app (empty: one is made up)"), name, submit);
}

export function appsView() {
  const stop = new AbortController();
  const {signal} = stop;
  const list = h("ul", {class: "apps", id: "app-list", testid: "app-list"}, h("li", {class: "hint wait"}, "Loading…"));
  const empty = h("div");
  let seen = "";

  async function refresh() {
    const apps = (await get(["apps"], {signal})).sort((a, b) => (a.name < b.name ? -1 : 1));
    const now = JSON.stringify(apps);
    if (now === seen) return;
    seen = now;
    fill(list, apps.map(row));
    list.hidden = !apps.length;
    fill(empty, apps.length ? [] : firstSteps());
  }

  const again = () => !document.hidden && refresh().catch(complain);
  const timer = setInterval(again, REFRESH_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  refresh().catch((error) => {
    list.replaceChildren();
    complain(error);
  });
  return {title: "Apps", stop: () => stop.abort(),
    el: h("div", {class: "wide"}, h("div", {class: "bar"}, h("h1", null, "Apps"), newAppForm()), list, empty)};
}
