// releases - the app's history, and the way back.
import {newestFirst, request} from "/ui/api.js";
import {act, ago, ask, fill, h, say, section, state} from "/ui/dom.js";

const FEW = 6; // shown before "Show all"

export function releasesPart(ctx) {
  const {el, body} = section("releases", "Releases");
  let all = false;
  let releases = [];

  async function rollBack(event, r) {
    const button = event.target;
    if (!await ask({title: `Roll back to v${r.version}?`, yes: `Roll back to v${r.version}`,
      text: `“${r.description}” serves again, its code and its config vars. That is a new release, so you can come back.`})) return;
    await act(button, async () => {
      const made = await request("POST", ["apps", ctx.name, "releases"], {body: {release: r.id}});
      say(`Rolled back to v${r.version}, as v${made.version}`);
      await ctx.refresh();
    });
  }

  function row(r) {
    return h("li", {testid: `release-v${r.version}`},
      h("span", {class: "mono"}, `v${r.version}`),
      h("div", {class: "what"}, h("div", null, r.description, " ",
        r.current && state("good", "current", {testid: "release-current"}),
        r.status === "failed" && state("bad", "failed"), r.status === "pending" && state("busy", "pending")),
      r.failure && r.status === "failed" && h("div", {class: "error"}, r.failure),
      h("div", {class: "hint"}, r.user?.email, " · ", ago(r.created_at))),
      !r.current && r.eligible_for_rollback && h("button", {type: "button", class: "quiet", testid: `rollback-v${r.version}`,
        "aria-label": `Roll back to v${r.version}`, onclick: (event) => rollBack(event, r)}, "Roll back"));
  }

  function draw() {
    fill(body, !releases.length && h("p", {class: "hint"}, "None yet."), h("ul", {class: "history", testid: "release-list"}, (all ? releases : releases.slice(0, FEW)).map(row)),
      releases.length > FEW && h("button", {type: "button", class: "quiet more", testid: "releases-all", onclick: () => {
        all = !all;
        draw();
      }}, all ? "Show fewer" : `Show all ${releases.length}`));
  }

  return {el, uses: ["releases"], draw(data) {
    releases = newestFirst(data.releases, "version");
    draw();
  }};
}
