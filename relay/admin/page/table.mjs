// SPDX-License-Identifier: Apache-2.0
// Tables that are changed in place: a row is known by its key, and a cell by its column.

import { NOTHING, moment } from "./format.mjs";
import { copy_button, element, set_attribute, set_text, set_time } from "./dom.mjs";

// A column is {heading, of: row => value, as, kind, long}. `as` makes text of a value; `long` ones may be broken
// anywhere. Kinds: undefined, text; "number";
// "word", not to be broken; "code"; "time", an ISO time; "command", with a button that copies it; "tag", where `of` gives
// [text, "good", "warn" or "bad"].
const kinds = {
  text: (cell, text) => set_text(cell.firstChild, text),
  code: (cell, text) => set_text(cell.firstChild, text),
  time: (cell, text, value, now) => {
    const date = moment(value);
    if (date) set_time(cell.firstChild, date, now);
    else set_text(cell.firstChild, NOTHING);
  },
  command: (cell, text) => set_text(cell.firstChild.firstChild, text),
  tag: (cell, text, value) => {
    set_text(cell.firstChild, value ? value[0] : NOTHING);
    set_attribute(cell.firstChild, "class", value ? `tag ${value[1]}` : "quiet");
  },
};

function content(column, spoken) {
  if (column.kind === "code") return element("code");
  if (column.kind === "time") return element("time");
  if (column.kind !== "command") return element("span");
  const code = element("code");
  return element("span", { class: "command" }, code, copy_button(code, spoken));
}

function new_row(columns, spoken) {
  const row = element("tr", { role: "row" });
  columns.forEach((column, index) => {
    const attributes = { class: column.long ? "long" : ["number", "word"].includes(column.kind) ? column.kind : null };
    const cell = index === 0
      ? element("th", { ...attributes, scope: "row", role: "rowheader" }, content(column, spoken))
      : element("td", { ...attributes, role: "cell", "data-heading": column.heading }, content(column, spoken));
    row.append(cell);
  });
  return row;
}

function fill(row, columns, item, now) {
  columns.forEach((column, index) => {
    const cell = row.children[index];
    const value = column.of(item);
    const text = column.as ? column.as(value) : String(value ?? NOTHING);
    (kinds[column.kind] ?? kinds.text)(cell, text, value, now);
    cell.classList.toggle("zero", value === 0);
    if (index > 0) cell.classList.toggle("void", cell.textContent === NOTHING || cell.textContent === "");
  });
}

// table(CAPTION, COLUMNS, KEY, SPOKEN) is {node, show(items, now)}; KEY makes a row's key of an item. The roles say what
// the elements are: browsers forget when the style of a phone takes them out of the table's layout.
export function table(caption, columns, key, spoken) {
  const headings = columns.map((column) =>
    element("th", { scope: "col", role: "columnheader", class: column.kind === "number" ? "number" : null }, column.heading));
  const body = element("tbody", { role: "rowgroup" });
  const node = element("table", { class: columns.length > 5 ? "rows many" : "rows", role: "table" },
    element("caption", { class: "unseen" }, caption),
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...headings)),
    body);
  let rows = new Map();

  // What is gone goes first: a row that is moved would lose the focus, one that stays in its order is not moved.
  function show(items, now) {
    const wanted = new Map(items.map((item) => [key(item), item]));
    for (const [name, row] of rows) if (!wanted.has(name)) row.remove();
    const kept = new Map();
    let place = body.firstChild;
    for (const [name, item] of wanted) {
      const row = rows.get(name) ?? new_row(columns, spoken);
      fill(row, columns, item, now);
      kept.set(name, row);
      if (row === place) place = place.nextSibling;
      else body.insertBefore(row, place);
    }
    rows = kept;
  }
  return { node, show };
}
