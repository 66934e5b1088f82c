// The page for everybody: axe on every view, the keyboard alone, zoom, and what the system asks for.
import axe from "axe-core";
import test from "node:test";
import assert from "node:assert/strict";
import {
  desktop, difference, editFile, open, openFile, openProposals, panel, phone, propose, startServer, streamer, streamerToken, viewer, viewerToken,
} from "./lib.mjs";

/** @typedef {import("./lib/browser.mjs").Window} Window */

/** Fails with what axe finds. @param {Window} page @param {string} view */
async function inspect(page, view) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    // @ts-expect-error: axe's own script has put it there
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
    return violations.map((/** @type {any} */ { id, nodes }) =>
      `${id}: ${nodes.slice(0, 3).map((/** @type {any} */ node) => `${node.target.flat().join(" ")} ${node.any[0]?.message ?? node.html}`).join("; ")}`);
  });
  assert.deepEqual(found, [], view);
}

const MAIN = Array.from({ length: 60 }, (_, line) => `fn line_${line}() {} // ${line}`).join("\n");

/** A project with something in each view. @param {import("node:test").TestContext} t */
async function project(t) {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/bytes.bin", Uint8Array.from({ length: 300 }, (_, at) => at % 256));
  await ana.post("/src/main.rs", MAIN);
  await ana.post("/README.md", "# Demo\n\nA [link](https://example.com).\n");
  await ana.say("welcome, see https://example.com");
  const bob = await viewer(t, server, "bob");
  await bob.say("hello");
  await bob.ask("pullrequest", "creation", { title: "Better", description: "Because." });
  await bob.post("/src/main.rs", MAIN.replace("line_3", "line_three"));
  await bob.post("/new.txt", "new\n");
  await bob.ask("pullrequest", "finish");
  return { server, ana };
}

const LOOKS = /** @type {const} */ ([
  ["light", desktop, "light"],
  ["dark", desktop, "dark"],
  ["phone", phone, "light"],
  ["phone in the dark", phone, "dark"],
]);

for (const [name, viewport, scheme] of LOOKS) {
  test(`axe finds nothing while watching, talking and proposing: ${name}`, async (t) => {
    const { server } = await project(t);
    const page = await open(t, server, { token: viewerToken("carl"), viewport, scheme });
    await page.getByText("Live", { exact: true }).waitFor();
    await page.locator("#code .cm-line").first().waitFor();
    await inspect(page, "code");
    for (const place of viewport === phone ? ["Files", "Chat"] : []) {
      await page.getByRole("navigation", { name: "Views" }).getByRole("button", { name: new RegExp(`^${place}`) }).click();
      await inspect(page, place);
    }
    await openFile(page, "bytes.bin");
    await page.locator("#preview").waitFor();
    await inspect(page, "bytes");
    for (const key of ["Control+p", "?"]) {
      await page.locator("#bar").click({ position: { x: 2, y: 2 } });
      await page.keyboard.press(key);
      await page.getByRole("dialog").waitFor();
      await inspect(page, `the dialog of ${key}`);
      await page.keyboard.press("Escape");
    }
    await openProposals(page);
    await inspect(page, "no edits");
    await editFile(page, "src/main.rs", "// edited\n");
    await inspect(page, "editing");
    await openProposals(page);
    await panel(page).getByRole("button", { name: "New file" }).click();
    await inspect(page, "naming");
    await panel(page).getByRole("button", { name: "Cancel" }).click();
    await panel(page).getByRole("button", { name: /src\/main\.rs/ }).first().click();
    await difference(page).locator(".cm-changedLine").first().waitFor();
    await inspect(page, "own difference");
    await propose(page, "Mine");
    await inspect(page, "sent");
    await page.behaved();
  });

  test(`axe finds nothing while reviewing: ${name}`, async (t) => {
    const { server } = await project(t);
    const page = await open(t, server, { token: streamerToken(), viewport, scheme });
    await openProposals(page);
    await inspect(page, "list");
    await panel(page).getByRole("button", { name: /Better/ }).click();
    await difference(page).getByText("This file is new.").waitFor();
    await inspect(page, "a new file");
    await difference(page).getByRole("button", { name: "Next file" }).click();
    await difference(page).locator(".cm-changedLine").first().waitFor();
    await inspect(page, "a difference");
    await openProposals(page);
    await panel(page).getByRole("button", { name: "Close" }).click();
    await inspect(page, "closing");
    await page.behaved();
  });
}

