// Chatting, proposing and reviewing for everybody: with the keyboard alone, and on small screens.
import test from "node:test";
import assert from "node:assert/strict";
import {
  difference,
  open,
  panel,
  projectWithProposal,
  streamer,
  streamerToken,
  viewerToken,
} from "./lib.mjs";

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
  const { server, ana } = await projectWithProposal(t);
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
  const { server } = await projectWithProposal(t);
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
  const { server } = await projectWithProposal(t);
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
