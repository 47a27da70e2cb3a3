/** The mock assistant: answers by key words with one message of each kind that the real one sends. */
import { ago } from "./seed.mjs";

const person = { title: "Talk to a person", payload: "/talk_to_person" };
const no = { title: "Not now", payload: "/deny" };
const helped = [
  { title: "Yes, thanks", payload: "/helped" },
  { title: "No", payload: "/not_helped" },
];
const article = (article_id, title, quote, area) => ({
  type: "article",
  article_id,
  version: 3,
  title,
  url: `/help/${article_id}`,
  quote,
  area,
});

const workflows = {
  unlock_account: {
    ask: "Your account is locked: there were 6 wrong passwords in a row. Shall I unlock it?",
    yes: "Unlock it",
    done: "Your account is unlocked. I checked your account again to be sure.",
    title: "Account unlocked",
    outcome: "verified",
    facts: [
      { label: "Account", before: "locked", after: "active" },
      { label: "Wrong passwords in a row", before: 6, after: 0 },
    ],
  },
  payment_failed: {
    ask: "Your last payment of €18.90 failed because the card expired. Shall I try it again?",
    yes: "Try again",
    done: "The bank refused it again: the card has expired. So I won't call it fixed.",
    title: "Retry the payment",
    outcome: "failed",
    facts: [
      { label: "Last payment", before: "failed", after: "failed" },
      { label: "Amount due", before: "€18.90", after: "€18.90" },
    ],
  },
  resend_verification: {
    ask: "Your address is not confirmed yet. Shall I send the confirmation e-mail again?",
    yes: "Send it again",
    done: "It was sent, but I could not look again to check.",
    title: "Resend the confirmation e-mail",
    outcome: "assumed",
    facts: [{ label: "Sent", before: "3 days ago", after: null }],
  },
};

const rules = [
  [/^\/affirm/, () => null, "affirm"],
  [
    /person|human|agent|talk_to/i,
    () => ({
      says: [{ text: "I'll get you a person." }],
      handoff: "user_asked",
      attempt: { kind: "handoff", name: "hand_off", outcome: "escalated" },
    }),
    "talk_to_person",
  ],
  [/^\/helped/, () => ({ says: [{ text: "Good to hear." }] }), "helped"],
  [
    /^\/(not_helped|deny)/,
    () => ({
      says: [
        {
          text: "All right. Would you rather talk to a person?",
          buttons: [person, { title: "No, thanks", payload: "/deny" }],
        },
      ],
    }),
    "deny",
  ],
  [/lock/i, "unlock_account"],
  [/payment|paid|card/i, "payment_failed"],
  [/mail|verif|confirm/i, "resend_verification"],
  [
    /pause|plan|subscription/i,
    () => ({
      says: [
        {
          text: "Here is what the help says. Did this help?",
          buttons: helped,
          card: article(
            "pause-your-subscription",
            "Pause your subscription",
            "You can pause for one to three months. Nothing is charged while you are on a break, and your plan starts again by itself.",
            "plans",
          ),
        },
      ],
      attempt: {
        kind: "answer",
        name: "answer_question",
        outcome: "assumed",
        article_id: "pause-your-subscription",
        article_version: 3,
        read: { hits: 3, best: 0.81 },
      },
    }),
    "pause_subscription",
  ],
  [
    /order|parcel|delivery/i,
    () => ({
      says: [
        {
          text: "Two orders are under way. The first is late: the carrier reports a delay.",
          card: {
            type: "orders",
            orders: [
              {
                number: "KT-5521",
                status: "delayed",
                expected: ago(-2880),
                items: ["Sencha 200 g", "Oolong sampler"],
              },
              {
                number: "KT-5440",
                status: "in_transit",
                expected: ago(-1440),
                items: ["House espresso 500 g"],
              },
            ],
          },
        },
      ],
      attempt: { kind: "workflow", name: "order_status", outcome: "verified", read: { orders: 2 } },
    }),
    "order_status",
  ],
  [
    /hello|hi|hey/i,
    () => ({
      says: [
        {
          text: "Hello! I can look into your Kettle account, fix common problems, and answer questions. What is it about?",
          buttons: [
            { title: "Where is my order?", payload: "/order_status" },
            { title: "My payment failed", payload: "/payment_failed" },
            person,
          ],
        },
      ],
    }),
    "greet",
  ],
];

export function reply(conversation, { text, choice }) {
  const said = choice ?? text;
  const [, rule, intent] = rules.find(([pattern]) => pattern.test(said)) ?? [];
  if ((/^\/affirm/.test(said) || /^(yes|ok|sure)\b/i.test(said)) && conversation.pending)
    return perform(conversation);
  if (typeof rule === "string") {
    conversation.pending = rule;
    const one = workflows[rule];
    return {
      intent: rule,
      confidence: 0.94,
      says: [{ text: one.ask, buttons: [{ title: one.yes, payload: "/affirm" }, no] }],
      attempt: {
        kind: "workflow",
        name: rule,
        outcome: "abandoned",
        read: { account: { locked: true, failed_sign_ins: 6 } },
      },
    };
  }
  const answer = rule?.();
  if (answer) return { intent, confidence: 0.88, ...answer };
  return {
    intent: "nlu_fallback",
    confidence: 0.31,
    attempt: { kind: "fallback", name: "clarify", outcome: "failed" },
    says: [
      {
        text: "I'm not sure I understood. Is it one of these?",
        buttons: [
          { title: "Where is my order?", payload: "/order_status" },
          { title: "I can't sign in", payload: "/unlock_account" },
          person,
        ],
      },
    ],
  };
}

function perform(conversation) {
  const name = conversation.pending;
  conversation.pending = null;
  const { title, outcome, facts, done } = workflows[name];
  const failed =
    outcome === "failed"
      ? [{ text: "Shall I get a person?", buttons: [person, { title: "No, thanks", payload: "/deny" }] }]
      : [];
  return {
    intent: "affirm",
    confidence: 0.99,
    says: [
      {
        text: done,
        card: {
          type: "resolution",
          workflow: name,
          title,
          outcome,
          facts,
          checked_at: outcome === "assumed" ? null : new Date().toISOString(),
        },
      },
      ...failed,
    ],
    attempt: {
      kind: "workflow",
      name,
      outcome,
      read: { before: facts[0].before },
      done: { operation: name, status: outcome === "failed" ? "refused" : "done", after: facts[0].after },
      error: outcome === "failed" ? "card_expired" : null,
    },
  };
}
