import assert from "node:assert/strict";
import { test } from "node:test";
import { folded, sideBySide, words } from "../src/editor/compare";
import { emptyForm, formOf, same, sentOf, slug } from "../src/editor/draft";

test("an id is made of the title", () => {
  assert.equal(slug("Can I pay by card?"), "can-i-pay-by-card");
  assert.equal(slug("  Crème brûlée & Café’s  "), "creme-brulee-cafes");
  assert.equal(slug("???"), "");
  assert.match(slug("x ".repeat(100)), /^[a-z0-9]+(-[a-z0-9]+)*$/);
  assert.ok(slug("long ".repeat(50)).length <= 80);
});

test("a comparison holds every line of both texts, in order", () => {
  const cases = [
    ["a\nb\nc", "a\nx\nc"],
    ["", "one"],
    ["one", ""],
    ["same", "same"],
    ["a\nb", "b\na"],
    ["a", "a\nb\n"],
    ["a\n", "a"],
    ["1\n2\n3\n4", "2\n4\n5"],
    ["x\n\ny", "y\n\nx\n\n"],
  ] as const;
  for (const [mine, theirs] of cases) {
    const rows = sideBySide(mine, theirs);
    const side = (name: "mine" | "theirs"): string =>
      rows
        .map((row) => row[name])
        .filter((text) => text !== null)
        .join("\n");
    assert.equal(side("mine"), mine);
    assert.equal(side("theirs"), theirs);
    assert.ok(rows.every((row) => !row.same || row.mine === row.theirs));
    assert.equal(
      rows.every((row) => row.same),
      mine === theirs,
    );
  }
});

test("side by side, a changed line stands beside its other form and nothing is left out", () => {
  assert.deepEqual(sideBySide("a\nb\nc", "a\nx\ny\nc"), [
    { same: true, mine: "a", theirs: "a" },
    { same: false, mine: "b", theirs: "x" },
    { same: false, mine: null, theirs: "y" },
    { same: true, mine: "c", theirs: "c" },
  ]);
  const rows = sideBySide("1\n2\n3\n4", "2\n4\n5");
  assert.equal(
    rows
      .map((row) => row.mine)
      .filter((text) => text !== null)
      .join("\n"),
    "1\n2\n3\n4",
  );
  assert.equal(
    rows
      .map((row) => row.theirs)
      .filter((text) => text !== null)
      .join("\n"),
    "2\n4\n5",
  );
});

test("words that differ are marked, and both sides stay whole", () => {
  const found = words("Pause for one month.", "Pause for three long months.");
  assert.equal(found.mine.map((mark) => mark.text).join(""), "Pause for one month.");
  assert.equal(found.theirs.map((mark) => mark.text).join(""), "Pause for three long months.");
  assert.deepEqual(found.mine[0], { text: "Pause for ", changed: false });
  assert.ok(found.theirs.some((mark) => mark.changed && mark.text.includes("three")));
});

test("unchanged stretches are folded, and none of their lines is lost count of", () => {
  const mine = Array.from({ length: 30 }, (_, at) => `line ${at}`);
  const theirs = mine.map((line, at) => (at === 15 ? "another" : line));
  const shown = folded(sideBySide(mine.join("\n"), theirs.join("\n")));
  const lines = shown.reduce<number>((sum, one) => sum + (typeof one === "number" ? one : 1), 0);
  assert.equal(lines, 30);
  assert.deepEqual(
    shown.map((one) => (typeof one === "number" ? one : "row")),
    [12, "row", "row", "row", "row", "row", "row", "row", 11],
  );
});

test("lists are typed as text and sent as lists; what means the same counts as the same", () => {
  const form = {
    ...emptyForm,
    title: "A",
    plans: "Daily Leaf, Weekend Roast,, Daily Leaf",
    phrasings: "how do I\n\n  can I  \n",
  };
  assert.deepEqual(sentOf(form).plans, ["Daily Leaf", "Weekend Roast"]);
  assert.deepEqual(sentOf(form).phrasings, ["how do I", "can I"]);
  assert.equal(sentOf(form).review_by, null);
  assert.ok(same(form, { ...form, plans: "Daily Leaf, Weekend Roast" }));
  assert.ok(!same(form, { ...form, summary: "x" }));
  const article = {
    id: "a",
    title: "A",
    area: "plans",
    language: "en",
    body: "x",
    summary: "",
    audience: "everyone" as const,
    plans: [],
    product_versions: [],
    phrasings: [],
    review_by: null,
    status: "draft" as const,
    version: 1,
    published_version: null,
    publish_at: null,
    updated_at: "",
    updated_by: "",
  };
  assert.deepEqual(sentOf(formOf(article)), { ...sentOf(emptyForm), title: "A", area: "plans", body: "x" });
});
