// Who edits what, where agents met on a file, and what they left for one another.

import { h } from "../dom.js";
import { clock, moment, projectName, sessionHref, shortId } from "../format.js";
import { card, empty, hint, MAIN, pathOf, sessionLink, table } from "../parts.js";
import { newestFirst } from "../store.js";
import { conflictText, Events, outcomeOf } from "../timeline.js";
import { problems, unserved } from "./problems.js";

const SHOWN = 50;
const LOOKED_THROUGH = 8;

export class Coordination {
  needs = ["leases", "notes", "sessions"];
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
      ...problems(resources, ["leases", "notes"]),
      card("Being edited now", this.leases(resources.leases)),
      card("Conflicts", ...this.conflicts(this.all(conflicts))),
      card("Notes", this.notes(resources.notes)),
    ];
  }

  leases(resource) {
    if (!resource.data) return unserved(resource);
    const { leases } = resource.data;
    if (!leases.length) return empty("No file is being edited at this moment.");
    return table("Files being edited", [
      { name: "File", cell: pathOf },
      { name: "By", cell: who },
      { name: "Tool", wide: true, cell: (one) => one.tool },
      { name: "Since", number: true, cell: (one) => clock(one.since) },
    ], leases, { key: (one) => `${one.path} ${one.session_id} ${one.agent_id} ${one.since}` });
  }

  conflicts(conflicts) {
    const earlier = newestFirst().filter((one) => one.conflicts);
    return [
      hint("An edit of a file that another agent or session was editing, or had changed since this one last read it."),
      conflicts.length ? table("Latest conflicts", [
        { name: "File", cell: (one) => [pathOf(one), h("span", { class: "narrow" }, `${conflictText(one)}; ${outcomeOf(one)}, ${moment(one.time)}`)] },
        { name: "Edit by", cell: who },
        { name: "Met", wide: true, cell: conflictText },
        { name: "Outcome", wide: true, cell: outcomeOf },
        { name: "Time", number: true, wide: true, cell: (one) => moment(one.time) },
      ], conflicts.slice(0, SHOWN), { key: (one) => one.id }) : empty("No two have met on a file."),
      earlier.length ? table("Sessions with conflicts", [
        { name: "Session", cell: sessionLink },
        { name: "Conflicts", number: true, cell: (one) => String(one.conflicts) },
      ], earlier.slice(0, SHOWN), { key: (one) => one.session_id }) : null,
    ];
  }

  notes(resource) {
    if (!resource.data) return unserved(resource);
    const { notes } = resource.data;
    if (!notes.length) return empty("No notes yet. Agents leave them for one another: what they found, in which file.");
    return h("ul", { class: "notes" }, notes.slice(0, SHOWN).map((note) => h("li", { key: note.note_id },
      h("p", null, note.text),
      h("p", { class: "facts" }, h("span", null, note.author), h("span", { title: note.project }, projectName(note.project)),
        note.path ? h("code", null, note.path) : null, h("span", null, moment(note.created_at))))));
  }
}

function who(one) {
  const session = one.session_id ? h("a", { href: sessionHref(one.session_id) }, shortId(one.session_id)) : null;
  return [one.agent ?? (one.agent_id ? "(unknown agent)" : MAIN), session ? " in " : null, session];
}
