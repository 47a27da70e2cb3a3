/**
 * Keeps the widget and the public help articles for when there is no connection. A host application's service worker
 * says where Firstline is (`self.FIRSTLINE`) and loads this with importScripts. Nothing that belongs to a user is kept.
 */

interface Lasting extends Event {
  waitUntil(work: Promise<unknown>): void;
}

interface Installing extends Lasting {
  addRoutes?(route: { condition: { requestMethod: string }; source: "network" }): Promise<void>;
}

interface Asking extends Lasting {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}

// The types of workers cannot stand beside those of pages in one project; this is what is used of them.
interface Worker {
  FIRSTLINE?: string;
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install", heard: (event: Installing) => void): void;
  addEventListener(type: "activate", heard: (event: Lasting) => void): void;
  addEventListener(type: "fetch", heard: (event: Asking) => void): void;
}

const worker = self as unknown as Worker;
const base = String(worker.FIRSTLINE ?? "").replace(/\/+$/, "");
const kept = "firstline-help-1";
const files = [`${base}/widget.js`, `${base}/api/v1/help/pack`];
const patience = 4_000;

worker.addEventListener("install", (event) => {
  // What a page sends while it is left would be lost on the way through a worker, if it went through one.
  if (event.addRoutes)
    event.waitUntil(
      event.addRoutes({ condition: { requestMethod: "POST" }, source: "network" }).catch(() => undefined),
    );
  event.waitUntil(Promise.allSettled(files.map(renew)).then(() => worker.skipWaiting()));
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(tidy().then(() => worker.clients.claim()));
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (files.includes(request.url)) event.respondWith(newest(request.url));
  else if (request.mode === "navigate") event.respondWith(fetch(request).catch(page));
});

async function tidy(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(
    names
      .filter((name) => name.startsWith("firstline-help-") && name !== kept)
      .map((name) => caches.delete(name)),
  );
}

async function renew(url: string): Promise<Response> {
  const answer = await fetch(url, { credentials: "omit", mode: "cors", cache: "no-cache" });
  // A network that wants one to sign in answers as well, with a page of its own.
  const meant = url.endsWith(".js") ? "javascript" : "json";
  if (!answer.ok || !answer.headers.get("Content-Type")?.includes(meant)) throw new Error("not ours");
  const copy = answer.clone();
  try {
    await (await caches.open(kept)).put(url, copy);
  } catch {
    // The browser has no room: it works as long as there is a connection.
  }
  return answer;
}

/** The newest there is: from the server, or, when that is away, slow or unwell, what was kept. */
async function newest(url: string): Promise<Response> {
  const asked = renew(url);
  const late = new Promise<never>((_, reject) => setTimeout(reject, patience));
  try {
    return await Promise.race([asked, late]);
  } catch {
    return (await caches.match(url)) ?? fetch(url, { credentials: "omit", mode: "cors" });
  }
}

/** In the place of a page that cannot be had: the articles, and a way to try again. */
function page(): Response {
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>You are offline</title>`;
  const style =
    "body{margin:0 auto;max-width:44rem;padding:1.5rem;font:1rem/1.6 system-ui,sans-serif;color-scheme:light dark}[data-firstline-help]{height:70vh;border:1px solid;border-radius:12px;overflow:hidden}";
  const body = `<h1>You are offline</h1><p>This page cannot be loaded right now. <a href="">Try again</a></p><div data-firstline-help="${base}"></div>`;
  const html = `<!doctype html><html lang="en"><head>${head}<style>${style}</style><script type="module" src="${base}/widget.js"></script></head><body>${body}</body></html>`;
  const policy = `default-src 'none'; script-src ${base}; style-src 'unsafe-inline'; connect-src ${base}; img-src ${base}`;
  return new Response(html, {
    status: 503,
    headers: { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy },
  });
}

export {};
