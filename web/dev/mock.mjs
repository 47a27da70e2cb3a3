/**
 * A stand-in for Firstline with its API, for looking at the pages without Python: `npm run mock`.
 * Serves dist/. /demo?user=hana is a page with the widget; the password of every member of staff is anything,
 * "one-time" asks for a new one. /mock/fault?ws=1&http=503&slow=2000 breaks things, /mock/fault repairs them.
 * It checks what it must to be honest about the contract and nothing else: no signatures, no masking.
 */
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { WebSocketServer } from "ws";
import { reply } from "./bot.mjs";
import { knowledge } from "./kb.mjs";
import { ago, id, people, ranking, state } from "./seed.mjs";

const dist = resolve(import.meta.dirname, "../dist");
const port = Number(process.env.PORT ?? 8090);
const kinds = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".svg": "image/svg+xml",
};
const policy =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

const conversations = new Map();
const cases = new Map();
const sockets = new Set();
const streams = new Set();
const session = { staff: null, mustChange: false };
let fault = {};

const now = () => new Date().toISOString();
const named = (ref) =>
  Object.values(people).find((person) => person.ref === ref) ?? { ref, name: ref, email: null };

function begin(ref, minutes = 0) {
  const conversation = {
    id: id("cnv"),
    ref,
    owner: { kind: "bot", name: null },
    epoch: 0,
    events: [],
    turns: [],
    attempts: [],
    created_at: ago(minutes),
    page: { url: "http://127.0.0.1:8081/billing", title: "Billing · Kettle" },
    client: { language: "en-GB", width: 1280, time_zone: "Europe/Stockholm" },
  };
  conversations.set(conversation.id, conversation);
  return conversation;
}

function append(conversation, type, kind, data, more = {}) {
  const name =
    kind === "user"
      ? named(conversation.ref).name
      : kind === "agent"
        ? "Mira Holm"
        : kind === "bot"
          ? "Assistant"
          : null;
  const event = {
    id: id("evt"),
    seq: conversation.events.length + 1,
    type,
    at: more.at ?? now(),
    author: { kind, name },
    turn: more.turn ?? null,
    client_key: more.key ?? null,
    data,
  };
  conversation.events.push(event);
  tell(conversation, { type: "event", event });
  return event;
}

const say = (conversation, kind, text, more = {}) =>
  append(
    conversation,
    "message",
    kind,
    { text, buttons: more.buttons ?? [], card: more.card ?? null, choice: more.choice ?? null },
    more,
  );

function transfer(conversation, owner, reason, at) {
  conversation.owner = owner;
  conversation.epoch += 1;
  append(conversation, "owner_changed", "system", { owner, epoch: conversation.epoch, reason }, { at });
}

function tell(conversation, frame, except) {
  for (const socket of sockets)
    if (socket.follows === conversation.id && socket !== except) socket.send(JSON.stringify(frame));
}

const open = (conversation) =>
  [...cases.values()].find((one) => one.conversation_id === conversation.id && one.status !== "resolved");
const rank = ["urgent", "high", "normal", "low"];
const line = () =>
  [...cases.values()]
    .filter((one) => one.status === "queued")
    .sort(
      (a, b) => rank.indexOf(a.priority) - rank.indexOf(b.priority) || a.opened_at.localeCompare(b.opened_at),
    );
const counts = () => ({
  queued: line().length,
  assigned: [...cases.values()].filter((one) => one.status === "assigned").length,
});

function queueChanged(one, change) {
  for (const stream of streams)
    stream.write(`event: queue\ndata: ${JSON.stringify({ ...counts(), case: one.id, change })}\n\n`);
  line().forEach((item, index, all) =>
    tell(conversations.get(item.conversation_id), {
      type: "queue",
      position: index + 1,
      waiting: all.length,
    }),
  );
}

