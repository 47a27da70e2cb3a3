import assert from "node:assert/strict";
import { test } from "node:test";
import { groups, isBad } from "../src/console/snapshot";

const parts = {
  account: {
    email: "ada@kettle.example",
    locked: true,
    lock_reason: "too_many_failed_sign_ins",
    email_verified: true,
    password_reset_sent_at: null,
    second_factor: { enabled: false, method: null },
  },
  billing: {
    currency: "EUR",
    status: "active",
    amount_due_cents: 0,
    last_payment: { id: "pay_1", status: "failed", failure_code: "card_expired" },
    invoices: [{ number: "K-1", amount_cents: 1890, status: "paid" }],
  },
  orders: [
    { number: "KT-1", status: "delayed", items: ["Sencha", "Oolong"] },
    { number: "KT-2", status: "delivered", items: [] },
  ],
  preferences: {
    saved: { grind: "coarse", decaf: false },
    applied: { grind: "fine", decaf: false },
    sync: { state: "failed", error: "timed out" },
  },
  features: { gift_cards: true },
  exports: [],
};
const found = groups(parts);
const named = (name: string) => found.find((group) => group.name === name)!;

test("groups with problems come first, and what is empty is left out", () => {
  assert.deepEqual(
    found.map((group) => group.name),
    ["Account", "Billing", "Orders", "Preferences", "Features"],
  );
});

test("what stands out is named in words", () => {
  assert.deepEqual(named("Account").problems, ["Locked: yes", "Lock reason: too many failed sign ins"]);
  assert.deepEqual(named("Billing").problems, [
    "Last payment status: failed",
    "Last payment failure code: card expired",
  ]);
  assert.deepEqual(named("Orders").problems, ["KT-1: delayed"]);
  assert.deepEqual(named("Features").problems, []);
});

test("what is saved and not in force is a problem", () => {
  const compared = named("Preferences").compared;
  assert.deepEqual(
    compared.map((pair) => [pair.label, pair.differs]),
    [
      ["Grind", true],
      ["Decaf", false],
    ],
  );
  assert.ok(named("Preferences").problems.includes("Grind: coarse saved, fine in force"));
});

test("amounts have their currency, missing values no row, lists their words", () => {
  const invoice = named("Billing").items[0]!;
  assert.equal(invoice.title, "Invoice K-1");
  assert.match(invoice.rows.find((row) => row.label === "Amount")!.value, /€\s?18\.90|18[.,]90\s?€/);
  assert.ok(!named("Account").rows.some((row) => row.label.startsWith("Password reset")));
  assert.equal(named("Orders").items[0]!.rows.find((row) => row.label === "Items")!.value, "Sencha, Oolong");
});

test("a card is bad only after its last month", () => {
  const now = new Date("2026-11-23T12:00:00Z");
  assert.equal(isBad("expires", "2026-10", now), true);
  assert.equal(isBad("expires", "2026-11", now), false);
});

test("odd shapes do not break it", () => {
  for (const odd of [
    { a: null },
    { a: [] },
    { a: [1, "x", null] },
    { a: "text" },
    { a: { saved: {}, applied: [] } },
    { a: [[1]] },
  ])
    assert.doesNotThrow(() => groups(odd));
});
