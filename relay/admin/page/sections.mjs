// SPDX-License-Identifier: Apache-2.0
// What the page tells in tables, as a table itself: the heading, what it says when there is nothing, where in the document
// the rows are, and the columns.

import { bytes, count, duration, moment, percent, plural, rate, time_of_day } from "./format.mjs";

const number = (heading, of, as = count) => ({ heading, of, as, kind: "number" });
const text = (heading, of) => ({ heading, of });
const code = (heading, of) => ({ heading, of, kind: "code" });
const long = (column) => ({ ...column, long: true });
const age = (heading, of) => number(heading, of, duration);
const time = (heading, of) => ({ heading, of, kind: "time" });

// A quoted word for a POSIX shell.
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

const topic_name = (arn) => (arn?.startsWith("arn:") ? arn.split(":").at(-1) : arn);

// Sections with `of_report` are left out where there is no outbox, as in a consumer.
export const sections = [
  {
    title: "Parked",
    hint: "for a person to decide; the newest 20",
    empty: "No event is parked.",
    of_report: true,
    wide: true,
    attention: "bad",
    total: ({ report }) => report.totals.parked,
    rows: ({ report }) => report.parked,
    key: (event) => event.id,
    columns: [
      { heading: "Event", of: (event) => event.id, kind: "word" },
      code("Type", (event) => event.event_type),
      long(text("Aggregate", (event) => event.aggregate_id)),
      long(text("Reason", (event) => event.last_error)),
      number("Attempts", (event) => event.attempts),
      time("Parked", (event) => event.parked_at),
      long({ heading: "To try again", of: (event) => `outbox-relay retry ${event.id}`, kind: "command" }),
    ],
  },
  {
    title: "Waiting",
    hint: "goes on by itself when the reason is over",
    empty: "No event waits for anything.",
    of_report: true,
    attention: "warn",
    total: ({ report }) => report.totals.waiting,
    rows: ({ report }) => report.waiting,
    key: (reason) => reason.reason,
    columns: [
      long(text("Reason", (reason) => reason.reason)),
      number("Events", (reason) => reason.events),
      age("Oldest", (reason) => reason.oldest_seconds),
    ],
  },
  {
    title: "Paused topics",
    empty: "No topic is paused.",
    of_report: true,
    attention: "warn",
    rows: ({ report }) => report.paused_topics,
    key: (topic) => topic.topic_arn,
    columns: [
      code("Topic", (topic) => topic_name(topic.topic_arn)),
      long(text("Reason", (topic) => topic.reason)),
      text("By", (topic) => topic.paused_by),
      time("Since", (topic) => topic.paused_at),
      long({ heading: "To go on", of: (topic) => `outbox-relay resume ${quoted(topic.topic_arn)}`, kind: "command" }),
    ],
  },
  {
    title: "What holds the database back",
    empty: "Nothing holds back the outbox or vacuum.",
    of_report: true,
    wide: true,
    attention: "warn",
    rows: ({ report }) => report.blockers,
    key: (blocker) => [blocker.kind, blocker.pid, blocker.name, blocker.holds_back].join(" "),
    columns: [
      text("Kind", (blocker) => blocker.kind),
      long(text("Name", (blocker) => blocker.name)),
      number("Process", (blocker) => blocker.pid, (pid) => String(pid ?? "")),
      age("Age", (blocker) => blocker.age_seconds),
      text("Holds back", (blocker) => blocker.holds_back),
      long(code("Query", (blocker) => blocker.query)),
      long(text("What to do", (blocker) => blocker.remedy)),
    ],
  },
  {
    title: "Topics",
    hint: "since this relay has started; the checks say why one rests",
    empty: "Nothing has been published yet, and nothing is pending.",
    of_run: true,
    wide: true,
    rows: ({ topics }) => topics,
    key: (topic) => topic.topic,
    columns: [
      long(code("Topic", (topic) => topic.topic)),
      { heading: "State", of: (topic) => (topic.resting ? ["resting", "bad"] : ["open", "good"]), kind: "tag" },
      number("Published", (topic) => topic.published),
      number("Put off", (topic) => topic.retried),
      number("Parked", (topic) => topic.parked),
      number("Throttled", (topic) => topic.throttled),
      number("Pending", (topic) => topic.pending),
      age("Oldest", (topic) => topic.oldest_seconds || null),
    ],
  },
  {
    title: "Event types",
    empty: "There are no unsent events, and none was sent lately.",
    of_report: true,
    wide: true,
    rows: ({ report }) => report.by_type,
    key: (type) => type.event_type,
    columns: [
      code("Type", (type) => type.event_type),
      { ...code("Topic", (type) => type.topic_arn), as: (arn) => topic_name(arn) ?? "no route" },
      number("Pending", (type) => type.pending),
      number("Retrying", (type) => type.retrying),
      number("Waiting", (type) => type.waiting),
      number("Scheduled", (type) => type.scheduled),
      number("Parked", (type) => type.parked),
      age("Oldest", (type) => type.oldest_pending_seconds),
      number("Sent last minute", (type) => type.sent_last_minute),
      age("Mean delay", (type) => type.mean_delay_seconds),
    ],
  },
  {
    title: "Handlers",
    hint: "since this program has started",
    empty: "No handler has been called yet.",
    of_handlers: true,
    wide: true,
    rows: ({ handlers }) => handlers ?? [],
    key: (handler) => handler.handler,
    columns: [
      long(code("Handler", (handler) => handler.handler)),
      number("Done", (handler) => handler.done),
      number("Duplicates", (handler) => handler.duplicate),
      number("Failed", (handler) => handler.failed),
      number("Put off", (handler) => handler.put_off),
    ],
  },
  {
    title: "Relays",
    hint: "each has several sessions; one of all leads, and is woken by writers",
    empty: "No relay is connected to this database.",
    of_report: true,
    rows: ({ report }) => report.relays,
    key: (relay) => relay.pid,
    columns: [
      { heading: "Session", of: (relay) => relay.pid, kind: "word" },
      long(text("Application", (relay) => relay.application)),
      text("From", (relay) => relay.client ?? "the same machine"),
      time("Since", (relay) => relay.since),
      { heading: "Role", of: (relay) => (relay.leads ? ["leads", "good"] : null), kind: "tag" },
    ],
  },
  {
    title: "Database",
    empty: "The database has not been read yet.",
    of_report: true,
    rows: database_facts,
    key: ([name]) => name,
    columns: [text("Fact", ([name]) => name), long(text("Value", ([, value]) => value))],
  },
  {
    title: "Checks",
    empty: "There is nothing to check.",
    wide: true,
    rows: ({ checks }) => checks,
    key: (check) => check.name,
    columns: [
      text("Check", (check) => check.name),
      { heading: "State", of: (check) => (check.good ? ["good", "good"] : ["not good", "bad"]), kind: "tag" },
      long(text("Why", (check) => check.why)),
    ],
  },
];

