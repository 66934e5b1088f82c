// Talking, proposing and reviewing for everybody: axe on each view, the keyboard alone, and small screens.
import test from "node:test";
import assert from "node:assert/strict";
import {
  desktop,
  difference,
  editFile,
  open,
  openProposals,
  panel,
  phone,
  propose,
  startServer,
  streamer,
  streamerToken,
  viewer,
  viewerToken,
} from "./lib.mjs";
import { judge } from "./lib/axe.mjs";

const MAIN = Array.from({ length: 60 }, (_, line) => `fn line_${line}() {} // ${line}`).join("\n");

/** A project with something in each view. @param {import("node:test").TestContext} t */
async function project(t) {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post(
    "/bytes.bin",
    Uint8Array.from({ length: 300 }, (_, at) => at % 256),
  );
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
  test(`axe finds nothing while editing and proposing: ${name}`, async (t) => {
    const { server } = await project(t);
    const page = await open(t, server, { token: viewerToken("carl"), viewport, scheme });
    await page.getByText("Live", { exact: true }).waitFor();
    await page.locator("#code .cm-line").first().waitFor();
    await openProposals(page);
    await judge(page, "no edits");
    await editFile(page, "src/main.rs", "// edited\n");
    await judge(page, "editing");
    await openProposals(page);
    await panel(page).getByRole("button", { name: "New file" }).click();
    await judge(page, "naming");
    await panel(page).getByRole("button", { name: "Cancel" }).click();
    await panel(page)
      .getByRole("button", { name: /src\/main\.rs/ })
      .first()
      .click();
    await difference(page).locator(".cm-changedLine").first().waitFor();
    await judge(page, "own difference");
    await propose(page, "Mine");
    await judge(page, "sent");
    await page.behaved();
  });

  test(`axe finds nothing while reviewing: ${name}`, async (t) => {
    const { server } = await project(t);
    const page = await open(t, server, { token: streamerToken(), viewport, scheme });
    await openProposals(page);
    await judge(page, "list");
    await panel(page)
      .getByRole("button", { name: /Better/ })
      .click();
    await difference(page).getByText("This file is new.").waitFor();
    await judge(page, "a new file");
    await difference(page).getByRole("button", { name: "Next file" }).click();
    await difference(page).locator(".cm-changedLine").first().waitFor();
    await judge(page, "a difference");
    await openProposals(page);
    await panel(page).getByRole("button", { name: "Close" }).click();
    await judge(page, "closing");
    await page.behaved();
  });
}

/**
 * Presses Tab until the focus is on an element.
 * @param {any} page
 * @param {import("playwright-core").Locator} wanted
 */
async function tabTo(page, wanted) {
  for (let presses = 0; presses < 60; presses++) {
    if (await wanted.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail("the Tab key does not lead there");
}

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
  await page.locator("textarea[name=message]:focus").waitFor();
  await page.keyboard.type("typed by hand");
  await keys("Enter");
  await ana.hears((message) => message.data?.message === "typed by hand");
  await keys("Escape");
  await page.locator("#code:focus-within").waitFor();
  await keys("e");
  await page.locator("#code .cm-content[contenteditable=true]").waitFor();
  await keys("Control+Home");
  await page.keyboard.type("// typed");
  await keys("Enter", "Tab", "p");
  await tabTo(page, panel(page).getByRole("textbox", { name: "Title" }));
  await page.keyboard.type("By keys");
  await tabTo(page, panel(page).getByRole("button", { name: /^Propose / }));
  await keys("Enter");
  await panel(page).getByText("Waiting").waitFor();
  await keys("p");
  await tabTo(page, panel(page).getByRole("button", { name: "Withdraw" }));
  await keys("Enter");
  await panel(page).getByText("Withdrawn").waitFor();
  await page.behaved();
});

test("the keyboard alone is enough for the streamer to look at a proposal and to accept it", async (t) => {
  const { server } = await project(t);
  const applying = await streamer(t, server, "ana", "demo", { applies: true });
  const page = await open(t, server, { token: streamerToken() });
  await page.locator("#code .cm-line").first().waitFor();
  await page.keyboard.press("p");
  await tabTo(page, panel(page).getByRole("button", { name: /Better/ }));
  await page.keyboard.press("Enter");
  await difference(page).getByText("This file is new.").waitFor();
  await tabTo(page, panel(page).getByRole("checkbox", { name: "new.txt looked at" }));
  await page.keyboard.press("Space");
  await panel(page).getByText("1 of 2 seen").waitFor();
  await tabTo(page, panel(page).getByRole("button", { name: "Accept" }));
  await page.keyboard.press("Enter");
  const { data } = await applying.hears(({ type }) => type === "pullRequestApplyAsked");
  await applying.ask("pullrequest", "accept", { request: data.request });
  await applying.ask("pullrequest", "applied", { request: data.request, outcome: "applied" });
  await page.getByText("“Better” is in your folder.").waitFor();
  await page.behaved();
});

test("at 320 pixels and at a zoom of 200 %, nothing scrolls sideways", async (t) => {
  const { server } = await project(t);
  for (const viewport of [
    { width: 320, height: 640 },
    { width: 640, height: 400 },
  ]) {
    for (const token of [viewerToken("carl"), streamerToken()]) {
      const page = await open(t, server, { token, viewport });
      await page.getByText("Live", { exact: true }).waitFor();
      for (const place of ["Files", "Code", "Chat", "Proposals"]) {
        await page
          .getByRole("navigation", { name: "Views" })
          .getByRole("button", { name: new RegExp(`^${place}`) })
          .click();
        const over = await page.evaluate(() => {
          const wide = /** @type {Element} */ (document.scrollingElement);
          const out = [...document.querySelectorAll("button, input, textarea")].filter(
            (each) =>
              each.checkVisibility() &&
              each.getBoundingClientRect().right > innerWidth + 1 &&
              !each.closest(".tabs"),
          );
          return [
            wide.scrollWidth - wide.clientWidth,
            out.map((each) => each.outerHTML.slice(0, 80)),
          ];
        });
        assert.deepEqual(over, [0, []], `${place} at ${viewport.width}`);
      }
    }
  }
});
