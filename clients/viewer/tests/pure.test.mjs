// The page's rules that need no page: names, addresses, folders, search, texts. The tables test
// each limit and one more.
import test from "node:test";
import assert from "node:assert/strict";
import { decodeBase64, decodeText, encodeBase64, encodeText, sha256Hex } from "../page/src/encoding.js";
import { Folders, foldersAbove } from "../page/src/folders.js";
import { NameSearch, matchedLetters } from "../page/src/fuzzy.js";
import { MAX_HIGHLIGHTED, MAX_HIGHLIGHTED_LINE, languageOf, mayHighlight } from "../page/src/languages.js";
import {
  readAddress, readFragment, sizeText, visible, visibleLines, writeAddress, writeFragment,
} from "../page/src/names.js";
import { ago } from "../page/src/texts.js";
import { Contents } from "../page/src/contents.js";
import { Observable } from "../page/src/observable.js";
import { MAX_HEARD_OF, Review } from "../page/src/review.js";

test("characters that nobody sees are shown by their number", () => {
  const table = [
    ["plain ä 漢 🙂", "plain ä 漢 🙂"],
    ["a\u202Eb", "a‹U+202E›b"],
    ["\u200B\uFEFF", "‹U+200B›‹U+FEFF›"],
    ["\u0000\u001B[2J", "‹U+0000›‹U+001B›[2J"],
    ["tag\u{E0041}", "tag‹U+E0041›"],
    ["line\nbreak\t", "line‹U+000A›break‹U+0009›"],
  ];
  for (const [text, shown] of table) assert.equal(visible(text), shown);
  assert.equal(visibleLines("a\n\tb\r"), "a\n\tb‹U+000D›");
});

test("an address names a project by exactly two segments, and the dash is nobody", () => {
  assert.deepEqual(readAddress("/ana/demo"), { streamer: "ana", project: "demo" });
  assert.deepEqual(readAddress("/ana/demo/"), { streamer: "ana", project: "demo" });
  assert.deepEqual(readAddress("/%C3%A4/a%2Fb"), { streamer: "ä", project: "a/b" });
  for (const path of ["/", "/ana", "/ana/", "/ana/demo/x", "/-/viewer", "/ana/%", "//demo"]) {
    assert.equal(readAddress(path), null, path);
  }
  assert.equal(writeAddress("ä", "a/b%"), "/%C3%A4/a%2Fb%25");
});

test("a fragment names a place, lines, a token, or nothing", () => {
  const table = /** @type {[string, object][]} */ ([
    ["", {}],
    ["#section", {}],
    ["#/", {}],
    ["#/src/a.rs", { name: "/src/a.rs", lines: null }],
    ["#/src/a.rs:12", { name: "/src/a.rs", lines: { from: 12, to: 12 } }],
    ["#/src/a.rs:20-12", { name: "/src/a.rs", lines: { from: 12, to: 20 } }],
    ["#/src/a.rs:0", { name: "/src/a.rs", lines: null }],
    ["#/a%3A3", { name: "/a:3", lines: null }],
    ["#token=a.b.c", { token: "a.b.c" }],
    ["#/a.rs:3&token=a.b.c", { token: "a.b.c", name: "/a.rs", lines: { from: 3, to: 3 } }],
  ]);
  for (const [fragment, said] of table) assert.deepEqual(readFragment(fragment), said, fragment);
  for (const name of ["/a:3", "/ä ö/#?&%.rs", "/x:1-2"]) {
    assert.deepEqual(readFragment(writeFragment(name, { from: 2, to: 9 })), { name, lines: { from: 2, to: 9 } });
  }
});

test("sizes and times are told as people tell them", () => {
  const sizes = /** @type {[number, string][]} */ ([
    [0, "0 B"], [999, "999 B"], [1000, "1.0 kB"], [15_300, "15 kB"], [9_000_000, "9.0 MB"],
  ]);
  for (const [bytes, text] of sizes) assert.equal(sizeText(bytes), text);
  const times = /** @type {[number, string][]} */ ([
    [4, "just now"], [5, "5 s ago"], [59, "59 s ago"], [60, "1 min ago"], [3600, "1 h ago"],
  ]);
  for (const [seconds, text] of times) assert.equal(ago(0, seconds * 1000), text);
});

test("folders come and go with their files, before them, in the order of people", () => {
  const folders = new Folders();
  for (const name of ["/b.txt", "/file10", "/file9", "/src/domain/a.rs", "/src/main.rs", "/A.md"]) folders.add(name);
  assert.deepEqual(folders.rows(new Set()).map((row) => row.name), ["/src/", "/A.md", "/b.txt", "/file9", "/file10"]);
  assert.deepEqual(folders.rows(new Set(["/src/"])).map(({ name, depth }) => [name, depth]).slice(0, 3),
    [["/src/", 0], ["/src/domain/", 1], ["/src/main.rs", 1]]);
  const before = folders.version;
  folders.add("/src/main.rs");
  assert.equal(folders.version, before, "what is there already changes nothing");
  folders.delete("/src/domain/a.rs");
  folders.delete("/src/main.rs");
  folders.delete("/src/never.rs");
  assert.deepEqual(folders.rows(new Set(["/src/"])).map((row) => row.name), ["/A.md", "/b.txt", "/file9", "/file10"]);
  assert.deepEqual(foldersAbove("/a/b/c.rs"), ["/a/", "/a/b/"]);
});

