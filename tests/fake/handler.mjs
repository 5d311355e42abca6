// SPDX-License-Identifier: Apache-2.0
// The way of a request: it is read, its signature checked, its action prepared; then the faults are asked, the action
// is done, and the answer sent, or whatever a fault makes of it.
import { control } from "./control.mjs";
import { Refusal } from "./error.mjs";
import { refusalOf } from "./faults.mjs";
import { parseForm } from "./form.mjs";
import { checkSignature } from "./sigv4.mjs";
import { prepareSns } from "./sns.mjs";
import { prepareSqs, sqsError } from "./sqs.mjs";
import { isSts, isUnsigned, prepareSts } from "./sts.mjs";
import { errorXml, resultXml } from "./xml.mjs";

const BODY_MAX = 8 << 20; // a form of 1 MiB of payload, percent-encoded, and to spare
const formType = "application/x-www-form-urlencoded";
const targetPrefix = "AmazonSQS.";

const htmlPage =
  "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n";

// A connection may be struck before anything is read from it.
export function handleConnection(fake, socket) {
  fake.stats.connections++;
  socket.on("error", () => {}); // a client that goes away is no news
  const rule = fake.faults.atConnection();
  if (rule?.kind === "reset") socket.resetAndDestroy();
  if (rule?.kind === "stall") socket.stalled = true;
}

export function handle(fake, request, response) {
  const chunks = [];
  let size = 0;
  request.on("data", (chunk) => {
    size += chunk.length;
    if (size <= BODY_MAX) chunks.push(chunk);
  });
  request.on("end", () => {
    if (request.socket.stalled) return;
    const { method, url, headers } = request;
    const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    if (url.startsWith("/_fake/")) {
      send(response, control(fake, { method, url, body }));
    } else {
      answer(fake, { fake, method, url, headers, body, tooLarge: size > BODY_MAX }, response);
    }
  });
}

async function answer(fake, request, response) {
  fake.stats.begin();
  response.once("close", () => fake.stats.end());
  request.response = response;
  request.requestId = `00000000-0000-4000-8000-${fake.stats.requests.toString(16).padStart(12, "0")}`;
  recognise(request);
  const { plan, reply } = await work(fake, request);
  reply.headers.Date = new Date(fake.clock.signatureNow()).toUTCString();
  if (plan.delay !== undefined) {
    setTimeout(() => finish(plan, reply, response), plan.delay);
  } else {
    finish(plan, reply, response);
  }
}

// SQS is known by its target header, STS by the version of its API; everything else is for SNS.
function recognise(request) {
  const target = request.headers["x-amz-target"];
  if (target?.startsWith(targetPrefix)) {
    Object.assign(request, { service: "sqs", action: target.slice(targetPrefix.length) });
  } else if (isSts(request.body)) {
    const form = parseForm(request.body);
    Object.assign(request, { service: "sts", action: form.parameters.Action, form });
  } else {
    request.service = "sns";
  }
}

const nothing = { answer: "sent" };

async function work(fake, request) {
  let plan = nothing;
  try {
    authenticate(fake, request);
    const prepared = prepare(request);
    Object.assign(request, prepared);
    plan = fake.faults.plan(request);
    if (plan.outcome) return { plan, reply: await struck(plan, request, prepared) };
    return { plan, reply: success(request, await result(request, prepared, plan)) };
  } catch (error) {
    return { plan: plan.outcome ? nothing : plan, reply: failure(request, error) };
  }
}

function authenticate(fake, request) {
  if (request.tooLarge) throw new Refusal("RequestEntityTooLarge", "The request is too large", 413);
  if (request.method !== "POST") throw new Refusal("InvalidAction", `The fake takes POST only, not ${request.method}`);
  if (fake.options.anyCredentials || (request.service === "sts" && isUnsigned(request.action))) return;
  const now = fake.clock.signatureNow();
  const { accessKeyId, region } = checkSignature(request, request.service, fake.credentials, now, (pair) =>
    fake.faults.isExpired(pair),
  );
  Object.assign(request, { accessKeyId, region });
}

function prepare(request) {
  if (request.service === "sqs") return prepareSqs(request);
  const type = request.headers["content-type"] ?? "";
  if (!type.startsWith(formType)) throw new Refusal("InvalidAction", `Content-Type must be ${formType}, not ${type}`);
  if (request.service === "sts") return prepareSts(request);
  request.form = parseForm(request.body);
  request.action = request.form.parameters.Action;
  return prepareSns(request);
}

function result(request, prepared, plan) {
  request.fake.stats.count("actions", request.action);
  return prepared.commit(plan);
}

// The answer where a fault decides it. `published` says whether the action is done nevertheless.
async function struck(plan, request, prepared) {
  const { outcome } = plan;
  const done = outcome.published ? success(request, await result(request, prepared, plan)) : undefined;
  if (outcome.kind === "html")
    return { status: outcome.status, headers: { "Content-Type": "text/html" }, body: htmlPage };
  const refusal = refusalOf(outcome, request, request.service);
  return refusal ? failure(request, refusal) : (done ?? { status: 200, headers: {}, body: "" });
}

function success(request, result) {
  const headers = { "x-amzn-RequestId": request.requestId };
  if (request.service === "sqs") {
    headers["Content-Type"] = "application/x-amz-json-1.0";
    return { status: 200, headers, body: JSON.stringify(result) };
  }
  headers["Content-Type"] = "text/xml";
  return { status: 200, headers, body: resultXml(request, result) };
}

function failure(request, error) {
  if (!(error instanceof Refusal)) {
    console.error(error);
    error = new Refusal("InternalFailure", `the fake has a bug: ${error.message}`, 500);
  }
  const { fake, requestId, service } = request;
  fake.stats.count("refused", error.code);
  const headers = { "x-amzn-RequestId": requestId };
  if (service === "sqs") {
    const { headers: more, body } = sqsError(error);
    return {
      status: error.status,
      headers: { ...headers, "Content-Type": "application/x-amz-json-1.0", ...more },
      body,
    };
  }
  return {
    status: error.status,
    headers: { ...headers, "Content-Type": "text/xml" },
    body: errorXml(request, error),
  };
}

function finish({ outcome, close }, reply, response) {
  const { socket } = response.req; // the response's own is not there yet while Node is busy with an answer before it
  if (socket.destroyed) return;
  if (outcome?.kind === "stall") return;
  if (outcome?.kind === "lost") {
    socket.destroySoon();
  } else if (outcome?.kind === "reset") {
    socket.resetAndDestroy();
  } else if (outcome?.kind === "truncated") {
    sendHalf(response, reply, outcome.length === "half");
  } else {
    send(response, reply, close);
  }
}

// Half the answer: Content-Length promises the whole, or, with `fits`, only the half, which is then broken XML in a
// faultless answer.
function sendHalf(response, { status, headers, body }, fits) {
  const bytes = Buffer.from(body);
  const half = bytes.subarray(0, bytes.length >> 1);
  const { socket } = response.req;
  response.writeHead(status, {
    ...headers,
    "Content-Length": fits ? half.length : bytes.length,
    ...(fits ? {} : { Connection: "close" }),
  });
  response.write(half, () => (fits ? response.end() : socket.destroySoon()));
}

// A close that is not announced is the race that a pool of connections has to survive.
function send(response, { status, headers, body }, close) {
  if (close?.announce) headers.Connection = "close";
  headers["Content-Length"] = Buffer.byteLength(body);
  const { socket } = response.req;
  response.writeHead(status, headers);
  response.end(body, close && !close.announce ? () => socket.destroySoon() : undefined);
}