export function handOff(conversation, reason, priority, summary, minutes = 0) {
  const known = open(conversation);
  if (known) return known;
  const person = { id: id("con"), host: "kettle", ...named(conversation.ref) };
  const said =
    conversation.events.filter((event) => event.author.kind === "user").at(-1)?.data.text ?? "nothing yet";
  const articlesShown = conversation.events
    .filter((event) => event.data.card?.type === "article")
    .map((event) => ({
      article_id: event.data.card.article_id,
      version: event.data.card.version,
      title: event.data.card.title,
      url: event.data.card.url,
      seq: event.seq,
      helpful: false,
    }));
  const wants = `${person.name} wrote “${said}”. ${reason === "user_asked" ? "They asked for a person." : "A fix did not work."}`;
  const shared = [
    "This conversation.",
    "Your account's state: account, billing, orders, preferences.",
    "What was tried: 1 step, with the results.",
    "The page you are on.",
  ];
  const one = {
    id: id("cas"),
    conversation_id: conversation.id,
    contact: person,
    reason,
    priority,
    status: "queued",
    assignee: null,
    summary: wants,
    opened_at: ago(minutes),
    claimed_at: null,
    last_activity_at: null,
    resolved_at: null,
    outcome: null,
    note: null,
    packet: {
      collected_at: ago(minutes),
      reason,
      priority,
      contact: person,
      page: conversation.page,
      client: conversation.client,
      channel: "web",
      transcript: [],
      transcript_from: 1,
      state:
        conversation.ref === "usr_hana"
          ? {
              as_of: null,
              parts: null,
              problem: "The state could not be read: kettle did not answer within 3 s.",
            }
          : { as_of: ago(minutes), parts: state(conversation.ref), problem: null },
      attempts: conversation.attempts.map(({ created_at, ...rest }) => ({ ...rest, at: created_at })),
      articles: articlesShown,
      turns: conversation.turns.map((turn) => ({ turn_id: turn.id, ...turn })),
      model_version: "20261123-0841-calm-otter",
      summary: {
        wants,
        tried: conversation.attempts.length ? "Tried: retry payment failed." : "Nothing was tried yet.",
        seen: "The application shows: billing status past due; billing last payment status failed.",
        assistant: summary,
      },
      shared,
      missing: conversation.ref === "usr_hana" ? ["state"] : [],
    },
  };
  cases.set(one.id, one);
  append(conversation, "handoff", "system", { case: one.id, reason, priority, shared }, { at: ago(minutes) });
  transfer(conversation, { kind: "queue", name: null }, reason, ago(minutes));
  queueChanged(one, "opened");
  return one;
}

/** One turn of the mock assistant. */
async function turn(conversation, message) {
  if (conversation.owner.kind !== "bot") return;
  const started = Date.now();
  tell(conversation, { type: "typing", author: { kind: "bot", name: "Assistant" }, active: true });
  await new Promise((done) => setTimeout(done, 500));
  const answer = reply(conversation, message.data);
  const one = {
    id: message.turn,
    seq: message.seq,
    text: message.data.text,
    choice: message.data.choice,
    intent: answer.intent,
    confidence: answer.confidence,
    ranking: ranking(answer.intent, answer.confidence),
    model: "20261123-0841-calm-otter",
    status: "done",
    error: null,
    duration_ms: Date.now() - started,
  };
  conversation.turns.push(one);
  if (answer.attempt) {
    conversation.attempts.push({
      id: id("atm"),
      turn_id: one.id,
      intent: one.intent,
      confidence: one.confidence,
      read: {},
      done: {},
      duration_ms: 240,
      model_version: one.model,
      article_id: null,
      article_version: null,
      error: null,
      created_at: now(),
      finished_at: now(),
      ...answer.attempt,
    });
  }
  for (const item of answer.says) say(conversation, "bot", item.text, { ...item, turn: one.id });
  tell(conversation, { type: "typing", author: { kind: "bot", name: "Assistant" }, active: false });
  if (answer.handoff) handOff(conversation, answer.handoff, "normal", "The user asked for a person.");
}

function post(conversation, body, key) {
  const before = conversation.events.find(
    (event) => event.client_key !== null && event.client_key === key && event.author.kind === "user",
  );
  if (before) return { event: before, replayed: true };
  const text = String(body.text ?? "").trim();
  if (text === "" || [...text].length > 4000)
    throw problem(400, "invalid_input", "The message is empty.", "Write something and send it again.");
  const event = say(conversation, "user", text, {
    choice: body.choice ?? null,
    key,
    turn: conversation.owner.kind === "bot" ? id("trn") : null,
  });
  void turn(conversation, event);
  return { event, replayed: false };
}

function problem(status, code, detail, hint = null, extra = {}) {
  return Object.assign(new Error(detail), {
    status,
    body: { type: `urn:firstline:problem:${code}`, title: code, status, code, detail, hint, ...extra },
  });
}

