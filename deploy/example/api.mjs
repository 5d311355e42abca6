// SPDX-License-Identifier: Apache-2.0
// The example shop's API on 127.0.0.1, or HOST: `PORT=8080 node api.mjs` (0, the default, takes a free port), with the
// database in libpq's variables (PGHOST, PGUSER, ...). It calls psql, so that it needs nothing but Node; a real service has a driver.
//   POST /orders {"product": "mug", "quantity": 2, "email": "ann@example.com"}    POST /users {"email": "ann@example.com"}
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";

const BODY_MAX = 10_000;
const host = process.env.HOST ?? "127.0.0.1";

// The first line has what is wrong.
const reason = (error) => error.split("\n")[0].replace(/^.*ERROR: +/, "");

// Values are handed to psql as variables: it quotes them where the statement says :'name'.
async function query(statement, values) {
  const missing = Object.keys(values).find((name) => values[name] === undefined);
  if (missing) throw new Error(`${missing} is missing`);
  return new Promise((resolve, reject) => {
    const variables = Object.entries(values).flatMap(([name, value]) => ["-v", `${name}=${value}`]);
    const psql = spawn("psql", ["-XqAt", "-v", "ON_ERROR_STOP=1", ...variables]);
    const output = { out: "", error: "" };
    psql.stdout.on("data", (chunk) => (output.out += chunk));
    psql.stderr.on("data", (chunk) => (output.error += chunk));
    psql.on("error", reject);
    psql.on("close", (code) => (code === 0 ? resolve(output.out.trim()) : reject(new Error(reason(output.error)))));
    psql.stdin.on("error", reject).end(statement);
  });
}

async function placeOrder({ product, quantity, email }, correlationId) {
  const orderId = `order-${randomUUID().slice(0, 8)}`;
  const statement = "SELECT shop.place_order(:'id', :'product', :'quantity'::integer, :'email', :'correlation')";
  const values = { id: orderId, product, quantity, email, correlation: correlationId };
  return { orderId, eventId: await query(statement, values) };
}

async function registerUser({ email }, correlationId) {
  const statement = "SELECT shop.register_user(:'email', :'correlation')";
  return { eventId: await query(statement, { email, correlation: correlationId }) };
}

const routes = { "POST /orders": placeOrder, "POST /users": registerUser };

async function read(request) {
  let body = "";
  for await (const chunk of request) {
    body += chunk;
    if (body.length > BODY_MAX) throw new Error(`the body is longer than ${BODY_MAX} characters`);
  }
  return JSON.parse(body);
}

// The correlation id goes with the event, and with all that follow from it.
async function answer(request) {
  const route = routes[`${request.method} ${request.url}`];
  if (!route) return [404, { error: `try ${Object.keys(routes).join(" or ")}` }];
  try {
    return [201, await route(await read(request), request.headers["x-correlation-id"] ?? randomUUID())];
  } catch (error) {
    return [400, { error: error.message }];
  }
}

const server = createServer(async (request, response) => {
  const [status, body] = await answer(request);
  response.writeHead(status, { "Content-Type": "application/json" }).end(`${JSON.stringify(body)}\n`);
});
server.listen(Number(process.env.PORT ?? 0), host, () => {
  console.log(`listening on ${host}:${server.address().port}`);
});
