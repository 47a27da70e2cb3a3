/** The knowledge base of the mock server: enough of each answer that every state of the editor can be looked at. */
import { ago, articles, id, versionsOf } from "./seed.mjs";

const now = () => new Date().toISOString();
const pixel = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const questions = new Map([
  [
    "pause-your-subscription",
    [
      { id: "q_1", question: "how can I pause for a month?", source: "editor" },
      { id: "q_2", question: "taking a break from coffee", source: "log" },
    ],
  ],
]);
let clusters = [
  {
    id: "clu_1",
    label: "Decaf subscription",
    count: 31,
    handoffs: 12,
    cost_minutes: 96,
    trend: [1, 2, 2, 5, 4, 8, 9],
    article_id: null,
    before: null,
    after: null,
    examples: [
      "is there a decaf plan i can subscribe to",
      "can [name] get only decaf beans every month?",
      "decaf??",
      "I ordered regular by mistake, how do I switch to decaf",
    ],
  },
  {
    id: "clu_2",
    label: "Delivery to a neighbour",
    count: 12,
    handoffs: 7,
    cost_minutes: 41,
    trend: [3, 2, 3, 1, 1, 1, 1],
    article_id: "track-an-order",
    before: 0.2,
    after: 0.75,
    examples: ["can you leave it at [address]", "nobody is home on tuesdays"],
  },
  {
    id: "clu_3",
    label: "Invoice with a VAT number",
    count: 5,
    handoffs: 1,
    cost_minutes: 6,
    trend: [0, 1, 0, 1, 1, 1, 1],
    article_id: null,
    before: null,
    after: null,
    examples: ["i need our vat number on the invoice"],
  },
];

