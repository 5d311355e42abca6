// SPDX-License-Identifier: Apache-2.0
// Making and changing elements. Whatever comes from the relay gets in as text or as an attribute that holds text, never as
// markup. What is the same already is left alone, so that a selection, the focus and a screen reader stay where they are.

import { ago, exact } from "./format.mjs";

// element("p", { class: "quiet" }, "text", child…)
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) set_attribute(made, key, value);
  made.append(...children);
  return made;
}

export function drawing(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) set_attribute(made, key, value);
  made.append(...children);
  return made;
}

export function set_text(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function set_attribute(node, name, value) {
  if (value === null || value === undefined || value === false) {
    node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, value);
  }
}

export function show(node, is_shown) {
  if (node.hidden === is_shown) node.hidden = !is_shown;
}

// set_time(NODE, DATE, NOW) makes a <time> say how long ago that is, and exactly when to whoever points at it.
export function set_time(node, date, now) {
  set_text(node, ago(date, now));
  set_attribute(node, "datetime", date.toISOString());
  set_attribute(node, "title", exact(date));
}

// copy_button(WHAT) is a button that copies what `source` holds. Browsers allow that on https and on this machine only:
// elsewhere the text is selected, for the keyboard to copy.
export function copy_button(source, spoken) {
  const button = element("button", { type: "button" }, "Copy");
  let back;
  button.addEventListener("click", async () => {
    const is_copied = await copy(source);
    const said = is_copied ? "Copied" : "Selected: press Ctrl+C";
    set_text(button, said);
    spoken(`${said}: ${source.textContent}`);
    clearTimeout(back);
    back = setTimeout(() => set_text(button, "Copy"), 3000);
  });
  return button;
}

async function copy(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(source);
    return false;
  }
}
