// Requests to the daemon: the cookie goes by itself, the page's own key beside it.

const KEY = "cco-page-key";
const HEADER = "X-CCO-Page";

export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export const pageKey = () => localStorage.getItem(KEY) ?? "";

// Another tab of this browser has signed in or out.
export function onOtherTab(then) {
  addEventListener("storage", (event) => event.key === KEY && then());
}

export async function request(path, options = {}) {
  const headers = { [HEADER]: pageKey(), ...options.headers };
  const response = await fetch(path, { cache: "no-store", credentials: "same-origin", ...options, headers });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Refused(response.status, problem.detail ?? response.statusText);
}

export const get = async (path) => (await request(path)).json();

const post = async (path, document) =>
  (await request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(document),
  })).json();

export async function signIn(code) {
  const { page_key: key } = await post("/sign-in", { code });
  localStorage.setItem(KEY, key);
}

export async function signOut() {
  await post("/sign-out", {});
  localStorage.removeItem(KEY);
}

// Every item of a resource that comes in pages.
export async function pages(path, name, limit = 500) {
  const found = [];
  let cursor = null;
  do {
    const more = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page = await get(`${path}?limit=${limit}${more}`);
    found.push(...page[name]);
    cursor = page.next ?? null;
  } while (cursor !== null);
  return found;
}
