// SPDX-License-Identifier: Apache-2.0
// Asks for /status.json and shows it, as long as somebody looks.

import { big, duration, moment, plural, time_of_day } from "./format.mjs";
import { element, set_attribute, set_text, set_time, show } from "./dom.mjs";
import { chart } from "./chart.mjs";
import { charts, numbers, sections } from "./sections.mjs";
import { table } from "./table.mjs";

const ASK_EVERY = 2000; // ms
const ANSWER_WITHIN = 5000;
const REPORT_OLD = 30; // seconds

const at = (id) => document.getElementById(id);
let built = null; // {command, cards, charts, sections}
let latest = null; // {status, arrived}: the last answer, and performance.now() when it came
let silent_since = null;
let said = ""; // what was spoken last
let timer;
let is_asking = false;

// spoken(TEXT): for a screen reader. Only what a person would want to be interrupted for.
function spoken(text) {
  set_text(at("spoken"), text);
}

// The relay's clock, which may not be this machine's.
function now() {
  return new Date(moment(latest.status.program.now).getTime() + performance.now() - latest.arrived);
}

function build(status) {
  const { command } = status.program;
  if (built?.command === command) return;
  const cards = new Map();
  const drawn = charts(command).map(chart);
  const shown = sections.filter((section) => command === "run" || !(section.of_report || section.of_run)).map(build_section);
  at("numbers").replaceChildren();
  at("charts").replaceChildren(...drawn.map((one) => one.node));
  at("sections").replaceChildren(...shown.map((one) => one.node));
  built = { command, cards, charts: drawn, sections: shown };
}

function build_section(section, index) {
  const id = `section-${index}`;
  const total = element("span", { class: "count" });
  const empty = element("p", { class: "empty" }, section.empty);
  const rows = table(section.title, section.columns, section.key, spoken);
  const node = element("section", { class: section.wide ? "card wide" : "card", "aria-labelledby": id },
    element("h2", { id }, section.title, " ", total),
    element("p", { class: "hint" }, section.hint ?? ""), empty, rows.node);
  return { section, node, total, empty, rows };
}

function show_section({ section, node, total, empty, rows }, status, time) {
  const is_read = !section.of_report || status.report !== null;
  const items = is_read ? section.rows(status) ?? [] : [];
  const number = is_read && section.total ? section.total(status) ?? items.length : items.length;
  const is_needed = !section.of_handlers || items.length > 0 || status.program.command === "consume";
  show(node, is_needed);
  set_text(empty, is_read ? section.empty : "The database has not been read yet.");
  show(empty, items.length === 0);
  show(rows.node, items.length > 0);
  set_text(total, section.attention && number > 0 ? big(number) : "");
  set_attribute(total, "class", section.attention && number > 0 ? `tag ${section.attention}` : "count");
  rows.show(items, time);
}

function show_numbers(status) {
  for (const { label, value, as = big, note = "", mood = "" } of numbers(status, status.history.samples.at(-1))) {
    if (!built.cards.has(label)) {
      const card = { value: element("dd", { class: "value" }), note: element("dd", { class: "note" }) };
      card.node = element("div", { class: "card" }, element("dt", {}, label), card.value, card.note);
      built.cards.set(label, card);
      at("numbers").append(card.node);
    }
    const card = built.cards.get(label);
    set_text(card.value, as(value));
    set_text(card.note, note);
    set_attribute(card.node, "class", `card ${mood}`.trim());
  }
  set_attribute(at("numbers"), "data-cards", built.cards.size);
}

const failing = (status) => status.checks.filter((check) => !check.good);

function state_of(status) {
  if (silent_since) return ["silent", "no answer"];
  if (status.program.state === "stopping") return ["stopping", "stopping"];
  return failing(status).length > 0 ? ["unready", "not ready"] : ["ready", "ready"];
}

function show_state(status) {
  const [state, words] = state_of(status);
  set_attribute(at("state"), "data-state", state);
  set_text(at("state"), words);
  const { parked } = status.report?.totals ?? {};
  document.title = `${state === "ready" ? "" : `${words} · `}outbox-relay ${status.program.command}`;
  const troubles = failing(status).map((check) => `${check.name}: ${check.why || "not good"}`);
  set_text(at("troubles"), troubles.join("\n"));
  show(at("troubles"), troubles.length > 0 && !silent_since);
  // Not why: that changes all the time, and is in the banner.
  const bad = failing(status).map((check) => `${check.name} not good`);
  const saying = [`outbox-relay: ${words}`, ...bad, parked > 0 ? `${plural(parked, "event")} parked` : ""];
  say_once(saying.filter(Boolean).join(". "));
}

function say_once(text) {
  if (text === said) return;
  said = text;
  spoken(text);
}

function show_program({ program }) {
  const started = moment(program.started_at);
  const up = duration(Math.round((now() - started) / 1000));
  set_text(at("program"), `${program.command} · version ${program.version} · ${program.host} · process ${program.pid} · up ${up}`);
}

function show_report_age(status, time) {
  const read = moment(status.report?.read_at);
  const age = read ? (time - read) / 1000 : 0;
  const is_old = age > REPORT_OLD && !silent_since;
  show(at("old-report"), is_old);
  if (is_old) set_text(at("old-report"), `The database was last read ${duration(Math.round(age))} ago: backlog, parked and waiting are from then.`);
}

function show_all() {
  const { status } = latest;
  const time = now();
  build(status);
  show_program(status);
  show_state(status);
  show_numbers(status);
  show_report_age(status, time);
  for (const one of built.charts) one.show(status.history, time / 1000);
  for (const one of built.sections) show_section(one, status, time);
  set_text(at("as-of"), `As of ${time_of_day(moment(status.program.now))}, asked every ${ASK_EVERY / 1000} s.`);
}

function show_silence(error) {
  silent_since ??= new Date();
  set_time(at("silent-since"), silent_since, new Date());
  set_text(at("silent-since"), time_of_day(silent_since));
  set_text(at("silent-why"), `${error} ${latest ? "What is shown is older than that." : ""} It is asked again and again.`);
  show(at("no-answer"), true);
  document.body.classList.add("stale");
  if (latest) {
    show_state(latest.status);
    show_report_age(latest.status, now());
  } else {
    set_attribute(at("state"), "data-state", "silent");
    set_text(at("state"), "no answer");
  }
}

function end_silence() {
  silent_since = null;
  show(at("no-answer"), false);
  document.body.classList.remove("stale");
}

function why(error) {
  if (error.name === "TimeoutError") return `It has taken more than ${ANSWER_WITHIN / 1000} s.`;
  return error instanceof TypeError ? "It cannot be reached." : `${error.message}.`;
}

async function fetched() {
  const answer = await fetch("/status.json", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_WITHIN) });
  if (!answer.ok) throw new Error(`It has answered ${answer.status}`);
  return { status: await answer.json(), arrived: performance.now() };
}

// A relay that stops, or has lost its database, has no report any more: the last one is better than none, and its age is
// told.
function keep_report(status) {
  if (latest?.status.program.pid === status.program.pid) status.report ??= latest.status.report;
}

async function ask() {
  if (is_asking || document.hidden) return;
  is_asking = true;
  const answer = await fetched().catch((error) => ({ error }));
  is_asking = false;
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(ask, ASK_EVERY);
  if (answer.error) {
    show_silence(why(answer.error));
  } else {
    keep_report(answer.status);
    latest = answer;
    end_silence();
    show_all();
  }
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  void ask();
});
void ask();
