// How today and the running sessions stand against their budgets.

import { h } from "../dom.js";
import { limit, projectName, sessionHref, shortId, usd } from "../format.js";
import { code, empty, hint, money, table } from "../parts.js";
import { unserved } from "./problems.js";

export function budgets(resource) {
  if (!resource.data) return [unserved(resource)];
  const { day, sessions } = resource.data;
  const rows = [{ ...day, name: "Today, all sessions" }, ...sessions.map((one) => ({ ...one, name: nameOf(one) }))]
    .filter((one) => one.limit_usd !== null);
  if (!rows.length) {
    return [h("p", null, "Spent today: ", money(day.spent_usd)),
      empty("No budget is set. Set one for a new session: ", code("cco --budget 5"), "; for today: ", code("cco budget set 20 --day"))];
  }
  return [table("Budgets", [
    { name: "Budget of", cell: (one) => one.name },
    { name: "Used", cell: used },
    { name: "Spent", number: true, wide: true, cell: (one) => money(one.spent_usd) },
    { name: "Limit", number: true, wide: true, cell: (one) => limit(one.limit_usd) },
  ], rows, { key: (one) => one.session_id ?? "day" }),
  hint("At 80 % agents are told; at 100 % new agents are refused, then new prompts. Change one: ", code("cco budget set USD --session ID"), " or ", code("--day"), ".")];
}

const nameOf = (one) => h("a", { href: sessionHref(one.session_id), title: `${one.project} ${one.session_id}` }, `${projectName(one.project)} · ${shortId(one.session_id)}`);

function used(one) {
  const state = { near: ", nearly used up", reached: ", used up" }[one.state] ?? "";
  return [h("span", { class: `state ${one.state}` }, `${one.used_percent} %${state}`),
    h("span", { class: `meter ${one.state}`, "aria-hidden": "true" }, h("span", { style: { width: `${Math.min(100, one.used_percent)}%` } })),
    h("span", { class: "narrow" }, `${usd(one.spent_usd)} of ${limit(one.limit_usd)}`)];
}
