// Usage by hour: the hours without any filled in, and sums of days.

import { clock, day } from "./format.js";

const HOUR_S = 3600;
const DAY_S = 86_400;

export const hourName = (at) => `${day(at)}, ${clock(at).slice(0, 5)}`;
export const dayName = (at) => day(at);
const seconds = (row) => Date.parse(row.hour) / 1000;
const midnight = (at) => new Date(at * 1000).setHours(0, 0, 0, 0) / 1000;

// Sums of dollars in whole nano-dollars, as the daemon adds them.
const nanos = (row) => Math.round(row.cost_usd * 1e9);

export function sinceMidnight(rows) {
  const start = midnight(Date.now() / 1000);
  return rows.filter((row) => seconds(row) >= start).reduce((sum, row) => sum + nanos(row), 0) / 1e9;
}

// The last so many hours: [times, dollars].
export function byHour(rows, count) {
  const last = Math.floor(Date.now() / 1000 / HOUR_S) * HOUR_S;
  return filled(rows, Array.from({ length: count }, (_, index) => last - (count - 1 - index) * HOUR_S), seconds);
}

// The last so many days, in the time of this place.
export function byDay(rows, count) {
  const today = midnight(Date.now() / 1000);
  const days = Array.from({ length: count }, (_, index) => midnight(today + DAY_S / 2 - (count - 1 - index) * DAY_S));
  return filled(rows, days, (row) => midnight(seconds(row)));
}

function filled(rows, times, timeOf) {
  const sums = new Map(times.map((at) => [at, 0]));
  for (const row of rows) {
    const at = timeOf(row);
    if (sums.has(at)) sums.set(at, sums.get(at) + nanos(row));
  }
  return [times, [...sums.values()].map((sum) => sum / 1e9)];
}
