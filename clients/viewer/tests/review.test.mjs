// The streamer's review of proposals, with a real `twicecast share` where the test is about
// accepting.
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import test from "node:test";
import assert from "node:assert/strict";
import {
  MAIN,
  connect,
  difference,
  open,
  openProposals,
  panel,
  runPrinted,
  sha256,
  share,
  startServer,
  streamer,
  streamerToken,
  temporary,
  viewer,
} from "./lib.mjs";
import { becomes, lines } from "./lib/watching.mjs";

/**
 * Bob proposes through the protocol.
 * @param {any} bob
 * @param {string} title
 * @param {Record<string, [string | null, string?]>} files content and base by name; no content
 * deletes
 */
async function proposed(bob, title, files) {
  await bob.ask("pullrequest", "creation", { title, description: "Because it is better so." });
  for (const [name, [content, base]] of Object.entries(files)) {
    const more = base === undefined ? {} : { base: sha256(base) };
    if (content === null) await bob.ask("file", "delete", { name, ...more });
    else await bob.post(name, content, more);
  }
  await bob.ask("pullrequest", "finish");
}

/** Opens the only open proposal. @param {any} page @param {string} title */
async function look(page, title) {
  await openProposals(page);
  await panel(page)
    .getByRole("button", { name: new RegExp(title) })
    .click();
  await difference(page).waitFor();
}

test("a streamer who only reviews is not shown as live, and sees every proposal with its files", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/src/main.rs", MAIN);
  await ana.post("/old.txt", "old\n");
  const bob = await viewer(t, server, "bob");
  await proposed(bob, "Greet better", {
    "/src/main.rs": [MAIN.replace("hi", "hello"), MAIN],
    "/new.txt": ["new\n"],
    "/old.txt": [null, "old\n"],
  });
  ana.close();
  await bob.hears((/** @type {any} */ message) => message.type === "streamerDisconnected");

  const page = await open(t, server, { token: streamerToken() });
  await page.getByRole("tab", { name: /Proposals\s*1/ }).waitFor();
  await page.getByText("Away", { exact: true }).waitFor();
  const status = await bob.ask("file", "status", { username: "ana", project: "demo" });
  assert.equal(status.data.streamer, false);
  assert.equal(
    bob.heard.some((each) => each.type === "streamerConnected"),
    false,
  );

  await look(page, "Greet better");
  await panel(page).getByText("Because it is better so.").waitFor();
  const files = panel(page).locator(".card-body .file-row");
  assert.deepEqual(
    (await files.allInnerTexts()).map((text) => text.replace(/\s+/g, " ").trim()),
    ["A new.txt new", "D old.txt deleted", "M src/main.rs edited"],
  );
  await panel(page)
    .getByRole("button", { name: /main\.rs/ })
    .click();
  await difference(page).getByText("as bob proposes").waitFor();
  await difference(page).getByText("3 of 3").waitFor();
  assert.match(await difference(page).locator(".cm-merge-a .cm-changedLine").innerText(), /"hi"/);
  assert.match(
    await difference(page).locator(".cm-merge-b .cm-changedLine").innerText(),
    /"hello"/,
  );
  await difference(page).getByRole("button", { name: "Next file" }).click();
  await difference(page).getByText("This file is new.").waitFor();
  await difference(page).getByRole("button", { name: "Next file" }).click();
  await difference(page).getByText("This file would be deleted.").waitFor();
  await page.behaved();
});

test("what differs within a line is underlined, and a line that is new or gone as a whole has its bar only", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  const [first, second] = [lines(20), lines(40).replaceAll("line", "// row")];
  const before = `let few = 2;\n${first}const GONE: u8 = 1;\n${second}`;
  const after = `let many = 2;\n${first}${second}fn added() {}\n`;
  await ana.post("/a.rs", before);
  const bob = await viewer(t, server, "bob");
  await proposed(bob, "Lines", { "/a.rs": [after, before] });
  const page = await open(t, server, { token: streamerToken() });
  await look(page, "Lines");
  const underlined = async () => {
    const marked = await difference(page).locator(".cm-changedText, .cm-deletedText").all();
    const texts = await Promise.all(marked.map((each) => each.evaluate((element) =>
      getComputedStyle(element).boxShadow === "none" ? "" : element.textContent)));
    return texts.filter((text) => text !== "").sort();
  };
  const bars = () => difference(page).locator(".cm-changedLineGutter, .cm-deletedLineGutter").count();
  await becomes(underlined, ["few", "many"]);
  assert.equal(await bars(), 4);
  await difference(page).getByRole("button", { name: "In one column" }).click();
  await difference(page).locator(".cm-unified").waitFor();
  await becomes(underlined, ["few", "many"]);
  assert.ok((await bars()) >= 2);
  await page.behaved();
});

