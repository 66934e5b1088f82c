// Reading: opening a link, following, what changes, going to files, and the places that links name.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import test from "node:test";
import assert from "node:assert/strict";
import { code, open, openFile, share, startServer, streamer, streamerToken, temporary } from "./lib.mjs";

const lines = (/** @type {number} */ count, word = "line") => Array.from({ length: count }, (_, at) => `${word} ${at + 1}`).join("\n");
const lineAtTop = (/** @type {any} */ page) => page.evaluate(() => {
  const root = /** @type {ShadowRoot} */ (document.querySelector("#code")?.shadowRoot);
  const { top } = /** @type {Element} */ (root.querySelector(".cm-scroller")).getBoundingClientRect();
  return [...root.querySelectorAll(".cm-line")].find((line) => line.getBoundingClientRect().bottom > top + 1)?.textContent;
});

test("a folder that is shared is on a viewer's screen, and nothing is asked of another host", async (t) => {
  const server = await startServer(t);
  const folder = await temporary(t);
  await writeFile(path.join(folder, "hello.rs"), "fn main() {}\n");
  await writeFile(path.join(folder, "README.md"), "# Hello\n");
  await share(t, server, folder);
  const page = await open(t, server);
  await page.getByText("Live", { exact: true }).waitFor();
  await page.getByRole("treeitem", { name: "hello.rs" }).click();
  await code(page).getByText("fn main() {}").waitFor();
  await writeFile(path.join(folder, "hello.rs"), "fn main() { changed(); }\n");
  await code(page).getByText("changed();").waitFor();
  await page.locator("#code .cm-fresh").first().waitFor();
  await page.behaved();
});

/** The number beside the line with this text, or undefined where it is not on screen. @param {string} text */
const numberOf = (text) => {
  const root = /** @type {ShadowRoot} */ (document.querySelector("#code")?.shadowRoot);
  const line = [...root.querySelectorAll(".cm-line")].find((each) => each.textContent?.includes(text));
  const top = line?.getBoundingClientRect().top ?? 0;
  const numbers = [...root.querySelectorAll(".cm-lineNumbers .cm-gutterElement")];
  return numbers.find((each) => line && Math.abs(each.getBoundingClientRect().top - top) < 4)?.textContent;
};

test("selection, folds and place stay when the file changes elsewhere", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  const body = Array.from({ length: 200 }, (_, at) => `fn f${at}() {\n    work(${at});\n}`);
  await ana.post("/a.rs", body.join("\n"));
  const page = await open(t, server, { place: "#/a.rs:150" });
  await code(page).getByText("fn f47()").click();
  await page.locator("#code .cm-keyword, #code .cm-line span").first().waitFor();
  await page.keyboard.press("Control+Shift+[");
  await page.locator("#code .cm-foldPlaceholder").waitFor();
  await code(page).getByText("work(50);").dblclick();
  const selected = () => page.evaluate(() => {
    const root = /** @type {any} */ (document.querySelector("#code")?.shadowRoot);
    return String(root.getSelection?.() ?? getSelection());
  });
  const before = { text: await selected(), top: await lineAtTop(page), number: await page.evaluate(numberOf, "fn f50()") };
  assert.notEqual(before.text, "");
  assert.equal(before.number, "151");
  body[0] = `// a\n// b\n// c\n${body[0]}`;
  body[199] += "\n// end";
  await ana.post("/a.rs", body.join("\n"));
  await page.waitForFunction(`(${numberOf})("fn f50()") === "154"`);
  assert.equal(await lineAtTop(page), before.top);
  assert.equal(await selected(), before.text);
  assert.equal(await page.locator("#code .cm-foldPlaceholder").count(), 1);
  await page.behaved();
});

