// SPDX-License-Identifier: Apache-2.0
// STS's actions: who somebody is, and session keys, which the fake then accepts until they expire on its clock.
import { randomBytes } from "node:crypto";
import { Refusal } from "./error.mjs";
import { element } from "./xml.mjs";

const VERSION = "2011-06-15";
const DURATION_DEFAULT = 3600;
const invalid = (message) => new Refusal("ValidationError", message);

// The one action that needs no signature: the token says who asks.
export const isUnsigned = (action) => action === "AssumeRoleWithWebIdentity";

// A host of its own tells STS from SNS; here the version does. No value can look like that, since values are encoded.
export const isSts = (body) => body.length < 65536 && body.includes(`Version=${VERSION}`);

function getCallerIdentity({ fake, accessKeyId }) {
  const { arn, userId } = fake.credentials.identity(accessKeyId);
  const account = arn.split(":")[4];
  return { commit: () => element("Arn", arn) + element("UserId", userId) + element("Account", account) };
}

function readRole({ RoleArn: role = "", RoleSessionName: session = "", DurationSeconds: duration }) {
  const parts = /^arn:aws[a-z-]*:iam::(\d{12}):role\/(?:[!-~]+\/)?([\w+=,.@-]{1,64})$/.exec(role);
  if (!parts) throw invalid(`${role} is invalid`);
  if (!/^[\w+=,.@-]{2,64}$/.test(session)) {
    throw invalid(
      `1 validation error detected: Value '${session}' at 'roleSessionName' failed to satisfy constraint: ` +
        "Member must satisfy regular expression pattern: [\\w+=,.@-]*",
    );
  }
  const seconds = Number(duration ?? DURATION_DEFAULT);
  if (!(Number.isInteger(seconds) && seconds >= 900 && seconds <= 43200)) {
    throw invalid(`The requested DurationSeconds exceeds the MaxSessionDuration set for this role: ${duration}`);
  }
  return { account: parts[1], role: parts[2], session, seconds };
}

// Makes a session's key pair known, and returns it as XML.
function issue(fake, { account, role, session, seconds }) {
  const pair = {
    accessKeyId: `ASIA${randomBytes(8).toString("hex").toUpperCase()}`,
    secret: randomBytes(30).toString("base64"),
    token: randomBytes(240).toString("base64"),
    expires: fake.clock.now() + seconds * 1000,
    arn: `arn:aws:sts::${account}:assumed-role/${role}/${session}`,
    userId: `AROAFAKE:${session}`,
  };
  fake.credentials.set(pair);
  const expiration = new Date(pair.expires).toISOString().replace(/\.\d{3}/, "");
  return (
    `<Credentials>${element("AccessKeyId", pair.accessKeyId)}${element("SecretAccessKey", pair.secret)}` +
    `${element("SessionToken", pair.token)}${element("Expiration", expiration)}</Credentials>` +
    `<AssumedRoleUser>${element("AssumedRoleId", pair.userId)}${element("Arn", pair.arn)}</AssumedRoleUser>`
  );
}

function assumeRole({ fake, form: { parameters } }) {
  const role = readRole(parameters);
  return { commit: () => issue(fake, role) };
}

// Of a JSON Web Token only the form and the end of its life are looked at.
function readToken(token, now) {
  const parts = token.split(".");
  const notOne = new Refusal("InvalidIdentityToken", "The ID Token provided is not a valid JWT.");
  if (parts.length !== 3 || !parts.every((part) => /^[\w-]+$/.test(part))) throw notOne;
  let claims;
  try {
    claims = JSON.parse(Buffer.from(parts[1], "base64url").toString());
  } catch {
    throw notOne;
  }
  if (claims.exp !== undefined && claims.exp * 1000 <= now) {
    throw new Refusal(
      "ExpiredTokenException",
      `Token expired: current date/time ${Math.floor(now / 1000)} must be before the expiration date/time ${claims.exp}`,
    );
  }
  return claims;
}

function assumeRoleWithWebIdentity({ fake, form: { parameters } }) {
  const role = readRole(parameters);
  const { sub = "nobody", iss = "issuer", aud = "sts.amazonaws.com" } = readToken(
    parameters.WebIdentityToken ?? "",
    fake.clock.now(),
  );
  const about = element("SubjectFromWebIdentityToken", sub) + element("Provider", iss) + element("Audience", aud);
  return { commit: () => about + issue(fake, role) };
}

const actions = {
  GetCallerIdentity: getCallerIdentity,
  AssumeRole: assumeRole,
  AssumeRoleWithWebIdentity: assumeRoleWithWebIdentity,
};

// prepareSts returns { commit }, like prepareSns.
export function prepareSts(request) {
  const { action } = request;
  if (!Object.hasOwn(actions, action))
    throw new Refusal("InvalidAction", `Could not find operation ${action} for version ${VERSION}`);
  if (request.form.malformed) throw invalid("The form is not percent-encoded UTF-8, or names a parameter twice");
  return actions[action](request);
}
