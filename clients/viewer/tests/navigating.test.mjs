// Navigation: palette, tree, tabs, links to lines, and the keyboard alone.
import test from "node:test";
import assert from "node:assert/strict";
import { open, panel, phone, startServer, streamer, viewerToken } from "./lib.mjs";
import { becomes, line, lines, row, sees, tabs, tree } from "./lib/watching.mjs";

/** A project with some files, and its streamer. @param {import("node:test").TestContext} t */
async function project(t) {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/src/main.rs", lines(120));
  await ana.post("/src/domain/rights.rs", lines(20));
  await ana.post("/src/domain/room.rs", "room\n");
  await ana.post("/README.md", "# Read me\n");
  return { server, ana };
}

const palette = (/** @type {any} */ page) => page.getByRole("combobox", { name: "Go to file" });
/** What has the focus, also inside the code's shadow root. @param {any} page */
const focused = (page) => page.evaluate(() => {
  const active = document.activeElement;
  return (active?.shadowRoot?.activeElement ?? active)?.className;
});

test("a few letters, arrows and Enter open a file, and the focus lands in the code", async (t) => {
  const { server } = await project(t);
  const page = await open(t, server);
  await row(page, "README.md").waitFor();
  await page.keyboard.press("t");
  await palette(page).fill("rights");
  await page.getByRole("option", { name: /rights\.rs/ }).waitFor();
  await palette(page).press("Enter");
  await sees(page, "line 20");
  await becomes(() => focused(page), "cm-content");

  await page.keyboard.press("Control+p");
  await palette(page).fill("main:100");
  await palette(page).press("Enter");
  await sees(page, "line 100");
  await becomes(() => page.locator("#code .cm-linked").innerText(), "line 100");

  await page.keyboard.press("Control+p");
  await palette(page).fill("nothing like it");
  await page.getByText("No file has these letters.").waitFor();
  await page.keyboard.press("Escape");
  await palette(page).waitFor({ state: "hidden" });
  await page.behaved();
});

test("the palette finds a file that comes while it is open, and what is chosen stays chosen", async (t) => {
  const { server, ana } = await project(t);
  const page = await open(t, server);
  await row(page, "README.md").waitFor();
  await page.keyboard.press("t");
  await palette(page).fill("new");
  await page.getByText("No file has these letters.").waitFor();
  await ana.post("/src/a_new_one.rs", "first\n");
  const chosen = page.getByRole("option", { selected: true }).locator(".base");
  await becomes(() => chosen.innerText(), "a_new_one.rs");
  await ana.post("/new", "second\n");
  await page.getByRole("option", { name: "new", exact: true }).waitFor();
  await becomes(() => chosen.innerText(), "a_new_one.rs");
  await palette(page).press("Enter");
  await sees(page, "first");
  await page.behaved();
});

test("a click previews, a double click keeps, and Delete closes", async (t) => {
  const { server } = await project(t);
  const page = await open(t, server, { place: "#/README.md" });
  await sees(page, "# Read me");
  await row(page, "src").click();
  await row(page, "main.rs").click();
  await sees(page, "line 1");
  await becomes(() => tabs(page).allInnerTexts(), ["main.rs"]);
  await row(page, "main.rs").dblclick();
  await row(page, "README.md").click();
  await sees(page, "# Read me");
  await becomes(() => tabs(page).allInnerTexts(), ["main.rs", "README.md"]);
  await tabs(page).last().focus();
  await page.keyboard.press("ArrowLeft");
  await sees(page, "line 1");
  await page.keyboard.press("Delete");
  await becomes(() => tabs(page).allInnerTexts(), ["README.md"]);
  await page.behaved();
});

test("a link shows its lines, and clicking line numbers makes one, without leaving a trail", async (t) => {
  const { server } = await project(t);
  const page = await open(t, server, { place: "#/src/main.rs:50-52" });
  await sees(page, "line 50");
  await becomes(() => page.locator("#code .cm-linked").count(), 3);
  const entries = await page.evaluate(() => history.length);
  const number = (/** @type {number} */ at) =>
    page.locator("#code .cm-lineNumbers .cm-gutterElement", { hasText: new RegExp(`^${at}$`) });
  await number(55).click();
  await becomes(async () => new URL(page.url()).hash, "#/src/main.rs:55");
  await number(58).click({ modifiers: ["Shift"] });
  await becomes(async () => new URL(page.url()).hash, "#/src/main.rs:55-58");
  assert.equal(await page.locator("#code .cm-linked").count(), 4);
  assert.equal(await page.evaluate(() => history.length), entries);
  await page.evaluate(() => (location.hash = "#/src/domain/room.rs"));
  await sees(page, "room");
  assert.equal(await page.title(), "room.rs · ana/demo");
  await page.behaved();
});