test("while following, another file that changes opens at its change; scrolling ends it, and f resumes", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", lines(300));
  await ana.post("/b.txt", lines(300));
  const page = await open(t, server);
  const following = page.getByRole("button", { name: /^Follow/ });
  await page.getByRole("tab", { name: "b.txt" }).waitFor();
  await code(page).getByText("line 1", { exact: true }).waitFor();
  await ana.post("/a.txt", lines(300).replace("line 200\n", "line 200, changed\n"));
  await page.getByRole("tab", { name: "a.txt", selected: true }).waitFor();
  await code(page).getByText("line 200, changed").waitFor();
  await page.locator("#code .cm-fresh").first().waitFor();
  assert.equal(await following.getAttribute("aria-pressed"), "true");

  await code(page).hover();
  await page.mouse.wheel(0, 200);
  await page.getByRole("button", { name: "Follow", exact: true }).waitFor();
  const place = await lineAtTop(page);
  await ana.post("/b.txt", lines(300).replace("line 100\n", "line 100, too\n"));
  await page.getByRole("treeitem", { name: /b\.txt/ }).getByRole("img", { name: "changed lately" }).waitFor();
  assert.equal(await lineAtTop(page), place);
  await page.getByRole("tab", { name: "a.txt", selected: true }).waitFor();

  await page.locator("#bar").click({ position: { x: 2, y: 2 } });
  await page.keyboard.press("f");
  await page.getByRole("tab", { name: "b.txt", selected: true }).waitFor();
  await code(page).getByText("line 100, too").waitFor();
  await ana.ask("file", "focus", { name: "/a.txt", line: 250 });
  await page.getByRole("tab", { name: "a.txt", selected: true }).waitFor();
  await code(page).getByText("line 250", { exact: true }).waitFor();
  await page.behaved();
});

test("files are found by typing letters of their names, and the focus lands in the code", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  for (const name of ["/src/main.rs", "/src/mailbox.rs", "/docs/manual.md", "/tests/main_test.rs"]) await ana.post(name, `${name}\n`);
  const page = await open(t, server);
  await page.getByText("Live", { exact: true }).waitFor();
  await page.getByRole("treeitem").first().waitFor();
  await page.keyboard.press("t");
  const field = page.getByRole("combobox", { name: "Go to file" });
  await field.waitFor();
  await page.keyboard.type("smain");
  await page.getByRole("option", { name: /main\.rs/ }).first().waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await page.getByRole("tab", { name: "main.rs", selected: true }).waitFor();
  await code(page).getByText("/src/main.rs").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.id), "code");
  await page.behaved();
});

test("looking leaves one preview tab, and keeping leaves more", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  for (const name of ["/a.txt", "/b.txt", "/c.txt"]) await ana.post(name, `${name}\n`);
  const page = await open(t, server);
  for (const name of ["a.txt", "b.txt", "c.txt", "b.txt"]) await page.getByRole("treeitem", { name }).click();
  await page.getByRole("tab", { name: "b.txt", selected: true }).waitFor();
  const tabs = page.getByRole("tablist", { name: "Open files" }).getByRole("tab");
  assert.equal(await tabs.count(), 1);
  await page.getByRole("treeitem", { name: "b.txt" }).dblclick();
  await page.getByRole("treeitem", { name: "c.txt" }).click();
  await page.getByRole("tab", { name: "c.txt", selected: true }).waitFor();
  assert.deepEqual(await tabs.allInnerTexts(), ["b.txt", "c.txt"]);
  await page.behaved();
});

test("a link names a file and lines, and a click on a line number makes one", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/src/näme with #.txt", lines(300));
  const page = await open(t, server, {
    token: streamerToken(), context: { permissions: ["clipboard-read", "clipboard-write"] },
  });
  await openFile(page, "src/näme with #.txt");
  await code(page).getByText("line 5", { exact: true }).waitFor();
  await page.locator("#code .cm-lineNumbers .cm-gutterElement").filter({ hasText: /^5$/ }).click();
  await page.locator("#code .cm-lineNumbers .cm-gutterElement").filter({ hasText: /^8$/ }).click({ modifiers: ["Shift"] });
  await page.waitForURL(/:5-8$/);
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(link, page.url());
  assert.equal(new URL(link).hash, "#/src/n%C3%A4me%20with%20%23.txt:5-8");
  assert.doesNotMatch(link, /token/);

  const other = await open(t, server, { place: new URL(link).hash.replace("5-8", "205-208") });
  await code(other).getByText("line 206", { exact: true }).waitFor();
  assert.equal(await other.locator("#code .cm-linked").count(), 4);
  await other.behaved();
});

test("a file that is deleted says so, and comes back when it does", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "here\n");
  await ana.post("/b.txt", "other\n");
  const page = await open(t, server, { place: "#/a.txt" });
  await code(page).getByText("here").waitFor();
  await ana.delete("/a.txt");
  await page.getByText("This file is not in the project.").waitFor();
  assert.equal(await page.getByRole("treeitem", { name: "a.txt" }).count(), 0);
  await ana.post("/a.txt", "here again\n");
  await code(page).getByText("here again").waitFor();
  await page.behaved();
});
