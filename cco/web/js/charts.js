// Charts over time, each with its figures as a table for those who do not see it.

import { h, morphChildren } from "./dom.js";
import { clock, day, usd } from "./format.js";
import { markScrolling, table } from "./parts.js";

const HEIGHT = 210;
const LEAST_S = 10;
const DAY_S = 86_400;
const dark = matchMedia("(prefers-color-scheme: dark)");
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Kind: "bars" or "line". series: [{ name, color, format }], the first on the left scale.
export class Chart {
  constructor(label, kind, series, timeOf, columnOf = "Time") {
    Object.assign(this, { label, kind, series, timeOf, columnOf });
    this.place = h("div", { class: "chart", role: "img" });
    this.readout = h("p", { class: "readout", "aria-hidden": "true" });
    this.figures = h("details", null, h("summary", null, "Show the figures as a table"), h("div"));
    this.figures.addEventListener("toggle", () => this.fill());
    this.element = h("div", { keep: true, key: `chart ${label}`, class: "chart-parts" }, this.place, this.readout, this.figures);
    this.data = [[], ...series.map(() => [])];
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(this.place);
    this.redraw = () => this.draw();
    dark.addEventListener("change", this.redraw);
  }

  close() {
    this.watch.disconnect();
    dark.removeEventListener("change", this.redraw);
    this.plot?.destroy();
  }

  // data: [times, values of each series]; summary says in words what the picture shows.
  show(data, summary) {
    this.place.setAttribute("aria-label", `${this.label}: ${summary}`);
    const same = data.every((column, index) => column.length === this.data[index].length && column.every((value, at) => value === this.data[index][at]));
    this.data = data;
    if (same && this.plot) return;
    if (this.plot) this.plot.setData(data);
    else this.draw();
    this.fill();
  }

  resize() {
    const width = Math.floor(this.place.clientWidth);
    if (!width) return;
    if (!this.plot) this.draw();
    else if (this.plot.width !== width) this.plot.setSize({ width, height: HEIGHT });
  }

  draw() {
    const width = Math.floor(this.place.clientWidth);
    if (!width || !this.data[0].length) return;
    this.plot?.destroy();
    const [text, line] = [color("--muted"), color("--line")];
    const font = "12px system-ui, sans-serif";
    const bars = this.kind === "bars";
    const axis = { stroke: text, font, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
    this.plot = new uPlot({
      width,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: {
        x: { time: true, range: (plot, low, high) => (bars ? padded(plot.data[0], low, high) : [low, Math.max(high, low + LEAST_S)]) },
        ...Object.fromEntries(this.series.map((one, index) => [`y${index}`, { range: (plot, low, high) => [0, (high || 0.001) * 1.1] }])),
      },
      axes: [
        { ...axis, grid: { show: false }, size: 44, space: 70, values: times },
        ...this.series.map((one, index) => ({
          ...axis,
          scale: `y${index}`,
          side: index ? 1 : 3,
          grid: index ? { show: false } : axis.grid,
          size: 64,
          values: (plot, marks, axis, space, step) => marks.map((mark) => one.short(mark, step)),
        })),
      ],
      series: [
        {},
        ...this.series.map((one, index) => ({
          label: one.name,
          scale: `y${index}`,
          stroke: color(one.color),
          width: bars ? 0 : 2,
          dash: index ? [6, 4] : undefined,
          fill: bars ? color(one.color) : undefined,
          paths: bars ? uPlot.paths.bars({ size: [0.7, 42], radius: 0.1 }) : uPlot.paths.stepped({ align: 1 }),
          points: { show: false },
        })),
      ],
      hooks: { setCursor: [(plot) => this.read(plot.cursor.idx)] },
    }, this.data, this.place);
  }

  read(index) {
    const at = index === null || index === undefined ? null : this.data[0][index];
    this.readout.textContent = at === null || at === undefined ? this.key() :
      `${this.timeOf(at)}: ${this.series.map((one, place) => `${one.name.toLowerCase()} ${one.format(this.data[place + 1][index])}`).join(", ")}`;
  }

  key() {
    return this.series.length > 1 ? this.series.map((one, index) => `${one.name}: ${index ? "dashed, right" : "solid, left"}`).join(" · ") : "";
  }

  fill() {
    if (!this.plot?.cursor?.idx) this.readout.textContent = this.key();
    const into = this.figures.lastChild;
    if (!this.figures.open) return morphChildren(into, []);
    const last = this.data[0].map((at, index) => index).slice(-500).reverse();
    morphChildren(into, [table(`${this.label}, figures`, [
      { name: this.columnOf, cell: (index) => this.timeOf(this.data[0][index]) },
      ...this.series.map((one, place) => ({ name: one.name, number: true, cell: (index) => one.format(this.data[place + 1][index]) })),
    ], last, { key: (index) => String(this.data[0][index]) })]);
    markScrolling(into);
  }
}

function padded(times, low, high) {
  const step = times.length > 1 ? times[1] - times[0] : 3600;
  return [low - step / 2, high + step / 2];
}

// The hour, with the day below it where it begins.
function times(plot, marks, axis, space, step) {
  let last = null;
  return marks.map((at) => {
    const today = day(at);
    const text = step >= DAY_S ? today : step < 60 ? clock(at) : clock(at).slice(0, 5);
    const below = step < DAY_S && today !== last ? `\n${today}` : "";
    last = today;
    return text + below;
  });
}

const short = (value, step) => (value === 0 ? "$0" : `$${value.toFixed(step < 0.001 ? 4 : step < 0.01 ? 3 : 2)}`);

export const COST = { name: "Cost", color: "--bar", format: usd, short };
