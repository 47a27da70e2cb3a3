/**
 * Looks at the staff's pages against the mock server: a picture and an axe-core run of each state, at two widths,
 * in light and dark. `npm run build && npm run look [-- words]`; words choose states by name.
 * Pictures go to $LOOK (a folder of the system's by default). Ends with 1 when anything is wrong.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { chromium } from "playwright-core";

const out = process.env.LOOK ?? resolve(tmpdir(), "firstline-look");
const port = Number(process.env.PORT ?? 8091);
const base = `http://127.0.0.1:${port}`;
const only = process.argv.slice(2);
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
const hook = (name) => `[data-testid="${name}"]`;

async function signIn(page, path, who = "admin@firstline.local", password = "anything") {
  await page.goto(base + path);
  if (
    (await page
      .locator(hook("sign-out"))
      .or(page.locator(hook("signin-email")))
      .first()
      .getAttribute("data-testid")) === "sign-out"
  )
    return;
  await page.fill(hook("signin-email"), who);
  await page.fill(hook("signin-password"), password);
  await page.keyboard.press("Enter");
}

/** Each state begins where the one before has ended, in the same context. */
const states = {
  signin: async (page) => page.goto(`${base}/console`).then(() => page.waitForSelector(hook("signin-email"))),
  "signin-wrong": async (page) =>
    signIn(page, "/console", "a@b.example", "wrong").then(() =>
      page.waitForSelector("[role=alert]:not([hidden])"),
    ),
  "signin-change": async (page) =>
    signIn(page, "/console", "admin@firstline.local", "one-time").then(() =>
      page.waitForSelector(hook("password-new")),
    ),
  "console-queue": async (page) => {
    await page.fill(hook("password-new"), "a good long one");
    await page.fill(hook("password-repeat"), "a good long one");
    await page.keyboard.press("Enter");
    await page.waitForSelector(hook("queue-item"));
  },
  "console-case": async (page) => {
    await signIn(page, "/console");
    await page.locator(hook("queue-item")).first().click();
    await page.waitForSelector(`${hook("case-claim")}, ${hook("case-resolve")}`);
    await page.waitForTimeout(300);
  },
  "console-mine": async (page) => {
    if (await page.locator(hook("case-claim")).count()) await page.click(hook("case-claim"));
    await page.waitForSelector(`${hook("case-input")}:enabled`);
    await page.fill(
      hook("case-input"),
      "Hello Eli, I can see that your card has expired. Let us change it together.",
    );
    await page.click(hook("case-send"));
    await page.waitForSelector(`${hook("message")}[data-author=agent]`);
    await page.fill(hook("case-input"), "One more thing");
  },
  "console-context": async (page) => {
    const side = page.getByRole("button", { name: "Context", exact: true });
    if (await side.isVisible()) await side.click();
  },
  "console-resolve": async (page) => page.click(hook("case-resolve")),
  "console-keys": async (page) => {
    await page.keyboard.press("Escape");
    await page.evaluate(() => document.activeElement?.blur());
    await page.keyboard.press("?");
    await page.waitForSelector("dialog[open]");
  },
  "console-offline": async (page) => {
    await page.keyboard.press("Escape");
    await fetch(`${base}/mock/fault?ws=1&http=503`);
    await page.waitForTimeout(700);
    const side = page.getByRole("button", { name: "Conversation", exact: true });
    if (await side.isVisible()) await side.click();
    await page.fill(hook("case-input"), "Said while the line was down");
    await page.click(hook("case-send"));
    await page.waitForTimeout(500);
  },
  "console-back": async (page) => {
    await fetch(`${base}/mock/fault`);
    await page.waitForFunction(() => !document.querySelector("[data-testid=pending]"), null, {
      timeout: 20_000,
    });
    await page.click(hook("case-release"));
    await page.waitForSelector(hook("case-claim"));
  },
  "editor-list": async (page) =>
    signIn(page, "/editor").then(() => page.waitForSelector(hook("article-row"))),
  "editor-article": async (page) => {
    await page.locator(hook("article-row")).filter({ hasText: "Pause" }).click();
    await page.waitForSelector(`${hook("editor-preview")} p`);
  },
  // What the server cleans is built again from an allow-list: nothing else gets into the page, whatever is sent.
  "editor-hostile": async (page) => {
    const html =
      '<p onclick="x()">one <script>window.hurt=1</script><img src=x onerror="window.hurt=1"><a href="javascript:x()">two</a><iframe src="/"></iframe><svg onload="window.hurt=1"></svg><form><input name="q"></form></p>';
    await page.route("**/articles/preview", (route) => route.fulfill({ json: { html } }));
    await page.locator(hook("editor-body")).press("Control+End");
    await page.keyboard.type(" x");
    await page.waitForFunction(() =>
      document.querySelector("[data-testid=editor-preview]")?.textContent.includes("two"),
    );
    const shown = await page.locator(hook("editor-preview")).innerHTML();
    if (/script|on\w+=|<iframe|<svg|<form|<input|href/.test(shown))
      throw new Error(`got into the page: ${shown}`);
    await page.unroute("**/articles/preview");
    await page.keyboard.press("Control+z");
    await page.waitForFunction(() =>
      document.querySelector("[data-testid=editor-preview]")?.textContent.includes("pause"),
    );
  },
  "editor-filters": async (page) => {
    if (await page.locator(hook("editor-filters")).isVisible()) await page.click(hook("editor-filters"));
  },
  "editor-more": async (page) => page.locator(hook("editor-more")).locator("summary").click(),
  "editor-try": async (page) => {
    await page.click(hook("tab-try"));
    await page.fill(hook("try-question"), "can I stop my plan for a month?");
    await page.click(hook("try-go"));
    await page.locator(hook("try-result")).scrollIntoViewIfNeeded();
  },
  "editor-known": async (page) =>
    page.click(hook("tab-known")).then(() => page.waitForSelector(hook("known-row"))),
  "editor-links": async (page) =>
    page.click(hook("tab-links")).then(() => page.waitForSelector(hook("links-broken"))),
  "editor-figures": async (page) =>
    page.click(hook("tab-figures")).then(() => page.waitForSelector(hook("figures"))),
  "editor-versions": async (page) => {
    await page.click(hook("editor-versions"));
    await page
      .locator(hook("version-row"))
      .last()
      .getByRole("button", { name: /^Version/ })
      .click();
    await page.getByRole("button", { name: "With the newest" }).click();
    await page.waitForSelector(`${hook("version-difference")} table`);
  },
  "editor-gate": async (page) => {
    await page.goto(`${base}/editor#unlock-your-account`);
    await page.waitForSelector(`${hook("editor-preview")} p`);
    await page.locator(hook("editor-body")).press("Control+End");
    await page.keyboard.type("Ask us when it does not.");
    await page.click(hook("editor-save"));
    await page.click(hook("editor-publish"));
    await page.waitForSelector(hook("gate-worse"));
  },
  "editor-published": async (page) => {
    await page.click(hook("publish-confirm"));
    await page.waitForSelector(hook("publish-result"));
  },
  "editor-conflict": async (page) => {
    await page.goto(`${base}/editor#change-your-plan`);
    await page.reload();
    await page.waitForSelector(`${hook("editor-preview")} p`);
    await page.evaluate(async () => {
      const now = await (await fetch("/api/v1/articles/change-your-plan")).json();
      const { title, area, language } = now;
      await fetch("/api/v1/articles/change-your-plan", {
        method: "PUT",
        headers: { "X-CSRF-Token": "csrf-1", "Content-Type": "application/json" },
        body: JSON.stringify({
          title,
          area,
          language,
          body: `${now.body}\nA line of a colleague's.`,
          base_version: now.version,
        }),
      });
    });
    await page.fill(hook("editor-body"), "Choose **Plan**, then **Change**.\n\nMine is different.");
    await page.click(hook("editor-save"));
    await page.waitForSelector(hook("editor-conflict"));
  },
  "editor-picture": async (page) => {
    await page.click(hook("conflict-theirs"));
    await page.setInputFiles(hook("editor-image"), {
      name: "the plan page.png",
      mimeType: "image/png",
      buffer: Buffer.from("89504e47", "hex"),
    });
    await page.waitForSelector(`${hook("editor-preview")} img`);
  },
  "editor-new": async (page) => {
    await page.evaluate(() => sessionStorage.clear());
    page.once("dialog", (dialog) => void dialog.accept());
    await page.goto(`${base}/editor`);
    await page.reload();
    await page.click(hook("editor-new"));
    await page.fill(hook("editor-title"), "Delivery by zeppelin");
  },
  "editor-review-due": async (page) =>
    page.click(hook("section-review-due")).then(() => page.waitForSelector(hook("review-due-row"))),
  "editor-unanswered": async (page) =>
    page.click(hook("section-unanswered")).then(() => page.waitForSelector(hook("cluster"))),
  "editor-import": async (page) => {
    await page.click(hook("section-import"));
    await page.setInputFiles(hook("import-file"), {
      name: "articles.zip",
      mimeType: "application/zip",
      buffer: Buffer.from("PK"),
    });
    await page.waitForSelector(hook("import-row"));
  },
  "review-list": async (page) => signIn(page, "/review").then(() => page.waitForSelector(hook("review-row"))),
  "review-read": async (page) => {
    await page.locator(hook("review-row")).filter({ hasText: "Eli" }).first().click();
    await page.waitForSelector(hook("review-turn"));
  },
  "review-empty": async (page) => {
    await page.goto(`${base}/review`);
    await page.fill(hook("review-search"), "nothing has this");
    await page.waitForSelector(hook("review-none"));
  },
  landing: async (page) => page.goto(`${base}/`),
};

