// Moderation by keyboard, on a phone, in forced colours, and checked by axe.
import test from "node:test";
import assert from "node:assert/strict";
import { open, phone, say, startServer, streamer, streamerToken, viewer, viewerToken } from "./lib.mjs";
import { judge } from "./lib/axe.mjs";
import { log, menuOf, message, moderation } from "./lib/moderating.mjs";
import { becomes } from "./lib/watching.mjs";

test("a message's menu is used by the keyboard alone, and gives the focus back", async (t) => {
  const server = await startServer(t);
  const client = await streamer(t, server);
  const eve = await viewer(t, server, "eve");
  for (const words of ["one", "two", "three"]) await eve.say(words);
  await client.say("hello");
  const ana = await open(t, server, { token: streamerToken() });
  await message(ana, "hello").getByRole("button").waitFor();
  const focused = () => ana.evaluate(() => document.activeElement?.closest(".message")?.querySelector(".words")?.textContent);
  const item = () => ana.evaluate(() => document.activeElement?.getAttribute("role") === "menuitem" && document.activeElement.textContent);
  await log(ana).focus();
  await ana.keyboard.press("Tab");
  await becomes(focused, "hello");
  await ana.keyboard.press("ArrowUp");
  await becomes(focused, "three");
  await ana.keyboard.press("Home");
  await becomes(focused, "one");
  await ana.keyboard.press("ArrowDown");
  await becomes(focused, "two");

  await ana.keyboard.press("Enter");
  await becomes(item, "Delete message…");
  for (const [key, name] of [
    ["ArrowUp", "Ban eve until lifted"], ["ArrowDown", "Delete message…"], ["ArrowDown", "Mute eve for 10 minutes"],
    ["End", "Ban eve until lifted"], ["Home", "Delete message…"], ["t", "Delete message…"],
  ]) {
    await ana.keyboard.press(key);
    await becomes(item, name);
  }
  await ana.keyboard.press("Escape");
  await becomes(focused, "two");
  assert.equal(await ana.getByRole("menu").count(), 0);
  await ana.keyboard.press("Space");
  await becomes(item, "Delete message…");
  await ana.keyboard.press("Enter");
  await becomes(item, "Keep");
  await ana.keyboard.press("Enter");
  await becomes(focused, "two");
  await ana.keyboard.press("Enter");
  await becomes(item, "Delete message…");
  await ana.keyboard.press("Enter");
  await becomes(item, "Keep");
  await ana.keyboard.press("ArrowDown");
  await becomes(item, "Delete for everybody");
  await ana.keyboard.press("Enter");
  await message(ana, "two").waitFor({ state: "detached" });
  await becomes(focused, "three");
  // All messages together are one Tab stop, and the field is the next one.
  await ana.keyboard.press("Tab");
  assert.equal(await ana.evaluate(() => document.activeElement?.getAttribute("name")), "message");
  await ana.behaved();
});

for (const scheme of /** @type {const} */ (["light", "dark"])) {
  test(`axe finds nothing where somebody moderates, also on a phone and in forced colours, ${scheme}`, async (t) => {
    const server = await startServer(t);
    const client = await streamer(t, server);
    const eve = await viewer(t, server, "a_rather_long_name_of_somebody_else");
    await eve.say("rude words");
    await client.ask("chat", "announce", { message: "on Monday" });
    await client.ask("chat", "slow", { seconds: 45 });
    await client.ask("chat", "mute", { username: "bob", seconds: 600 });
    await client.ask("chat", "ban", { username: "carl" });
    for (const context of [{}, { viewport: phone, hasTouch: true, isMobile: true }]) {
      const ana = await open(t, server, { token: streamerToken(), scheme, context });
      const places = ana.getByRole("navigation", { name: "Views" }).getByRole("button", { name: /^Chat/ });
      if ("isMobile" in context) await places.tap();
      await message(ana, "on Monday").waitFor();
      await judge(ana, "chat of a moderator");
      const menu = await menuOf(ana, "rude words");
      await judge(ana, "menu");
      const box = await menu.boundingBox();
      const { width, height } = ana.viewportSize() ?? { width: 0, height: 0 };
      assert.ok(box && box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height, JSON.stringify(box));
      await ana.keyboard.press("Escape");
      const dialog = await moderation(ana);
      await dialog.getByText("bob", { exact: true }).waitFor();
      await dialog.getByText("Latest actions").click();
      await dialog.getByText(/ana banned carl/).waitFor();
      assert.equal(await dialog.getByRole("combobox").inputValue(), "45");
      await judge(ana, "moderation");
      const wide = await ana.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${wide} pixels too wide`);
      await ana.behaved();
    }
    const bob = await open(t, server, { token: viewerToken("bob"), scheme });
    await say(bob, "I only");
    await bob.getByRole("alert").getByText(/^You are muted/).waitFor();
    await judge(bob, "muted, in slow mode");

    const forced = await open(t, server, { token: streamerToken(), context: { forcedColors: "active" } });
    const menu = await menuOf(forced, "rude words");
    const outline = await menu.getByRole("menuitem").first().evaluate((element) => getComputedStyle(element).outlineStyle);
    assert.equal(outline, "solid");
  });
}
