// A streamer with a terminal, and three viewers: one who only watches, one with a name, and a guest
// with a phone.
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import test from "node:test";
import assert from "node:assert/strict";
import {
  code,
  difference,
  editFile,
  open,
  openFile,
  openProposals,
  panel,
  phone,
  propose,
  say,
  shareInTerminal,
  startServer,
  streamerToken,
  temporary,
  viewerToken,
} from "./lib.mjs";

const MAIN = 'fn main() {\n    greet("world");\n}\n';

test("the story: a streamer shares, viewers watch, talk and propose, and the streamer accepts by one keypress", async (t) => {
  const server = await startServer(t, { publicChat: true, guests: "propose" });
  const folder = await temporary(t);
  await writeFile(path.join(folder, "main.rs"), MAIN);
  await writeFile(path.join(folder, "greet.rs"), "pub fn greet(who: &str) {}\n");
  const terminal = await shareInTerminal(t, server, folder);

  const ana = await open(t, server, { token: streamerToken() });
  const watcher = await open(t, server);
  const bob = await open(t, server, { token: viewerToken("bob"), scheme: "dark" });
  const guest = await open(t, server, { viewport: phone });
  const everybody = [ana, watcher, bob, guest];
  for (const page of everybody) await page.getByText("Live", { exact: true }).waitFor();

  // What the streamer saves appears on every screen of viewers who follow.
  await writeFile(path.join(folder, "main.rs"), MAIN.replace("world", "everybody"));
  for (const page of everybody) await code(page).getByText("everybody").waitFor();
  await watcher.locator("#code .cm-fresh, #code .cm-bar").first().waitFor();

  // The guest takes a name, and everybody chats; the watcher reads.
  const places = guest.getByRole("navigation", { name: "Views" });
  await places.getByRole("button", { name: /^Chat/ }).tap();
  await guest
    .getByRole("button", { name: "Join as guest" })
    .filter({ visible: true })
    .first()
    .tap();
  await guest.getByRole("textbox", { name: "Your name" }).fill("Eve");
  await guest.getByRole("button", { name: "Join", exact: true }).tap();
  await say(guest, "hello from the train");
  await say(bob, "hi Eve");
  await say(ana, "welcome, both");
  for (const page of everybody) {
    const log = page.getByRole("log", { name: "Messages" });
    if (page === guest) await places.getByRole("button", { name: /^Chat/ }).tap();
    for (const words of ["hello from the train", "hi Eve", "welcome, both"])
      await log.getByText(words).waitFor();
  }
  assert.equal(await watcher.getByRole("textbox", { name: "Message" }).count(), 0);

  // The guest proposes from the phone; the streamer looks, accepts on the page, and confirms in the
  // terminal.
  await editFile(guest, "greet.rs", "// Greets.\n");
  await propose(guest, "Say what greet does");
  await ana.getByText("~Eve proposes “Say what greet does”.").waitFor();
  await ana.getByRole("button", { name: "Review", exact: true }).click();
  await panel(ana)
    .getByRole("button", { name: /greet\.rs/ })
    .click();
  await difference(ana).getByText("// Greets.").waitFor();
  await panel(ana).getByRole("button", { name: "Accept" }).click();
  await panel(ana)
    .getByText(/say yes in the terminal/)
    .waitFor();
  await terminal.said(/press y to apply/);
  terminal.press("y");
  await guest.getByText("“Say what greet does” was accepted.").waitFor();
  await panel(guest).getByText("Accepted", { exact: true }).waitFor();
  await ana.getByText("“Say what greet does” is in your folder.").waitFor();
  assert.equal(
    await readFile(path.join(folder, "greet.rs"), "utf8"),
    "// Greets.\npub fn greet(who: &str) {}\n",
  );
  await openFile(bob, "greet.rs");
  await code(bob).getByText("// Greets.").waitFor();

  // Bob proposes something that the streamer does not want.
  await editFile(bob, "main.rs", "// why not?\n");
  await propose(bob, "Ask why");
  await panel(ana)
    .getByRole("button", { name: /Ask why/ })
    .click();
  await panel(ana).getByRole("button", { name: "Close" }).click();
  await panel(ana).getByRole("button", { name: "Close" }).click();
  await bob.getByText("“Ask why” was closed without being accepted.").waitFor();
  assert.equal(
    await readFile(path.join(folder, "main.rs"), "utf8"),
    MAIN.replace("world", "everybody"),
  );

  // The streamer stops; everybody sees that, and keeps what was there.
  terminal.press("q");
  await terminal.ended;
  for (const page of everybody) await page.getByText("Away", { exact: true }).waitFor();
  await openProposals(bob);
  await panel(bob).getByText("Closed", { exact: true }).waitFor();
  for (const page of everybody) await page.behaved();
});
