// How a viewer's edit becomes bytes, without a browser.
import test from "node:test";
import assert from "node:assert/strict";
import { bytesOf, isChange, kindOf, nameProblem, withEndings } from "../page/src/draft.js";
import { pieces } from "../page/src/links.js";

test("lines that nobody touched keep their endings, and new ones get the usual one", () => {
  const table = [
    ["a\nb\n", "a\nB\n", "a\nB\n"],
    ["a\r\nb\r\n", "a\nB\n", "a\r\nB\r\n"],
    ["a\r\nb\r\nc", "a\nb\nc\nd", "a\r\nb\r\nc\r\nd"],
    ["a\r\nb\nc\r\n", "a\nb\nC\n", "a\r\nb\nC\r\n"],
    ["a\nb\r\nc\r\n", "A\nb\nc\n", "A\r\nb\r\nc\r\n"],
    ["a\rb\r", "a\nx\nb\n", "a\rx\rb\r"],
    ["a\r\n", "", ""],
    ["", "a\n", "a\n"],
    ["a\r\nb\r\n", "a\nb\n", "a\r\nb\r\n"],
    ["x\r\nx\r\n", "x\nx\nx\n", "x\r\nx\r\nx\r\n"],
    ["\ufeffa\r\n", "\ufeffa\nb\n", "\ufeffa\r\nb\r\n"],
  ];
  for (const [before, after, wanted] of table)
    assert.equal(withEndings(before, after), wanted, JSON.stringify([before, after]));
});

test("an edit that changes nothing is no change, whatever its line endings are", () => {
  const draft = { name: "/a", base: "0", before: "a\r\nb", after: "a\nb" };
  assert.equal(isChange(draft), false);
  assert.equal(isChange({ ...draft, after: "a\nc" }), true);
  assert.equal(isChange({ ...draft, after: null }), true);
  assert.equal(kindOf({ ...draft, after: null }), "deleted");
  assert.equal(isChange({ name: "/a", base: null, before: null, after: "" }), true);
  assert.equal(kindOf({ name: "/a", base: null, before: null, after: "" }), "added");
  assert.deepEqual([...bytesOf({ ...draft, after: "ä" })], [0xc3, 0xa4]);
});

test("a name that the server would refuse is refused before it is sent", () => {
  const exists = (/** @type {string} */ name) => name === "/a";
  const table = [
    ["/b", null],
    ["/src/b c.rs", null],
    ["/", "empty"],
    ["//", "empty"],
    ["/a", "taken"],
    ["/../a", "parts"],
    ["/x//y", "parts"],
    ["/x/", "parts"],
    ["/./x", "parts"],
    [`/${"ä".repeat(128)}`, "parts"],
    ["/a\\b", "characters"],
    ["/a\u0007", "characters"],
  ];
  for (const [name, problem] of table)
    assert.equal(nameProblem(/** @type {string} */ (name), exists), problem, String(name));
});

test("only http and https are links, and a link leads where it says", () => {
  const links = (/** @type {string} */ text) =>
    pieces(text)
      .map(({ text, href }) => (href ? `[${text}](${href})` : text))
      .join("");
  const table = [
    ["see https://a.example/b.", "see [https://a.example/b](https://a.example/b)."],
    ["(https://a.example/x_(y)), yes", "([https://a.example/x_(y)](https://a.example/x_(y))), yes"],
    [
      "javascript:alert(1) data:text/html,x ftp://a",
      "javascript:alert(1) data:text/html,x ftp://a",
    ],
    ["https://user:secret@a.example/", "https://user:secret@a.example/"],
    ["https://аpple.example/", "[https://xn--pple-43d.example/](https://xn--pple-43d.example/)"],
    ["https://a.example/\u202etxt", "https://a.example/‹U+202E›txt"],
    [
      '<a href="https://a.example">x</a>',
      '<a href="[https://a.example](https://a.example/)">x</a>',
    ],
    ["http://", "http://"],
  ];
  for (const [text, wanted] of table) assert.equal(links(text), wanted);
});