const shown = (conversation) => {
  const one = open(conversation);
  const place = one ? line().indexOf(one) + 1 : 0;
  return {
    id: conversation.id,
    owner: conversation.owner,
    epoch: conversation.epoch,
    last_seq: conversation.events.length,
    created_at: conversation.created_at,
    case: one
      ? { id: one.id, status: one.status, position: place || null, waiting: place ? line().length : null }
      : null,
  };
};
const brief = ({ packet: _packet, ...one }) => ({
  ...one,
  waited_seconds: Math.round(
    (Date.parse(one.claimed_at ?? one.resolved_at ?? now()) - Date.parse(one.opened_at)) / 1000,
  ),
});

function userOf(request) {
  const token = (request.headers.authorization ?? "").replace("Bearer ", "");
  return refOf(token);
}
function refOf(token) {
  try {
    return JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString()).sub;
  } catch {
    throw problem(401, "unauthenticated", "You are not signed in.", "Send a token.");
  }
}
function own(request, wanted) {
  const conversation = conversations.get(wanted);
  if (!conversation || conversation.ref !== userOf(request))
    throw problem(404, "not_found", "You have no such conversation.");
  return conversation;
}
const me = () => ({
  id: "stf_MIRA",
  name: session.staff?.name ?? "Mira Holm",
  email: session.staff?.email ?? "",
  roles: session.staff?.roles ?? ["admin"],
});
function staff(request) {
  if (!session.staff) throw problem(401, "unauthenticated", "You are not signed in.");
  if (request.method !== "GET" && request.headers["x-csrf-token"] !== "csrf-1")
    throw problem(403, "csrf", "The CSRF token is missing or wrong.");
  if (session.mustChange)
    throw problem(403, "password_change_required", "Change your one-time password first.");
}
const sessionOut = () => ({
  staff: me(),
  csrf: "csrf-1",
  password_change_required: session.mustChange,
  expires_at: ago(-600),
});
function find(map, key, what) {
  const found = map instanceof Map ? map.get(key) : map.find((one) => one.id === key);
  if (!found) throw problem(404, "not_found", `There is no such ${what}.`);
  return found;
}
/** [method, pattern, handler(request, body, ids, url) => [status, json]] */
const routes = [
  ["GET", /^\/healthz$/, () => [200, { status: "ok", version: "0.1.0" }]],
  [
    "GET",
    /^\/readyz$/,
    () => [
      200,
      { status: "ready", parts: { database: "ok", cache: "ok", rasa: "ok", index: "ok", encoder: "ok" } },
    ],
  ],
  [
    "GET",
    /^\/api\/v1\/about$/,
    () => [200, { version: "0.1.0", demo_url: `http://127.0.0.1:${port}/demo?user=hana` }],
  ],
  [
    "POST",
    /^\/api\/v1\/conversations$/,
    (request, body) => {
      const conversation = begin(userOf(request));
      Object.assign(conversation, { page: body.page ?? {}, client: body.client ?? {} });
      return [201, shown(conversation)];
    },
  ],
  [
    "GET",
    /^\/api\/v1\/conversations$/,
    (request) => [
      200,
      {
        conversations: [...conversations.values()]
          .filter((one) => one.ref === userOf(request))
          .reverse()
          .map(shown),
      },
    ],
  ],
  ["GET", /^\/api\/v1\/conversations\/(\w+)$/, (request, _, [one]) => [200, shown(own(request, one))]],
  [
    "POST",
    /^\/api\/v1\/conversations\/(\w+)\/messages$/,
    (request, body, [one]) => {
      const posted = post(own(request, one), body, request.headers["idempotency-key"]);
      return [posted.replayed ? 200 : 201, posted.event];
    },
  ],
  [
    "GET",
    /^\/api\/v1\/conversations\/(\w+)\/events$/,
    async (request, _, [one], url) => {
      const conversation = own(request, one);
      const after = Number(url.searchParams.get("after") ?? 0);
      const until = Date.now() + Number(url.searchParams.get("wait") ?? 0) * 1000;
      while (conversation.events.length <= after && Date.now() < until)
        await new Promise((done) => setTimeout(done, 200));
      return [200, { events: conversation.events.slice(after), last_seq: conversation.events.length }];
    },
  ],
  [
    "POST",
    /^\/api\/v1\/conversations\/(\w+)\/typing$/,
    (request, body, [one]) => {
      const conversation = own(request, one);
      tell(conversation, {
        type: "typing",
        author: { kind: "user", name: named(conversation.ref).name },
        active: body.active,
      });
      return [204];
    },
  ],
  [
    "POST",
    /^\/api\/v1\/conversations\/(\w+)\/feedback$/,
    (request, body, [one]) => [201, append(own(request, one), "feedback", "user", body)],
  ],
  [
    "POST",
    /^\/api\/v1\/conversations\/(\w+)\/handoff$/,
    (request, _, [one]) => {
      const opened = handOff(own(request, one), "user_asked", "normal", "The user asked for a person.");
      return [201, { case: opened.id, position: line().indexOf(opened) + 1 || null }];
    },
  ],

  [
    "POST",
    /^\/api\/v1\/session$/,
    (_, body) => {
      if (!String(body.email).includes("@") || body.password === "wrong")
        throw problem(401, "wrong_credentials", "That e-mail address and password do not belong together.");
      const role = String(body.email).split("@")[0];
      session.staff = {
        name: "Mira Holm",
        email: body.email,
        roles: ["agent", "editor", "trainer"].includes(role) ? [role] : ["admin"],
      };
      session.mustChange = body.password === "one-time";
      return [200, sessionOut()];
    },
  ],
  [
    "GET",
    /^\/api\/v1\/session$/,
    () => {
      if (!session.staff) throw problem(401, "unauthenticated", "You are not signed in.");
      return [200, sessionOut()];
    },
  ],
  ["DELETE", /^\/api\/v1\/session$/, () => ((session.staff = null), [204])],
  [
    "POST",
    /^\/api\/v1\/session\/password$/,
    (_, body) => {
      if (String(body.new).length < 12)
        throw problem(422, "unprocessable", "A password has 12 to 200 characters.", "Use a few words.");
      session.mustChange = false;
      return [200, sessionOut()];
    },
  ],

  [
    "GET",
    /^\/api\/v1\/cases$/,
    (request, _, __, url) => {
      staff(request);
      const status = url.searchParams.get("status") ?? "open";
      const mine = ["1", "true"].includes(url.searchParams.get("mine"));
      const all = [...line(), ...[...cases.values()].filter((one) => one.status !== "queued").reverse()];
      const found = all.filter(
        (one) =>
          (status === "open" ? one.status !== "resolved" : one.status === status) &&
          (!mine || one.assignee?.id === me().id),
      );
      return [200, { cases: found.map(brief), ...counts() }];
    },
  ],
  [
    "GET",
    /^\/api\/v1\/cases\/(\w+)$/,
    (request, _, [wanted]) => {
      staff(request);
      const one = find(cases, wanted, "case");
      const conversation = conversations.get(one.conversation_id);
      return [
        200,
        {
          case: brief(one),
          packet: one.packet,
          conversation: shown(conversation),
          events: conversation.events,
        },
      ];
    },
  ],
  [
    "POST",
    /^\/api\/v1\/cases\/(\w+)\/(claim|release|messages|typing|resolve)$/,
    (request, body, [wanted, act]) => {
      staff(request);
      const one = find(cases, wanted, "case");
      const conversation = conversations.get(one.conversation_id);
      const mine = one.assignee?.id === me().id;
      if (act === "claim") {
        if (one.assignee && !mine && !body.take_over)
          throw problem(
            409,
            "case_taken",
            `${one.assignee.name} has this case.`,
            "Take another one; an admin may take it over.",
            { assignee: one.assignee },
          );
        Object.assign(one, {
          status: "assigned",
          assignee: { id: me().id, name: me().name },
          claimed_at: now(),
        });
        transfer(conversation, { kind: "agent", name: me().name }, "claimed");
      } else if (!mine && !(act === "release" && me().roles.includes("admin"))) {
        throw problem(
          403,
          "not_your_case",
          `${one.assignee?.name ?? "Nobody"} has this case.`,
          "Only who has a case may answer in it.",
        );
      } else if (act === "release") {
        Object.assign(one, { status: "queued", assignee: null, claimed_at: null });
        transfer(conversation, { kind: "queue", name: null }, "released");
      } else if (act === "messages") {
        const key = request.headers["idempotency-key"];
        const before = conversation.events.find((event) => event.client_key === key);
        return before ? [200, before] : [201, say(conversation, "agent", body.text, { key })];
      } else if (act === "typing") {
        tell(conversation, {
          type: "typing",
          author: { kind: "agent", name: me().name },
          active: body.active,
        });
        return [204];
      } else {
        Object.assign(one, {
          status: "resolved",
          resolved_at: now(),
          outcome: body.outcome,
          note: body.note || null,
        });
        append(conversation, "case_resolved", "agent", {
          case: one.id,
          outcome: body.outcome,
          ...(body.tell_user && body.note ? { note: body.note } : {}),
        });
        transfer(conversation, { kind: "bot", name: null }, "resolved");
      }
      queueChanged(one, act);
      return [200, brief(one)];
    },
  ],

  ...knowledge({ staff, problem, me, find }),

  [
    "GET",
    /^\/api\/v1\/review\/conversations$/,
    (request, _, __, url) => {
      staff(request);
      const [outcome, text] = [
        url.searchParams.get("outcome"),
        (url.searchParams.get("q") ?? "").toLowerCase(),
      ];
      const rows = [...conversations.values()]
        .map((one) => ({
          id: one.id,
          contact_name: named(one.ref).name,
          started_at: one.created_at,
          last_at: one.events.at(-1)?.at ?? one.created_at,
          turns: one.turns.length,
          owner: one.owner.kind,
          outcomes: [...new Set(one.attempts.map((attempt) => attempt.outcome ?? "open"))],
          last_text: one.events.filter((event) => event.type === "message").at(-1)?.data.text ?? "",
        }))
        .filter(
          (row) =>
            (!outcome || row.outcomes.includes(outcome)) &&
            `${row.contact_name} ${row.last_text}`.toLowerCase().includes(text),
        );
      return [
        200,
        {
          conversations: url.searchParams.get("before")
            ? []
            : rows.sort((a, b) => b.last_at.localeCompare(a.last_at)),
        },
      ];
    },
  ],
  [
    "GET",
    /^\/api\/v1\/review\/conversations\/(\w+)$/,
    (request, _, [wanted]) => {
      staff(request);
      const one = find(conversations, wanted, "conversation");
      return [
        200,
        {
          conversation: shown(one),
          contact_name: named(one.ref).name,
          events: one.events,
          turns: one.turns,
          attempts: one.attempts,
        },
      ];
    },
  ],
  [
    "GET",
    /^\/mock\/fault$/,
    (_, __, ___, url) => {
      fault = Object.fromEntries(url.searchParams);
      if (fault.ws || fault.http) for (const socket of sockets) socket.terminate();
      return [200, fault];
    },
  ],
];

