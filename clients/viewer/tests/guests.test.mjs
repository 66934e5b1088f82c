// Somebody without an account, who takes a name and lets it go.
import test from "node:test";
import { open, openProposals, panel, startServer, streamer } from "./lib.mjs";
import { becomes } from "./lib/watching.mjs";

/** @typedef {import("./lib/browser.mjs").Window} Window */

/** Asks for a guest's name. @param {Window} page @param {string} name */
async function enter(page, name) {
  await page.getByRole("button", { name: "Join as guest" }).filter({ visible: true }).first().click();
  await page.getByRole("textbox", { name: "Your name" }).fill(name);
  await page.getByRole("button", { name: "Join", exact: true }).click();
}

/** Takes a guest's name. @param {Window} page @param {string} name */
async function join(page, name) {
  await enter(page, name);
  await page.getByRole("button", { name: `You are ~${name}` }).waitFor();
}

/** @param {Window} page */
async function leave(page) {
  await page.getByRole("button", { name: /^You are ~/ }).click();
  await page.getByRole("button", { name: "Leave" }).click();
  await page.getByRole("button", { name: "Join as guest" }).first().waitFor();
}

test("with a name the focus stays in the dialog where it is taken, and goes to the panel once it is had", async (t) => {
  const server = await startServer(t, { publicChat: true, guests: "propose" });
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "one\n");
  const first = await open(t, server);
  await join(first, "bob");
  const page = await open(t, server);
  const focus = () => page.evaluate(() => document.activeElement?.getAttribute("name") ?? document.activeElement?.id);
  await enter(page, "bob");
  await page.getByText(/is free/).waitFor();
  await becomes(focus, "name");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: /^You are ~bob/ }).waitFor();
  await becomes(focus, "message");

  await leave(page);
  await openProposals(page);
  await panel(page).getByRole("button", { name: "Join as guest" }).click();
  await page.keyboard.type("carl");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "You are ~carl" }).waitFor();
  await becomes(focus, "tab-proposals");
  await page.behaved();
});
