// SPDX-License-Identifier: Apache-2.0
// Signs the same pseudo-random requests, odd paths and queries among them, with aws4, with @smithy/signature-v4 and with the relay's signer, and compares
// the Authorization headers byte by byte. The signed headers are fixed to what the relay signs, since each library
// would add some of its own choice.
//
//     node compare.mjs SIGNER [COUNT] [SEED]
//
// SIGNER is the program made of sign.c. Exit code 0 only when all are equal and a wrong signature would be noticed.
import { spawnSync } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import aws4 from "aws4";

const [signer, count = "5000", seed = "20261123"] = process.argv.slice(2);

// mulberry32: small, and the same numbers on every machine
function generator(state) {
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

const random = generator(Number(seed));
const pick = (values) => values[random(values.length)];
const text = (alphabet, length) => Array.from({ length }, () => pick(alphabet)).join("");
const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const printable = String.fromCharCode(...Array.from({ length: 94 }, (_, index) => 33 + index));

// Few secrets, days and regions, so that the signer's cached key is now the right one and now not.
const secrets = [text(alphanumeric + "/+", 40), text(printable, 256), "x"];
const tokens = ["", "", text(alphanumeric + "/+=", 400), text(printable, 8192)];
const days = [0, 1440938160, 1769862896, 4102444799];

const several = (most, make) => Array.from({ length: random(most + 1) }, make);
const hex = (byte) => byte.toString(16).padStart(2, "0");

// Paths as they stand in URLs: with what is to be normalized, and percent-encoded.
const segments = ["", ".", "..", "...", "a", "orders_1.fifo", "000000000000", "~c-d", "a:b@c", "x%20y", "%C3%A9", "%e2%82%ac", "$&,;=!'()*+"];
const path = () => pick(["/", "/", "/", ""]) || "/" + several(6, () => pick(segments)).join("/");

// Queries as pairs of texts, and as they stand in URLs: what may be encoded is, or is not, in one case or the other.
// A plus sign is always encoded, since a bare one stands for itself in one library and for a blank in another.
const words = ["", "a", "a-b", "A", "ab", "Action", "x y", "é", "€ 10", "😀", "a=b&c", "100%", "1+1", "/?:@", "~._-", "!'()*", "%41", ",;$", "\u0000\t\n"];
const pairs = () => several(8, () => [pick(words.slice(1)), pick([...words, text(printable, 30)])]);
const mustEncode = (byte) => byte <= 0x20 || byte >= 0x7f || '"#%&+<>[]\\^`{|}='.includes(String.fromCharCode(byte));
const wire = (part) =>
  [...Buffer.from(part)]
    .map((byte) => (mustEncode(byte) || random(4) === 0 ? "%" + pick([hex(byte), hex(byte).toUpperCase()]) : String.fromCharCode(byte)))
    .join("");
const wireQuery = (list) => list.map(([name, value]) => wire(name) + (value || random(2) ? "=" + wire(value) : "")).join("&");

const value = () => pick(["", " ", "  a   b ", "\ta \t b", "application/x-amz-json-1.0", '"a   b"', text(printable, 40)]);
const shuffle = (list) => list.map((item) => [random(1 << 30), item]).sort(([one], [other]) => one - other).map(([, item]) => item);
const headers = () =>
  shuffle([
    ["host", pick(["sns.eu-west-1.amazonaws.com", "localhost:4566", "[::1]:4566"])],
    ["content-type", pick(["application/x-www-form-urlencoded; charset=utf-8", value() || " "])], // aws4 adds one for ""
    ...several(3, value).map((it, at) => [pick(["a-", "x-amz-", "x-amzn-", "z_"]) + "header" + at, it]),
  ]);

function request() {
  const method = pick(["POST", "POST", "GET", "GET", "PUT"]);
  const query = pick([[], pairs()]);
  return {
    method,
    path: path(),
    query,
    wireQuery: wireQuery(query),
    headers: headers(),
    region: pick(["us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1", text("abc-0", 32)]),
    service: pick(["sns", "sns", "sqs", "sts"]),
    accessKeyId: pick(["AKIDEXAMPLE", text(alphanumeric, 20), text(alphanumeric, 128)]),
    secretAccessKey: pick(secrets),
    sessionToken: pick(tokens),
    seconds: pick(days) + random(86400),
    body: method === "GET" ? Buffer.alloc(0) : Buffer.from(Array.from({ length: pick([0, 1, 55, 64, 5000, 20000]) }, () => random(256))),
  };
}

const basicDate = (seconds) => new Date(seconds * 1000).toISOString().replace(/[:-]|\.\d{3}/g, "");

function byAws4(r) {
  const signed = aws4.sign(
    {
      method: r.method,
      path: r.path + (r.wireQuery ? "?" + r.wireQuery : ""),
      region: r.region,
      service: r.service,
      headers: { ...Object.fromEntries(r.headers), "x-amz-date": basicDate(r.seconds) },
      body: r.body,
      extraHeadersToIgnore: { "content-length": true },
    },
    { accessKeyId: r.accessKeyId, secretAccessKey: r.secretAccessKey, sessionToken: r.sessionToken || undefined },
  );
  return signed.headers.Authorization;
}

// The hash that smithy wants: SHA-256, or HMAC with it when given a key.
class Sha256 {
  constructor(key) {
    this.hash = key === undefined ? createHash("sha256") : createHmac("sha256", key);
  }
  update(bytes) {
    this.hash.update(bytes);
  }
  async digest() {
    return new Uint8Array(this.hash.digest());
  }
}

// A name that occurs several times has a list of values.
function bag(query) {
  const found = {};
  for (const [name, value] of query) found[name] = name in found ? [found[name], value].flat() : value;
  return found;
}

async function bySmithy(r) {
  const sign = new SignatureV4({
    region: r.region,
    service: r.service,
    sha256: Sha256,
    applyChecksum: false,
    credentials: { accessKeyId: r.accessKeyId, secretAccessKey: r.secretAccessKey, sessionToken: r.sessionToken || undefined },
  });
  const signed = await sign.sign(
    {
      method: r.method,
      protocol: "https:",
      hostname: Object.fromEntries(r.headers).host,
      path: r.path,
      query: bag(r.query),
      headers: Object.fromEntries(r.headers),
      body: new Uint8Array(r.body),
    },
    { signingDate: new Date(r.seconds * 1000) },
  );
  return signed.headers.authorization;
}

function byRelay(requests) {
  const lines = requests.map((r) =>
    [r.method, r.path, r.wireQuery, r.region, r.service, r.accessKeyId, r.secretAccessKey, r.sessionToken, r.seconds,
      r.body.toString("hex"), ...r.headers.flat()].map((field) => field + "\x1f").join("") + "\n");
  const run = spawnSync(signer, { input: lines.join(""), encoding: "latin1", maxBuffer: 1 << 28 });
  if (run.error || run.status !== 0) {
    throw new Error(`${signer} failed: ${run.error ?? run.stderr}`);
  }
  return run.stdout.split("\n").slice(0, -1).map((line) => line.split("\t"));
}

// Returns what differs, for every request that is not signed the same by all three.
async function differences(requests, answers) {
  const found = answers.length === requests.length ? [] : [`${requests.length} requests, ${answers.length} signatures`];
  for (const [index, r] of requests.entries()) {
    const [date, authorization] = answers[index] ?? [];
    const expected = { aws4: byAws4(r), smithy: await bySmithy(r) };
    if (date !== basicDate(r.seconds) || authorization !== expected.aws4 || authorization !== expected.smithy) {
      const what = JSON.stringify([r.method, r.path, r.wireQuery, r.headers]);
      found.push(`request ${index}, ${date}, ${what}:\n  relay  ${authorization}\n  aws4   ${expected.aws4}\n  smithy ${expected.smithy}`);
    }
  }
  return found;
}

// The last digit of one signature is changed: a comparison that does not notice is worth nothing.
function spoil(answers, index) {
  const [date, authorization] = answers[index];
  const last = authorization.at(-1) === "0" ? "1" : "0";
  return answers.map((answer, at) => (at === index ? [date, authorization.slice(0, -1) + last] : answer));
}

const requests = Array.from({ length: Number(count) }, request);
const answers = byRelay(requests);
const found = await differences(requests, answers);
const noticed = await differences(requests, spoil(answers, requests.length >> 1));

if (found.length > 0 || requests.length === 0) {
  console.error(found.slice(0, 5).join("\n"));
  console.error(`sigv4: ${found.length} of ${requests.length} requests differ (seed ${seed})`);
  process.exit(1);
}
if (noticed.length !== 1) {
  console.error("sigv4: a signature that was made wrong was not noticed");
  process.exit(1);
}
console.log(`sigv4: ${requests.length} requests signed alike by aws4, @smithy/signature-v4 and the relay (seed ${seed})`);
