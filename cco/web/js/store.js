// What is known of the daemon, and how it is kept up to date: events say what has changed, and at
// most once a second that is read anew. The figures are always the daemon's own.

import { get, pages, Refused } from "./api.js";
import { read } from "./stream.js";

const EVERY_MS = 1000;
const RETRY_MS = 5000;
const TICK_MS = 10_000;
const ONE_BY_ONE = 5;
const BACKOFF_MS = [1000, 2000, 4000, 8000, 15000];
const KEPT_CONFLICTS = 200;

const RESOURCES = {
  usage: () => get("/api/v1/usage"),
  health: () => get("/health"),
  leases: () => get("/api/v1/leases"),
  notes: async () => ({ notes: await pages("/api/v1/notes", "notes") }),
  budget: () => get("/api/v1/budget"),
};

// Which resources an event makes out of date, by the first word of its kind.
const CHANGES = { call: ["usage", "budget"], lease: ["leases"], conflict: ["leases"], note: ["notes"], budget: ["budget"], session: ["budget"] };

export const state = {
  connection: "starting", // live, waiting, signed-out
  sessions: new Map(),
  sessionsLoaded: false,
  conflicts: [],
  lastEvent: null,
  // name: { data, missing, error }
  resources: Object.fromEntries(Object.keys(RESOURCES).map((name) => [name, {}])),
};

let wanted = [];
// What changes with time alone, without an event: it is read anew at each tick.
const TICKING = ["health", "leases"];

let listener = () => {};
let stopped = new AbortController();
let timer = null;
let ticking = null;
let running = false;
let lastId = "";
const dirty = new Set(["sessions", ...Object.keys(RESOURCES)]);
const dirtySessions = new Set();
const eventListeners = new Set();

export function onChange(then) {
  listener = then;
}

export function onEvents(then) {
  eventListeners.add(then);
  return () => eventListeners.delete(then);
}

// Say which resources the view needs.
export function want(names) {
  wanted = names;
  schedule(0);
}

export function newestFirst() {
  return [...state.sessions.values()].sort((one, other) => other.started_at - one.started_at);
}

export async function start() {
  stop();
  const mine = (stopped = new AbortController());
  ticking = setInterval(tick, TICK_MS);
  for (let attempt = 0; !mine.signal.aborted; attempt++) {
    try {
      await read(lastId, mine.signal, () => {
        attempt = 0;
        setConnection("live");
        everythingChanged();
      }, take);
    } catch (error) {
      if (mine.signal.aborted) return;
      if (error instanceof Refused && error.status === 401) return signedOut();
    }
    if (mine.signal.aborted) return;
    setConnection("waiting");
    if (attempt > 0) everythingChanged(); // no stream to be had: at least look from time to time
    await pause(BACKOFF_MS[Math.min(attempt, BACKOFF_MS.length - 1)], mine.signal);
  }
}

export function stop() {
  stopped.abort();
  clearInterval(ticking);
  clearTimeout(timer);
  timer = null;
}

// Durations go on, and edits lapse, while nothing happens.
function tick() {
  if (state.connection !== "live") return;
  for (const name of TICKING) dirty.add(name);
  schedule(EVERY_MS);
}

export function signedOut() {
  stop();
  lastId = "";
  state.sessions.clear();
  state.sessionsLoaded = false;
  state.conflicts = [];
  for (const name of Object.keys(RESOURCES)) state.resources[name] = {};
  setConnection("signed-out");
}

function take(kind, id, event) {
  if (id) lastId = id;
  if (kind === "reset") everythingChanged();
  if (!event || kind === "reset") return;
  state.lastEvent = event;
  if (event.session_id) dirtySessions.add(event.session_id);
  for (const name of CHANGES[kind.split(".")[0]] ?? []) dirty.add(name);
  if (kind === "conflict") state.conflicts = [event, ...state.conflicts].slice(0, KEPT_CONFLICTS);
  for (const then of eventListeners) then(event);
  schedule(EVERY_MS);
}

function everythingChanged() {
  dirty.add("sessions");
  for (const name of Object.keys(RESOURCES)) dirty.add(name);
  for (const then of eventListeners) then(null);
  schedule(0);
}

function setConnection(connection) {
  if (state.connection === connection) return;
  state.connection = connection;
  listener();
}

function schedule(delay) {
  if (delay === 0) clearTimeout(timer);
  else if (timer !== null) return;
  timer = setTimeout(refresh, delay);
}

async function refresh() {
  timer = null;
  if (running) return schedule(EVERY_MS);
  if (state.connection === "signed-out") return;
  running = true;
  try {
    const due = wanted.filter((name) => name !== "sessions" && dirty.delete(name));
    await Promise.all([...(wanted.includes("sessions") ? [refreshSessions()] : []), ...due.map(refreshOne)]);
  } catch (error) {
    if (error instanceof Refused && error.status === 401) signedOut();
  } finally {
    running = false;
  }
  listener();
  if (dirtySessions.size && wanted.includes("sessions")) schedule(EVERY_MS);
  else if (wanted.some((name) => dirty.has(name))) schedule(RETRY_MS);
}

async function refreshOne(name) {
  try {
    state.resources[name] = { data: await RESOURCES[name]() };
  } catch (error) {
    if (error instanceof Refused && error.status === 401) throw error;
    const missing = error instanceof Refused && error.status === 404;
    state.resources[name] = { ...state.resources[name], missing, error: missing ? null : error.message };
    if (!missing) dirty.add(name);
  }
}

async function refreshSessions() {
  try {
    if (dirty.has("sessions")) {
      dirtySessions.clear();
      const all = await pages("/api/v1/sessions", "sessions");
      dirty.delete("sessions");
      state.sessions = new Map(all.map((one) => [one.session_id, one]));
      state.sessionsLoaded = true;
      return;
    }
    if (dirtySessions.size > ONE_BY_ONE) {
      const { sessions } = await get("/api/v1/sessions?status=running&limit=500");
      for (const one of sessions) keep(one);
    }
    const due = [...dirtySessions].slice(0, ONE_BY_ONE);
    for (const id of due) dirtySessions.delete(id);
    await Promise.all(due.map(refreshSession));
  } catch (error) {
    if (error instanceof Refused && error.status === 401) throw error;
    dirty.add("sessions");
  }
}

async function refreshSession(id) {
  try {
    keep(await get(`/api/v1/sessions/${encodeURIComponent(id)}`));
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 404) throw error;
    state.sessions.delete(id); // folded into the totals
  }
}

function keep(session) {
  state.sessions.set(session.session_id, session);
  dirtySessions.delete(session.session_id);
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const done = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => resolve(clearTimeout(done)), { once: true });
  });
}
