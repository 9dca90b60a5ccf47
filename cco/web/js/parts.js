// Pieces that several views are made of.

import { h } from "./dom.js";
import { compact, inProject, plural, projectName, sessionHref, shortId, tokens, usd, whole } from "./format.js";
import { state } from "./store.js";

export const money = (amount) => h("data", { value: String(amount), title: `$${amount}` }, usd(amount));

export const card = (title, ...contents) =>
  h("section", { class: "card", key: `card ${title}`, "aria-label": title }, h("header", null, h("h2", null, title)), ...contents);

export const figures = (...pairs) =>
  h("dl", { class: "figures" }, pairs.map(([name, value, more]) =>
    h("div", { key: name }, h("dt", null, name), h("dd", null, value, more ? h("small", null, more) : null))));

export const empty = (...words) => h("p", { class: "empty" }, ...words);
export const hint = (...words) => h("p", { class: "muted hint" }, ...words);
export const code = (text) => h("code", null, text);
export const notice = (words, bad = false) => h("p", { class: bad ? "notice bad" : "notice" }, words);

// A session's own conversation, as the API names it.
export const MAIN = "(session itself)";

const STATES = { running: "running", waiting: "waiting", done: "done", ended: "ended", lost: "no end heard" };

export const stateOf = (status) =>
  h("span", { class: `state ${status}` }, h("span", { class: "dot", "aria-hidden": "true" }), h("span", { class: "word" }, STATES[status] ?? status));

// How a session stands, any of its agents included; and how one of them, or the session itself, does.
export const sessionStatus = (session) => (session.waiting.length ? "waiting" : session.status);
export const statusIn = (session, run) =>
  session.waiting.some((one) => one.agent_id === (run.agent_id || null)) ? "waiting" : run.status;

export const sessionLink = (session) =>
  h("a", { href: sessionHref(session.session_id), title: `${session.project} ${session.session_id}` },
    `${projectName(session.project)} · ${shortId(session.session_id)}`);

// A file as the project of its session sees it; the whole path as a tooltip.
export const pathOf = (one) => h("code", { title: one.path }, inProject(one.path, state.sessions.get(one.session_id)?.project));

export const STATE = {
  get name() {
    return h("span", { class: "word" }, "State");
  },
  dot: true,
};
export const classOf = (column) =>
  [column.number && "number", column.wide && "wide", column.roomy && "roomy", column.share && "share", column.dot && "dotted"].filter(Boolean).join(" ") || null;

// A table. Columns: { name, cell(row), number, wide, roomy, share }; the first names its row. Narrow
// windows go without the wide ones, those of middling width without the roomy ones.
export function table(label, columns, rows, { key, foot, className = "" } = {}) {
  const kind = classOf;
  const cells = (row) => columns.map((column, index) =>
    h(index ? "td" : "th", { class: kind(column), scope: index ? null : "row", ...column.props?.(row) }, column.cell(row)));
  return h("div", { class: "scrolls", key: `table ${label}`, role: "group", "aria-label": label },
    h("table", { class: className || null },
      h("caption", { class: "hidden" }, label),
      h("thead", null, h("tr", null, columns.map((column) => h("th", { class: kind(column), scope: "col" }, column.name)))),
      h("tbody", null, rows.map((row) => h("tr", { key: key?.(row) }, cells(row)))),
      foot ? h("tfoot", null, h("tr", null, foot.map((cell, index) =>
        h(index ? "td" : "th", { class: kind(columns[index]), scope: index ? null : "row" }, cell)))) : null));
}

// Usage by something, the dearest first, each with its share of the total cost.
export function usageTable(label, name, rows, total, { brief = false, cellOf = null } = {}) {
  const share = (row) => {
    const percent = total.cost_usd ? (row.cost_usd / total.cost_usd) * 100 : 0;
    return h("span", { class: "part" }, h("span", { class: "percent" }, `${percent && percent < 1 ? "<1" : Math.round(percent)} %`),
      h("span", { class: "bar", "aria-hidden": "true", style: { width: `${percent}%` } }));
  };
  return table(label, [
    { name: label.split(" ").at(-1).replace(/^./, (one) => one.toUpperCase()), cell: (row) => cellOf?.(row) ?? row[name] },
    { name: "Share", share: true, cell: share },
    { name: "Cost", number: true, cell: (row) => money(row.cost_usd) },
    brief ? null : { name: "Model calls", number: true, wide: true, cell: (row) => whole(row.calls) },
    { name: "Tokens", number: true, wide: true, cell: (row) => h("span", { title: whole(tokens(row)) }, compact(tokens(row))) },
  ].filter(Boolean), rows, {
    key: (row) => row[name],
    foot: brief ? null : ["Total", "", money(total.cost_usd), whole(total.calls), compact(tokens(total))],
  });
}

export const agentsAtWork = (session) => session.agents.filter((run) => run.status === "running" && session.status === "running");
export const countAgents = (count) => plural(count, "agent");

// What scrolls sideways must be reachable by keyboard; what does not needs no stop of its own.
export function markScrolling(root) {
  for (const place of root.querySelectorAll(".scrolls")) {
    const scrolls = place.scrollWidth > place.clientWidth || place.scrollHeight > place.clientHeight;
    if (scrolls) place.setAttribute("tabindex", "0");
    else place.removeAttribute("tabindex");
  }
}
