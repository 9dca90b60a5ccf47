// Every session that the daemon keeps.

import { h } from "../dom.js";
import { compact, duration, moment, plural, tokens, whole } from "../format.js";
import { empty, money, sessionLink, STATE, stateOf } from "../parts.js";
import { Scroller } from "../scroller.js";
import { newestFirst } from "../store.js";

const COLUMNS = [
  { name: "Session", cell: sessionLink },
  { ...STATE, width: "7.5rem", cell: (one) => stateOf(one.status) },
  { name: "Started", width: "8.5rem", wide: true, cell: (one) => moment(one.started_at) },
  { name: "Lasted", width: "7rem", wide: true, cell: (one) => duration((one.ended_at ?? one.last_seen_at) - one.started_at) },
  { name: "Model", width: "11rem", wide: true, cell: (one) => one.model ?? "" },
  { name: "Agents", width: "5.5rem", number: true, wide: true, cell: (one) => whole(one.agents.length) },
  { name: "Tokens", width: "6rem", number: true, wide: true, cell: (one) => compact(tokens(one.usage)) },
  { name: "Cost", width: "6.5rem", number: true, cell: (one) => money(one.usage.cost_usd) },
];

export class Sessions {
  needs = ["sessions"];
  scroller = new Scroller("All sessions", COLUMNS, (one) => one.session_id);
  text = "";
  onlyRunning = false;

  draw({ sessions, sessionsLoaded }) {
    const rows = this.rows();
    return [
      h("h1", null, "Sessions"),
      h("div", { class: "tools" },
        h("label", { class: "hidden", for: "filter" }, "Find a session by project, id or model"),
        h("input", { id: "filter", type: "search", placeholder: "Project, id or model", oninput: (event) => this.filter({ text: event.target.value }) }),
        h("button", { type: "button", "aria-pressed": String(this.onlyRunning), onclick: () => this.filter({ onlyRunning: !this.onlyRunning }) }, "Only running"),
        h("span", { class: "muted", id: "shown" }, this.count(rows))),
      sessionsLoaded && !sessions.size ? empty("No session yet. Start one: cco") : this.scroller.element,
    ];
  }

  count(rows) {
    return plural(rows.length, "session");
  }

  rows() {
    const text = this.text.trim().toLowerCase();
    return newestFirst().filter((one) =>
      (!this.onlyRunning || one.status === "running") &&
      (!text || [one.project, one.session_id, one.model ?? ""].some((part) => part.toLowerCase().includes(text))));
  }

  filter(change) {
    Object.assign(this, change);
    const rows = this.rows();
    document.getElementById("shown").textContent = this.count(rows);
    document.querySelector(".tools button").setAttribute("aria-pressed", String(this.onlyRunning));
    this.scroller.element.scrollTop = 0;
    this.scroller.show(rows);
  }

  drawn() {
    this.scroller.show(this.rows());
  }

  close() {
    this.scroller.watch.disconnect();
  }
}
