// One session: its agents, its cost as it grew, everything that happened.

import { Chart, COST } from "../charts.js";
import { h } from "../dom.js";
import { clock, compact, duration, limit, moment, plural, projectName, tokens, usd, whole } from "../format.js";
import { agentsAtWork, card, empty, figures, hint, money, notice, sessionStatus, stateOf, usageTable } from "../parts.js";
import { Scroller } from "../scroller.js";
import { onEvents } from "../store.js";
import { Events, GROUPS, growth, timelineOf } from "../timeline.js";
import { agentTree } from "../tree.js";

const TOKENS = { name: "Tokens", color: "--muted", format: whole, short: compact };

const TOGETHER_MS = 250;

export class Session {
  needs = ["sessions", "budget"];
  allAgents = false;
  group = GROUPS[0];
  chart = new Chart("Cost and tokens of this session", "line", [COST, TOKENS], clock);
  scroller = new Scroller("Timeline", timelineOf(() => this.session), (event) => event.id, (event) => event.kind.startsWith("agent."));

  constructor(id) {
    this.id = id;
    this.events = new Events(id, () => this.later());
    this.unlisten = onEvents((event) => this.events.take(event));
  }

  close() {
    this.unlisten();
    clearTimeout(this.timer);
    this.events.close();
    this.chart.close();
    this.scroller.watch.disconnect();
  }

  draw({ sessions, sessionsLoaded, resources }) {
    const session = sessions.get(this.id);
    const back = h("p", { class: "crumb" }, h("a", { href: "#/sessions" }, "All sessions"));
    if (!session) {
      return [back, h("h1", null, "Session"), empty(sessionsLoaded ? "The daemon knows no such session; it may be in the totals only, by now." : "Loading…")];
    }
    this.session = session;
    const atWork = agentsAtWork(session).length;
    const budget = resources.budget.data?.sessions?.find((one) => one.session_id === this.id);
    return [
      back,
      h("h1", null, projectName(session.project)),
      h("p", { class: "facts" }, stateOf(sessionStatus(session)), h("span", null, session.model ?? "no model yet"),
        h("span", null, `started ${moment(session.started_at)}`), h("span", null, h("code", null, session.project || "no folder known")),
        h("span", null, h("code", null, session.session_id))),
      session.orchestrated ? null : notice("This session was not launched by cco: only its telemetry is known, and it is in no total."),
      figures(
        ["Cost", money(session.usage.cost_usd), budget?.limit_usd ? `${budget.used_percent} % of ${limit(budget.limit_usd)}` : plural(session.usage.calls, "model call")],
        ["Tokens", compact(tokens(session.usage)), `${compact(session.usage.output_tokens)} of them output`],
        ["Agents", whole(session.agents.length), atWork ? `${atWork} at work` : "none at work"],
        ["Duration", duration((session.ended_at ?? Date.now() / 1000) - session.started_at), plural(session.prompts, "prompt")],
        ["Files edited", whole(session.files_edited), session.conflicts === undefined ? null : plural(session.conflicts, "conflict")],
        ["API errors", whole(session.api_errors), plural(session.compactions, "compaction")],
      ),
      card("Agents", ...agentTree(session, this.allAgents, () => this.showAllAgents()),
        session.agents.length ? hint("Each row's cost is its own, without the agents that it started.") : null),
      card("Cost and tokens over time", this.calls().length ? this.chart.element : empty(this.events.loaded ? "No model call is among the kept events." : "Loading…")),
      Object.keys(session.models).length ? card("Models", usageTable("Cost by model", "model", this.models(session), session.usage)) : null,
      card("Timeline", ...this.timeline()),
    ];
  }

  models(session) {
    return Object.entries(session.models).map(([model, usage]) => ({ model, ...usage })).sort((one, other) => other.cost_usd - one.cost_usd);
  }

  timeline() {
    const { events } = this;
    if (!events.loaded) return [empty("Loading…")];
    return [
      events.error ? notice(events.error, true) : null,
      events.complete ? null : h("p", { class: "muted" }, "The daemon keeps the latest 10,000 events of all sessions; earlier ones of this session may be missing."),
      h("div", { class: "tools", role: "group", "aria-label": "What to show" }, GROUPS.map((group) =>
        h("button", { type: "button", "data-group": group[0], "aria-pressed": String(group === this.group), onclick: () => this.choose(group) }, group[1])),
        h("span", { class: "muted", id: "events" }, plural(this.rows().length, "event"))),
      this.scroller.element,
    ];
  }

  calls() {
    return this.events.list.filter((event) => event.kind === "call");
  }

  rows() {
    return this.events.list.filter(this.group[2]).reverse();
  }

  choose(group) {
    this.group = group;
    for (const button of document.querySelectorAll("[data-group]")) button.setAttribute("aria-pressed", String(button.dataset.group === group[0]));
    this.scroller.element.scrollTop = 0;
    this.showEvents();
  }

  showAllAgents() {
    this.allAgents = true;
    this.redraw?.();
  }

  // Many events come at once; they are shown together.
  later() {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      if (!this.scroller.element.isConnected || (!this.chart.element.isConnected && this.calls().length)) this.redraw?.();
      else this.showEvents();
    }, TOGETHER_MS);
  }

  showEvents() {
    const rows = this.rows();
    const count = document.getElementById("events");
    if (count) count.textContent = plural(rows.length, "event");
    if (this.scroller.element.isConnected) this.scroller.show(rows);
  }

  drawn() {
    if (!this.session) return;
    if (!this.events.loaded) this.events.load();
    this.showEvents();
    const data = growth(this.events.list, this.session);
    if (data[0].length) this.chart.show(data, `${usd(this.session.usage.cost_usd)} and ${whole(tokens(this.session.usage))} tokens by ${clock(data[0].at(-1))}`);
  }
}
