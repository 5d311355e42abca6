// SPDX-License-Identifier: Apache-2.0
// SNS and SQS in memory, for the quick start and the tests: `PORT=4566 node server.mjs` (0, the default, takes a free
// port). Listens on 127.0.0.1 unless HOST says otherwise, checks no credentials, and prints one line once it answers.
// Needs Node 18.19.
import { register } from "node:module";

// The emulator can keep its state in SQLite, which we never ask for, yet imports node:sqlite at once; Node has that
// only from 22.5 on. An empty stand-in lets it run on the Node that Debian 12 has.
const noSqlite = `export async function resolve(specifier, context, next) {
  return specifier === "node:sqlite"
    ? { url: "data:text/javascript,export class DatabaseSync {}", shortCircuit: true }
    : next(specifier, context);
}`;
register(`data:text/javascript,${encodeURIComponent(noSqlite)}`);
const { buildApp } = await import("fauxqs");

const host = process.env.HOST ?? "127.0.0.1";
const app = buildApp({ logger: false, host: "localhost", defaultRegion: "us-east-1" });

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => {
    app.close().then(() => process.exit(0));
    app.server.closeAllConnections();
  });
}
await app.listen({ port: Number(process.env.PORT ?? 0), host });
console.log(`listening on ${host}:${app.server.address().port}`);
