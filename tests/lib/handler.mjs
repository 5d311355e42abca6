// SPDX-License-Identifier: Apache-2.0
// An application with events posted to it, for tests: node handler.mjs LOG [KEY CERTIFICATE]. It listens on a free port
// of 127.0.0.1, with TLS where key and certificate (files) are given, and prints "listening on PORT". An event is answered
// as its `data` say, the last of each list from then on:
//
//     {"statuses":[500,200], "delays_ms":[2000,0]}
//
// else with 200 at once. LOG has a line of JSON for each request: {"id":EVENT_ID,"type":EVENT_TYPE,"key":…,"call":1}.
import { appendFileSync, readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';

const [log, key, certificate] = process.argv.slice(2);
const calls = new Map();

async function handle(request, response) {
    const pieces = [];
    for await (const piece of request) {
        pieces.push(piece);
    }
    const event = JSON.parse(Buffer.concat(pieces).toString());
    const call = (calls.get(event.eventId) ?? 0) + 1;
    const { statuses = [200], delays_ms: delays = [0] } = event.data ?? {};
    calls.set(event.eventId, call);
    const line = { id: event.eventId, type: event.eventType, key: request.headers['idempotency-key'], call };
    appendFileSync(log, `${JSON.stringify(line)}\n`);
    await wait(delays[Math.min(call, delays.length) - 1]);
    response.writeHead(statuses[Math.min(call, statuses.length) - 1]);
    response.end();
}

const server = key
    ? https.createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, handle)
    : http.createServer(handle);
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
