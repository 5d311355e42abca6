// SPDX-License-Identifier: Apache-2.0
// Checks AWS Signature Version 4, from the description of the algorithm and with node:crypto alone: it shares nothing
// with the signer it judges. Stricter than AWS where AWS is vague: every x-amz-* header that is sent must be signed.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { Refusal } from "./error.mjs";

const SKEW_MS = 15 * 60 * 1000;
const KEYS_MAX = 100;
const algorithm = "AWS4-HMAC-SHA256";
const credentialPattern = /^([^/\s]+)\/(\d{8})\/([a-z0-9-]+)\/([a-z0-9-]+)\/aws4_request$/;

const sha256 = (data) => createHash("sha256").update(data).digest("hex");
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
const refuse = (code, message, status = 403) => {
  throw new Refusal(code, message, status);
};

const mismatch =
  "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key " +
  "and signing method. Consult the service documentation for details.";

// The key pairs that are known, each with the session token that belongs to it, if any, whose it is, and when it
// expires (milliseconds). `serial` grows with each change, so that a fault can tell those that were there before it.
export class Credentials {
  #pairs = new Map();
  #serial = 0;

  set({ accessKeyId, secret, token = "", expires = Infinity, arn, userId = "AIDAFAKE" }) {
    arn ??= `arn:aws:iam::000000000000:user/${accessKeyId}`;
    this.#pairs.set(accessKeyId, { accessKeyId, secret, token, expires, arn, userId, serial: ++this.#serial });
  }

  get(accessKeyId) {
    return this.#pairs.get(accessKeyId);
  }

  // Whose it is; with --any-credentials it may be anybody's.
  identity(accessKeyId = "anybody") {
    return this.get(accessKeyId) ?? { arn: `arn:aws:iam::000000000000:user/${accessKeyId}`, userId: "AIDAFAKE" };
  }

  get serial() {
    return this.#serial;
  }
}

function parseAuthorization(header) {
  if (header === undefined) refuse("MissingAuthenticationToken", "Missing Authentication Token");
  const incomplete = (what) => refuse("IncompleteSignature", `${what} Authorization=${header.slice(0, 100)}`, 400);
  if (!header.startsWith(`${algorithm} `)) incomplete(`Unsupported AWS 'algorithm' (expected ${algorithm}):`);
  const parts = new Map();
  for (const part of header.slice(algorithm.length + 1).split(",")) {
    const equals = part.indexOf("=");
    parts.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim());
  }
  const [credential, names, signature] = ["Credential", "SignedHeaders", "Signature"].map((name) => {
    if (!parts.get(name)) incomplete(`Authorization header requires '${name}' parameter.`);
    return parts.get(name);
  });
  const scope = credentialPattern.exec(credential);
  if (!scope) incomplete("Credential must have 5 slash-delimited elements, that is keyid/date/region/service/term.");
  return {
    accessKeyId: scope[1],
    date: scope[2],
    region: scope[3],
    service: scope[4],
    names: names.split(";"),
    signature,
  };
}

function checkSignedHeaders(names, headers) {
  const required = ["host", "x-amz-date", ...Object.keys(headers).filter((name) => name.startsWith("x-amz-"))];
  for (const name of required) {
    if (!names.includes(name))
      refuse("IncompleteSignature", `'${name}' must be a 'SignedHeader' in the AWS Authorization.`, 400);
  }
  const sorted = names.every((name, at) => name === name.toLowerCase() && (at === 0 || names[at - 1] < name));
  if (!sorted) refuse("IncompleteSignature", "SignedHeaders must be in lower case, sorted and distinct.", 400);
}

function parseDate(text) {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text ?? "");
  if (!match) refuse("IncompleteSignature", "Date must be in ISO-8601 'basic format'. See ISO-8601.", 400);
  const [, ...parts] = match.map(Number);
  return Date.UTC(parts[0], parts[1] - 1, ...parts.slice(2));
}

const basic = (time) => new Date(time).toISOString().replace(/[:-]|\.\d{3}/g, "");

