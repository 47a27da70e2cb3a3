import assert from "node:assert/strict";
import { test } from "node:test";
import { compare, sideBySide, slug } from "../src/editor/draft";

test("an id is made of the title", () => {
  assert.equal(slug("Can I pay by card?"), "can-i-pay-by-card");
  assert.equal(slug("  Crème brûlée & Café’s  "), "creme-brulee-cafes");
  assert.equal(slug("???"), "");
  assert.match(slug("x ".repeat(100)), /^[a-z0-9]+(-[a-z0-9]+)*$/);
  assert.ok(slug("long ".repeat(50)).length <= 80);
});

test("a comparison holds every line of both texts, in order", () => {
  const cases = [["a\nb\nc", "a\nx\nc"], ["", "one"], ["same", "same"], ["a\nb", "b\na"], ["1\n2\n3\n4", "2\n4\n5"]] as const;
  for (const [mine, theirs] of cases) {
    const lines = compare(mine, theirs);
    assert.equal(lines.filter((line) => line.in !== "theirs").map((line) => line.text).join("\n"), mine);
    assert.equal(lines.filter((line) => line.in !== "mine").map((line) => line.text).join("\n"), theirs);
  }
  assert.deepEqual(compare("a\nb\nc", "a\nx\nc").map((line) => line.in), ["both", "mine", "theirs", "both"]);
});

test("side by side, a changed line stands beside its other form and nothing is left out", () => {
  assert.deepEqual(sideBySide("a\nb\nc", "a\nx\ny\nc"), [
    { same: true, mine: "a", theirs: "a" },
    { same: false, mine: "b", theirs: "x" },
    { same: false, mine: null, theirs: "y" },
    { same: true, mine: "c", theirs: "c" },
  ]);
  const rows = sideBySide("1\n2\n3\n4", "2\n4\n5");
  assert.equal(rows.map((row) => row.mine).filter((text) => text !== null).join("\n"), "1\n2\n3\n4");
  assert.equal(rows.map((row) => row.theirs).filter((text) => text !== null).join("\n"), "2\n4\n5");
});
