// The agents of a session under those that started them.

import { h } from "./dom.js";
import { compact, duration, tokens, whole } from "./format.js";
import { MAIN, money, STATE, stateOf, statusIn, table } from "./parts.js";

const SHOWN = 200;

// Depth first, each under its parent; one whose parent is unknown stands at the top.
export function inOrder(agents) {
  const children = new Map();
  const known = new Set(agents.map((run) => run.agent_id));
  for (const run of agents) {
    const parent = known.has(run.parent_id) && run.parent_id !== run.agent_id ? run.parent_id : null;
    if (!children.has(parent)) children.set(parent, []);
    children.get(parent).push(run);
  }
  const rows = [];
  const seen = new Set();
  const visit = (parent, depth, by) => {
    for (const run of children.get(parent) ?? []) {
      if (seen.has(run.agent_id)) continue;
      seen.add(run.agent_id);
      rows.push({ run, depth, by });
      visit(run.agent_id, depth + 1, run.name ?? "(unknown)");
    }
  };
  visit(null, 1, null);
  for (const run of agents) if (!seen.has(run.agent_id)) rows.push({ run, depth: 1, by: null });
  return rows;
}

export function agentTree(session, all, showAll) {
  const rows = inOrder(session.agents);
  const own = { agent_id: "", status: session.status, model: session.model, usage: session.own_usage, tool_calls: session.tool_calls, started_at: session.started_at, ended_at: session.ended_at };
  const shown = all ? rows : rows.slice(0, SHOWN);
  const now = Date.now() / 1000;
  return [
    table("Agents", [
      { name: "Agent", cell: name, props: ({ depth }) => ({ style: { "--depth": depth } }) },
      { ...STATE, cell: ({ run }) => stateOf(statusIn(session, run)) },
      { name: "Model", wide: true, cell: ({ run }) => modelOf(run) },
      { name: "Duration", number: true, wide: true, cell: ({ run }) => duration((run.ended_at ?? now) - run.started_at) },
      { name: "Tool calls", number: true, wide: true, roomy: true, cell: ({ run }) => whole(run.tool_calls) },
      { name: "Model calls", number: true, wide: true, roomy: true, cell: ({ run }) => whole(run.usage.calls) },
      { name: "Tokens", number: true, wide: true, roomy: true, cell: ({ run }) => h("span", { title: whole(tokens(run.usage)) }, compact(tokens(run.usage))) },
      { name: "Cost", number: true, cell: ({ run }) => money(run.usage.cost_usd) },
    ], [{ run: own, depth: 0, by: null }, ...shown], {
      key: ({ run }) => run.agent_id || "(session)",
      className: "tree",
      foot: ["Total", "", "", "", whole(toolCalls(session)), whole(session.usage.calls), compact(tokens(session.usage)), money(session.usage.cost_usd)],
    }),
    shown.length < rows.length ? h("p", null, h("button", { type: "button", onclick: showAll }, `Show all ${rows.length} agents`)) : null,
  ];
}

const toolCalls = (session) => session.agents.reduce((sum, run) => sum + run.tool_calls, session.tool_calls);

export const modelOf = (one) => (one.model ? h("span", { class: "model", title: one.model }, one.model) : h("span", { class: "muted" }, "none called yet"));

function name({ run, depth, by }) {
  if (!depth) return [MAIN, h("span", { class: "about" }, "the main conversation")];
  return h("span", { class: "branch" }, run.name ?? "(unknown)",
    by ? h("span", { class: "hidden" }, `, started by ${by}`) : null,
    run.description ? h("span", { class: "about" }, run.description) : null);
}