test("ticks survive a reload", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "a\n");
  const bob = await viewer(t, server, "bob");
  await proposed(bob, "Two files", { "/a.txt": ["A\n", "a\n"], "/b.txt": ["b\n"] });
  const page = await open(t, server, { token: streamerToken() });
  await look(page, "Two files");
  await panel(page).getByRole("checkbox", { name: "a.txt looked at" }).check();
  await panel(page).getByText("1 of 2 seen").waitFor();
  await page.reload();
  await look(page, "Two files");
  assert.equal(
    await panel(page).getByRole("checkbox", { name: "a.txt looked at" }).isChecked(),
    true,
  );
  assert.equal(
    await panel(page).getByRole("checkbox", { name: "b.txt looked at" }).isChecked(),
    false,
  );
  await difference(page).getByText("as bob proposes · 2 of 2").waitFor();
  await page.behaved();
});

test("a file that has changed since is said to have, and one that has not is not", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "one\ntwo\n");
  const bob = await viewer(t, server, "bob");
  await proposed(bob, "Edit", { "/a.txt": ["one\nTWO\n", "one\ntwo\n"] });
  const page = await open(t, server, { token: streamerToken() });
  await look(page, "Edit");
  await difference(page).locator(".cm-merge-b .cm-changedLine").getByText("TWO").waitFor();
  assert.equal(await difference(page).getByText("changed since", { exact: true }).count(), 0);
  await ana.post("/a.txt", "zero\none\ntwo\n");
  await difference(page).getByText("changed since", { exact: true }).waitFor();
  await difference(page).locator(".cm-merge-a .cm-changedLine").getByText("zero").waitFor();
  await page.behaved();
});

test("a proposal that comes in is told without leaving what one does", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "a\n");
  const page = await open(t, server, { token: streamerToken() });
  await openProposals(page);
  // From then on, what comes in is news.
  await panel(page).getByText("No proposals yet.").waitFor();
  await page.getByRole("tab", { name: "Chat" }).click();
  const bob = await viewer(t, server, "bob");
  await proposed(bob, "Look here", { "/a.txt": ["A\n", "a\n"] });
  await page.getByText("bob proposes “Look here”.").waitFor();
  await page.getByRole("tab", { name: /Proposals\s*1/ }).waitFor();
  await page.getByRole("button", { name: "Review", exact: true }).click();
  await panel(page).getByRole("button", { name: "Accept" }).waitFor();
  await page.behaved();
});

test("closing asks once, tells the author, and takes it off the list", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "a\n");
  const bob = await viewer(t, server, "bob");
  await proposed(bob, "No thanks", { "/a.txt": ["A\n", "a\n"] });
  const page = await open(t, server, { token: streamerToken() });
  await look(page, "No thanks");
  await panel(page).getByRole("button", { name: "Close" }).click();
  await panel(page).getByText("Close it without accepting?").waitFor();
  await panel(page).getByRole("button", { name: "Close" }).click();
  const closed = await bob.hears(
    (/** @type {any} */ message) => message.type === "pullRequestClosed",
  );
  assert.equal(closed.data.outcome, "closed");
  await panel(page).getByText("No proposals yet.").waitFor();
  await page.behaved();
});

test("where nothing applies proposals, accepting shows the command to type, and it applies them", async (t) => {
  const server = await startServer(t);
  const folder = await temporary(t);
  await writeFile(path.join(folder, "a.txt"), "a\n");
  const sharing = await share(t, server, folder);
  await sharing.stop("SIGINT");
  const bob = await viewer(t, server, "bob");
  await proposed(bob, "By hand", { "/a.txt": ["A\n", "a\n"] });
  const page = await open(t, server, { token: streamerToken() });
  await look(page, "By hand");
  await panel(page).getByRole("button", { name: "Accept" }).click();
  const command = panel(page).getByText(/^twicecast pulls apply [0-9a-f-]{36}$/);
  // The streamer's home has the record of what was shared from where.
  const person = { HOME: process.env.HOME ?? "", TWICECAST_TOKEN: streamerToken() };
  const applying = runPrinted(t, await command.innerText(), folder, person);
  assert.equal(await applying.ended, 0, applying.output);
  assert.equal(await readFile(path.join(folder, "a.txt"), "utf8"), "A\n");
  await page.behaved();
});

