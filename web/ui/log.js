// log - the live log: the last lines, then what comes, for as long as it is
// shown. When the connection ends a new one says what was shown (the number of
// each stream's last line) and goes on behind it: nothing is missed or doubled.
import {readEvents, request} from "/ui/api.js";
import {fill, h, section, state} from "/ui/dom.js";

const LINES_FIRST = 100;
const LINES_MAX = 1500; // as many as the platform keeps at hand
const RETRY_MS = 2000;
const STREAMS_MAX = 200; // then the one first seen is left out
const form = /^(\S+) ([\w-]+)\[([^\]]+)\]: (.*)$/s;

const sources = [
  ["", "All lines"],
  ["app", "App"],
  ["heroku", "Platform"],
  ["router", "Requests"],
];

function matches(line, source, words) {
  if (source === "router" && line.proc !== "router") return false;
  if (source === "heroku" && (line.source !== "heroku" || line.proc === "router")) return false;
  if (source === "app" && line.source !== "app") return false;
  return !words || line.all.toLowerCase().includes(words);
}

function lineOf(text) {
  const m = form.exec(text);
  if (!m) return {time: "", source: "", proc: "", text, all: text};
  return {time: m[1], source: m[2], proc: m[3], text: m[4], all: text};
}

function lineElement(line) {
  if (!line.time) return h("div", {class: "line"}, line.text);
  return h("div", {class: `line from-${line.proc === "router" ? "router" : line.source === "app" ? "app" : "platform"}`},
    h("time", {datetime: line.time}, new Date(line.time).toLocaleTimeString([], {hour12: false})),
    h("span", {class: "proc"}, line.proc), h("span", {class: "text"}, line.text));
}

export function logPart(ctx) {
  const status = h("span", {testid: "log-status", "aria-live": "polite"}, state("busy", "Connecting"));
  const tell = (kind, text) => status.replaceChildren(state(kind, text));
  const source = h("select", {id: "log-source", testid: "log-source", "aria-label": "Which lines", onchange: draw},
    sources.map(([value, label]) => h("option", {value}, label)));
  const search = h("input", {id: "log-search", type: "search", testid: "log-search", placeholder: "Filter", "aria-label": "Lines that contain", oninput: draw});
  const {el, body} = section("log", "Log", status, source, search);
  const view = h("div", {class: "log", role: "log", "aria-live": "off", "aria-label": "Log lines", tabindex: "0", testid: "log-lines"});
  const lines = [];
  let waiting = []; // lines not yet on the page
  let frame = 0;

  const passes = (line) => matches(line, source.value, search.value.trim().toLowerCase());

  function draw() {
    fill(view, lines.filter(passes).map(lineElement));
    view.scrollTop = view.scrollHeight;
  }

  // Once a frame, so that a busy app does not freeze the page.
  function flush() {
    frame = 0;
    const follow = view.scrollTop + view.clientHeight > view.scrollHeight - 40;
    view.append(...waiting.filter(passes).map(lineElement));
    lines.push(...waiting);
    waiting = [];
    if (lines.length > LINES_MAX) lines.splice(0, lines.length - LINES_MAX);
    while (view.childElementCount > LINES_MAX) view.firstChild.remove();
    if (follow) view.scrollTop = view.scrollHeight;
  }

  function add(line) {
    waiting.push(line);
    if (waiting.length > LINES_MAX) waiting.shift();
    if (!frame) frame = setTimeout(flush, 50);
  }

  const pause = () => new Promise((resolve) => { setTimeout(resolve, RETRY_MS); });

  // "TIME;STREAM.SEQ,...", as lib/wire/logpos.h describes it.
  const seen = new Map();
  let from = Infinity;
  function see(id) {
    const m = /^(\d+)\.(\w+)\.(\d+)$/.exec(id);
    if (!m) return;
    from = Math.min(from, Number(m[1]) - 1);
    seen.set(m[2], m[3]);
    if (seen.size > STREAMS_MAX) seen.delete(seen.keys().next().value);
  }
  const after = () => `${from};${[...seen].map(([stream, seq]) => `${stream}.${seq}`).join(",")}`;

  async function follow() {
    while (!ctx.signal.aborted) {
      try {
        const asked = await request("POST", ["apps", ctx.name, "log-sessions"],
          {body: {lines: LINES_FIRST, tail: true}, signal: ctx.signal});
        tell("good", "Live");
        await readEvents(asked.logplex_url, (text, id) => {
          add(lineOf(text));
          see(id);
        }, ctx.signal, (time) => { from = Math.min(from, time); }, from < Infinity ? after() : "");
        tell("busy", "Reconnecting");
      } catch (error) {
        if (ctx.signal.aborted || error.status === 401 || error.status === 404) return;
        tell("bad", error.message);
      }
      await pause();
    }
  }

  ctx.signal.addEventListener("abort", () => clearTimeout(frame));
  fill(body, view);
  follow();
  return {el};
}
