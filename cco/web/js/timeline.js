// The events of one session: loaded page by page, then as they happen.

import { get, Refused } from "./api.js";
import { h } from "./dom.js";
import { clock, compact, duration, inProject, limit, tokens, usd } from "./format.js";
import { MAIN } from "./parts.js";

const PAGE = 500;
const KEPT = 20_000;

export class Events {
  list = []; // the oldest first
  loaded = false;
  complete = true; // nothing of the session was dropped before it was read
  error = null;
  #closed = false;
  #busy = false;
  #meanwhile = []; // what came while pages were loaded, which may not have it

  constructor(sessionId, changed) {
    this.sessionId = sessionId;
    this.changed = changed;
  }

  get last() {
    return this.list.at(-1)?.id ?? 0;
  }

  async load() {
    if (this.#busy || this.#closed) return;
    this.#busy = true;
    try {
      for (let next = this.last; next !== null && !this.#closed;) {
        const page = await get(`/api/v1/sessions/${encodeURIComponent(this.sessionId)}/events?after=${next}&limit=${PAGE}`);
        if (!this.list.length) this.complete = page.first_kept === 1;
        this.#add(page.events);
        next = page.next;
      }
      this.error = null;
    } catch (error) {
      this.error = error instanceof Refused && error.status === 404 ? "This daemon keeps no events of this session." : error.message;
    }
    this.#busy = false;
    this.loaded = true;
    this.#add(this.#meanwhile.splice(0));
    if (!this.#closed) this.changed();
  }

  // One event from the stream; null after the connection was made anew.
  take(event) {
    if (event === null) {
      if (this.loaded) this.load();
    } else if (event.session_id === this.sessionId && this.#busy) {
      this.#meanwhile.push(event);
    } else if (event.session_id === this.sessionId && this.loaded) {
      this.#add([event]);
      this.changed();
    }
  }

  close() {
    this.#closed = true;
  }

  #add(events) {
    const last = this.last;
    for (const event of events) if (event.id > last) this.list.push(event);
    if (this.list.length > KEPT + PAGE) this.list.splice(0, this.list.length - KEPT);
  }
}

export const GROUPS = [
  ["all", "Everything", () => true],
  ["agent", "Agents", (event) => event.kind.startsWith("agent.")],
  ["tool", "Tools", (event) => event.kind === "tool"],
  ["call", "Model calls", (event) => event.kind === "call"],
  ["edit", "Edits and conflicts", (event) => event.kind === "conflict" || event.kind.startsWith("lease.")],
  ["problem", "Problems", (event) => isProblem(event)],
];

const isProblem = (event) => event.kind === "call.failed" || event.kind === "conflict" || event.failed === true || event.status === "lost" || event.kind === "budget.stopped";

const isLost = (event) => event.kind === "agent.stopped" && event.status === "lost";

const NAMES = {
  "session.started": "session started", "session.ended": "session ended", "agent.started": "agent started",
  "agent.stopped": "agent done", "lease.taken": "edit begun", "lease.released": "edit over", call: "model call",
  "call.failed": "API error", "note.added": "note left", "note.removed": "note removed",
  "budget.warned": "budget near", "budget.stopped": "budget used up", conflict: "edit conflict",
  waiting: "waits for you", answered: "no longer waits",
};

const KINDS = { agent: "agent", lease: "edit" };

function kindOf(event) {
  const look = isProblem(event) ? "problem" : (KINDS[event.kind.split(".")[0]] ?? "");
  return h("span", { class: `kind ${look}` }, event.failed ? "tool failed" : isLost(event) ? "no end heard" : (NAMES[event.kind] ?? event.kind.replaceAll(".", " ")));
}

const REASONS = { prompt_input_exit: "left at the prompt", logout: "signed out", other: "" };

// What there is to say of an event, in the session that it is of.
const DETAILS = {
  "session.started": (event) => [event.source, event.project].filter(Boolean).join(", "),
  "session.ended": (event) => REASONS[event.reason] ?? event.reason ?? "",
  "agent.started": taskOf,
  "agent.stopped": taskOf,
  prompt: (event) => `number ${event.number}`,
  compaction: (event) => `number ${event.number}`,
  tool: (event) => event.tool,
  waiting: (event) => event.tool,
  answered: (event) => `${event.tool}, after ${duration(event.waited_s)}`,
  "call.failed": failureText,
  call: (event) => `${event.model}, ${compact(tokens(event))} tokens`,
  conflict: (event, session) => `${inProject(event.path, session?.project)}: ${conflictText(event)}; ${outcomeOf(event)}`,
  "lease.taken": (event, session) => `${event.tool} ${inProject(event.path, session?.project)}`,
  "lease.released": (event, session) => `${event.tool} ${inProject(event.path, session?.project)}${event.reason && event.reason !== "done" ? ` (${event.reason})` : ""}`,
  "note.added": (event) => `by ${event.author}`,
  "budget.set": budgetText,
  "budget.warned": budgetText,
  "budget.stopped": (event) => `${budgetText(event)}; ${event.what === "prompt" ? "a prompt" : "a new agent"} was refused`,
};

const FAILURES = {
  400: "request refused", 401: "not signed in", 403: "not allowed", 404: "no such model", 408: "timed out",
  413: "request too large", 429: "too many requests", 500: "error of the API", 529: "overloaded",
};

// Why a call of the model failed, as far as figures tell.
function failureText(event) {
  const status = event.status_code;
  const why = status === null ? "no answer from the API" : `HTTP ${status}${FAILURES[status] ? `, ${FAILURES[status]}` : ""}`;
  return [why, event.model, event.attempt > 1 ? `attempt ${event.attempt}` : null].filter(Boolean).join("; ");
}

function taskOf(event, session) {
  return session?.agents.find((run) => run.agent_id === event.agent_id)?.description ?? "";
}

function budgetText(event) {
  return `${usd(event.spent_usd)} of ${limit(event.limit_usd)} (${event.used_percent} %) ${event.scope === "day" ? "of today's budget" : "of the session's budget"}`;
}

export function conflictText(event) {
  const other = event.other ? (event.other.agent ?? "another conversation") : "another program";
  const did = { editing: "was editing it", changed: "had changed it", disk: "had changed it on disk" }[event.reason] ?? "had changed it";
  return `${other} ${did}`;
}

export const outcomeOf = (event) => (event.denied ? "the edit was held back" : "warned");

const text = (words) => h("span", { title: words }, words);

const who = (event) => event.agent ?? (event.agent_id ? "(unknown agent)" : MAIN);

// The columns of a session's timeline; what is known of the session may change meanwhile.
export const timelineOf = (sessionNow) => [
  { name: "Time", width: "6.4rem", wide: true, cell: (event) => clock(event.time) },
  { name: "What", width: "9rem", cell: (event) => [kindOf(event), h("span", { class: "narrow" }, clock(event.time))] },
  { name: "Who", width: "11.5rem", wide: true, cell: (event) => text(who(event)) },
  { name: "Details", cell: (event) => [h("span", { class: "narrow" }, event.kind === "call" ? `${who(event)}, ${usd(event.cost_usd)}` : who(event)), text(DETAILS[event.kind]?.(event, sessionNow()) ?? "")] },
  { name: "Cost", width: "6rem", number: true, wide: true, cell: (event) => (event.kind === "call" ? usd(event.cost_usd) : "") },
];

// Cost and tokens as they grew: [times, dollars, tokens]. Calls that are no longer kept are in the
// first figures, so that the last ones are the session's totals.
export function growth(events, session) {
  const calls = events.filter((event) => event.kind === "call");
  let cost = Math.round(session.usage.cost_usd * 1e9);
  let count = tokens(session.usage);
  for (const call of calls) {
    cost -= Math.round(call.cost_usd * 1e9);
    count -= tokens(call);
  }
  const data = [[], [], []];
  const add = (time) => {
    data[0].push(time);
    data[1].push(Math.max(0, cost) / 1e9); // a call may be told of before the total that has it
    data[2].push(Math.max(0, count));
  };
  if (!calls.length) return data;
  if (session.started_at < calls[0].time) add(session.started_at);
  for (const call of calls) {
    cost += Math.round(call.cost_usd * 1e9);
    count += tokens(call);
    add(call.time);
  }
  const end = session.ended_at ?? session.last_seen_at;
  if (end > calls.at(-1).time) add(end);
  return data;
}