function checkDate(header, scopeDate, now) {
  const signed = parseDate(header);
  if (header.slice(0, 8) !== scopeDate) {
    refuse(
      "SignatureDoesNotMatch",
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${scopeDate}' != '${header.slice(0, 8)}', from '${header}'.`,
    );
  }
  if (signed < now - SKEW_MS) {
    refuse(
      "SignatureDoesNotMatch",
      `Signature expired: ${header} is now earlier than ${basic(now - SKEW_MS)} (${basic(now)} - 15 min.)`,
    );
  }
  if (signed > now + SKEW_MS) {
    refuse(
      "SignatureDoesNotMatch",
      `Signature not yet current: ${header} is still later than ${basic(now + SKEW_MS)} (${basic(now)} + 15 min.)`,
    );
  }
}

const encode = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return refuse("IncompleteSignature", "The query string is not percent-encoded UTF-8.", 400);
  }
}

function canonicalQuery(query) {
  if (!query) return "";
  const pairs = query.split("&").map((pair) => {
    const equals = pair.indexOf("=");
    const [name, value] = equals < 0 ? [pair, ""] : [pair.slice(0, equals), pair.slice(equals + 1)];
    return `${encode(decode(name))}=${encode(decode(value))}`;
  });
  return pairs.sort().join("&");
}

function canonicalRequest(method, url, headers, names, payloadHash) {
  const mark = url.indexOf("?");
  const path = mark < 0 ? url : url.slice(0, mark);
  const lines = names.map((name) => `${name}:${(headers[name] ?? "").trim().replace(/ +/g, " ")}\n`).join("");
  const uri = path === "/" ? path : path.split("/").map(encode).join("/");
  return `${method}\n${uri}\n${mark < 0 ? "" : canonicalQuery(url.slice(mark + 1))}\n${lines}\n${names.join(";")}\n${payloadHash}`;
}

const signingKeys = new Map();

function signingKey(secret, date, region, service) {
  const name = `${secret}/${date}/${region}/${service}`;
  let key = signingKeys.get(name);
  if (!key) {
    key = [date, region, service, "aws4_request"].reduce(hmac, `AWS4${secret}`);
    if (signingKeys.size >= KEYS_MAX) signingKeys.clear();
    signingKeys.set(name, key);
  }
  return key;
}

function payloadHashOf(headers, body) {
  const hash = sha256(body);
  const claimed = headers["x-amz-content-sha256"];
  if (claimed !== undefined && claimed !== hash) {
    refuse("SignatureDoesNotMatch", "The provided 'x-amz-content-sha256' header does not match what was computed.");
  }
  return hash;
}

function checkPair(pair, headers) {
  const token = headers["x-amz-security-token"] ?? "";
  if (!pair || token !== pair.token) {
    refuse("InvalidClientTokenId", "The security token included in the request is invalid.");
  }
}

const sameText = (one, other) => one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));

// checkSignature returns { accessKeyId, region, serial } of who has signed the request, and throws a Refusal when
// nobody has, or not well. isExpired(pair) may say that the pair's time is over.
export function checkSignature({ method, url, headers, body }, service, credentials, now, isExpired) {
  const given = parseAuthorization(headers.authorization);
  const pair = credentials.get(given.accessKeyId);
  checkPair(pair, headers);
  if (isExpired(pair)) refuse("ExpiredToken", "The security token included in the request is expired");
  checkSignedHeaders(given.names, headers);
  const date = headers["x-amz-date"];
  checkDate(date, given.date, now);
  if (given.service !== service)
    refuse("SignatureDoesNotMatch", `Credential should be scoped to correct service: '${service}'.`);
  const hash = sha256(canonicalRequest(method, url, headers, given.names, payloadHashOf(headers, body)));
  const scope = `${given.date}/${given.region}/${given.service}/aws4_request`;
  const key = signingKey(pair.secret, given.date, given.region, given.service);
  const expected = hmac(key, `${algorithm}\n${date}\n${scope}\n${hash}`).toString("hex");
  if (!sameText(expected, given.signature)) refuse("SignatureDoesNotMatch", mismatch);
  return { accessKeyId: given.accessKeyId, region: given.region, serial: pair.serial };
}
