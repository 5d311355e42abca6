// SPDX-License-Identifier: Apache-2.0
// An HTTP endpoint as applications have them, for handlers to post to: `node endpoint.mjs FILE`. Appends a line
// {"key":IDEMPOTENCY_KEY,"trace":TRACEPARENT,"body":…} to the file for each request and answers 204, or 500 where the event's data have
// "fail". Prints "listening on 127.0.0.1:PORT".
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";

const [, , file] = process.argv;

const server = createServer({ keepAliveTimeout: 60000 }, (request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const body = JSON.parse(Buffer.concat(chunks).toString());
    appendFileSync(file, JSON.stringify({ key: request.headers["idempotency-key"], trace: request.headers.traceparent, body }) + "\n");
    response.writeHead(body.data?.fail ? 500 : 204).end();
  });
});
server.listen(0, "127.0.0.1", () => console.log(`listening on 127.0.0.1:${server.address().port}`));
process.once("SIGTERM", () => process.exit(0));
