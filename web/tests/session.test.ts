/** What the user wrote to a server that limits: it waits, is sent again, and nothing of it is lost. */
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Session } from "../src/widget/conversation-store";

interface Call {
  method: string;
  path: string;
  body: Record<string, unknown> | null;
  key: string | null;
}

let calls: Call[];
let answer: (call: Call) => Response;
const stored = new Map<string, string>();
const store = {
  getItem: (name: string) => stored.get(name) ?? null,
  setItem: (name: string, value: string) => stored.set(name, value),
  removeItem: (name: string) => stored.delete(name),
};

class FakeSocket {
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  readyState = 0;
  send(): void {}
  close(): void {}
}

Object.assign(globalThis, {
  WebSocket: FakeSocket,
  BroadcastChannel: undefined,
  sessionStorage: store,
  localStorage: store,
  location: new URL("https://app.example/"),
  innerWidth: 800,
  document: Object.assign(new EventTarget(), { title: "App", visibilityState: "visible" }),
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
  fetch: async (
    url: string,
    options: { method: string; headers: Record<string, string>; body: string | null },
  ) => {
    const call = {
      method: options.method,
      path: url.replace("https://help.example/api/v1", ""),
      body: options.body ? JSON.parse(options.body) : null,
      key: options.headers["Idempotency-Key"] ?? null,
    };
    calls.push(call);
    return answer(call);
  },
});
Object.defineProperty(globalThis, "navigator", {
  value: { onLine: true, language: "en" },
  configurable: true,
});

const ok = (body: object, status = 200): Response => new Response(JSON.stringify(body), { status });
const limited = (seconds: number): Response =>
  new Response(JSON.stringify({ code: "rate_limited", detail: "Too fast." }), {
    status: 429,
    headers: { "Retry-After": String(seconds) },
  });
const conversation = (id: string): object => ({
  id,
  owner: { kind: "bot", name: null },
  epoch: 0,
  last_seq: 0,
  created_at: "2020-01-01T00:00:00Z",
  case: null,
});
const settle = async (): Promise<void> => {
  for (let round = 0; round < 30; round += 1) await new Promise((done) => setImmediate(done));
};
const token = `x.${btoa(JSON.stringify({ iss: "kettle", sub: "usr_1", exp: 9_999_999_999 }))}.x`;
const open = (): Session => new Session({ baseUrl: "https://help.example", getToken: () => token });
const posted = (): Call[] =>
  calls.filter((call) => call.method === "POST" && call.path.endsWith("/messages"));

beforeEach(() => {
  calls = [];
  stored.clear();
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
});

test("a message that came too fast is kept, and sent again with its key after the time that was named", async () => {
  let refusals = 1;
  answer = (call) => {
    if (call.method === "GET") return ok({ conversations: [], notices: [] });
    if (!call.path.endsWith("/messages")) return ok(conversation("cnv_1"), 201);
    if (refusals-- > 0) return limited(7);
    return ok(
      {
        id: "evt_1",
        seq: 1,
        type: "message",
        at: "2020-01-01T00:00:00Z",
        author: { kind: "user", name: null },
        turn: null,
        client_key: call.key,
        data: { ...call.body, buttons: [], card: null },
      },
      201,
    );
  };
  const session = open();
  session.send("nothing of this may be lost");
  session.send("nor of this");
  await settle();
  assert.deepEqual(
    session.outbox.map((item) => item.status),
    ["waiting", "sending"],
  );
  mock.timers.tick(6_500);
  await settle();
  assert.equal(posted().length, 1, "not before its time");
  mock.timers.tick(3_000);
  await settle();
  const [first, again, second] = posted();
  assert.equal(first?.key, again?.key);
  assert.deepEqual([again?.body?.text, second?.body?.text], ["nothing of this may be lost", "nor of this"]);
  assert.deepEqual(
    session.outbox.filter((item) => item.status !== "sent"),
    [],
  );
  session.stop();
});

test("who may begin no further conversation goes on in the last one", async () => {
  answer = (call) => {
    if (call.method === "GET")
      return ok({ conversations: [conversation("cnv_last"), conversation("cnv_old")], notices: [] });
    if (call.path === "/conversations") return limited(60);
    return ok(
      {
        id: "evt_1",
        seq: 1,
        type: "message",
        at: "2020-01-01T00:00:00Z",
        author: { kind: "user", name: null },
        turn: null,
        client_key: call.key,
        data: { ...call.body, buttons: [], card: null },
      },
      201,
    );
  };
  const session = open();
  session.send("hello");
  await settle();
  assert.deepEqual(
    posted().map((call) => call.path),
    ["/conversations/cnv_last/messages"],
  );
  session.stop();
});

test("whose request a person has already is not told that they wait in this conversation", async () => {
  answer = (call) => {
    if (call.method === "GET") return ok({ conversations: [], notices: [] });
    if (call.path.endsWith("/handoff"))
      return ok({ case: "cas_1", position: 2, conversation: "cnv_other", joined: true }, 201);
    return ok(conversation("cnv_1"), 201);
  };
  const session = open();
  await Promise.all([session.askForPerson(), settle()]);
  assert.equal(session.owner.kind, "bot");
  assert.equal(session.trouble, null);
  session.stop();
});