test("the keyboard alone goes through the tree by arrows and letters, and round the regions by F6", async (t) => {
  const { server } = await project(t);
  const page = await open(t, server, { place: "#/README.md" });
  await sees(page, "# Read me");
  await tree(page).focus();
  const at = () => tree(page).evaluate((element) => {
    const id = element.getAttribute("aria-activedescendant");
    return document.getElementById(id ?? "")?.dataset.name ?? null;
  });
  await page.keyboard.press("Home");
  await becomes(at, "/src/");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await becomes(at, "/src/domain/");
  await page.keyboard.press("m");
  await becomes(at, "/src/main.rs");
  await page.keyboard.press("ArrowLeft");
  await becomes(at, "/src/");
  await page.keyboard.press("End");
  await becomes(at, "/README.md");
  await page.keyboard.type("sr");
  await becomes(at, "/src/");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await sees(page, "line 1");
  await becomes(() => focused(page), "cm-content");

  const regions = new Set();
  for (let press = 0; press < 8; press++) {
    await page.keyboard.press("F6");
    regions.add(await page.evaluate(() => document.activeElement?.closest("#files, #tabs, #code, #panel, #bar")?.id));
  }
  assert.deepEqual([...regions].sort(), ["bar", "code", "files", "panel", "tabs"]);
  await page.behaved();
});

test("single keys act outside fields only, and can be switched off", async (t) => {
  const { server } = await project(t);
  const page = await open(t, server, { place: "#/src/main.rs" });
  await sees(page, "line 1");
  const wrap = page.getByRole("button", { name: "Wrap lines" });
  await page.keyboard.press("w");
  await becomes(() => wrap.getAttribute("aria-pressed"), "true");
  await page.keyboard.press("/");
  await page.locator("#code input[name=search]").pressSequentially("line 77");
  await page.keyboard.press("Enter");
  await sees(page, "line 77");
  await page.keyboard.type("w");
  assert.equal(await wrap.getAttribute("aria-pressed"), "true");
  await page.keyboard.press("Escape");
  await page.locator("#code input[name=search]").waitFor({ state: "detached" });
  await page.locator("#code .cm-content").focus();
  await page.keyboard.press("?");
  const dialog = page.getByRole("dialog", { name: "Keys" });
  await dialog.getByRole("checkbox").uncheck();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await page.keyboard.press("w");
  await page.keyboard.press("t");
  assert.equal(await wrap.getAttribute("aria-pressed"), "true");
  await page.keyboard.press("Control+p");
  await palette(page).waitFor();
  await page.behaved();
});

test("j and k go through what has changed lately", async (t) => {
  const { server, ana } = await project(t);
  const page = await open(t, server, { place: "#/src/main.rs" });
  await sees(page, "line 1");
  await ana.post("/src/main.rs", lines(120, { 10: "ten", 100: "hundred" }));
  await sees(page, "ten");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await sees(page, "hundred");
  await page.keyboard.press("k");
  await sees(page, "ten");
  await page.behaved();
});

test("a phone shows one place at a time, with wrapped lines and rows for thumbs", async (t) => {
  const { server } = await project(t);
  const page = await open(t, server, { viewport: phone });
  const places = page.getByRole("navigation", { name: "Views" });
  await page.locator("#code .cm-line").first().waitFor();
  assert.ok(!(await tree(page).isVisible()));
  assert.equal(await page.locator("#code .cm-lineWrapping").count(), 1);
  await places.getByRole("button", { name: "Files" }).tap();
  await row(page, "README.md").waitFor();
  assert.ok((await row(page, "README.md").boundingBox())?.height === 40);
  await row(page, "README.md").tap();
  await line(page, "# Read me").waitFor();
  await places.getByRole("button", { name: "Chat" }).tap();
  await page.locator("#chat").waitFor();
  assert.ok(!(await page.locator("#stage").isVisible()));
  await page.behaved();
});

test("keys act where the page has just moved to, however slowly it is drawn", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "one\n");
  await ana.post("/deep/target.txt", "two\n");
  const page = await open(t, server, { token: viewerToken("bob") });
  await sees(page, "two");
  await page.getByRole("textbox", { name: "Message" }).waitFor();
  /**
   * Presses keys without a frame in between, and then lets the page render.
   * @param {string[]} keys
   */
  const press = async (...keys) => {
    await page.evaluate(() => {
      const later = /** @type {FrameRequestCallback[]} */ ([]);
      Object.assign(window, { later, frame: window.requestAnimationFrame });
      window.requestAnimationFrame = (callback) => later.push(callback);
    });
    for (const key of keys) await page.keyboard.press(key);
    await page.evaluate(() => {
      const { later, frame } = /** @type {any} */ (window);
      window.requestAnimationFrame = frame;
      for (const callback of later) frame(callback);
    });
  };

  await press("t", "t", "a", "r", "g");
  await becomes(() => page.getByRole("combobox", { name: "Go to file" }).inputValue(), "targ");
  await press("Escape", "?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await press("Escape", "t", "Escape", "c", "e", "f", "p");
  await becomes(() => page.getByRole("textbox", { name: "Message" }).inputValue(), "efp");
  assert.equal(await page.getByRole("dialog").count(), 0);
  await press("Escape", "p");
  await becomes(() => page.evaluate(() => document.activeElement?.id), "tab-proposals");
  await panel(page).getByRole("button", { name: "New file" }).focus();
  await press("Enter", "t", "c");
  await becomes(() => page.getByRole("textbox", { name: "Name of the new file" }).inputValue(), "tc");
  await press("Escape", "Enter", "x");
  await becomes(() => page.getByRole("textbox", { name: "Name of the new file" }).inputValue(), "x");
  await page.behaved();
});