test("letters of a file's own name beat those of its path, together beat scattered, short beat long", () => {
  const search = new NameSearch();
  search.setNames([
    "/src/domain/rights.rs", "/src/rights/mod.rs", "/docs/rights-and-more.md", "/src/main.rs", "/r/i/g.txt",
  ]);
  const find = (/** @type {string} */ query) => search.find(query, 3).map(({ name }) => name);
  assert.deepEqual(find("rights"), ["/src/domain/rights.rs", "/docs/rights-and-more.md", "/src/rights/mod.rs"]);
  assert.equal(find("mrs")[0], "/src/main.rs");
  assert.equal(find("src main")[0], "/src/main.rs");
  assert.deepEqual(find("xyz"), []);
  assert.deepEqual([...matchedLetters("/src/main.rs", "main")], [5, 6, 7, 8]);
});

test("text is UTF-8 without zero bytes, base64 goes both ways, and hashes are those of the contract", () => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, at) => (at * 31) % 256);
  assert.deepEqual(decodeBase64(encodeBase64(bytes)), bytes);
  assert.deepEqual(decodeBase64("YQ"), encodeText("a"));
  assert.equal(decodeText(encodeText("ä\uFEFF")), "ä\uFEFF");
  assert.equal(decodeText(Uint8Array.of(0xff)), null);
  assert.equal(decodeText(Uint8Array.of(97, 0)), null);
  assert.equal(sha256Hex(encodeText("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("a language is known by a file's ending or name", () => {
  const table = /** @type {[string, string | null][]} */ ([
    ["/a.rs", "rust"], ["/A.TSX", "typescript"], ["/Dockerfile", "dockerfile"], ["/x/Cargo.lock", "toml"],
    ["/README", null], ["/a.unknown", null], ["/.rs", "rust"],
  ]);
  for (const [name, language] of table) assert.equal(languageOf(name), language, name);
});

test("a text has colours up to a length, and so does each of its lines", () => {
  const line = "x".repeat(MAX_HIGHLIGHTED_LINE);
  for (const [text, may] of /** @type {[string, boolean][]} */ ([
    ["", true],
    [line, true],
    [`${line}x`, false],
    [`a\n${line}\n${line}`, true],
    [`a\n${line}x\nb`, false],
    [`a\n${line}x`, false],
    ["x\n".repeat(MAX_HIGHLIGHTED / 2), true],
    [`${"x\n".repeat(MAX_HIGHLIGHTED / 2)}x`, false],
  ])) assert.equal(mayHighlight(text), may, `${text.length}`);
});

test("contents beyond 32 MB fall out, oldest use first, but for those that are held fast", () => {
  const contents = new Contents((name) => name === "/fast");
  const megabytes = (/** @type {number} */ count) => new Uint8Array(count * 1024 * 1024);
  contents.put("/fast", megabytes(10));
  contents.put("/a", megabytes(10));
  contents.put("/b", megabytes(10));
  contents.get("/a");
  contents.put("/c", megabytes(5));
  assert.deepEqual(contents.names().sort(), ["/a", "/c", "/fast"]);
  contents.outdate("/a");
  assert.equal(contents.get("/a")?.stale, true);
  contents.put("/a", megabytes(1));
  assert.equal(contents.get("/a")?.stale, false);
});

test("a proposal is announced once, also where its news come again, and so many are remembered", () => {
  /** @type {Record<string, (message: any) => void>} */
  const handlers = {};
  const connection = { on: (/** @type {string} */ type, /** @type {any} */ handler) => void (handlers[type] = handler) };
  const session = Object.assign(new Observable(), { onReady() {} });
  const parts = { connection, session, project: { onChange() {} }, keeper: { getItem: () => null } };
  const review = new Review(/** @type {any} */ (parts));
  /** @type {string[]} */
  const told = [];
  review.onArrived(({ id }) => told.push(id));
  review.loaded = true;
  const comeAndGo = (/** @type {string} */ id) => {
    handlers.pullRequestCreated({ data: { id } });
    handlers.pullRequestClosed({ data: { id } });
  };
  comeAndGo("first");
  comeAndGo("first");
  assert.deepEqual(told, ["first"]);
  for (let at = 1; at < MAX_HEARD_OF; at++) comeAndGo(`${at}`);
  comeAndGo("first");
  assert.equal(told.length, MAX_HEARD_OF);
  for (let at = 0; at < MAX_HEARD_OF; at++) comeAndGo(`later ${at}`);
  comeAndGo("first");
  assert.equal(told.filter((id) => id === "first").length, 2);
});
