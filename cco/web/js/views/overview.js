// What runs now, and what it costs.

import { Chart, COST } from "../charts.js";
import { h } from "../dom.js";
import { duration, moment, plural, sessionHref, usd } from "../format.js";
import { byHour, hourName, sinceMidnight } from "../hours.js";
import { agentsAtWork, card, empty, figures, money, sessionLink, STATE, stateOf, table, usageTable } from "../parts.js";
import { newestFirst } from "../store.js";
import { inOrder } from "../tree.js";
import { problems, unserved } from "./problems.js";

const HOURS = 24;
const RECENT = 8;

export class Overview {
  needs = ["sessions", "usage", "health", "budget"];
  chart = new Chart("Cost by hour", "bars", [COST], hourName, "Hour");

  close() {
    this.chart.close();
  }

  draw({ sessions, sessionsLoaded, resources }) {
    const all = newestFirst();
    const running = all.filter((one) => one.status === "running" && one.orchestrated);
    const usage = resources.usage.data;
    return [
      h("h1", { class: "hidden" }, "Overview"),
      ...problems(resources, ["usage", "health"]),
      this.figures(running, usage, resources),
      this.running(running, sessionsLoaded),
      card(`Cost by hour, the last ${HOURS} hours`, usage ? this.cost(usage) : unserved(resources.usage)),
      usage ? h("div", { class: "pair", key: "pair" },
        card("Most expensive agents", usage.agents.length ? usageTable("Cost by agent", "agent", usage.agents.slice(0, RECENT), null) : empty("Nothing was called yet.")),
        card("Models", usage.models.length ? usageTable("Cost by model", "model", usage.models, null) : empty("Nothing was called yet."))) : null,
      card("Recent sessions", this.latest(all, sessionsLoaded)),
    ];
  }

  figures(running, usage, { health, budget }) {
    const agents = running.flatMap(agentsAtWork);
    const day = budget.data?.day;
    const today = usage ? sinceMidnight(usage.hours) : null;
    return figures(
      ["Cost today", usage ? money(today) : "…", day?.limit_usd ? `${day.used_percent} % of ${usd(day.limit_usd)}` : null],
      ["Cost in total", usage ? money(usage.total.cost_usd) : "…", usage ? plural(usage.total.calls, "model call") : null],
      ["Running sessions", String(running.length)],
      ["Agents at work", String(agents.length)],
      ["Daemon", health.data ? h("span", { class: "state live" }, h("span", { class: "dot", "aria-hidden": "true" }), "healthy") : "…",
        health.data ? `up ${duration(health.data.uptime_s)}` : null],
    );
  }

  running(sessions, loaded) {
    if (!sessions.length) {
      return card("Running now", empty(loaded ? "No session runs. Start one: cco" : "Loading…"));
    }
    const rows = sessions.flatMap((session) => [
      { key: session.session_id, session },
      ...inOrder(agentsAtWork(session)).map(({ run, depth }) => ({ key: `${session.session_id} ${run.agent_id}`, session, run, depth })),
    ]);
    return card("Running now", table("Running sessions and their agents", [
      { name: "Session, agent", cell: ({ session, run }) => (run ? h("span", { class: "branch" }, run.name ?? "(unknown)", run.description ? h("span", { class: "about" }, run.description) : null) : sessionLink(session)), props: ({ depth }) => ({ style: { "--depth": depth ?? 0 } }) },
      { ...STATE, cell: ({ session, run }) => stateOf(run ? run.status : session.status) },
      { name: "Model", wide: true, cell: ({ session, run }) => (run ?? session).model ?? "" },
      { name: "For", number: true, cell: ({ session, run }) => duration(Date.now() / 1000 - (run ?? session).started_at) },
      { name: "Cost", number: true, cell: ({ session, run }) => money((run ?? session).usage.cost_usd) },
    ], rows, { key: (row) => row.key, className: "tree" }));
  }

  cost(usage) {
    return usage.hours.length ? this.chart.element : empty("Nothing was called yet.");
  }

  latest(all, loaded) {
    if (!all.length) return empty(loaded ? "No session yet. Start one: cco" : "Loading…");
    return [table("Recent sessions", [
      { name: "Session", cell: sessionLink },
      { ...STATE, cell: (one) => stateOf(one.status) },
      { name: "Started", wide: true, cell: (one) => moment(one.started_at) },
      { name: "Agents", number: true, wide: true, cell: (one) => String(one.agents.length) },
      { name: "Cost", number: true, cell: (one) => money(one.usage.cost_usd) },
    ], all.slice(0, RECENT), { key: (one) => one.session_id }), all.length > RECENT ? h("p", null, h("a", { href: "#/sessions" }, `All ${all.length} sessions`)) : null];
  }

  drawn({ resources }) {
    const usage = resources.usage.data;
    if (!usage?.hours.length) return;
    const [times, costs] = byHour(usage.hours, HOURS);
    this.chart.show([times, costs], `${usd(costs.reduce((sum, one) => sum + one, 0))} in ${HOURS} hours`);
  }
}