/** Markdown, roughly: the real one is rendered and cleaned by the server. */
function roughly(text) {
  const safe = text.replace(/[&<>]/g, (letter) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[letter]);
  const inline = (part) =>
    part
      .replace(/\*\*(.+?)\*\*/g, "<strong>$1</strong>")
      .replace(/`(.+?)`/g, "<code>$1</code>")
      .replace(/!\[(.*?)\]\((.+?)\)/g, '<img alt="$1" src="$2">')
      .replace(/\[(.+?)\]\((.+?)\)/g, '<a href="$2">$1</a>');
  return safe
    .split(/\n{2,}/)
    .map((block) => {
      if (/^#+ /.test(block)) return `<h2>${inline(block.replace(/^#+ /, ""))}</h2>`;
      if (/^\d+\. /.test(block))
        return `<ol>${block
          .split("\n")
          .filter(Boolean)
          .map((item) => `<li>${inline(item.replace(/^\d+\. /, ""))}</li>`)
          .join("")}</ol>`;
      if (/^&gt; /.test(block))
        return `<blockquote><p>${inline(block.replace(/^&gt; /, ""))}</p></blockquote>`;
      if (/^\|/.test(block)) {
        const [head, , ...rows] = block
          .trim()
          .split("\n")
          .map((row) =>
            row
              .split("|")
              .slice(1, -1)
              .map((cell) => inline(cell.trim())),
          );
        return `<table><thead><tr>${head.map((cell) => `<th>${cell}</th>`).join("")}</tr></thead><tbody>${rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join("")}</tr>`).join("")}</tbody></table>`;
      }
      return `<p>${inline(block)}</p>`;
    })
    .join("\n");
}

const tokens = (text) => new Set(text.toLowerCase().match(/[a-z]{3,}/g) ?? []);
function ranked(question, all) {
  const asked = tokens(question);
  const hits = all.map((one) => {
    const matched = [
      ...tokens(`${one.title} ${one.summary ?? ""} ${(one.phrasings ?? []).join(" ")} ${one.body}`),
    ].filter((word) => asked.has(word));
    return {
      article_id: one.id,
      title: one.title,
      quote: one.body.split("\n").find((line) => line.trim()) ?? "",
      score: matched.length / Math.max(1, asked.size),
      why: { matched },
    };
  });
  return hits.filter((hit) => hit.score > 0).sort((a, b) => b.score - a.score);
}
function place(question, all, wanted) {
  const hits = ranked(question, all);
  const at = hits.findIndex((hit) => hit.article_id === wanted);
  return {
    rank: at < 0 ? null : at + 1,
    probability: hits[0]?.score ?? 0,
    advice: hits.length ? "answer" : "none",
    hits: hits.slice(0, 5),
  };
}

/** Routes: [method, pattern, handler(request, body, ids, url) => [status, json]]. */
export function knowledge({ staff, problem, me, find }) {
  const text = ({ base_version: _, ...rest }) => rest;
  const save = (article, body) => {
    Object.assign(article, text(body), {
      version: article.version + 1,
      updated_at: now(),
      updated_by: me().name,
    });
    article.status = article.published_version === null ? "draft" : "changed";
    return article;
  };
  const current = (body, article) => {
    if (body.base_version !== article.version)
      throw problem(
        409,
        "edit_conflict",
        "Somebody saved another version meanwhile.",
        "Compare the two, then save again.",
        { current: article },
      );
  };
  const gate = (article) => ({
    before: { hit1: 0.91, ndcg10: 0.934, n: 44 },
    after: {
      hit1: article.id === "unlock-your-account" ? 0.886 : 0.932,
      ndcg10: article.id === "unlock-your-account" ? 0.921 : 0.941,
      n: 44,
    },
    worse:
      article.id === "unlock-your-account"
        ? [
            {
              question: "my parcel came open, do I get money back?",
              article: "Track an order",
              rank_before: 1,
              rank_after: 3,
            },
          ]
        : [],
  });
  const acts = {
    publish: (one) =>
      Object.assign(one, { published_version: one.version, status: "published", publish_at: null }),
    unpublish: (one) => Object.assign(one, { published_version: null, status: "draft" }),
    archive: (one) => Object.assign(one, { published_version: null, status: "archived", publish_at: null }),
    review: (one) => Object.assign(one, { status: "review" }),
    unschedule: (one) => Object.assign(one, { publish_at: null }),
    schedule: (one, body) => Object.assign(one, { publish_at: body.at }),
    restore: (one, body) => {
      current(body, one);
      return save(one, { body: versionsOf(one).find((other) => other.version === body.version).body });
    },
  };
  const route = (method, pattern, handler) => [
    method,
    new RegExp(`^/api/v1${pattern}$`),
    (request, body, ids, url) => {
      staff(request);
      return handler(body, ids, url);
    },
  ];
  const article = (key) => find(articles, key, "article");
  return [
    route("GET", "/articles", (_, __, url) => {
      const [status, words] = [
        url.searchParams.get("status"),
        (url.searchParams.get("q") ?? "").toLowerCase(),
      ];
      return [
        200,
        {
          articles: articles
            .filter(
              (one) =>
                (status ? one.status === status : one.status !== "archived") &&
                `${one.title} ${one.body} ${one.id}`.toLowerCase().includes(words),
            )
            .sort((a, b) => a.title.localeCompare(b.title)),
        },
      ];
    }),
    route("POST", "/articles", (body) => {
      if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(body.id ?? ""))
        throw problem(
          400,
          "invalid_input",
          "id: small letters, digits and hyphens, such as `reset-your-password`.",
        );
      if (articles.some((one) => one.id === body.id))
        throw problem(409, "conflict", "There is an article of this id already.", "Choose another id.");
      articles.push({
        ...body,
        status: "draft",
        version: 1,
        published_version: null,
        publish_at: null,
        updated_at: now(),
        updated_by: me().name,
      });
      return [201, articles.at(-1)];
    }),
    route("POST", "/articles/preview", (body) => [200, { html: roughly(body.body) }]),
    route("POST", "/articles/images", () => [201, { id: "img_1", url: "/help/images/img_1" }]),
    ["GET", /^\/help\/images\/img_1$/, () => [200, pixel]],
    route("GET", "/articles/stale", () => [
      200,
      {
        articles: [articles[3], articles[0], articles[4]].map((one, at) => ({
          ...one,
          age_days: 420 - at * 90,
          shown: [12, 240, 31][at],
        })),
      },
    ]),
    route("POST", "/articles/import", () => [
      200,
      {
        files: [
          { path: "billing/refunds.md", id: "refund-window", outcome: "updated", problem: null },
          { path: "decaf.html", id: "gift-a-subscription", outcome: "created", problem: null },
          { path: "broken.md", id: null, outcome: "failed", problem: "The front matter has no end." },
        ],
      },
    ]),
    route("GET", "/articles/([\\w-]+)/versions", (_, [one]) => [200, { versions: versionsOf(article(one)) }]),
    route("GET", "/articles/([\\w-]+)/gate", (_, [one]) => [200, gate(article(one))]),
    route("GET", "/articles/([\\w-]+)/links", (_, [one]) => [
      200,
      {
        broken:
          article(one).id === "pause-your-subscription"
            ? [{ url: "/help/changing-plans", line: 11, problem: "There is no such article." }]
            : [],
        external: [{ url: "https://kettle.example/terms" }],
      },
    ]),
    route("GET", "/articles/([\\w-]+)/statistics", (_, [one]) => {
      article(one);
      const by_day = Array.from({ length: 28 }, (_, at) => ({
        day: ago((27 - at) * 1440).slice(0, 10),
        shown: Math.round(5 + 4 * Math.sin(at / 3) + (at % 5)),
      }));
      return [
        200,
        {
          shown: by_day.reduce((sum, day) => sum + day.shown, 0),
          helped: 88,
          not_helped: 17,
          handed_off: 9,
          by_day,
        },
      ];
    }),
    route("GET", "/articles/([\\w-]+)/questions", (_, [one]) => [
      200,
      { questions: questions.get(one) ?? [] },
    ]),
    route("POST", "/articles/([\\w-]+)/questions", (body, [one]) => {
      const made = { id: id("q"), question: body.question, source: "editor" };
      questions.set(one, [...(questions.get(one) ?? []), made]);
      return [201, made];
    }),
    route(
      "DELETE",
      "/articles/([\\w-]+)/questions/(\\w+)",
      (_, [one, wanted]) => (
        questions.set(
          one,
          (questions.get(one) ?? []).filter((other) => other.id !== wanted),
        ),
        [204]
      ),
    ),
    route("POST", "/articles/([\\w-]+)/try", ({ question, ...draft }, [one]) => [
      200,
      {
        before: place(
          question,
          articles.filter((other) => other.published_version !== null),
          one,
        ),
        after: place(
          question,
          articles
            .filter((other) => other.published_version !== null || other.id === one)
            .map((other) => (other.id === one ? { ...other, ...draft } : other)),
          one,
        ),
      },
    ]),
    route("GET", "/articles/([\\w-]+)", (_, [one]) => [200, article(one)]),
    route("PUT", "/articles/([\\w-]+)", (body, [one]) => {
      current(body, article(one));
      return [200, save(article(one), body)];
    }),
    route("POST", "/articles/([\\w-]+)/(\\w+)", (body, [one, act]) => {
      const found = article(one);
      return [200, acts[act](found, body)];
    }),
    route("GET", "/questions/in-vain", () => [200, { clusters }]),
    route("POST", "/questions/in-vain/(\\w+)/(draft|dismiss)", (_, [wanted, act]) => {
      const cluster = clusters.find((one) => one.id === wanted);
      if (act === "dismiss") return ((clusters = clusters.filter((one) => one !== cluster)), [204]);
      articles.push({
        ...articles[5],
        id: "decaf-subscription",
        title: cluster.label,
        phrasings: cluster.examples,
        body: "From how agents answered:\n\nChoose **Plan**, then **Decaf**.\n",
        version: 1,
      });
      cluster.article_id = "decaf-subscription";
      return [201, articles.at(-1)];
    }),
  ];
}
