// SPDX-License-Identifier: Apache-2.0
// Answers of the Query protocol.

const namespace = "http://sns.amazonaws.com/doc/2010-03-31/";
const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#xD;" };

export const escapeXml = (text) => String(text).replace(/[&<>"\r]/g, (character) => entities[character]);

export const element = (name, text) => `<${name}>${escapeXml(text)}</${name}>`;

// The result is XML already.
export function resultXml(action, result, requestId) {
  const inner = result ? `<${action}Result>${result}</${action}Result>` : "";
  return (
    `<${action}Response xmlns="${namespace}">${inner}` +
    `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${action}Response>`
  );
}

export function errorXml({ code, message, status }, requestId) {
  const type = status < 500 ? "Sender" : "Receiver";
  return (
    `<ErrorResponse xmlns="${namespace}"><Error>${element("Type", type)}${element("Code", code)}` +
    `${element("Message", message)}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`
  );
}

export function mapXml(name, object) {
  const entries = Object.entries(object).map(
    ([key, value]) => `<entry>${element("key", key)}${element("value", value)}</entry>`,
  );
  return `<${name}>${entries.join("")}</${name}>`;
}
