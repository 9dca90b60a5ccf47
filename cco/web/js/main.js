// Sign-in, the way from address to view, and the drawing of the view when something has changed.

import { onOtherTab, Refused, signIn } from "./api.js";
import { h, morphChildren } from "./dom.js";
import { markScrolling } from "./parts.js";
import * as store from "./store.js";
import { Coordination } from "./views/coordination.js";
import { Costs } from "./views/costs.js";
import { Daemon } from "./views/daemon.js";
import { Overview } from "./views/overview.js";
import { Session } from "./views/session.js";
import { Sessions } from "./views/sessions.js";
import { signedOutPage } from "./views/signed-out.js";

const VIEWS = [
  ["", "Overview", Overview],
  ["sessions", "Sessions", Sessions],
  ["costs", "Costs", Costs],
  ["coordination", "Coordination", Coordination],
  ["daemon", "Daemon", Daemon],
];
const CONNECTIONS = {
  starting: ["Connecting", "waiting"],
  live: ["Live", "live"],
  waiting: ["Not connected, trying again", "waiting"],
  "signed-out": ["Signed out", "gone"],
};

const main = document.getElementById("main");
let view = null;
let refusal = "";

function route() {
  const [name = "", ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  const id = rest.length ? decodeURIComponent(rest.join("/")) : null;
  const found = VIEWS.find(([path]) => path === name) ?? VIEWS[0];
  return { path: found[0], title: found[1], View: found[0] === "sessions" && id ? Session : found[2], id };
}

function go(focus) {
  const { path, title, View, id } = route();
  view?.close?.();
  view = new View(id);
  view.redraw = draw;
  main.replaceChildren();
  document.title = `${title} · cco`;
  morphChildren(document.getElementById("nav"), [h("ul", null, VIEWS.map(([one, name]) =>
    h("li", null, h("a", { href: `#/${one}`, "aria-current": one === path ? "page" : null }, name))))]);
  store.want(view.needs);
  draw();
  if (focus) main.focus();
  scrollTo(0, 0);
}

function draw() {
  const { connection } = store.state;
  const [text, kind] = CONNECTIONS[connection];
  const place = document.getElementById("connection");
  place.className = `connection ${kind}`;
  morphChildren(place, [h("span", { class: "dot", "aria-hidden": "true" }), h("span", null, text)]);
  document.getElementById("nav").hidden = connection === "signed-out";
  const shown = connection === "signed-out" ? signedOutPage(refusal) : view.draw(store.state);
  morphChildren(main, shown.filter(Boolean));
  if (connection !== "signed-out") view.drawn?.(store.state);
  markScrolling(main);
}

async function begin() {
  const code = location.pathname === "/sign-in" ? location.hash.slice(1) : "";
  if (location.pathname !== "/") history.replaceState(null, "", "/");
  if (code) {
    try {
      await signIn(code);
    } catch (error) {
      refusal = error instanceof Refused ? error.message : "the daemon does not answer";
    }
  }
  go(false);
  store.start();
}

store.onChange(draw);
addEventListener("hashchange", () => go(true));
addEventListener("resize", () => markScrolling(main));
document.getElementById("skip").onclick = (event) => {
  event.preventDefault();
  main.focus();
};
document.addEventListener("visibilitychange", () => {
  if (store.state.connection === "signed-out") return;
  if (document.hidden) store.stop();
  else store.start();
});
onOtherTab(() => {
  refusal = "";
  if (store.state.connection === "signed-out") {
    store.state.connection = "starting";
    go(false); // what it knew was of another run of the daemon
  }
  store.start();
});
begin();
