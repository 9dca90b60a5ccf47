// What is said where something could not be read.

import { h } from "../dom.js";
import { code, empty, notice } from "../parts.js";
import { state } from "../store.js";

export function problems(resources, names) {
  const failed = names.filter((name) => resources[name].error);
  if (!failed.length) return [];
  if (state.connection === "waiting") {
    return [notice(["The daemon does not answer; what is shown is as it was before. If it does not come back: ", code("cco daemon start")], true)];
  }
  return failed.map((name) => notice(`${name} could not be read: ${resources[name].error}. What is shown may be out of date.`, true));
}

// The daemon's health as a word, for the figures of a view.
export function healthOf({ data, error }) {
  if (error) return stateWord("gone", "no answer");
  if (!data) return "…";
  return data.status === "ok" ? stateWord("live", "healthy") : stateWord("bad", data.status);
}

const stateWord = (kind, word) =>
  h("span", { class: `state ${kind}` }, h("span", { class: "dot", "aria-hidden": "true" }), word);

export const unserved = (resource) =>
  empty(resource.missing ? "This daemon does not serve this." : resource.error ? "This could not be read." : "Loading…");
