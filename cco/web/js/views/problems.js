// What is said where something could not be read.

import { empty, notice } from "../parts.js";

export function problems(resources, names) {
  return names.filter((name) => resources[name].error)
    .map((name) => notice(`${name} could not be read: ${resources[name].error}. What is shown may be out of date.`, true));
}

export const unserved = (resource) =>
  empty(resource.missing ? "This daemon does not serve this." : resource.error ? "This could not be read." : "Loading…");
