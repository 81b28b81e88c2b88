// builds - what was built, how it went, and each build's output.
import {newestFirst, readStream, request} from "/ui/api.js";
import {act, ago, complain, fill, h, say, section, state} from "/ui/dom.js";

const FEW = 6;
const OUTPUT_MAX = 2_000_000; // characters kept on the page
const kinds = {succeeded: "good", pending: "busy", failed: "bad"};

// Terminal colours and the server's signs of life are no text.
const plain = (text) => text.replace(/\x1b\[[0-9;?]*[ -/]*[@-~]/g, "").replace(/\0/g, "");

function outputDialog(ctx, build) {
  const stop = new AbortController();
  const pre = h("pre", {class: "output", tabindex: "0", testid: "build-output"});
  const note = h("p", {class: "hint"}, build.status === "pending" ? "The build is running." : "");
  const dialog = h("dialog", {class: "large", "aria-labelledby": "output-title", testid: "build-dialog"},
    h("div", {class: "head"}, h("h2", {id: "output-title"}, `Build ${commitOf(build)}`),
      h("button", {type: "button", testid: "build-close", onclick: () => dialog.close()}, "Close")), pre, note);
  const add = (text) => {
    const follow = pre.scrollTop + pre.clientHeight > pre.scrollHeight - 30;
    if (pre.textContent.length < OUTPUT_MAX) pre.append(plain(text));
    if (follow) pre.scrollTop = pre.scrollHeight;
  };
  dialog.addEventListener("close", () => {
    stop.abort();
    dialog.remove();
  });
  ctx.signal.addEventListener("abort", () => dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  readStream(build.output_stream_url, add, stop.signal).then(() => { note.textContent = "End of the output."; }, (error) => {
    if (error.name === "AbortError") return;
    note.textContent = error.message;
    note.className = "error";
  });
}

function commitOf(build) {
  return build.source_blob?.version?.slice(0, 8) || build.id;
}

export function buildsPart(ctx) {
  const {el, body} = section("builds", "Builds");

  const cancel = (event, b) => act(event.target, async () => {
    await request("DELETE", ["apps", ctx.name, "builds", b.id]);
    say("The build is cancelled");
    await ctx.refresh();
  });

  function row(b) {
    return h("li", {testid: `build-${b.id}`},
      state(kinds[b.status] || "off", b.status, {testid: `build-state-${b.id}`}),
      h("div", {class: "what"}, h("span", {class: "mono"}, commitOf(b)),
        b.failure && h("div", {class: "error"}, b.failure), h("div", {class: "hint"}, b.user?.email, " · ", ago(b.created_at))),
      h("span", {class: "tools"},
        b.status === "pending" && h("button", {type: "button", class: "quiet", testid: `build-cancel-${b.id}`, onclick: (event) => cancel(event, b)}, "Cancel"),
        b.output_stream_url && h("button", {type: "button", class: "quiet", testid: `build-show-${b.id}`,
          "aria-label": `Output of build ${commitOf(b)}`, onclick: () => {
            try {
              outputDialog(ctx, b);
            } catch (error) {
              complain(error);
            }
          }}, "Output")));
  }

  return {el, uses: ["builds"], draw({builds}) {
    const list = newestFirst(builds, "created_at").slice(0, FEW);
    fill(body, list.length ? h("ul", {class: "history", testid: "build-list"}, list.map(row)) : h("p", {class: "hint"}, "None yet."));
  }};
}
