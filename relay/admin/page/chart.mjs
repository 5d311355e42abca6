// SPDX-License-Identifier: Apache-2.0
// A line chart of the last quarter of an hour: one or two lines over the same axis, which begins at 0. For those who do not
// see it, its label says latest, lowest and highest, and a table beneath has a row for each minute.

import { drawing, element, set_attribute, set_text, show } from "./dom.mjs";
import { time_of_day } from "./format.mjs";

const WIDTH = 600;
const HEIGHT = 140;
const WINDOW = 15 * 60;
const GAP = 3; // intervals without a sample that break the line

// The smallest of 1, 2, 2.5, 5, 10, 20, … that is not below the value.
function round_up(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= value * 0.999999);
}

// Points [x, y] in pieces without gaps.
function pieces(samples, of, place, interval) {
  const found = [];
  let last = null;
  for (const sample of samples) {
    const value = of(sample);
    if (value !== null) {
      if (last === null || sample[0] - last > GAP * interval) found.push([]);
      found.at(-1).push(place(sample[0], value));
      last = sample[0];
    } else {
      last = null;
    }
  }
  return found;
}

const joined = (points) => points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L");
// A piece of one point is a short line, to be seen at all.
const line = (piece) => `M${joined(piece)}${piece.length === 1 ? "m-2,0h4" : ""}`;
const area = (piece) => `M${piece[0][0].toFixed(1)},${HEIGHT}L${joined(piece)}V${HEIGHT}Z`;

function legend_entry(of) {
  const value = element("b");
  const name = of.name ? element("span", { class: of.style === "second" ? "key second" : "key" }) : "";
  return { value, node: element("span", {}, name, of.name ? `${of.name} ` : "", value) };
}

// chart({title, series, format, floor}) is {node, show(history, now)}. SERIES has one or two {name, of: sample => number or
// null, style}; FORMAT makes text of a value; FLOOR is the least that the top of the axis stands for.
export function chart({ title, series, format, floor }) {
  const lines = series.map((of) => drawing("path", { class: of.style === "second" ? "line second" : "line" }));
  const under = drawing("path", { class: "area" });
  const pointer = drawing("line", { class: "pointer", y1: 0, y2: HEIGHT, visibility: "hidden" });
  const grid = [0, 0.5, 1].map((part) =>
    drawing("line", { class: "grid", x1: 0, x2: WIDTH, y1: part * HEIGHT, y2: part * HEIGHT }));
  const picture = drawing("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" },
    ...grid, under, ...lines, pointer);
  const top = element("span", { class: "top", "aria-hidden": "true" });
  const nothing = element("p", { class: "nothing" }, "No figures yet.");
  const entries = series.map(legend_entry);
  const legend = element("p", { class: "legend", "aria-hidden": "true" });
  const when = element("span");
  entries.forEach((entry, index) => legend.append(index > 0 ? "  ·  " : "", entry.node));
  legend.append(when);
  const body = element("tbody");
  const details = element("details", {}, element("summary", {}, "As a table"), values_table(title, series, body));
  const plot = element("div", { class: "plot" }, picture, top, nothing);
  const node = element("figure", { class: "card" },
    element("figcaption", {}, element("h3", {}, title), legend), plot,
    element("div", { class: "axis", "aria-hidden": "true" }, element("span", {}, "15 min ago"), element("span", {}, "now")),
    details);

  let shown = { samples: [], now: 0 };
  let pointed = null; // a part of the width

  function show_legend() {
    const { samples, now } = shown;
    let sample = samples.at(-1);
    if (pointed !== null && sample) {
      const at = now - WINDOW * (1 - pointed);
      sample = samples.reduce((best, other) => (Math.abs(other[0] - at) < Math.abs(best[0] - at) ? other : best));
      const x = WIDTH * (1 - (now - sample[0]) / WINDOW);
      set_attribute(pointer, "x1", x);
      set_attribute(pointer, "x2", x);
    }
    set_attribute(pointer, "visibility", pointed !== null && sample ? "visible" : "hidden");
    entries.forEach((entry, index) => set_text(entry.value, sample ? format(series[index].of(sample)) : ""));
    set_text(when, pointed !== null && sample ? `  at ${time_of_day(new Date(sample[0] * 1000))}` : "");
  }
  plot.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    pointed = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    show_legend();
  });
  plot.addEventListener("pointerleave", () => {
    pointed = null;
    show_legend();
  });

  function fill_table() {
    if (!details.open) return;
    const minutes = shown.samples.filter((_, index, all) => (all.length - 1 - index) % 12 === 0).reverse();
    body.replaceChildren(...minutes.map((sample) => element("tr", {},
      element("th", { scope: "row", class: "word" }, time_of_day(new Date(sample[0] * 1000))),
      ...series.map((of) => element("td", { class: "number" }, format(of.of(sample)))))));
  }
  details.addEventListener("toggle", fill_table);

  function draw(history, now) {
    const samples = history.samples.filter((sample) => sample[0] >= now - WINDOW);
    shown = { samples, now };
    const highest = Math.max(0, ...samples.flatMap((sample) => series.map((of) => of.of(sample) ?? 0)));
    const scale = round_up(Math.max(highest, floor));
    const place = (time, value) => [WIDTH * (1 - (now - time) / WINDOW), HEIGHT * (1 - value / scale)];
    series.forEach((of, index) => {
      const found = pieces(samples, of.of, place, history.interval_seconds);
      set_attribute(lines[index], "d", found.map(line).join(""));
      if (index === 0) set_attribute(under, "d", found.map(area).join(""));
    });
    set_text(top, format(scale));
    show(nothing, samples.length === 0);
    set_attribute(picture, "aria-label", described(title, series, samples, format));
    show_legend();
    fill_table();
  }
  return { node, show: draw };
}

function values_table(title, series, body) {
  return element("table", {},
    element("caption", { class: "unseen" }, `${title}, a row for each minute`),
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Time"),
      ...series.map((of) => element("th", { scope: "col", class: "number" }, of.name || "Value")))),
    body);
}

function described(title, series, samples, format) {
  const parts = series.map((of) => {
    const values = samples.map(of.of).filter((value) => value !== null);
    const name = of.name ? `${of.name}: ` : "";
    if (values.length === 0) return `${name}none`;
    return `${name}latest ${format(values.at(-1))}, lowest ${format(Math.min(...values))}, ` +
      `highest ${format(Math.max(...values))}`;
  });
  return `${title}, last 15 minutes. ${parts.join("; ")}.`;
}