function demoPage(who) {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Billing · Kettle</title>
<style>body{font:1rem/1.6 Georgia,serif;margin:0;background:#fdf8f0;color:#2d2118}main{max-width:44rem;margin:3rem auto;padding:0 1.5rem}@media(prefers-color-scheme:dark){body{background:#1c1611;color:#eee2d3}}</style></head>
<body><main><h1>Kettle</h1><p>Signed in as ${people[who].name}. A page of the host application with the chat widget in it.</p><p id="said"></p></main>
<script type="module" src="/widget.js"></script><script type="module" src="/mock/demo.js?user=${who}"></script></body></html>`;
}
const demoScript = (
  who,
) => `window.Firstline.start({ baseUrl: location.origin, getToken: async () => (await fetch("/mock/token?user=${who}")).text(), page: { url: location.href, title: document.title } });
window.addEventListener("firstline:resolved", (event) => { document.getElementById("said").textContent = "The page read its state again: " + event.detail.title; });`;

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const raw = Buffer.concat(parts).toString();
  return (request.headers["content-type"] ?? "").startsWith("application/json") && raw !== ""
    ? JSON.parse(raw)
    : {};
}

const pages = {
  "/": "index.html",
  "/console": "console.html",
  "/editor": "editor.html",
  "/review": "review.html",
};

const server = createServer(async (request, response) => {
  const url = new URL(request.url, `http://127.0.0.1:${port}`);
  const send = (status, content, headers = {}) => response.writeHead(status, headers).end(content);
  try {
    const who = url.searchParams.get("user") in people ? url.searchParams.get("user") : "hana";
    if (url.pathname === "/demo") return send(200, demoPage(who), { "Content-Type": kinds[".html"] });
    if (url.pathname === "/mock/demo.js") return send(200, demoScript(who), { "Content-Type": kinds[".js"] });
    if (url.pathname === "/mock/token") {
      const claims = {
        iss: "kettle",
        aud: "firstline",
        sub: people[who].ref,
        name: people[who].name,
        exp: Math.floor(Date.now() / 1000) + 300,
      };
      return send(200, `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`);
    }
    if (url.pathname === "/api/v1/cases/stream") {
      staff(request);
      response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
      response.write(
        `retry: 1000\n\nevent: queue\ndata: ${JSON.stringify({ ...counts(), case: null, change: null })}\n\n`,
      );
      streams.add(response);
      return request.on("close", () => streams.delete(response));
    }
    if (url.pathname in pages || url.pathname.startsWith("/assets/") || url.pathname === "/widget.js") {
      const file = resolve(dist, `.${pages[url.pathname] ? `/${pages[url.pathname]}` : url.pathname}`);
      return send(200, await readFile(file), {
        "Content-Type": kinds[extname(file)] ?? "application/octet-stream",
        ...(pages[url.pathname] ? { "Content-Security-Policy": policy } : {}),
      });
    }
    if (fault.slow) await new Promise((done) => setTimeout(done, Number(fault.slow)));
    if (fault.http && !url.pathname.startsWith("/mock/"))
      throw problem(
        Number(fault.http),
        "unavailable",
        "A part of Firstline does not answer.",
        "Try again in a moment.",
      );
    for (const [method, pattern, handler] of routes) {
      const found = request.method === method && pattern.exec(url.pathname);
      if (!found) continue;
      const [status, json] = await handler(
        request,
        ["POST", "PUT"].includes(method) ? await body(request) : {},
        found.slice(1),
        url,
      );
      if (Buffer.isBuffer(json)) return send(status, json, { "Content-Type": "image/png" });
      return send(status, json === undefined ? undefined : JSON.stringify(json), {
        "Content-Type": "application/json",
      });
    }
    throw problem(404, "not_found", "There is nothing at this address.");
  } catch (error) {
    const known = error.body ?? {
      status: error.code === "ENOENT" ? 404 : 500,
      code: "internal_error",
      detail: String(error.message),
    };
    send(known.status, JSON.stringify(known), { "Content-Type": "application/problem+json" });
  }
});

