// page - all about one app: its parts, refreshed together, and its end.
import {get, request} from "/ui/api.js";
import {appState} from "/ui/apps.js";
import {buildsPart} from "/ui/builds.js";
import {configPart} from "/ui/config.js";
import {act, ask, calm, complain, fill, h, say, section, state, webLink} from "/ui/dom.js";
import {logPart} from "/ui/log.js";
import {processesPart} from "/ui/processes.js";
import {releasesPart} from "/ui/releases.js";

const REFRESH_MS = 4000;

function heading(ctx) {
  const el = h("div", {class: "title"}, h("h1", {testid: "app-name"}, ctx.name));
  return {el, uses: ["app", "releases"], draw(data) {
    const [kind, text] = appState(data.app);
    const release = data.releases.find((r) => r.current) || data.releases[0];
    fill(el, h("div", {class: "crumb"}, h("a", {href: "#/"}, "Apps")),
      h("h1", {testid: "app-name"}, data.app.name),
      h("p", {class: "facts"}, state(kind, text, {testid: "app-state"}),
        webLink(data.app.web_url, {testid: "app-url"}),
        release && h("span", {testid: "app-release"}, `v${release.version}`),
        data.app.buildpack_provided_description && h("span", null, data.app.buildpack_provided_description)));
  }};
}

// What to type, as long as there is nothing to see.
function deployHelp(ctx) {
  const {el, body} = section("deploy", "Deploy this app");
  el.hidden = true;
  return {el, uses: ["builds", "dynos"], draw(data) {
    el.hidden = data.builds.length > 0 || data.dynos.length > 0;
    if (el.hidden || body.dataset.drawn) return;
    body.dataset.drawn = "yes";
    fill(body, h("p", null, "In the folder of your code, with its changes committed:"),
      h("pre", {testid: "deploy-lines"}, `paas git:remote --app ${ctx.name}\ngit push paas main`),
      h("p", {class: "hint"}, "The build's output appears in the push and under Builds."));
  }};
}

function dangerPart(ctx) {
  const {el, body} = section("danger", "Destroy this app");
  const destroy = async (event) => {
    const button = event.target;
    if (!await ask({title: `Destroy ${ctx.name}?`, yes: "Destroy", danger: true, word: ctx.name,
      text: "Its processes stop, and its releases, config vars, builds and code are removed for good."})) return;
    await act(button, async () => {
      await request("DELETE", ["apps", ctx.name]);
      say(`Destroyed ${ctx.name}`);
      location.hash = "#/";
    });
  };
  el.classList.add("end");
  fill(body, h("p", {class: "hint"}, "Removes the app with all it has. This can't be undone."),
    h("button", {type: "button", class: "danger", testid: "app-destroy", onclick: destroy}, "Destroy…"));
  return {el};
}

function missing(el, name) {
  el.replaceChildren(h("div", {class: "narrow"}, h("h1", null, `There is no app ${name}`),
    h("p", null, h("a", {href: "#/"}, "Go to your apps"))));
}

export function pageView(name) {
  const stop = new AbortController();
  const {signal} = stop;
  const ctx = {name, signal, refresh: () => refresh().catch(complain)};
  const parts = [heading, deployHelp, processesPart, configPart, releasesPart, buildsPart, logPart, dangerPart].map((make) => make(ctx));
  const [title, deploy, processes, config, releases, builds, log, danger] = parts.map((p) => p.el);
  const el = h("div", {class: "wide", testid: "app-page"}, title, deploy,
    h("div", {class: "columns"}, h("div", null, processes, releases), h("div", null, config, builds)), log, danger);
  const data = {};
  const seen = new Map();
  let failing = false;

  // A part is drawn when all it shows is known, and anew when that changes.
  function draw() {
    for (const part of parts.filter((p) => p.uses?.every((key) => key in data))) {
      const now = JSON.stringify(part.uses.map((key) => data[key]));
      if (seen.get(part) === now) continue;
      seen.set(part, now);
      part.draw(data);
    }
  }

  const sources = {
    app: [], dynos: ["dynos"], formation: ["formation"], vars: ["config-vars"], releases: ["releases"], builds: ["builds"],
  };
  const newest = {releases: "version ..; max=50, order=desc", builds: "created_at ..; max=20, order=desc"};

  // What can't be had stays as it was; the first reason is thrown.
  async function refresh() {
    const keys = Object.keys(sources);
    const answers = await Promise.allSettled(keys.map((key) => get(["apps", name, ...sources[key]], {signal, range: newest[key]})));
    if (signal.aborted) return;
    keys.forEach((key, i) => {
      if (answers[i].status === "fulfilled") data[key] = answers[i].value;
    });
    if (answers[0].reason?.status === 404) throw answers[0].reason;
    draw();
    const refused = answers.find((a) => a.status === "rejected");
    if (refused) throw new Error(`Not all could be shown. ${refused.reason.message}`);
    if (failing) calm();
    failing = false;
  }

  function failed(error) {
    if (error.status === 404) {
      stop.abort();
      missing(el, name);
    } else if (!failing) {
      failing = true;
      complain(error);
    }
  }

  const timer = setInterval(() => !document.hidden && refresh().catch(failed), REFRESH_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  refresh().catch(failed);
  return {title: name, el, stop: () => stop.abort()};
}
