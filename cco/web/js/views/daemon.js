// How the daemon is, and signing out.

import { signOut } from "../api.js";
import { h } from "../dom.js";
import { duration, moment, ordinal, whole } from "../format.js";
import { card, figures } from "../parts.js";
import { signedOut } from "../store.js";
import { healthOf, problems } from "./problems.js";

export class Daemon {
  needs = ["health", "sessions", "usage"];

  draw({ resources, lastEvent, sessions, connection }) {
    const { data: health } = resources.health;
    const { data: usage } = resources.usage;
    return [
      h("h1", null, "Daemon"),
      ...problems(resources, ["health"]),
      figures(
        ["Health", healthOf(resources.health)],
        ["Version", health?.version ?? "…"],
        ["Uptime", health ? duration(health.uptime_s) : "…"],
        ["Sessions kept", String(sessions.size), usage?.folded_sessions ? `${usage.folded_sessions} older ones only in the totals` : null],
        ["Last event", lastEvent ? moment(lastEvent.time) : "none", lastEvent ? `the ${whole(lastEvent.id)}${ordinal(lastEvent.id)} of this run` : "since this page is open"],
      ),
      card("This run",
        h("p", null, "Address ", h("code", null, location.origin)),
        h("p", null, "Run id ", h("code", null, health?.instance ?? "…")),
        h("p", { class: "muted" }, "At the terminal: ", h("code", null, "cco doctor"), ", ", h("code", null, "cco daemon logs"), ", ", h("code", null, "cco daemon restart"), ". After a restart sign in again with ", h("code", null, "cco dashboard"), ".")),
      card("This browser",
        h("p", null, connection === "live" ? "Signed in; what happens is shown as it happens." : "Signed in; the connection is being made."),
        h("p", null, h("button", { type: "button", onclick: leave }, "Sign out"))),
    ];
  }
}

async function leave() {
  await signOut();
  signedOut();
}
