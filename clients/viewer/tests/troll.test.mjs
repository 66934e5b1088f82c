// A troll's evening: what moderators can do about somebody who keeps coming back, and what the
// others notice.
import test from "node:test";
import assert from "node:assert/strict";
import { code, flood, open, phone, say, startServer, streamer, streamerToken, viewerToken } from "./lib.mjs";
import { log, menuOf, message, moderation } from "./lib/moderating.mjs";
import { from } from "./lib/proxy.mjs";

/** @typedef {import("./lib/browser.mjs").Window} Window */

const field = (/** @type {Window} */ page) => page.getByRole("textbox", { name: "Message" });
const banned = /^You are banned from the chat and from proposing\. You can still watch\.$/;

/** Asks for a guest's name. @param {Window} page @param {string} name */
async function join(page, name) {
  await page.getByRole("button", { name: "Join as guest" }).filter({ visible: true }).first().click();
  await page.getByRole("textbox", { name: "Your name" }).fill(name);
  await page.getByRole("button", { name: "Join", exact: true }).click();
}

test("a troll's evening: flood, muted, back under another name, banned, deleted everywhere, slow mode, a restart", async (t) => {
  const server = await startServer(t, {
    publicChat: true,
    guests: "propose",
    trustedProxies: "127.0.0.1",
    // So few that a flood reaches the limit on a slow machine, too.
    chatMessagesPerSecond: 1,
    chatBurst: 5,
  });
  const client = await streamer(t, server);
  await client.post("/a.txt", "one\n");
  const lost = /WebSocket|ERR_|401/;
  const ana = await open(t, server, { token: streamerToken(), expected: lost });
  const bob = await open(t, server, { token: viewerToken("bob"), expected: lost });
  const eve = await open(t, server, { viewport: phone, expected: lost });
  const carol = await open(t, await from(t, server, "203.0.113.77"), { expected: lost });
  const den = await from(t, server, "203.0.113.5");
  const troll = await open(t, den, { expected: lost });
  await eve.getByRole("navigation", { name: "Views" }).getByRole("button", { name: /^Chat/ }).tap();
  await join(carol, "carol");
  await say(carol, "what a nice project");

  // The flood: the server says how long to wait, and the text stays in the field.
  await join(troll, "troll");
  await field(troll).waitFor();
  assert.match(await flood(troll, "spam"), /wait \d+ seconds?, then send again/);
  assert.match(await field(troll).inputValue(), /^spam \d+$/);
  await message(eve, "spam 1").first().waitFor();

  // Muted: told for how long, and the text stays in the field.
  await (await menuOf(ana, "spam 1")).getByRole("menuitem", { name: "Mute ~troll for 10 minutes" }).click();
  await troll.getByRole("alert").getByText(/^You are muted until \d/).waitFor();
  assert.match(await field(troll).inputValue(), /^spam \d+$/);

  // Back under another name: the address is muted, until the troll gets a second chance and wastes
  // it.
  await field(troll).fill("");
  await troll.getByRole("button", { name: /^You are ~troll/ }).click();
  await troll.getByRole("button", { name: "Leave" }).click();
  await join(troll, "angel");
  await say(troll, "guess who");
  await troll.getByRole("alert").getByText(/^You are muted until \d/).waitFor();
  const dialog = await moderation(ana);
  await dialog.getByText(/with their address/).waitFor();
  await dialog.getByRole("button", { name: "Lift it for ~troll" }).click();
  await troll.getByRole("alert").getByText("You can write again.").waitFor();
  await ana.keyboard.press("Escape");
  await field(troll).press("Enter");
  await message(bob, "guess who").waitFor();
  await field(troll).fill("nobody can stop me");
  await (await menuOf(ana, "guess who")).getByRole("menuitem", { name: "Ban ~angel until lifted" }).click();
  await ana.getByRole("status").getByText("~angel is banned.").waitFor();
  await troll.locator("#chat").getByText(banned).waitFor();
  assert.equal(await field(troll).inputValue(), "nobody can stop me");
  assert.equal(await troll.getByRole("button", { name: "Join as guest" }).count(), 0);

  await (await menuOf(ana, "spam 1")).getByRole("menuitem", { name: "Mute ~troll for 10 minutes" }).click();
  await ana.getByRole("status").getByText(/^~troll is muted until \d/).last().waitFor();

  // In another window without a name: asked for one once, and never again. The project stays
  // readable.
  const third = await open(t, den, { expected: lost });
  await join(third, "somebody else");
  await third.locator("#chat").getByText(banned).waitFor();
  assert.equal(await third.getByRole("dialog").count(), 0);
  assert.equal(await third.getByRole("button", { name: "Join as guest" }).count(), 0);
  await code(third).getByText("one").waitFor();

  // The messages are deleted, everywhere.
  for (const words of ["spam 1", "guess who"]) {
    await (await menuOf(ana, words)).getByRole("menuitem", { name: "Delete message…" }).click();
    await ana.getByRole("menuitem", { name: "Delete for everybody" }).click();
    const shown = words === "spam 1" ? [ana, bob, eve, carol, third] : [ana, bob, eve, carol];
    for (const page of shown) await log(page).getByText(words, { exact: true }).waitFor({ state: "detached" });
  }

  // Slow mode: the others continue, at its pace.
  await moderation(ana);
  await dialog.getByRole("combobox", { name: "Slow mode" }).selectOption("One message every 1 minute");
  await ana.keyboard.press("Escape");
  await carol.getByText("Slow mode: one message every 60 s.").waitFor();
  await say(carol, "good riddance");
  await say(bob, "thanks, ana");
  for (const page of [ana, bob, eve, carol])
    for (const words of ["what a nice project", "good riddance", "thanks, ana"]) await message(page, words).waitFor();
  await client.post("/a.txt", "one\nand two\n");
  for (const page of [bob, troll]) await code(page).getByText("and two").waitFor();

  // All of this still holds after a restart.
  await server.restart();
  const again = await streamer(t, server);
  await again.say("we are back");
  for (const page of [ana, bob, eve, carol]) await message(page, "we are back").waitFor();
  assert.equal(await field(troll).inputValue(), "nobody can stop me");
  await troll.reload();
  await troll.locator("#chat").getByText(banned).waitFor();
  assert.equal(await troll.getByRole("button", { name: "Join as guest" }).count(), 0);
  await code(troll).getByText("and two").waitFor();
  const fourth = await open(t, den, { expected: lost });
  await join(fourth, "another one");
  await fourth.locator("#chat").getByText(banned).waitFor();
  await say(carol, "one");
  await message(eve, "one").waitFor();
  await carol.getByText(/^Slow mode: one message every 60 s, the next in \d+ s\.$/).waitFor();
  const newcomer = await open(t, server, { token: viewerToken("dan") });
  await message(newcomer, "we are back").waitFor();
  assert.equal(await log(newcomer).getByText(/spam|guess who/).count(), 0);
  await moderation(ana);
  for (const name of ["~troll", "~angel"]) await dialog.getByText(name, { exact: true }).waitFor();
  await dialog.getByText("Latest actions").click();
  await dialog.getByText(/ana banned ~angel$/).waitFor();
  await dialog.getByText(/ana deleted a message of ~troll/).waitFor();
  await dialog.getByRole("button", { name: "Lift it for ~angel" }).click();
  await dialog.getByText("~angel", { exact: true }).waitFor({ state: "detached" });
  for (const page of [ana, bob, eve, carol, troll, third, fourth, newcomer]) await page.behaved();
});
