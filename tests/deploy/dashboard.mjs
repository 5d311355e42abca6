// SPDX-License-Identifier: Apache-2.0
// A Grafana dashboard: whether it is one, and what it asks. grafana_test.sh runs it.
//
//     node dashboard.mjs check METRICS FILE...   prints what is wrong with it; METRICS is a file of names of metrics. With
//                                                several files each line begins with the file's
//     node dashboard.mjs rules FILE              prints its queries as Prometheus rules, for promtool
//     node dashboard.mjs ask URL FILE            runs each query on the Prometheus there; prints a line "TITLE: expression"
//                                                for each that has no value, and what else is wrong with the answers
//     node dashboard.mjs nonzero URL FILE        the same, where 0 is no value either
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Ajv from "ajv";

// The types that Grafana publishes for its dashboards and panels, as JSON schemas. What a type does not name is refused.
const raw = fileURLToPath(new URL("node_modules/@grafana/schema/dist/esm/raw/", import.meta.url));
const folders = { stat: "Stat", timeseries: "TimeSeries", heatmap: "Heatmap", "state-timeline": "StateTimeline" };

// Of Grafana's units, those that fit what is measured here.
const units = new Set(["none", "short", "s", "percentunit", "bytes", "eps", "ops", "mps"]);
const targetKeys = new Set(["datasource", "editorMode", "expr", "format", "instant", "legendFormat", "range", "refId"]);
const ownMetrics = new Set(["up", "ALERTS"]);
const maker = { type: "grafana", uid: "-- Grafana --" };

const substitutes = { $job: ".+", $instance: ".+", $__rate_interval: "10s" };
const substitute = (expr) => expr.replace(/\$\w+/g, (name) => substitutes[name] ?? name);

const commands = { check, rules, ask: (url, file) => ask(url, file, () => true), nonzero: (url, file) => ask(url, file, (value) => value !== 0) };
const [command, ...operands] = process.argv.slice(2);
const lines = await commands[command](...operands);
process.stdout.write(lines.map((line) => `${line}\n`).join(""));

// read FILE: the dashboard, its rows, and the panels between and in them.
function read(file) {
  const dashboard = JSON.parse(readFileSync(file, "utf8"));
  const rows = dashboard.panels.filter((panel) => panel.type === "row");
  const panels = dashboard.panels.flatMap((panel) => (panel.type === "row" ? panel.panels : [panel]));
  return { dashboard, rows, panels };
}

async function check(metrics, ...files) {
  const names = new Set(readFileSync(metrics, "utf8").split("\n"));
  const types = await grafanaTypes();
  return files.flatMap((file) => {
    const wrong = [];
    const complain = (where, what) => wrong.push(`${files.length > 1 ? `${file}: ` : ""}${where}: ${what}`);
    const board = read(file);
    checkTypes(types, board, complain);
    checkLayout(board, complain);
    checkDatasources(board.dashboard, complain, "dashboard");
    for (const panel of board.panels) checkPanel(panel, names, complain);
    return wrong;
  });
}

async function grafanaTypes() {
  const { createGenerator } = await import("ts-json-schema-generator");
  const { defaultDashboard } = await import(raw + "dashboard/x/dashboard_types.gen.mjs");
  const ajv = new Ajv({ allErrors: true, strict: false });
  const validator = (path, type) =>
    ajv.compile(createGenerator({ path: raw + path, type, skipTypeCheck: true, additionalProperties: false }).createSchema(type));
  const panelType = ([type, name]) => {
    const path = `composable/${type.replace("-", "")}/panelcfg/x/${name}PanelCfg_types.gen.d.ts`;
    return [type, { options: validator(path, "Options"), custom: type === "stat" ? null : validator(path, "FieldConfig") }];
  };
  const path = "dashboard/x/dashboard_types.gen.d.ts";
  return {
    schemaVersion: defaultDashboard.schemaVersion,
    dashboard: validator(path, "Dashboard"),
    row: validator(path, "RowPanel"),
    panel: validator(path, "Panel"),
    of: Object.fromEntries(Object.entries(folders).map(panelType)),
  };
}

function checkTypes(types, { dashboard, rows, panels }, complain) {
  const holds = (validate, value, where) => {
    if (validate(value)) return;
    for (const error of validate.errors)
      complain(where, `${error.instancePath || "/"} ${error.message} ${JSON.stringify(error.params)}`);
  };
  holds(types.dashboard, { ...dashboard, panels: [] }, "dashboard");
  if (dashboard.schemaVersion !== types.schemaVersion) complain("dashboard", `schemaVersion is not ${types.schemaVersion}`);
  for (const row of rows) holds(types.row, { ...row, panels: [] }, row.title);
  for (const panel of panels) {
    holds(types.panel, panel, panel.title);
    const of = types.of[panel.type];
    if (!of) {
      complain(panel.title, `its type ${panel.type} is none of ${Object.keys(folders)}`);
      continue;
    }
    holds(of.options, panel.options, `${panel.title}: options`);
    if (of.custom) holds(of.custom, panel.fieldConfig?.defaults?.custom, `${panel.title}: custom`);
  }
}

