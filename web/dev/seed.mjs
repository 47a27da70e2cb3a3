/** Sample data of the mock server: enough trouble of each kind that every state of every page can be looked at. */
import { randomUUID } from "node:crypto";

export const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
export const id = (prefix) => `${prefix}_${randomUUID().replaceAll("-", "").slice(0, 26).toUpperCase()}`;

export const people = {
  ada: { ref: "usr_ada", name: "Ada Lind", email: "ada@kettle.example" },
  ben: { ref: "usr_ben", name: "Ben Okafor", email: "ben@kettle.example" },
  cleo: { ref: "usr_cleo", name: "Cleo Marchetti", email: "cleo@kettle.example" },
  eli: { ref: "usr_eli", name: "Eli Novak", email: "eli@kettle.example" },
  hana: { ref: "usr_hana", name: "Hana Sato", email: "hana@kettle.example" },
};

export function state(ref) {
  return {
    account: {
      email: `${ref.slice(4)}@kettle.example`,
      name: ref.slice(4),
      status: ref === "usr_ada" ? "locked" : "active",
      email_verified: ref !== "usr_ben",
      locked: ref === "usr_ada",
      lock_reason: ref === "usr_ada" ? "too_many_failed_sign_ins" : null,
      failed_sign_ins: ref === "usr_ada" ? 6 : 0,
      password_expired: false,
      password_reset_sent_at: null,
      verification_sent_at: ago(4000),
      second_factor: { enabled: true, method: "authenticator app" },
    },
    billing: {
      plan: "Daily Leaf",
      status: ref === "usr_eli" ? "past_due" : "active",
      currency: "EUR",
      amount_due_cents: ref === "usr_eli" ? 1890 : 0,
      last_payment: {
        id: "pay_3081",
        status: ref === "usr_eli" ? "failed" : "paid",
        failure_code: ref === "usr_eli" ? "card_expired" : null,
        at: ago(3100),
        amount_cents: 1890,
      },
      payment_method: { kind: "visa", last4: "4242", expires: ref === "usr_eli" ? "2025-08" : "2029-01" },
      invoices: [
        {
          number: "K-2061",
          date: "2026-11-01",
          amount_cents: 1890,
          status: ref === "usr_eli" ? "open" : "paid",
          refundable_until: "2026-12-01",
        },
        {
          number: "K-1988",
          date: "2026-10-01",
          amount_cents: 1890,
          status: "paid",
          refundable_until: "2026-10-31",
        },
      ],
    },
    orders: [
      {
        number: "KT-5521",
        status: "delayed",
        placed_at: ago(9000),
        expected_at: ago(-2000),
        carrier: "PostNord",
        tracking: "PN88412",
        items: ["Sencha 200 g", "Oolong sampler"],
      },
      {
        number: "KT-5440",
        status: "delivered",
        placed_at: ago(40000),
        expected_at: ago(33000),
        carrier: "PostNord",
        tracking: "PN80117",
        items: ["House espresso 500 g"],
      },
    ],
    preferences: {
      saved: { grind: "coarse", roast: "light", decaf: false },
      applied: { grind: ref === "usr_cleo" ? "fine" : "coarse", roast: "light", decaf: false },
      sync: {
        state: ref === "usr_cleo" ? "failed" : "in_sync",
        error: ref === "usr_cleo" ? "profile service timed out" : null,
        last_synced_at: ago(600),
      },
    },
    features: { gift_cards: true, tasting_notes: false },
    exports: [{ id: "exp_12", kind: "orders", state: "ready", requested_at: ago(2000) }],
    sessions: [
      { id: "ses_1", device: "Firefox on Linux", last_seen: ago(2), current: true },
      { id: "ses_2", device: "Kettle for iOS", last_seen: ago(800), current: false },
    ],
  };
}

const bodies = {
  "pause-your-subscription": [
    "Pause your subscription",
    "plans",
    "You can pause for one to three months. Nothing is charged while you are on a break, and your plan starts again by itself.\n\n## How to pause\n\n1. Open **Plan** in Kettle.\n2. Choose **Pause**.\n3. Pick the month in which deliveries start again.\n\nAn order that is already packed is still sent.\n\n| Plan | Longest pause |\n|---|---|\n| Daily Leaf | 3 months |\n| Weekend Roast | 2 months |\n",
  ],
  "change-your-plan": [
    "Change your plan",
    "plans",
    "Choose **Plan**, then **Change**. The new price applies from the next delivery.\n",
  ],
  "unlock-your-account": [
    "Unlock your account",
    "sign-in",
    "After six wrong passwords an account is locked for your safety. The assistant can unlock it for you.\n",
  ],
  "refund-window": [
    "When a refund is possible",
    "billing",
    "An invoice can be refunded within **30 days**. See `Billing` for the date.\n\n> A delivery that was opened can be refunded when something is wrong with it.\n",
  ],
  "track-an-order": ["Track an order", "orders", "Open **Orders** and choose the number.\n"],
  "gift-a-subscription": ["Give a subscription as a gift", "plans", "Draft: choose who gets it and when.\n"],
};
export const articles = Object.entries(bodies).map(([key, [title, area, body]], index) => ({
  id: key,
  title,
  area,
  language: "en",
  body,
  status: ["published", "published", "changed", "published", "published", "draft"][index],
  version: [3, 1, 2, 1, 1, 1][index],
  published_version: [3, 1, 1, 1, 1, null][index],
  updated_at: ago(index * 3000 + 40),
  updated_by: index % 2 ? "Mira Holm" : "import",
  publish_at: null,
  summary: index === 0 ? "A break of one to three months costs nothing." : "",
  audience: index === 4 ? "users" : "everyone",
  plans: index === 0 ? ["Daily Leaf", "Weekend Roast"] : [],
  product_versions: [],
  phrasings: index === 0 ? ["can I take a break from my deliveries", "stop sending coffee for a month"] : [],
  review_by: index === 3 ? "2026-10-01" : null,
}));
/** Every saved text of an article; the mock knows the older ones only as variations. */
export const versionsOf = (article) =>
  Array.from({ length: article.version }, (_, index) => ({
    ...article,
    version: article.version - index,
    body:
      index === 0
        ? article.body
        : article.body.replace("You can pause for", "A pause lasts") + "\nOlder text.\n",
    created_at: ago(index * 20000 + 40),
    created_by: index ? "import" : article.updated_by,
  }));

export const ranking = (top, confidence) => [
  { name: top, confidence },
  { name: "sign_in_trouble", confidence: (1 - confidence) * 0.6 },
  { name: "reset_password", confidence: (1 - confidence) * 0.25 },
  { name: "how_to", confidence: (1 - confidence) * 0.1 },
];