new WebSocketServer({ server, path: "/api/v1/ws" }).on("connection", (socket) => {
  if (fault.ws || fault.http) return socket.terminate();
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
  socket.on("message", (raw) => {
    const frame = JSON.parse(raw.toString());
    const conversation = conversations.get(socket.follows ?? frame.conversation);
    if (!conversation) return socket.close(4404);
    if (frame.type === "hello") {
      socket.follows = conversation.id;
      socket.who = frame.token ? "user" : "agent";
      if (frame.token && refOf(frame.token) !== conversation.ref) return socket.close(4404);
      socket.send(JSON.stringify({ type: "welcome", conversation: shown(conversation) }));
      for (const event of conversation.events.slice(frame.after ?? 0))
        socket.send(JSON.stringify({ type: "event", event }));
      const one = open(conversation);
      if (one?.status === "queued")
        socket.send(
          JSON.stringify({ type: "queue", position: line().indexOf(one) + 1, waiting: line().length }),
        );
    } else if (frame.type === "typing") {
      const name = socket.who === "user" ? named(conversation.ref).name : me().name;
      tell(
        conversation,
        { type: "typing", author: { kind: socket.who, name }, active: frame.active },
        socket,
      );
    } else if (frame.type === "message") {
      try {
        const posted = post(conversation, frame, frame.client_key);
        socket.send(JSON.stringify({ type: "ack", client_key: frame.client_key, seq: posted.event.seq }));
      } catch (error) {
        socket.send(JSON.stringify({ type: "problem", client_key: frame.client_key, ...error.body }));
      }
    } else if (frame.type === "ping") socket.send(JSON.stringify({ type: "pong" }));
  });
});

/** Three conversations that wait for a person, one that is resolved, and some history to review. */
async function seed() {
  for (const [who, texts, reason, priority, minutes] of [
    ["eli", ["hi", "my payment failed again??", "yes"], "workflow_failed", "high", 3],
    ["ben", ["the confirmation mail never came", "I want to talk to a human"], null, null, 9],
    ["hana", ["how can I pause my subscription for a month?"], "no_answer", "low", 46],
    ["cleo", ["my grind setting doesnt save"], null, null, 130],
    ["ada", ["my account is locked, please unlock it", "yes"], null, null, 700],
  ]) {
    const conversation = begin(people[who].ref, minutes + 2);
    for (const text of texts) {
      const message = say(conversation, "user", text, {
        turn: id("trn"),
        at: ago(minutes + 1),
        choice: text === "yes" ? "/affirm" : null,
      });
      await turn(conversation, message);
    }
    if (reason)
      handOff(
        conversation,
        reason,
        priority,
        "The bank refused the card: it has expired.\nThe user was shown how to change it.",
        minutes,
      );
  }
}

await seed();
server.listen(port, "127.0.0.1", () =>
  console.log(`http://127.0.0.1:${port}  (widget: /demo?user=hana, sign in with any password)`),
);
