// SPDX-License-Identifier: Apache-2.0
// Reads the form of a Query request. This is where a publish spends its time, so values are decoded byte by byte in one
// pass that also notes what the rules ask for: the size in bytes, characters that SQS refuses, text that is no UTF-8.
import { isUtf8 } from "node:buffer";

const PERCENT = 37;
const PLUS = 43;
const EQUALS = 61;
const AMPERSAND = 38;
const PLACES_MAX = 10000;

const hexDigits = new Int16Array(256).fill(-1);
for (const digit of "0123456789abcdefABCDEF") hexDigits[digit.charCodeAt(0)] = parseInt(digit, 16);

// All below a space but tab, line feed and carriage return.
const forbidden = new Uint8Array(256);
for (let byte = 0; byte < 32; byte++) forbidden[byte] = byte === 9 || byte === 10 || byte === 13 ? 0 : 1;

// One message: an entry of a batch, or the request itself (Publish). `size` is what counts against the limits.
class Entry {
  Id = undefined;
  Message = undefined;
  Subject = undefined;
  MessageStructure = undefined;
  MessageGroupId = undefined;
  MessageDeduplicationId = undefined;
  attributes = [];
  size = 0;
  messageBytes = 0;
  hasForbidden = false;
}

class Attribute {
  Name = undefined;
  "Value.DataType" = undefined;
  "Value.StringValue" = undefined;
  "Value.BinaryValue" = undefined;
}

const entryFields = new Set([
  "Id",
  "Message",
  "Subject",
  "MessageStructure",
  "MessageGroupId",
  "MessageDeduplicationId",
]);
const attributeFields = new Set(Object.keys(new Attribute()));
const keyPattern =
  /^(?:PublishBatchRequestEntries\.(?:member|entry)\.(\d{1,4})\.)?(?:MessageAttributes\.entry\.(\d{1,4})\.(.+)|(.+))$/s;

// Where a key's value belongs. There are few keys, and they come again in every request.
const places = new Map();

function placeOf(key) {
  const known = places.get(key);
  if (known) return known;
  const [, member, attribute, attributeField, field] = keyPattern.exec(key) ?? [];
  const place = {
    member: Number(member ?? 0),
    attribute: Number(attribute ?? 0),
    field: attributeField ?? field ?? key,
  };
  place.known = (attribute ? attributeFields : entryFields).has(place.field);
  if (places.size < PLACES_MAX) places.set(key, place);
  return place;
}

let scratch = Buffer.allocUnsafe(1 << 16);
let decodedBytes = 0; // of the last value
let decodedForbidden = false;
let decodedEnd = 0; // where it ended
let malformed = false; // anywhere in the form

// The text from `from` to the next separator, or to the end.
function decode(body, from, separator) {
  const size = body.length;
  let length = 0;
  let seen = 0;
  let refused = 0;
  let at = from;
  for (; at < size; at++) {
    let byte = body[at];
    if (byte === separator) break;
    if (byte === PERCENT) {
      byte = at + 2 < size ? (hexDigits[body[at + 1]] << 4) | hexDigits[body[at + 2]] : -1;
      at += byte < 0 ? 0 : 2;
    } else if (byte === PLUS) {
      byte = 32;
    }
    scratch[length++] = byte;
    seen |= byte;
    refused |= forbidden[byte & 255];
  }
  decodedBytes = length;
  decodedForbidden = refused !== 0;
  decodedEnd = at;
  if (seen >= 0 && seen < 128) return scratch.latin1Slice(0, length);
  return decodeWide(length, seen);
}

function decodeWide(length, seen) {
  if (seen < 0 || !isUtf8(scratch.subarray(0, length))) {
    malformed = true;
    return "";
  }
  const text = scratch.utf8Slice(0, length);
  decodedForbidden ||= /[\ufffe\uffff]/.test(text);
  return text;
}

function put(target, field, text) {
  if (target[field] !== undefined) malformed = true; // named twice: which of the two is meant?
  target[field] = text;
}

function putAttribute(entry, place, text) {
  const attribute = (entry.attributes[place.attribute] ??= new Attribute());
  put(attribute, place.field, text);
  entry.size += place.field === "Value.BinaryValue" ? Buffer.byteLength(text, "base64") : decodedBytes;
  entry.hasForbidden ||= decodedForbidden;
}

function putField(form, entry, place, text) {
  if (!place.known) {
    put(form.parameters, place.member ? `${place.member}.${place.field}` : place.field, text);
    return;
  }
  put(entry, place.field, text);
  if (place.field === "Message") {
    entry.messageBytes = decodedBytes;
    entry.size += decodedBytes;
    entry.hasForbidden ||= decodedForbidden;
  }
}

function store(form, key, text) {
  const place = placeOf(key);
  const entry = place.member ? (form.entries[place.member] ??= new Entry()) : form.own;
  if (place.attribute && place.known) {
    putAttribute(entry, place, text);
  } else {
    putField(form, entry, place, text);
  }
}

const present = (list) => (list.length ? list.filter((item) => item !== undefined) : list);

// Keys are plain as a rule, and known. One without a value does not belong here.
function readKey(body, from) {
  let equals = from;
  while (equals < body.length && body[equals] !== EQUALS && body[equals] !== AMPERSAND) equals++;
  const key = body.latin1Slice(from, equals);
  if (body[equals] !== EQUALS) malformed = true;
  decodedEnd = equals;
  if (places.has(key) || !/[%+]/.test(key)) return key;
  return decode(body, from, EQUALS);
}

// parseForm returns { parameters, own, entries, malformed }: what belongs to the request, to the message of a Publish
// and to the entries of a PublishBatch. Malformed is what is no percent-encoded UTF-8, or says the same thing twice.
export function parseForm(body) {
  const form = { parameters: Object.create(null), own: new Entry(), entries: [], malformed: false };
  malformed = false;
  if (body.length > scratch.length) scratch = Buffer.allocUnsafe(body.length);
  for (let from = 0; from < body.length; from = decodedEnd + 1) {
    const key = readKey(body, from);
    if (body[decodedEnd] === EQUALS) store(form, key, decode(body, decodedEnd + 1, AMPERSAND));
  }
  form.entries = present(form.entries);
  for (const entry of form.entries) entry.attributes = present(entry.attributes);
  form.own.attributes = present(form.own.attributes);
  form.malformed = malformed;
  return form;
}

// numbered(parameters, "Attributes.entry") makes an object of .1.key, .1.value and so on.
export function numbered(parameters, prefix) {
  const object = {};
  for (let index = 1; parameters[`${prefix}.${index}.key`] !== undefined; index++) {
    object[parameters[`${prefix}.${index}.key`]] = parameters[`${prefix}.${index}.value`] ?? "";
  }
  return object;
}
