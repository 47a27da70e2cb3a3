/**
 * Looks at the widget against the mock server: a picture and an axe-core run of each state at two widths, in light
 * and dark, and then what it promises (reload, two tabs, broken lines). `npm run build && npm run look:widget`.
 * Pictures go to $LOOK (a folder of the system's by default). Ends with 1 when anything is wrong.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { chromium } from "playwright-core";

const out = process.env.LOOK ?? resolve(tmpdir(), "firstline-look");
const port = Number(process.env.PORT ?? 8092);
const base = `http://127.0.0.1:${port}`;
const axe = readFileSync(resolve(import.meta.dirname, "../node_modules/axe-core/axe.min.js"), "utf8");
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
let wrong = 0;

function check(name, value) {
  if (!value) wrong += 1;
  console.log(`${value ? "ok   " : "WRONG"} ${name}`);
}

async function until(test, limit = 15_000) {
  for (const end = Date.now() + limit; Date.now() < end;) {
    if (await test().catch(() => false)) return true;
    await new Promise((done) => setTimeout(done, 100));
  }
  return false;
}

const fault = (query = "") => fetch(`${base}/mock/fault${query}`);
const shown = (page) =>
  page
    .getByTestId("message")
    .evaluateAll((all) => all.map((one) => one.dataset.seq ?? one.dataset.status).join());
const send = async (page, text) => {
  await page.getByTestId("widget-input").fill(text);
  await page.getByTestId("widget-input").press("Enter");
};
/** Say something and wait for the answer to it. */
const says = async (page, text) => {
  await send(page, text);
  const answered = (all, words) =>
    all.at(-1)?.dataset.author === "bot" &&
    all.some((one) => one.dataset.author === "user" && one.innerText.includes(words));
  if (!(await until(() => page.getByTestId("message").evaluateAll(answered, text))))
    throw new Error(`no answer to "${text}"`);
};

const states = {
  closed: () => undefined,
  greeting: (page) => page.getByTestId("widget-launcher").click(),
  choices: (page) => says(page, "my account is locked"),
  proof: async (page) => {
    await page.locator("[data-testid=choice-button]:enabled").first().click();
    await page.getByTestId("proof-card").last().waitFor();
  },
  article: (page) => says(page, "how do I pause?"),
  orders: (page) => says(page, "where is my order?"),
  count: (page) => page.getByTestId("widget-input").fill("word ".repeat(799)),
  over: (page) => page.getByTestId("widget-input").fill("x".repeat(4012)),
  queue: async (page) => {
    await page.getByTestId("widget-input").fill("");
    await page.getByTestId("widget-person").click();
    await page.getByTestId("queue-banner").waitFor();
  },
  away: async (page) => {
    await fault("?ws=1&http=503");
    await send(page, "said while the line was down");
    await page.locator("[data-status=waiting]").first().waitFor();
  },
};

async function look(browser, width, colorScheme) {
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    colorScheme,
    hasTouch: width < 500,
  });
  const page = await context.newPage();
  page.on("pageerror", (error) => check(`no error: ${error.message}`, false));
  await page.goto(`${base}/demo?user=ada`);
  await page.getByTestId("widget-launcher").waitFor();
  for (const [name, reach] of Object.entries(states)) {
    await reach(page);
    await page.waitForTimeout(450);
    await page.screenshot({ path: resolve(out, `widget-${name}-${width}-${colorScheme}.png`) });
    await page.evaluate(axe);
    const found = await page.evaluate(async () =>
      (await window.axe.run("firstline-widget")).violations.map(
        (one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`,
      ),
    );
    check(`${name} at ${width} px, ${colorScheme} ${found.join("; ")}`, found.length === 0);
  }
  await fault();
  await context.close();
}

async function promises(browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const [page, other] = [await context.newPage(), await context.newPage()];
  for (const tab of [other, page]) {
    await tab.bringToFront();
    await tab.goto(`${base}/demo?user=cleo`);
    await tab.getByTestId("widget-launcher").click();
  }
  await says(page, "hello");
  const start = await shown(page);
  check("the other tab shows the same", await until(async () => (await shown(other)) === start));
  await page.getByTestId("widget-input").fill("half a thought");
  await page.reload();
  check("a reload brings all back", await until(async () => (await shown(page)) === start));
  check("with the draft", (await page.getByTestId("widget-input").inputValue()) === "half a thought");
  await page.getByTestId("widget-input").press("Escape");
  check("Escape closes", await page.getByTestId("widget-panel").isHidden());
  check(
    "and the launcher has the focus",
    await page.evaluate(
      () =>
        document.querySelector("firstline-widget").shadowRoot.activeElement?.dataset.testid ===
        "widget-launcher",
    ),
  );
  await page.getByTestId("widget-launcher").click();
  await fault("?slow=2500");
  await send(page, "said just before a reload");
  await page.waitForTimeout(150);
  await page.reload();
  await fault();
  const once = async () =>
    (await page.getByText("said just before a reload").count()) === 1 && !(await shown(page)).match(/[a-z]/);
  check("a message on its way survives a reload, once", await until(once));
  await page.waitForTimeout(3000);
  check("and stays single", await once());
  await fault("?ws=1");
  check(
    "answers come without WebSockets",
    await says(page, "where is my order?").then(
      () => true,
      () => false,
    ),
  );
  await fault();
  await context.close();
}

mkdirSync(out, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: flags,
});

/** Each part has a mock of its own, so that it begins with the sample data. */
async function withMock(part) {
  const server = spawn(process.execPath, [resolve(import.meta.dirname, "mock.mjs")], {
    env: { ...process.env, PORT: String(port) },
    stdio: ["ignore", "ignore", "inherit"],
  });
  try {
    if (!(await until(async () => (await fault()).ok))) throw new Error("the mock server does not answer");
    await part();
  } catch (error) {
    check(error.message, false);
  } finally {
    server.kill();
    await new Promise((done) => server.once("exit", done));
  }
}

await withMock(() => promises(browser));
for (const width of [1280, 390]) {
  for (const scheme of ["light", "dark"]) await withMock(() => look(browser, width, scheme));
}
await browser.close();
console.log(wrong === 0 ? `All well. Pictures: ${out}` : `${wrong} wrong. Pictures: ${out}`);
process.exitCode = wrong === 0 ? 0 : 1;
