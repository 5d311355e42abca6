// SPDX-License-Identifier: Apache-2.0
// A person at the status page, for tests/system/page_test.sh: drives a browser by the steps that come in on standard input,
// a line "STEP [ARGUMENT…]" each (separated by tabs), and answers each with lines "ok<TAB>what", "bad<TAB>what<TAB>why", and
// "done". Pictures go to a folder.
//
//     node browser.mjs CHROMIUM FOLDER
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [, , executablePath, folder] = process.argv;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");
const WITHIN = 20000;
const WIDE = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 780 };
const OUTBOX_SECTIONS = ["Parked", "Waiting", "Paused topics", "What holds the database back", "Topics", "Event types", "Relays", "Database"];

let page;
let complaints = []; // of the console, and uncaught errors
let requests = [];
let answers = [];
const results = [];

function expect(what, is_good, why = "") {
  results.push(is_good ? `ok\t${what}` : `bad\t${what}\t${String(why).replace(/\s+/g, " ").slice(0, 2000)}`);
}
function expect_same(what, expected, actual) {
  expect(what, JSON.stringify(expected) === JSON.stringify(actual), `expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}

const card = (label) => page.locator(".numbers .card", { has: page.getByText(label, { exact: true }) }).locator(".value");
const section = (title) => page.getByRole("region", { name: new RegExp(`^${title}( |$)`) });
// until(WHAT, CONDITION, ARGUMENT) waits for it in the page.
async function until(what, condition, argument) {
  const is_met = await page.waitForFunction(condition, argument, { timeout: WITHIN }).then(() => true, () => false);
  expect(what, is_met, is_met ? "" : await page.locator("body").innerText());
}
const until_state = (what, state) => until(what, (wanted) => document.getElementById("state").dataset.state === wanted, state);
const until_card = (label, value) => until(`${label} becomes ${value}`,
  ([name, wanted]) => [...document.querySelectorAll(".numbers .card")].some(
    (one) => one.querySelector("dt").textContent === name && one.querySelector(".value").textContent === wanted), [label, value]);

const steps = {
  async open(url) {
    await page.setViewportSize(WIDE);
    const answer = await page.goto(url);
    const policy = answer.headers()["content-security-policy"] ?? "";
    expect("the page comes with a policy that lets nothing in",
      policy.startsWith("default-src 'none'; script-src 'sha256-") && !policy.includes("unsafe") && policy.includes("frame-ancestors 'none'"), policy);
    expect_same("it is not to be kept", "no-store", answer.headers()["cache-control"]);
    await until_state("it says ready", "ready");
    await page.evaluate(() => { globalThis.opened_once = true; });
  },

  async outbox() {
    const there = await page.locator("#sections section:visible h2").evaluateAll((all) => all.map((one) => one.firstChild.textContent));
    expect_same("all about the outbox is there", [...OUTBOX_SECTIONS, "Checks"], there);
    await until("the database's report is shown", () => document.querySelector("main").textContent.includes("PostgreSQL "));
    for (const empty of ["No event is parked.", "No topic is paused.", "No event waits for anything."]) {
      expect(`it says "${empty}"`, await page.getByText(empty).isVisible(), await page.locator("#sections").innerText());
    }
  },

  async consumer() {
    const there = await page.locator("#sections section:visible h2").evaluateAll((all) => all.map((one) => one.firstChild.textContent));
    expect_same("a consumer's page leaves out the outbox", ["Handlers", "Checks"], there);
    expect_same("a consumer has its own numbers", 1, await page.getByText("Held messages", { exact: true }).count());
  },

  card: (label, value) => until_card(label, value),

  text: (title, text) => until(`${title}: ${text}`,
    ([name, wanted]) => [...document.querySelectorAll("#sections section")].some(
      (one) => one.querySelector("h2").textContent.startsWith(name) &&
        [...one.querySelectorAll("td span, td code, th span, th code, .empty:not([hidden])")].some((cell) => cell.textContent === wanted)), [title, text]),

  async same_page() {
    expect("all of that without loading it again", await page.evaluate(() => globalThis.opened_once === true));
    expect_same("nothing in a text has become an element", 0, await page.locator("main img, main b:not(.legend b), main iframe").count());
    expect("nothing in a text has run", await page.evaluate(() => globalThis.hacked === undefined));
  },

  async charts() {
    await until("charts are drawn", () => [...document.querySelectorAll("figure svg")].length === 3 &&
      [...document.querySelectorAll("figure:nth-child(-n+2) svg path.line:not(.second)")].every((line) => line.getAttribute("d").startsWith("M")));
    const label = await page.locator("figure svg").first().getAttribute("aria-label");
    expect("a chart says in words what it shows", /^Backlog, last 15 minutes\. latest \d.*, lowest \d.*, highest \d/.test(label), label);
    await page.locator("summary").first().click();
    await until("and as a table", () => document.querySelectorAll("figure tbody th").length > 0);
    await page.locator("summary").first().click();
  },

  async accessible() {
    for (const [colorScheme, viewport] of [["light", PHONE], ["dark", WIDE]]) {
      const name = `${colorScheme}-${viewport.width}`;
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize(viewport);
      await page.evaluate(axe);
      const found = await page.evaluate(() => globalThis.axe.run());
      const serious = found.violations.filter((one) => ["serious", "critical"].includes(one.impact))
        .map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`);
      expect(`${name}: everybody can use it`, serious.length === 0 && found.passes.length > 15, serious.join("; "));
      const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(`${name}: nothing sticks out`, excess <= 0, `${excess} pixels`);
      await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
    }
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize(WIDE);
    await page.screenshot({ path: `${folder}/light-${WIDE.width}.png`, fullPage: true });
  },

  async keyboard() {
    await page.keyboard.press("Tab"); // from now on the focus is to be seen
    await page.evaluate(() => document.querySelector("a, button, summary, [tabindex]").focus());
    const first = await page.locator(":focus").boundingBox();
    expect("the first stop is a way to the content, and is seen", first.width > 50 && (await page.locator(":focus").innerText()).startsWith("Skip"), first);
    const seen = [];
    for (let count = 0; count < 30 && !seen.includes("Copy"); count += 1) {
      await page.keyboard.press("Tab");
      const { text, outline } = await page.evaluate(() => ({
        text: document.activeElement.textContent,
        outline: parseFloat(getComputedStyle(document.activeElement).outlineWidth),
      }));
      if (!(outline >= 2)) expect(`the focus on "${text}" is seen`, false, outline);
      seen.push(text);
    }
    expect("the keyboard reaches the button that copies, its focus always seen", seen.includes("Copy"), seen.join(", "));
    await page.keyboard.press("Enter");
    await until("the button says what it has done", () => /^(Copied|Selected)/.test(document.activeElement.textContent));
    const said = await page.locator("#spoken").textContent();
    expect("and so does the screen reader", said.includes("outbox-relay retry "), said);
  },

  async guarded() {
    const calm = complaints.length;
    const asked = requests.length;
    const outcome = await page.evaluate(async () => {
      const made = document.createElement("div");
      const stopped = new Set();
      document.addEventListener("securitypolicyviolation", (violation) => stopped.add(violation.effectiveDirective));
      const attempt = (work) => { try { work(); } catch { /* refused */ } };
      attempt(() => { made.innerHTML = "<img src=x onerror='globalThis.hacked = 1'>"; });
      attempt(() => { const script = document.createElement("script"); script.textContent = "globalThis.hacked = 2"; document.body.append(script); });
      attempt(() => { made.setAttribute("onclick", "globalThis.hacked = 3"); made.click(); });
      const reached = await fetch("http://127.0.0.2:8080/", { mode: "no-cors" }).then(() => true, () => false);
      for (let turn = 0; turn < 200 && stopped.size < 2; turn += 1) await new Promise((later) => { setTimeout(later, 10); });
      return { hacked: globalThis.hacked, reached, markup: made.innerHTML, stopped: [...stopped].sort() };
    });
    expect_same("the policy stops markup, scripts and requests elsewhere",
      { reached: false, markup: "", stopped: ["connect-src", "require-trusted-types-for"] }, outcome);
    expect("and the browser says that it did", complaints.slice(calm).some((text) => /Content Security Policy|Trusted/.test(text)), complaints.slice(calm).join("; "));
    complaints = complaints.slice(0, calm);
    requests = requests.slice(0, asked);
  },

  async calm() {
    expect_same("no complaint in the console", [], complaints);
  },

  async stopping() {
    await until_state("it says that the relay stops", "stopping");
    expect("its title as well", (await page.title()).startsWith("stopping"), await page.title());
  },

  async silent() {
    await until("it says that there is no answer, since when", () => !document.getElementById("no-answer").hidden &&
      /No answer since .*\d\d?[:.]\d\d/.test(document.getElementById("no-answer").textContent) && document.body.classList.contains("stale"));
    const before = requests.length;
    await page.waitForEvent("request", { timeout: WITHIN });
    expect("it goes on asking", requests.length > before);
    expect_same("the old figures stay", "1", await card("Parked").textContent());
    await page.screenshot({ path: `${folder}/silent.png` });
  },

  async back() {
    await until_state("it recovers by itself", "ready");
    expect("the banner is gone", await page.locator("#no-answer").isHidden());
    expect("it is the same page", await page.evaluate(() => globalThis.opened_once === true));
    complaints = []; // of what was not answered, which a browser notes
  },

  async asked(origin) {
    const own = new Set([`${origin}/`, `${origin}/status.json`]);
    expect_same("it has asked for nothing but itself and /status.json", [], [...new Set(requests)].filter((url) => !own.has(url)));
    expect("more than once", requests.length > 1, requests.length);
    expect("answers other than 200: none", answers.every((status) => status === 200), answers.join(" "));
    requests = [];
  },
};

const browser = await chromium.launch({
  executablePath,
  handleSIGTERM: false,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
});
process.on("SIGTERM", () => browser.close().finally(() => process.exit(1)));
page = await browser.newPage({ locale: "en-GB" });
page.setDefaultTimeout(WITHIN);
page.on("console", (message) => { if (["error", "warning"].includes(message.type())) complaints.push(message.text()); });
page.on("pageerror", (error) => complaints.push(String(error)));
page.on("request", (request) => { if (!request.url().startsWith("data:")) requests.push(request.url()); });
page.on("response", (response) => { if (!response.url().startsWith("data:")) answers.push(response.status()); });
console.log("done");

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...words] = line.split("\t");
  try {
    await steps[name](...words);
  } catch (error) {
    expect(`step ${name}`, false, error.stack);
  }
  console.log([...results, "done"].join("\n"));
  results.length = 0;
}
await browser.close();
