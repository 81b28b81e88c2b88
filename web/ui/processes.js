// processes - how many of each type run, and what each one does.
import {request} from "/ui/api.js";
import {act, ago, ask, fill, h, say, section, state} from "/ui/dom.js";

const kinds = {up: "good", starting: "busy", stopping: "busy", crashed: "bad", idle: "off"};

function dynoRow(ctx, dyno) {
  const restart = (event) => act(event.target, async () => {
    await request("DELETE", ["apps", ctx.name, "dynos", dyno.name]);
    say(`Restarting ${dyno.name}`);
    await ctx.refresh();
  });
  return h("li", {testid: `dyno-${dyno.name}`},
    h("span", {class: "mono"}, dyno.name),
    state(kinds[dyno.state] || "off", dyno.state, {testid: `dyno-state-${dyno.name}`}),
    h("span", {class: "hint"}, dyno.release ? `v${dyno.release.version} · ` : "", ago(dyno.updated_at)),
    h("button", {type: "button", class: "quiet", testid: `dyno-restart-${dyno.name}`, "aria-label": `Restart ${dyno.name}`, onclick: restart}, "Restart"));
}

function scaler(ctx, f) {
  const set = (quantity) => async (event) => {
    if (quantity === 0 && f.type === "web" && !await ask({title: "Stop web?", yes: "Stop web", danger: true,
      text: "Without a web process the app's address answers with an error."})) return;
    await act(event.target, async () => {
      await request("PATCH", ["apps", ctx.name, "formation"], {body: {updates: [{type: f.type, quantity: String(quantity)}]}});
      say(`Scaled ${f.type} to ${quantity}`);
      await ctx.refresh();
    });
  };
  return h("div", {class: "scale", role: "group", "aria-label": `How many ${f.type}`},
    h("button", {type: "button", testid: `scale-down-${f.type}`, "aria-label": `One ${f.type} less`, disabled: f.quantity === 0, onclick: set(f.quantity - 1)}, "−"),
    h("output", {testid: `scale-${f.type}`}, String(f.quantity)),
    h("button", {type: "button", testid: `scale-up-${f.type}`, "aria-label": `One ${f.type} more`, onclick: set(f.quantity + 1)}, "+"));
}

function typeBlock(ctx, f, dynos) {
  return h("div", {class: "ptype", testid: `ptype-${f.type}`},
    h("div", {class: "line"}, h("div", {class: "what"}, h("h3", null, f.type), h("code", {class: "hint"}, f.command || "")), scaler(ctx, f)),
    dynos.length ? h("ul", {class: "dynos"}, dynos.map((d) => dynoRow(ctx, d))) : null);
}

export function processesPart(ctx) {
  const restart = h("button", {type: "button", class: "quiet", testid: "restart-all", onclick: () => act(restart, async () => {
    await request("DELETE", ["apps", ctx.name, "dynos"]);
    say("Restarting all processes");
    await ctx.refresh();
  })}, "Restart all");
  const {el, body} = section("processes", "Processes", restart);
  return {el, uses: ["formation", "dynos"], draw({formation, dynos}) {
    const types = new Set(formation.map((f) => f.type));
    const others = dynos.filter((d) => !types.has(d.type));
    restart.hidden = !dynos.length;
    fill(body,
      formation.map((f) => typeBlock(ctx, f, dynos.filter((d) => d.type === f.type))),
      others.length ? h("div", {class: "ptype"}, h("h3", null, "One-off"), h("ul", {class: "dynos"}, others.map((d) => dynoRow(ctx, d)))) : [],
      formation.length || others.length ? [] : h("p", {class: "hint"}, "Process types come with the first deploy."));
  }};
}
