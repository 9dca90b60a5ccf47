// What everything cost: over time, by agent, by model, by project, and of which budget.

import { Chart, COST } from "../charts.js";
import { h } from "../dom.js";
import { compact, plural, projectName, tokens, usd } from "../format.js";
import { byDay, byHour, dayName, hourName } from "../hours.js";
import { card, empty, figures, money, usageTable } from "../parts.js";
import { budgets } from "./budgets.js";
import { problems, unserved } from "./problems.js";

const SPANS = [
  ["24 hours", byHour, 24],
  ["7 days", byHour, 168],
  ["30 days", byDay, 30],
];

export class Costs {
  needs = ["usage", "budget"];
  span = SPANS[0];
  chart = new Chart("Cost over time", "bars", [COST], (at) => (this.span[1] === byDay ? dayName(at) : hourName(at)), "From");

  close() {
    this.chart.close();
  }

  draw({ resources }) {
    const usage = resources.usage.data;
    if (!usage) return [h("h1", null, "Costs"), ...problems(resources, ["usage"]), unserved(resources.usage)];
    const total = usage.total;
    return [
      h("h1", null, "Costs"),
      ...problems(resources, ["usage", "budget"]),
      figures(
        ["Cost", money(total.cost_usd), `${plural(total.calls, "model call")} in total`],
        ["Input tokens", compact(total.input_tokens), "not from the cache"],
        ["Output tokens", compact(total.output_tokens)],
        ["Cache read", compact(total.cache_read_tokens), "tokens sent before"],
        ["Cache write", compact(total.cache_creation_tokens), "tokens kept for later"],
      ),
      card("Budgets", ...budgets(resources.budget)),
      card("Cost over time",
        h("div", { class: "tools", role: "group", "aria-label": "Span of time" }, SPANS.map((one) =>
          h("button", { type: "button", "aria-pressed": String(one === this.span), onclick: () => this.choose(one) }, one[0]))),
        usage.hours.length ? this.chart.element : empty("No model call yet.")),
      usage.agents.length ? card("By agent, in total", usageTable("Cost by agent", "agent", usage.agents, total)) : null,
      usage.models.length ? h("div", { class: "pair", key: "pair" },
        card("By model, in total", usageTable("Cost by model", "model", usage.models, total)),
        card("By project, in total", usageTable("Cost by project", "project", usage.projects, total, { cellOf: (row) => h("span", { title: row.project }, projectName(row.project)) }))) : null,
      usage.foreign.sessions ? card("Not launched by cco",
        h("p", null, `${plural(usage.foreign.sessions, "session")} of Claude Code that only sent telemetry here: `, money(usage.foreign.cost_usd), `, ${compact(tokens(usage.foreign))} tokens. They are in no figure above.`)) : null,
    ];
  }

  choose(span) {
    this.span = span;
    for (const button of document.querySelectorAll(".tools button")) button.setAttribute("aria-pressed", String(button.textContent === span[0]));
    this.chart.plot?.destroy();
    this.chart.plot = null;
    this.update();
  }

  drawn({ resources }) {
    this.usage = resources.usage.data;
    this.update();
  }

  update() {
    if (!this.usage?.hours.length) return;
    const [name, by, count] = this.span;
    const [times, costs] = by(this.usage.hours, count);
    this.chart.show([times, costs], `${usd(costs.reduce((sum, one) => sum + one, 0))} in ${name}`);
  }
}
