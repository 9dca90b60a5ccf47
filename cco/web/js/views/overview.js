// What runs now, and what it costs.

import { Chart, COST } from "../charts.js";
import { h } from "../dom.js";
import { duration, limit, moment, plural, usd } from "../format.js";
import { byHour, hourName, sinceMidnight } from "../hours.js";
import { agentsAtWork, card, code, empty, figures, hint, money, sessionLink, sessionStatus, STATE, stateOf, statusIn, table, usageTable } from "../parts.js";
import { newestFirst } from "../store.js";
import { inOrder, modelOf } from "../tree.js";
import { attention, signsOf } from "./attention.js";
import { healthOf, problems, unserved } from "./problems.js";

const HOURS = 24;
const RECENT = 8;

const about = (words) => (words ? h("span", { class: "about" }, words) : null);

export class Overview {
  needs = ["sessions", "usage", "health", "budget", "leases"];
  chart = new Chart("Cost by hour", "bars", [COST], hourName, "Hour");

  close() {
    this.chart.close();
  }

  draw({ sessions, sessionsLoaded, resources }) {
    const all = newestFirst();
    const running = all.filter((one) => one.status === "running" && one.orchestrated);
    const usage = resources.usage.data;
    const budget = resources.budget.data;
    if (sessionsLoaded && !all.length && usage && !usage.total.calls) return this.nothing(resources);
    return [
      h("h1", { class: "hidden" }, "Overview"),
      ...problems(resources, ["usage", "health"]),
      this.figures(running, usage, resources),
      attention(running, budget, resources.leases.data?.leases),
      this.running(running, sessionsLoaded, budget),
      card(`Cost by hour, the last ${HOURS} hours`, usage ? this.cost(usage) : unserved(resources.usage)),
      usage ? h("div", { class: "pair", key: "pair" },
        card("Most expensive agents, in total", usage.agents.length ? usageTable("Cost by agent", "agent", usage.agents.slice(0, RECENT), usage.total, { brief: true }) : empty("No model call yet.")),
        card("Models, in total", usage.models.length ? usageTable("Cost by model", "model", usage.models, usage.total, { brief: true }) : empty("No model call yet."))) : null,
      card("Recent sessions", this.latest(all, sessionsLoaded)),
    ];
  }

  nothing(resources) {
    return [
      h("h1", { class: "hidden" }, "Overview"),
      ...problems(resources, ["usage", "health"]),
      this.figures([], resources.usage.data, resources),
      card("Nothing has run yet",
        empty("In a project's folder, start Claude Code with ", code("cco"), ". The session appears here as it begins: its agents, what each does, and what it costs."),
        hint(code("cco demo"), " shows how it works, without an account.")),
    ];
  }

  figures(running, usage, { health, budget }) {
    const agents = running.flatMap(agentsAtWork);
    const day = budget.data?.day;
    const today = usage ? sinceMidnight(usage.hours) : null;
    return figures(
      ["Cost today", usage ? money(today) : "…", day?.limit_usd ? `${day.used_percent} % of ${limit(day.limit_usd)}` : null],
      ["Cost in total", usage ? money(usage.total.cost_usd) : "…", usage ? plural(usage.total.calls, "model call") : null],
      ["Running sessions", String(running.length)],
      ["Agents at work", String(agents.length)],
      ["Edit conflicts", String(running.reduce((sum, one) => sum + (one.conflicts ?? 0), 0)), "in running sessions"],
      ["Daemon", healthOf(health), health.data && !health.error ? `up ${duration(health.data.uptime_s)}` : null],
    );
  }

  running(sessions, loaded, budget) {
    if (!sessions.length) {
      return card("Running now", loaded ? empty("No session runs. Start one in a project's folder: ", code("cco")) : empty("Loading…"));
    }
    const rows = sessions.flatMap((session) => [
      { key: session.session_id, session },
      ...inOrder(agentsAtWork(session)).map(({ run, depth }) => ({ key: `${session.session_id} ${run.agent_id}`, session, run, depth })),
    ]);
    const budgets = new Map((budget?.sessions ?? []).map((one) => [one.session_id, one]));
    return card("Running now", table("Running sessions and their agents", [
      { name: "Session and its agents", cell: ({ session, run }) => (run ? h("span", { class: "branch" }, run.name ?? "(unknown)", about(run.description)) : [sessionLink(session), about(signsOf(session, budgets.get(session.session_id)).join(" · "))]), props: ({ depth }) => ({ style: { "--depth": depth ?? 0 } }) },
      { ...STATE, cell: ({ session, run }) => stateOf(run ? statusIn(session, run) : sessionStatus(session)) },
      { name: "Model", wide: true, cell: ({ session, run }) => modelOf(run ?? session) },
      { name: "Duration", number: true, wide: true, cell: ({ session, run }) => duration(Date.now() / 1000 - (run ?? session).started_at) },
      { name: "Cost", number: true, cell: ({ session, run }) => money((run ?? session).usage.cost_usd) },
    ], rows, { key: (row) => row.key, className: "tree" }),
    hint("A session's cost includes that of its agents; an agent's is its own."));
  }

  cost(usage) {
    return usage.hours.length ? this.chart.element : empty("No model call yet.");
  }

  latest(all, loaded) {
    if (!all.length) return loaded ? empty("No session yet. Start one in a project's folder: ", code("cco")) : empty("Loading…");
    return [table("Recent sessions", [
      { name: "Session", cell: sessionLink },
      { ...STATE, cell: (one) => stateOf(sessionStatus(one)) },
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
