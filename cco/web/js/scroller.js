// A table of which only the rows in sight exist, so that ten thousand scroll like ten.

import { h, morphChildren } from "./dom.js";
import { classOf } from "./parts.js";

const BEYOND = 12;
const STEP = 8; // so many rows come and go together: each time, the browser lays out the table anew

// Columns as in parts.table. The element stays; show() gives it other rows. What moves(row) says yes
// to looks different later although nothing of it has changed.
export class Scroller {
  constructor(label, columns, keyOf, moves = () => false) {
    this.columns = columns;
    this.keyOf = keyOf;
    this.moves = moves;
    this.rows = [];
    this.drawn = new Map(); // the rows that exist: { row, element } by key
    this.height = 0;
    this.body = h("tbody");
    this.table = h("table", null,
      h("caption", { class: "hidden" }, label),
      h("thead", null, h("tr", { "aria-rowindex": "1" }, columns.map((column) =>
        h("th", { scope: "col", class: classOf(column), style: column.width ? { width: column.width } : null }, column.name)))),
      this.body);
    this.element = h("div", { class: "scroller", keep: true, key: `scroller ${label}`, tabindex: "0", role: "group", "aria-label": label }, this.table);
    this.element.addEventListener("scroll", () => this.inSight().join() !== this.sight?.join() && this.later(), { passive: true });
    this.element.addEventListener("keydown", (event) => this.move(event));
    this.watch = new ResizeObserver(() => {
      this.measure();
      this.later();
    });
    this.watch.observe(this.element);
  }

  // Rows that came before the first in sight do not move what is in sight.
  show(rows) {
    const first = this.rows[0];
    const added = first && this.element.scrollTop > 0 ? rows.findIndex((row) => this.keyOf(row) === this.keyOf(first)) : 0;
    this.rows = rows;
    this.table.setAttribute("aria-rowcount", String(rows.length + 1));
    this.draw();
    if (added > 0) {
      this.element.scrollTop += added * this.height;
      this.draw();
    }
  }

  measure() {
    this.height = parseFloat(getComputedStyle(this.element).getPropertyValue("--row"));
    const heads = [...this.table.tHead.rows[0].cells];
    this.shownColumns = heads.filter((head) => getComputedStyle(head).display !== "none").length;
  }

  later() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  // The first row that is drawn, and how many are.
  inSight() {
    const first = Math.floor(this.element.scrollTop / this.height / STEP) * STEP - BEYOND;
    return [Math.max(0, first), Math.ceil((this.element.clientHeight || 600) / this.height) + STEP + 2 * BEYOND];
  }

  draw() {
    if (!this.height) this.measure();
    const [first, count] = (this.sight = this.inSight());
    const seen = this.rows.slice(first, first + count);
    const focused = this.element.contains(document.activeElement) && document.activeElement;
    const before = this.drawn;
    this.drawn = new Map();
    morphChildren(this.body, [
      this.gap("above", first),
      ...seen.map((row, index) => this.row(row, first + index, before)),
      this.gap("below", this.rows.length - first - seen.length),
    ]);
    for (const element of this.body.children) {
      const kept = this.drawn.get(element.props.key); // a changed row lives on in the element it had
      if (kept) kept.element = element;
    }
    if (focused && !focused.isConnected) this.element.focus({ preventScroll: true });
  }

  // A row that has not changed is the element that is there.
  row(row, index, before) {
    const key = this.keyOf(row);
    const kept = before.get(key);
    const element = kept?.row === row && !this.moves(row) ? kept.element : this.make(row, index);
    element.setAttribute("aria-rowindex", String(index + 2));
    this.drawn.set(key, { row, element });
    return element;
  }

  make(row, index) {
    return h("tr", { key: this.keyOf(row), "aria-rowindex": index + 2 }, this.columns.map((column, number) =>
      h(number ? "td" : "th", { class: classOf(column), scope: number ? null : "row" }, column.cell(row))));
  }

  gap(name, rows) {
    return h("tr", { key: `gap ${name}`, class: "gap", "aria-hidden": "true" },
      h("td", { colspan: this.shownColumns, style: { height: `${rows * this.height}px` } }));
  }

  // Arrows go from link to link; Home and End to the ends.
  move(event) {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    const row = event.target.closest("tbody tr");
    if (step && row) {
      const link = row[step]?.querySelector("a");
      if (link) {
        event.preventDefault();
        link.focus();
      }
    } else if (event.key === "Home" || event.key === "End") {
      event.preventDefault();
      this.element.scrollTop = event.key === "Home" ? 0 : this.element.scrollHeight;
    }
  }
}
