// Who edits what, where agents met on a file, what they left for one another, and the budgets.

import { h } from "../dom.js";
import { clock, moment, projectName, sessionHref, shortId, usd } from "../format.js";
import { card, empty, money, table } from "../parts.js";
import { newestFirst } from "../store.js";
import { conflictText, Events } from "../timeline.js";
import { problems, unserved } from "./problems.js";

const SHOWN = 50;
const LOOKED_THROUGH = 8;

export class Coordination {
  needs = ["leases", "notes", "budget", "sessions"];
  looked = new Map(); // the events of sessions that had conflicts before this page was open

  close() {
    for (const events of this.looked.values()) events.close();
  }

  drawn() {
    for (const { session_id: id, conflicts } of newestFirst()) {
      if (!conflicts || this.looked.has(id) || this.looked.size >= LOOKED_THROUGH) continue;
      this.looked.set(id, new Events(id, () => this.redraw()));
      this.looked.get(id).load();
    }
  }

  all(conflicts) {
    const found = new Map(conflicts.map((event) => [event.id, event]));
    for (const { list } of this.looked.values()) {
      for (const event of list) if (event.kind === "conflict") found.set(event.id, event);
    }
    return [...found.values()].sort((one, other) => other.id - one.id);
  }

  draw({ resources, conflicts }) {
    return [
      h("h1", null, "Coordination"),
      ...problems(resources, ["leases", "notes", "budget"]),
      card("Being edited now", this.leases(resources.leases)),
      card("Conflicts", ...this.conflicts(this.all(conflicts))),
      card("Notes", this.notes(resources.notes)),
      card("Budget", ...this.budget(resources.budget)),
    ];
  }

  leases(resource) {
    if (!resource.data) return unserved(resource);
    const { leases } = resource.data;
    if (!leases.length) return empty("No file is being edited at this moment.");
    return table("Files being edited", [
      { name: "File", cell: (one) => h("code", null, one.path) },
      { name: "By", cell: (one) => who(one) },
      { name: "With", wide: true, cell: (one) => one.tool },
      { name: "Since", number: true, cell: (one) => clock(one.since) },
    ], leases, { key: (one) => `${one.path} ${one.session_id} ${one.agent_id} ${one.since}` });
  }

  conflicts(conflicts) {
    const earlier = newestFirst().filter((one) => one.conflicts);
    return [
      conflicts.length ? table("Latest conflicts", [
        { name: "What", cell: conflictText },
        { name: "Whose edit", cell: (one) => who(one) },
        { name: "Time", number: true, wide: true, cell: (one) => moment(one.time) },
      ], conflicts.slice(0, SHOWN), { key: (one) => one.id }) : empty("No two have met on a file."),
      earlier.length ? table("Sessions with conflicts", [
        { name: "Session", cell: (one) => h("a", { href: sessionHref(one.session_id) }, `${projectName(one.project)} · ${shortId(one.session_id)}`) },
        { name: "Conflicts", number: true, cell: (one) => String(one.conflicts) },
      ], earlier.slice(0, SHOWN), { key: (one) => one.session_id }) : null,
    ];
  }

  notes(resource) {
    if (!resource.data) return unserved(resource);
    const { notes } = resource.data;
    if (!notes.length) return empty("Agents have left no notes yet.");
    return h("ul", { class: "notes" }, notes.slice(0, SHOWN).map((note) => h("li", { key: note.note_id },
      h("p", null, note.text),
      h("p", { class: "facts" }, h("span", null, note.author), h("span", { title: note.project }, projectName(note.project)),
        note.path ? h("code", null, note.path) : null, h("span", null, moment(note.created_at))))));
  }

  budget(resource) {
    if (!resource.data) return [unserved(resource)];
    const { day, sessions } = resource.data;
    const limited = sessions.filter((one) => one.limit_usd !== null);
    if (day.limit_usd === null && !limited.length) {
      return [h("p", null, "Spent today: ", money(day.spent_usd)), empty("No budget is set. Set one: cco --budget 5, or in the config file.")];
    }
    const rows = [...(day.limit_usd === null ? [] : [{ ...day, name: "Today, all sessions" }]),
      ...limited.map((one) => ({ ...one, name: `${projectName(one.project)} · ${shortId(one.session_id)}` }))];
    return [table("Budgets", [
      { name: "Of", cell: (one) => one.name },
      { name: "Used", cell: (one) => [h("span", { class: `state ${one.state}` }, `${one.used_percent} %${one.state === "reached" ? ", used up" : ""}`),
        h("span", { class: `meter ${one.state}`, style: { display: "block" }, "aria-hidden": "true" }, h("span", { style: { width: `${Math.min(100, one.used_percent)}%` } }))] },
      { name: "Spent", number: true, cell: (one) => money(one.spent_usd) },
      { name: "Limit", number: true, cell: (one) => usd(one.limit_usd) },
    ], rows, { key: (one) => one.name })];
  }
}

function who(one) {
  const session = one.session_id ? h("a", { href: sessionHref(one.session_id) }, shortId(one.session_id)) : null;
  return [one.agent ?? (one.agent_id ? "(unknown agent)" : "the session itself"), session ? " in " : null, session];
}
