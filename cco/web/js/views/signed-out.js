// What stands there for a browser that is not signed in.

import { h } from "../dom.js";
import { notice } from "../parts.js";

export function signedOutPage(refusal) {
  return [h("section", { class: "card signed-out" },
    h("h1", null, "Sign in"),
    refusal ? notice(`That did not work: ${refusal}.`, true) : null,
    h("p", null, "Run this at a terminal of this machine. It opens the dashboard, signed in:"),
    h("pre", null, h("code", null, "cco dashboard")),
    h("p", { class: "muted" },
      "A sign-in lasts until the daemon stops, or twelve hours without use. This page goes on by itself once another tab of this browser is signed in."))];
}
