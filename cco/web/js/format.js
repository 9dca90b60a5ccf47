// How figures, times and names are written.

const DOLLARS = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", minimumFractionDigits: 4 });
const LIMIT = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", minimumFractionDigits: 2, maximumFractionDigits: 4 });
const WHOLE = new Intl.NumberFormat("en-US");
const COMPACT = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const SHORT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

export const usd = (amount) => DOLLARS.format(amount);
export const limit = (amount) => LIMIT.format(amount); // what a person has set, not a sum
export const whole = (number) => WHOLE.format(number);
export const compact = (number) => (number < 10_000 ? WHOLE.format(number) : COMPACT.format(number));
export const clock = (seconds) => CLOCK.format(seconds * 1000);
export const day = (seconds) => DAY.format(seconds * 1000);
export const moment = (seconds) =>
  new Date(seconds * 1000).toDateString() === new Date().toDateString() ? clock(seconds) : SHORT.format(seconds * 1000);

export function duration(seconds) {
  const all = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(all / 3600), Math.floor(all / 60) % 60];
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${all % 60} s` : `${all} s`;
}

export const tokens = (usage) =>
  usage.input_tokens + usage.output_tokens + usage.cache_read_tokens + usage.cache_creation_tokens;

const ORDINALS = new Intl.PluralRules("en-US", { type: "ordinal" });
export const ordinal = (number) => ({ one: "st", two: "nd", few: "rd" })[ORDINALS.select(number)] ?? "th";

export const plural = (count, one, many = `${one}s`) => `${whole(count)} ${count === 1 ? one : many}`;

// The last part of a path, for people; the whole is shown where there is room.
export const projectName = (path) => path.split(/[/\\]/).filter(Boolean).at(-1) ?? (path || "unknown project");
// A path inside a project as that project sees it.
export const inProject = (path, project) =>
  project && path.startsWith(project) && /[/\\]/.test(path[project.length] ?? "") ? path.slice(project.length + 1) : path;
export const shortId = (id) => (id.length > 12 ? id.slice(0, 8) : id);
export const sessionHref = (id) => `#/sessions/${encodeURIComponent(id)}`;
