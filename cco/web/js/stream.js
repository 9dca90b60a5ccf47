// The daemon's events as they happen. EventSource can neither send the page's key nor tell a refusal
// from a lost connection, so this reads the stream itself.
// Source: HTML Living Standard, 9.2 Server-sent events.

import { request } from "./api.js";

const SILENCE_MS = 45_000; // three heartbeats

export async function read(lastId, signal, onOpen, onEvent) {
  const headers = { Accept: "text/event-stream", ...(lastId ? { "Last-Event-ID": lastId } : {}) };
  const silence = new AbortController();
  const response = await request("/api/v1/events", { headers, signal: AbortSignal.any([signal, silence.signal]) });
  onOpen();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const timer = setTimeout(() => silence.abort(), SILENCE_MS);
    const { value, done } = await reader.read().finally(() => clearTimeout(timer));
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) pass(block, onEvent);
  }
}

function pass(block, onEvent) {
  const fields = { event: "", id: "", data: "" };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    if (colon > 0 && name in fields) fields[name] = line.slice(colon + 1).replace(/^ /, "");
  }
  if (fields.id || fields.data) onEvent(fields.event, fields.id, fields.data ? JSON.parse(fields.data) : null);
}