test("accepting asks the connection that applies; its answer is told, and its no and its silence too", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server, "ana", "demo", { applies: true });
  await ana.post("/a.txt", "a\n");
  const bob = await viewer(t, server, "bob");
  await proposed(bob, "Ask first", { "/a.txt": ["A\n", "a\n"] });
  const page = await open(t, server, { token: streamerToken() });
  await look(page, "Ask first");
  const accept = panel(page).getByRole("button", { name: "Accept" });
  let asked = 0;
  const question = async () => {
    asked++;
    await ana.hears(
      () => ana.heard.filter((each) => each.type === "pullRequestApplyAsked").length >= asked,
    );
    return ana.heard.filter((each) => each.type === "pullRequestApplyAsked")[asked - 1].data
      .request;
  };

  await accept.click();
  await panel(page)
    .getByText(/say yes in the terminal/)
    .waitFor();
  assert.equal(await accept.isDisabled(), true);
  await ana.ask("pullrequest", "applied", { request: await question(), outcome: "declined" });
  await panel(page).getByText("You said no in the terminal.").waitFor();

  await accept.click();
  let request = await question();
  await ana.ask("pullrequest", "accept", { request });
  const told = {
    request,
    outcome: "partly",
    conflicts: ["/a.txt"],
    message: "a.txt has a conflict",
  };
  await ana.ask("pullrequest", "applied", told);
  await panel(page).getByText("Part of it is in your folder.").waitFor();
  await panel(page).getByText("a.txt has a conflict").waitFor();
  await panel(page).getByRole("listitem").getByText("/a.txt", { exact: true }).waitFor();

  await accept.click();
  await question();
  const other = await connect(t, server);
  ana.close();
  await panel(page)
    .getByText(/^Not accepted: /)
    .waitFor();
  other.close();
  await page.behaved();
});

test("an answer that comes before the number of its question is told all the same", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server, "ana", "demo", { applies: true });
  await ana.post("/a.txt", "a\n");
  const bob = await viewer(t, server, "bob");
  await proposed(bob, "Ask first", { "/a.txt": ["A\n", "a\n"] });
  const prepare = (/** @type {import("playwright-core").Page} */ page) =>
    page.routeWebSocket(/\/ws$/, (socket) => {
      /** @type {any} */
      let held = null;
      socket.connectToServer().onMessage((message) => {
        if (/"type":"pullRequestApply"/.test(String(message))) return void (held = message);
        socket.send(message);
        if (held !== null && /"type":"pullRequestApplyEnded"/.test(String(message))) {
          socket.send(held);
          held = null;
        }
      });
    });
  const page = await open(t, server, { token: streamerToken(), prepare });
  await look(page, "Ask first");
  await panel(page).getByRole("button", { name: "Accept" }).click();
  const { data } = await ana.hears(({ type }) => type === "pullRequestApplyAsked");
  await ana.ask("pullrequest", "applied", { request: data.request, outcome: "declined" });
  await panel(page).getByText("You said no in the terminal.").waitFor();
  await page.behaved();
});

test("what is accepted is in the folder of the streamer who shares it, and viewers see it", async (t) => {
  const server = await startServer(t);
  const folder = await temporary(t);
  await writeFile(path.join(folder, "main.rs"), MAIN);
  await share(t, server, folder, ["--accept-from-page"]);
  const bob = await viewer(t, server, "bob");
  const better = MAIN.replace("hi", "hello");
  await proposed(bob, "Greet better", { "/main.rs": [better, MAIN] });
  const page = await open(t, server, { token: streamerToken() });
  await page.getByText("Live", { exact: true }).waitFor();
  await look(page, "Greet better");
  await panel(page).getByRole("button", { name: "Accept" }).click();
  await page.getByText("“Greet better” is in your folder.").waitFor();
  assert.equal(await readFile(path.join(folder, "main.rs"), "utf8"), better);
  await panel(page).getByText("No proposals yet.").waitFor();
  const closed = await bob.hears(
    (/** @type {any} */ message) => message.type === "pullRequestClosed",
  );
  assert.equal(closed.data.outcome, "merged");
  await bob.hears(
    (/** @type {any} */ message) => message.type === "fileGet" && message.data.name === "/main.rs",
  );
  await page.behaved();
});