function checkLayout({ rows, panels }, complain) {
  const ids = new Set();
  const cells = new Map();
  for (const { id, title, gridPos } of [...rows, ...panels]) {
    if (!Number.isInteger(id) || ids.has(id)) complain(title, `its id ${id} is not one of its own`);
    ids.add(id);
    const { x, y, w, h } = gridPos ?? {};
    if (![x, y, w, h].every(Number.isInteger) || x < 0 || y < 0 || w < 1 || h < 1 || x + w > 24) {
      complain(title, `it is not on the grid: ${JSON.stringify(gridPos)}`);
      continue;
    }
    const under = new Set();
    for (let row = y; row < y + h; row++)
      for (let column = x; column < x + w; column++) {
        const cell = row * 24 + column;
        if (cells.has(cell)) under.add(cells.get(cell));
        cells.set(cell, title);
      }
    if (under.size) complain(title, `it lies over ${[...under].join(", ")}`);
  }
}

// Every data source is the one that is chosen above the dashboard.
function checkDatasources(value, complain, where) {
  if (!value || typeof value !== "object") return;
  const inside = value.title ?? value.name ?? where;
  for (const [key, child] of Object.entries(value)) {
    if (key !== "datasource") checkDatasources(child, complain, inside);
    else if (child.uid !== "${datasource}" && !(child.type === maker.type && child.uid === maker.uid))
      complain(inside, `its data source is fixed: ${JSON.stringify(child)}`);
  }
}

function checkPanel(panel, names, complain) {
  const { title, description, fieldConfig, targets } = panel;
  const say = (what) => complain(title ?? `panel ${panel.id}`, what);
  if (!title) say("it has no title");
  if (!/^[A-Z].*\.$/s.test(description ?? "")) say("it has no description in sentences");
  const defaults = fieldConfig?.defaults ?? {};
  if (!units.has(defaults.unit)) say(`its unit ${defaults.unit} is none of ${[...units]}`);
  const steps = defaults.thresholds?.steps ?? [];
  if (steps[0]?.value !== null || steps.slice(2).some((step, i) => step.value <= steps[i + 1].value))
    say(`its thresholds do not rise from null: ${JSON.stringify(steps)}`);
  if (!panel.datasource) say("it has no data source");
  if (!targets?.length) say("it asks nothing");
  const refs = new Set();
  for (const target of targets ?? []) {
    for (const key of Object.keys(target)) if (!targetKeys.has(key)) say(`a target's ${key} means nothing to Prometheus`);
    if (!target.datasource) say("a target has no data source");
    if (refs.has(target.refId)) say(`two targets are called ${target.refId}`);
    refs.add(target.refId);
    if (!target.expr) {
      say("a target has no expr");
      continue;
    }
    for (const [name] of target.expr.matchAll(/\$\w+/g)) if (!substitutes[name]) say(`there is no variable ${name}`);
    for (const name of metricsOf(target.expr)) if (!names.has(name) && !ownMetrics.has(name)) say(`there is no metric ${name}`);
    for (const selector of target.expr.match(/\b(outbox_relay|process)_\w+(\{[^}]*\})?/g) ?? [])
      if (!selector.includes('job=~"$job"') || !selector.includes('instance=~"$instance"'))
        say(`${selector} does not heed the chosen job and instance`);
  }
  if (new Set((targets ?? []).map((target) => target.legendFormat)).size !== (targets ?? []).length)
    say("two targets have the same legend");
}

// What stands before { or [, or looks like a metric of ours.
function metricsOf(expr) {
  return new Set([...expr.matchAll(/\b([a-zA-Z_:][\w:]*)(?=[{[])|\b((?:outbox|process)_\w+)/g)].map((match) => match[1] ?? match[2]));
}

async function rules(file) {
  const queries = read(file).panels.flatMap((panel) => panel.targets.map((target) => target.expr));
  const group = { name: "dashboard", rules: queries.map((expr, i) => ({ record: `query:${i}`, expr: substitute(expr) })) };
  return [JSON.stringify({ groups: [group] })];
}

async function ask(prometheus, file, counts) {
  const wrong = [];
  for (const panel of read(file).panels)
    for (const { expr, instant, legendFormat } of panel.targets) {
      const complain = (what) => wrong.push(`${panel.title}: ${what}`);
      const now = Date.now() / 1000;
      const parameters = { query: substitute(expr), ...(instant ? {} : { start: now - 15, end: now, step: 1 }) };
      const url = `${prometheus}/api/v1/${instant ? "query" : "query_range"}?${new URLSearchParams(parameters)}`;
      const answer = await (await fetch(url)).json();
      if (answer.status !== "success") {
        complain(`${answer.error} (${expr})`);
        continue;
      }
      const { result } = answer.data;
      const values = result.flatMap((series) => series.values ?? [series.value]).map(([, value]) => Number(value));
      if (!values.some((value) => !Number.isNaN(value) && counts(value))) complain(expr);
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
        if (result.some((series) => !series.metric[label])) complain(`no label ${label} (${expr})`);
      const legends = result.map(({ metric }) => legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label) => metric[label]));
      if (new Set(legends).size !== legends.length) complain(`two series have the same legend (${expr})`);
    }
  return wrong;
}
