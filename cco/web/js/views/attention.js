// What a person should look at now, and what to do about it; what is out of the ordinary in a session.

import { h } from "../dom.js";
import { duration, limit, plural, shortId, usd } from "../format.js";
import { card, code, MAIN, pathOf, sessionLink } from "../parts.js";

export const QUIET_S = 60;

const SPENT = { near: "nearly used up", reached: "used up" };
const REFUSED = { near: "Once it is, new agents are refused, then new prompts.", reached: "New agents and prompts are refused." };

// What is out of the ordinary in one session, in a few words each.
export function signsOf(session, budget) {
  const quiet = Date.now() / 1000 - session.last_seen_at;
  return [
    session.waiting.length ? "waits for you" : null,
    session.conflicts ? plural(session.conflicts, "edit conflict") : null,
    session.api_errors ? plural(session.api_errors, "API error") : null,
    budget?.limit_usd ? `${budget.used_percent} % of its budget` : null,
    session.status === "running" && quiet >= QUIET_S ? `quiet for ${duration(Math.floor(quiet / 60) * 60)}` : null,
  ].filter(Boolean);
}

// A card, or null where nothing is to be done.
export function attention(running, budget, leases) {
  const byId = new Map((budget?.sessions ?? []).map((one) => [one.session_id, one]));
  const items = [
    ...running.flatMap(waits),
    budget && budgetItem("day", h("a", { href: "#/costs" }, "Today"), budget.day, "cco budget set USD --day"),
    ...running.map((session) =>
      budgetItem(`budget ${session.session_id}`, sessionLink(session), byId.get(session.session_id), `cco budget set USD --session ${session.session_id}`)),
    ...shared(leases ?? []),
  ].filter(Boolean);
  return items.length ? card("Needs attention", h("ul", { class: "attention" }, items)) : null;
}

// What a person is asked in a session, one line for each who asks.
function waits(session) {
  const asking = new Map();
  for (const one of session.waiting) asking.set(one.agent_id, [...(asking.get(one.agent_id) ?? []), one]);
  return [...asking.values()].map((all) =>
    item(`waiting ${session.session_id} ${all[0].agent_id}`, "waiting", sessionLink(session),
      `${all[0].agent_id ? (all[0].agent ?? "an agent") : "the session itself"} has waited ${duration(Date.now() / 1000 - all[0].since)} for you, to go on with ${all.map((one) => one.tool).join(", ")}. Answer in its terminal.`));
}

// Files that several edit at this moment.
function shared(leases) {
  const editors = new Map();
  for (const one of leases) editors.set(one.path, [...(editors.get(one.path) ?? []), one]);
  return [...editors].filter(([, all]) => all.length > 1).map(([path, all]) =>
    item(`file ${path}`, "near", h("a", { href: "#/coordination" }, pathOf(all[0])),
      `edited at once by ${all.map((one) => `${one.agent ?? MAIN} in ${shortId(one.session_id)}`).join(", ")}. Whoever came later was told.`));
}

function budgetItem(key, whose, standing, command) {
  if (!(standing?.state in SPENT)) return null;
  return item(key, standing.state, whose,
    `Budget ${SPENT[standing.state]}: ${usd(standing.spent_usd)} of ${limit(standing.limit_usd)} (${standing.used_percent} %). ${REFUSED[standing.state]} Raise it: `, code(command));
}

const item = (key, state, whose, ...words) =>
  h("li", { key, class: state }, h("span", { class: "dot", "aria-hidden": "true" }), h("span", null, whose, ": ", ...words));
