// Every session that the daemon keeps.

import { h } from "../dom.js";
import { compact, duration, moment, plural, projectName, sessionHref, shortId, tokens, whole } from "../format.js";
import { code, empty, money, sessionStatus, STATE, stateOf } from "../parts.js";
import { Scroller } from "../scroller.js";
import { newestFirst } from "../store.js";
import { modelOf } from "../tree.js";

// Where it is narrow, the id is on a line of its own.
const link = (one) => h("a", { href: sessionHref(one.session_id), title: `${one.project} ${one.session_id}` },
  projectName(one.project), h("span", { class: "wide" }, ` · ${shortId(one.session_id)}`));

const COLUMNS = [
  { name: "Session", cell: (one) => [link(one), h("span", { class: "narrow" }, `${shortId(one.session_id)}, ${moment(one.started_at)}, ${plural(one.agents.length, "agent")}`)] },
  { ...STATE, width: "7.5rem", cell: (one) => stateOf(sessionStatus(one)) },
  { name: "Started", width: "8.5rem", wide: true, cell: (one) => moment(one.started_at) },
  { name: "Duration", width: "8.5rem", number: true, wide: true, roomy: true, cell: (one) => duration((one.ended_at ?? Date.now() / 1000) - one.started_at) },
  { name: "Model", width: "11rem", wide: true, roomy: true, cell: modelOf },
  { name: "Agents", width: "5.5rem", number: true, wide: true, cell: (one) => whole(one.agents.length) },
  { name: "Tokens", width: "6rem", number: true, wide: true, roomy: true, cell: (one) => compact(tokens(one.usage)) },
  { name: "Cost", width: "6.5rem", number: true, cell: (one) => money(one.usage.cost_usd) },
];

export class Sessions {
  needs = ["sessions"];
  scroller = new Scroller("All sessions", COLUMNS, (one) => one.session_id, (one) => one.status === "running");
  text = "";
  onlyRunning = false;
  dearestFirst = false;

  draw({ sessions, sessionsLoaded }) {
    const rows = this.rows();
    return [
      h("h1", null, "Sessions"),
      h("div", { class: "tools" },
        h("label", { class: "hidden", for: "filter" }, "Find a session by project, id or model"),
        h("input", { id: "filter", type: "search", placeholder: "Project, id or model", oninput: (event) => this.filter({ text: event.target.value }) }),
        h("button", { type: "button", "data-choice": "onlyRunning", "aria-pressed": String(this.onlyRunning), onclick: () => this.filter({ onlyRunning: !this.onlyRunning }) }, "Only running"),
        h("button", { type: "button", "data-choice": "dearestFirst", "aria-pressed": String(this.dearestFirst), onclick: () => this.filter({ dearestFirst: !this.dearestFirst }) }, "Most expensive first"),
        h("span", { class: "muted", id: "shown" }, this.count(rows))),
      sessionsLoaded && !sessions.size ? empty("No session yet. Start one in a project's folder: ", code("cco")) : this.scroller.element,
    ];
  }

  count(rows) {
    return plural(rows.length, "session");
  }

  rows() {
    const text = this.text.trim().toLowerCase();
    const found = newestFirst().filter((one) =>
      (!this.onlyRunning || one.status === "running") &&
      (!text || [one.project, one.session_id, one.model ?? ""].some((part) => part.toLowerCase().includes(text))));
    return this.dearestFirst ? found.sort((one, other) => other.usage.cost_usd - one.usage.cost_usd) : found;
  }

  filter(change) {
    Object.assign(this, change);
    const rows = this.rows();
    document.getElementById("shown").textContent = this.count(rows);
    for (const button of document.querySelectorAll("[data-choice]")) button.setAttribute("aria-pressed", String(this[button.dataset.choice]));
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
