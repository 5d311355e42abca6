// SPDX-License-Identifier: Apache-2.0
// AWS Lambda's runtime API for tests: node lambda_api.mjs LOG. It listens on a free port of 127.0.0.1, prints
// "listening on PORT", hands out invocations in the order in which they are posted to /_fake/invocations, and writes a
// line of JSON to LOG for each request: {"what":"next"|"response"|"error"|"init","id":…,"type":…,"left_ms":…,"body":…}.
// `left_ms` is what was left until the deadline. An invocation is
//
//     {"event":{…}, "raw":"no JSON", "id":…, "deadline_ms":60000, "trace":…, "next":FAULT, "answer":FAULT}
//
// where `raw` goes before `event`, and a fault, of the request for it or of its answer, is {"delay_ms":…},
// {"reset":true} or {"status":500,"body":…}. FAULT posted to /_fake/init is that of the answer to an error at the start.
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

const [log] = process.argv.slice(2);
const invocations = [];
const takers = new Set(); // requests for the next invocation
const given = new Map();
let initFault = {};

function note(line) {
    appendFileSync(log, `${JSON.stringify(line)}\n`);
}

async function bodyOf(request) {
    const pieces = [];
    for await (const piece of request) {
        pieces.push(piece);
    }
    return Buffer.concat(pieces).toString();
}

// Answers as the fault says, else with the status and body that are right.
async function answer(response, fault = {}, status = 202, body = '{"status":"OK"}', headers = {}) {
    await wait(fault.delay_ms ?? 0);
    if (fault.reset) {
        response.socket.resetAndDestroy();
        return;
    }
    response.writeHead(fault.status ?? status, { 'Content-Type': 'application/json', ...headers });
    response.end(fault.body ?? body);
}

function give() {
    while (takers.size > 0 && invocations.length > 0) {
        const invocation = invocations.shift();
        const [taker] = takers;
        takers.delete(taker);
        const id = invocation.id ?? randomUUID();
        const deadline = Date.now() + (invocation.deadline_ms ?? 60000);
        given.set(id, { ...invocation, deadline });
        answer(taker, invocation.next, 200, invocation.raw ?? JSON.stringify(invocation.event), {
            'Lambda-Runtime-Aws-Request-Id': id,
            'Lambda-Runtime-Deadline-Ms': deadline,
            'Lambda-Runtime-Invoked-Function-Arn': 'arn:aws:lambda:us-east-1:000000000000:function:orders',
            ...(invocation.trace && { 'Lambda-Runtime-Trace-Id': invocation.trace }),
        });
    }
}

async function control(path, request, response) {
    const body = JSON.parse(await bodyOf(request));
    if (path === 'init') {
        initFault = body;
    } else {
        invocations.push(body);
        give();
    }
    await answer(response);
}

async function posted(what, id, request, response) {
    const body = await bodyOf(request);
    const invocation = given.get(id);
    const type = request.headers['lambda-runtime-function-error-type'];
    note({ what, id, type, left_ms: invocation && invocation.deadline - Date.now(), body: JSON.parse(body) });
    if (what !== 'init' && !given.delete(id)) {
        await answer(response, {}, 400, '{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}');
    } else {
        await answer(response, what === 'init' ? initFault : invocation.answer);
    }
}

const server = createServer((request, response) => {
    const [, fake, ...rest] = request.url.split('/');
    const path = rest.join('/').replace('runtime/', '');
    const [, id, what] = path.match(/^invocation\/([^/]+)\/(response|error)$/) ?? [];
    if (fake === '_fake') {
        control(path, request, response);
    } else if (request.method === 'GET' && path === 'invocation/next') {
        note({ what: 'next' });
        takers.add(response);
        response.on('close', () => takers.delete(response));
        give();
    } else {
        posted(what ?? 'init', id, request, response);
    }
});
server.keepAliveTimeout = 0; // as the real one, which keeps the connection while the process is frozen
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
