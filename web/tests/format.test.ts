import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem } from "../src/shared/api";
import { human, moment, money, percent, span } from "../src/shared/format";

test("spans of time in words", () => {
  assert.deepEqual([0, 59, 60, 3599, 3600, 11100, 90_000, 172_800, -5].map(span), [
    "0 s",
    "59 s",
    "1 min",
    "59 min",
    "1 h",
    "3 h 5 min",
    "1 d 1 h",
    "2 d",
    "0 s",
  ]);
});

test("a moment of another day or year has its date; nonsense stays as it is", () => {
  const now = new Date("2026-11-23T12:00:00Z");
  assert.ok(!/Nov/.test(moment("2026-11-23T08:00:00Z", now)));
  assert.match(moment("2026-11-20T08:00:00Z", now), /20/);
  assert.match(moment("2024-11-20T08:00:00Z", now), /2024/);
  assert.equal(moment("soon", now), "soon");
});

test("names from code and amounts", () => {
  assert.equal(human("action_retry_payment"), "Retry payment");
  assert.equal(money(1890, "not a currency"), "18.90");
});

test("a hint is shown when it is for people, not when it is for programs", () => {
  assert.equal(
    new Problem(409, "conflict", "Taken.", "Choose another id.").words,
    "Taken. Choose another id.",
  );
  assert.equal(
    new Problem(403, "csrf", "Wrong token.", "Send the `csrf` of GET /api/v1/session.").words,
    "Wrong token.",
  );
});

test("a share that is not all does not look like all", () => {
  assert.deepEqual([0, 0.002, 0.314, 0.997, 1].map(percent), ["0 %", "<1 %", "31 %", ">99 %", "100 %"]);
});