test("axe finds nothing where there is nothing: no project, no files, no token, the start page", async (t) => {
  const server = await startServer(t);
  const nothing = await open(t, server);
  await nothing.getByText("Nothing here yet").waitFor();
  await inspect(nothing, "no project");
  await streamer(t, server);
  await nothing.getByText("No files yet").first().waitFor();
  await inspect(nothing, "no files");
  const landing = await open(t, server, { path: "/" });
  await landing.getByRole("textbox").waitFor();
  await inspect(landing, "start page");
  const closed = await startServer(t, { publicRead: false });
  const denied = await open(t, closed, { expected: /401/ });
  await denied.getByText("This project is not public").waitFor();
  await inspect(denied, "no token");
  await nothing.behaved();
  await landing.behaved();
});

test("the keyboard alone is enough to read, write, edit, propose and withdraw", async (t) => {
  const { server, ana } = await project(t);
  const page = await open(t, server, { token: viewerToken("carl") });
  await page.getByText("Live", { exact: true }).waitFor();
  const keys = async (/** @type {string[]} */ ...all) => {
    for (const key of all) await page.keyboard.press(key);
  };
  await page.locator("#code .cm-line").first().waitFor();
  await keys("t");
  await page.getByRole("combobox", { name: "Go to file" }).waitFor();
  await page.keyboard.type("main");
  await keys("Enter");
  await page.getByRole("tab", { name: "main.rs" }).waitFor();
  await keys("c");
  await page.keyboard.type("typed by hand");
  await keys("Enter");
  await ana.hears((message) => message.data?.message === "typed by hand");
  await keys("Escape", "e");
  await page.locator("#code .cm-content[contenteditable=true]").waitFor();
  await keys("Control+Home");
  await page.keyboard.type("// typed");
  await keys("Enter", "Tab", "p");
  const tabTo = async (/** @type {import("playwright-core").Locator} */ wanted) => {
    for (let presses = 0; presses < 60; presses++) {
      if (await wanted.evaluate((element) => element === document.activeElement)) return;
      await keys("Tab");
    }
    assert.fail("the Tab key does not lead there");
  };
  await tabTo(panel(page).getByRole("textbox", { name: "Title" }));
  await page.keyboard.type("By keys");
  await tabTo(panel(page).getByRole("button", { name: /^Propose / }));
  await keys("Enter");
  await panel(page).getByText("Waiting").waitFor();
  await keys("p");
  await tabTo(panel(page).getByRole("button", { name: "Withdraw" }));
  await keys("Enter");
  await panel(page).getByText("Withdrawn").waitFor();
  await page.behaved();
});

test("at 320 pixels and at a zoom of 200 %, nothing scrolls sideways", async (t) => {
  const { server } = await project(t);
  for (const viewport of [{ width: 320, height: 640 }, { width: 640, height: 400 }]) {
    for (const token of [viewerToken("carl"), streamerToken()]) {
      const page = await open(t, server, { token, viewport });
      await page.getByText("Live", { exact: true }).waitFor();
      for (const place of ["Files", "Code", "Chat", "Proposals"]) {
        await page.getByRole("navigation", { name: "Views" }).getByRole("button", { name: new RegExp(`^${place}`) }).click();
        const over = await page.evaluate(() => {
          const wide = /** @type {Element} */ (document.scrollingElement);
          const out = [...document.querySelectorAll("button, input, textarea")].filter(
            (each) => each.checkVisibility() && each.getBoundingClientRect().right > innerWidth + 1 && !each.closest(".tabs"),
          );
          return [wide.scrollWidth - wide.clientWidth, out.map((each) => each.outerHTML.slice(0, 80))];
        });
        assert.deepEqual(over, [0, []], `${place} at ${viewport.width}`);
      }
    }
  }
});

test("reduced motion moves nothing, and forced colours keep every name", async (t) => {
  const { server, ana } = await project(t);
  const page = await open(t, server, { token: viewerToken("carl") });
  await openFile(page, "src/main.rs");
  await ana.post("/src/main.rs", MAIN.replace("line_5", "line_five"));
  await page.locator("#code .cm-fresh").first().waitFor();
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
  await page.emulateMedia({ forcedColors: "active" });
  await inspect(page, "forced colours");
  await page.behaved();
});
