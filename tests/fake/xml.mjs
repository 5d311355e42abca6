// SPDX-License-Identifier: Apache-2.0
// Answers of the Query protocol.

const namespaces = {
  sns: "http://sns.amazonaws.com/doc/2010-03-31/",
  sts: "https://sts.amazonaws.com/doc/2011-06-15/",
};
const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#xD;" };

export const escapeXml = (text) => String(text).replace(/[&<>"\r]/g, (character) => entities[character]);

export const element = (name, text) => `<${name}>${escapeXml(text)}</${name}>`;

// The result is XML already.
export function resultXml({ service, action, requestId }, result) {
  const inner = result ? `<${action}Result>${result}</${action}Result>` : "";
  return (
    `<${action}Response xmlns="${namespaces[service]}">${inner}` +
    `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${action}Response>`
  );
}

export function errorXml({ service, requestId }, { code, message, status }) {
  const type = status < 500 ? "Sender" : "Receiver";
  return (
    `<ErrorResponse xmlns="${namespaces[service]}"><Error>${element("Type", type)}${element("Code", code)}` +
    `${element("Message", message)}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`
  );
}

export function mapXml(name, object) {
  const entries = Object.entries(object).map(
    ([key, value]) => `<entry>${element("key", key)}${element("value", value)}</entry>`,
  );
  return `<${name}>${entries.join("")}</${name}>`;
}
