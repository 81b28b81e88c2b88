// app - the dashboard's frame: session, routes by location.hash, log in.
import {get, request} from "/ui/api.js";
import {appsView} from "/ui/apps.js";
import {act, calm, complain, h, say} from "/ui/dom.js";
import {pageView} from "/ui/page.js";

const main = document.getElementById("main");
const account = document.getElementById("account");
let user = null;    // the account, once known
let current = null; // the view that is shown: {el, title, stop}

function show(view) {
  current?.stop?.();
  current = view;
  document.title = view.title ? `${view.title} – paas` : "paas";
  main.replaceChildren(view.el);
  account.hidden = !user;
  document.getElementById("account-email").textContent = user?.email || "";
}

// "#/apps/NAME" -> ["apps", "NAME"]
function route() {
  return location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
}

function notFound() {
  return {title: "Not found", el: h("div", {class: "narrow"}, h("h1", null, "There is no such page"),
    h("p", null, h("a", {href: "#/"}, "Go to your apps")))};
}

function go() {
  calm();
  if (!user) return show(loginView());
  const [what, name, more] = route();
  if (what === undefined) show(appsView());
  else if (what === "apps" && name && !more) show(pageView(name));
  else show(notFound());
  scrollTo(0, 0);
}

function loginView(reason) {
  const token = h("input", {id: "login-token", type: "password", required: true, autocomplete: "current-password",
    spellcheck: "false", testid: "login-token", "aria-describedby": "login-help login-error"});
  const submit = h("button", {type: "submit", class: "primary", testid: "login-submit"}, "Log in");
  const error = h("p", {id: "login-error", class: "error", role: "alert", testid: "login-error", hidden: !reason}, reason || "");
  const logIn = async (event) => {
    event.preventDefault();
    submit.disabled = true;
    error.hidden = true;
    try {
      await request("POST", ["session"], {body: {token: token.value.trim()}});
      user = await get(["account"]);
      go();
    } catch (e) {
      error.textContent = e.status === 401 ? "The platform does not accept this token. Check it and try again." : e.message;
      error.hidden = false;
      token.select();
    } finally {
      submit.disabled = false;
    }
  };
  return {title: "Log in", el: h("div", {class: "login card"},
    h("h1", null, "Log in"),
    h("form", {onsubmit: logIn, testid: "login-form"},
      h("label", {for: "login-token"}, "Token"), token, error, submit,
      h("p", {id: "login-help", class: "hint"}, "On the platform's machine the first account's token is in ",
        h("code", null, "client.env"), ", in its state folder.")))};
}

async function logOut(event) {
  await act(event.target, async () => {
    await request("DELETE", ["session"]);
    user = null;
    go();
    say("You are logged out");
  });
}

async function start() {
  try {
    user = await get(["account"]);
  } catch (error) {
    if (error.status !== 401) complain(error);
  }
  go();
}

addEventListener("hashchange", go);
addEventListener("session-over", () => {
  if (!user) return;
  user = null;
  show(loginView("Your session has ended. Log in again."));
});
addEventListener("unhandledrejection", (event) => complain(event.reason));
document.getElementById("logout").addEventListener("click", logOut);
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
start();