function database_facts({ report }) {
  const { database, floor, table } = report;
  const vacuum = moment(table?.last_autovacuum);
  const role = database?.in_recovery ? ", a standby" : "";
  return [
    ["Database", `${database?.name}, PostgreSQL ${database?.server_version}${role}`],
    ["Schema version", count(database?.schema_version)],
    ["Table outbox.event", `${bytes(table?.bytes)}, about ${plural(table?.rows_estimate, "row")}`],
    ["HOT updates", percent(table?.hot_ratio)],
    ["Last autovacuum", vacuum ? `${vacuum.toLocaleDateString()}, ${time_of_day(vacuum)}` : "none yet"],
    ["Settled up to event", `${count(floor?.id)}, of ${count(floor?.newest)}`],
  ];
}

// The big numbers: {label, of: document => {value, note, mood}}. `last` is the history's newest sample, if any.
export function numbers(document, last) {
  return document.program.command === "run" ? numbers_of_run(document, last) : numbers_of_consume(last);
}

function numbers_of_run({ report, topics }, last) {
  const totals = report?.totals;
  const about = report && !report.exact ? "an estimate" : "";
  const pending = totals?.pending ?? last?.[1];
  const oldest = totals ? totals.oldest_pending_seconds : Math.max(0, ...topics.map((topic) => topic.oldest_seconds)) || null;
  const waits = totals ? `${count(totals.retrying)} retrying, ${count(totals.scheduled)} scheduled` : "";
  return [
    { label: "Pending", value: pending, note: about },
    { label: "Oldest pending", value: oldest, as: duration, note: oldest === null ? "nothing is pending" : "" },
    { label: "Sent per second", value: last?.[2], as: rate, note: failures_of(last) },
    { label: "Delay, 95th percentile", value: last?.[4], as: duration, note: last && last[4] === null ? "nothing sent just now" : "" },
    { label: "Waiting", value: totals?.waiting, note: waits, mood: totals?.waiting > 0 ? "warn" : "" },
    { label: "Parked", value: totals?.parked, note: totals?.parked > 0 ? "to be decided" : "", mood: totals?.parked > 0 ? "bad" : "" },
  ];
}

function numbers_of_consume(last) {
  return [
    { label: "Held messages", value: last?.[1] },
    { label: "Handled per second", value: last?.[2], as: rate },
    { label: "Age, 95th percentile", value: last?.[4], as: duration, note: last && last[4] === null ? "nothing handled just now" : "" },
    { label: "Failures per second", value: last?.[5], as: rate, mood: last?.[5] > 0 ? "warn" : "" },
  ];
}

const failures_of = (last) => (last?.[5] > 0 ? `${rate(last[5])} failing` : "");

// The three charts of a command.
export function charts(command) {
  const is_run = command === "run";
  return [
    { title: is_run ? "Backlog" : "Messages held", format: count, floor: 10, series: [{ name: "", of: (sample) => sample[1] }] },
    {
      title: is_run ? "Events per second" : "Messages per second", format: rate, floor: 1,
      series: [
        { name: is_run ? "sent" : "handled", of: (sample) => sample[2] },
        { name: "failed", of: (sample) => sample[5], style: "second" },
      ],
    },
    {
      title: is_run ? "Delay until sent" : "Age when handled", format: duration, floor: 0.001,
      series: [
        { name: "median", of: (sample) => sample[3] },
        { name: "p95", of: (sample) => sample[4], style: "second" },
      ],
    },
  ];
}