async function look(browser, width, scheme) {
  const context = await browser.newContext({ viewport: { width, height: 844 }, colorScheme: scheme });
  const page = await context.newPage();
  page.setDefaultTimeout(12_000);
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`page error: ${error.message}`));
  // Broken lines are part of some states, and the hostile preview is refused by the policy of the page as well.
  const expected = /Failed to load resource|WebSocket connection|inline event handler violates/;
  page.on(
    "console",
    (line) => line.type() === "error" && !expected.test(line.text()) && wrong.push(`console: ${line.text()}`),
  );
  await fetch(`${base}/mock/fault`);
  await fetch(`${base}/api/v1/session`, { method: "DELETE" });
  for (const [name, go] of Object.entries(states)) {
    if (only.length && !only.some((word) => name.includes(word))) continue;
    try {
      await go(page);
      await page.waitForTimeout(250);
      await page.screenshot({ path: resolve(out, `${name}-${width}-${scheme}.png`) });
      await page.evaluate(axe);
      const { violations } = await page.evaluate("axe.run(document)");
      for (const one of violations)
        for (const node of one.nodes) wrong.push(`${name}: ${one.id} ${node.target} ${node.failureSummary}`);
      if (await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
        wrong.push(`${name}: scrolls sideways`);
    } catch (error) {
      wrong.push(`${name}: ${String(error.message).split("\n")[0]}`);
      await page
        .screenshot({ path: resolve(out, `${name}-${width}-${scheme}-broken.png`) })
        .catch(() => undefined);
    }
  }
  await context.close();
  return wrong.map((line) => `${width} ${scheme} ${line}`);
}

mkdirSync(out, { recursive: true });
const mock = spawn(process.execPath, [resolve(import.meta.dirname, "mock.mjs")], {
  env: { ...process.env, PORT: String(port) },
  stdio: ["ignore", "pipe", "inherit"],
});
await new Promise((ready) => mock.stdout.once("data", ready));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: flags,
});
let wrong = [];
try {
  const views =
    process.env.VIEWS === "few"
      ? [
          [1280, "light"],
          [390, "dark"],
        ]
      : [
          [1280, "light"],
          [1280, "dark"],
          [390, "light"],
          [390, "dark"],
        ];
  for (const [width, scheme] of views) wrong = wrong.concat(await look(browser, width, scheme));
} finally {
  await browser.close();
  mock.kill();
}
console.log(wrong.length ? wrong.join("\n") : `nothing wrong; pictures in ${out}`);
process.exitCode = wrong.length ? 1 : 0;
