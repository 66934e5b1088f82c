// A viewer's proposals: edits that stay, what is sent, and what the viewer is told about it.
import test from "node:test";
import assert from "node:assert/strict";
import {
  MAIN,
  code,
  difference,
  editFile,
  open,
  openFile,
  openProposals,
  panel,
  propose,
  sha256,
  startServer,
  story,
  streamer,
  typeAtStart,
  viewerToken,
} from "./lib.mjs";

const created = (/** @type {any} */ client) =>
  client.hears((/** @type {any} */ message) => message.type === "pullRequestCreated");
const textOf = (/** @type {any} */ message) =>
  Buffer.from(message.data.content, "base64").toString();

test("two files edited, one added, one deleted and one renamed arrive with what they started from", async (t) => {
  const { ana, bob } = await story(t);
  await ana.post("/names.md", "# Names\n");
  await editFile(bob, "src/main.rs", "// bob was here\n");
  await editFile(bob, "src/lib.rs", "//! A library.\n");

  await panel(bob).getByRole("button", { name: "New file" }).click();
  await panel(bob).getByRole("textbox", { name: "Name of the new file" }).fill("src/new.rs");
  await panel(bob).getByRole("button", { name: "Create" }).click();
  await typeAtStart(bob, "pub struct New;\n");

  await openFile(bob, "old.txt");
  await panel(bob).getByRole("button", { name: "Delete old.txt" }).click();
  await difference(bob).getByText("This file would be deleted.").waitFor();

  await openFile(bob, "names.md");
  await panel(bob).getByRole("button", { name: "Rename names.md" }).click();
  await panel(bob).getByRole("textbox", { name: "New name" }).fill("docs/names.md");
  await panel(bob).getByRole("button", { name: "Rename", exact: true }).click();

  await propose(bob, "Five changes", "Because I can.");
  const { data } = await created(ana);
  assert.equal(data.owner, "bob");
  assert.equal(data.title, "Five changes");
  assert.equal(data.description, "Because I can.");
  assert.deepEqual(data.files.sort(), [
    "/docs/names.md",
    "/src/lib.rs",
    "/src/main.rs",
    "/src/new.rs",
  ]);
  assert.deepEqual(data.deleted.sort(), ["/names.md", "/old.txt"]);
  const LIB = "pub fn a() {}\r\npub fn b() {}\r\n";
  assert.deepEqual(data.bases, { "/src/main.rs": sha256(MAIN), "/src/lib.rs": sha256(LIB) });
  assert.deepEqual(data.deletedBases, {
    "/old.txt": sha256("to go\n"),
    "/names.md": sha256("# Names\n"),
  });

  await ana.ask("pullrequest", "get", { id: data.id });
  const got = Object.fromEntries(
    ana.heard
      .filter((each) => each.type === "fileGet" && each.ref)
      .map((each) => [each.data.name, textOf(each)]),
  );
  assert.equal(got["/src/main.rs"], `// bob was here\n${MAIN}`);
  assert.equal(got["/src/lib.rs"], `//! A library.\r\n${LIB}`);
  assert.equal(got["/src/new.rs"], "pub struct New;\n");
  assert.equal(got["/docs/names.md"], "# Names\n");
  await panel(bob).getByText("Waiting").waitFor();
  await bob.behaved();
});

test("the own difference shows what was added, and goes with the edit", async (t) => {
  const { bob } = await story(t);
  await editFile(bob, "src/main.rs", "// bob was here\n");
  await panel(bob)
    .getByRole("button", { name: /src\/main\.rs/ })
    .first()
    .click();
  await difference(bob)
    .locator(".cm-merge-b .cm-changedLine")
    .getByText("// bob was here")
    .waitFor();
  assert.equal(await difference(bob).locator(".cm-merge-a .cm-changedLine").count(), 0);
  await panel(bob).getByRole("button", { name: "Discard the edit of src/main.rs" }).click();
  await difference(bob).waitFor({ state: "hidden" });
  assert.equal(
    await panel(bob)
      .getByRole("button", { name: /^Propose / })
      .count(),
    0,
  );
  await bob.behaved();
});

test("edits, title and reasons survive a reload, and no other tab has them", async (t) => {
  const { server, bob } = await story(t);
  await editFile(bob, "src/main.rs", "// kept\n");
  await panel(bob).getByRole("textbox", { name: "Title" }).fill("Kept");
  await bob.reload();
  await openProposals(bob);
  assert.equal(await panel(bob).getByRole("textbox", { name: "Title" }).inputValue(), "Kept");
  await panel(bob)
    .getByRole("button", { name: /src\/main\.rs/ })
    .first()
    .click();
  await difference(bob).getByText("// kept").waitFor();
  const other = await open(t, server, { token: viewerToken("bob") });
  await openProposals(other);
  assert.equal(await panel(other).getByRole("textbox", { name: "Title" }).count(), 0);
  await bob.behaved();
});

test("edits survive a lost connection, and are sent when it is back", async (t) => {
  const { server, bob } = await story(t);
  await editFile(bob, "src/main.rs", "// before\n");
  await server.kill();
  await bob.getByText("Reconnecting").waitFor();
  await typeAtStart(bob, "// meanwhile\n");
  await server.restart();
  const ana = await streamer(t, server);
  await propose(bob, "Both");
  const { data } = await created(ana);
  await ana.ask("pullrequest", "get", { id: data.id });
  const got = ana.heard.find((each) => each.type === "fileGet" && each.ref);
  assert.equal(textOf(got), `// meanwhile\n// before\n${MAIN}`);
  await bob.behaved();
});

test("a connection lost while sending sends nothing by halves, and sending again works", async (t) => {
  const { server, bob } = await story(t);
  await editFile(bob, "src/main.rs", "// bob was here\n");
  // The page gets no answer to its last request: the connection is closed instead.
  await bob.evaluate(() => {
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (message) {
      if (String(message).includes('"finish"')) this.close();
      else send.call(this, message);
    };
  });
  await panel(bob).getByRole("textbox", { name: "Title" }).fill("Again");
  await panel(bob)
    .getByRole("button", { name: /^Propose / })
    .click();
  await panel(bob)
    .getByText(/Not sent: the connection was lost/)
    .waitFor();
  assert.equal(await panel(bob).getByText("Waiting").count(), 0);
  await bob.evaluate(() => location.reload());
  await openProposals(bob);
  await propose(bob, "Again");
  const ana = await streamer(t, server);
  const { data } = await created(ana);
  assert.equal(data.title, "Again");
  assert.equal(ana.heard.filter((each) => each.type === "pullRequestCreated").length, 1);
  await bob.behaved();
});

test("an answer lost after everything was sent is found again, and nothing is sent twice", async (t) => {
  const { server, bob } = await story(t);
  await editFile(bob, "src/main.rs", "// bob was here\n");
  await bob.evaluate(() => {
    const hear = /** @type {PropertyDescriptor} */ (
      Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage")
    );
    let lost = false;
    Object.defineProperty(WebSocket.prototype, "onmessage", {
      set(listener) {
        hear.set?.call(this, (/** @type {MessageEvent} */ event) => {
          if (!lost && event.data.includes("pullRequestFinish")) {
            lost = true;
            this.close();
          } else listener.call(this, event);
        });
      },
    });
  });
  // The next connection will lose the answer.
  await server.restart();
  const ana = await streamer(t, server);
  await bob.getByText("Live").waitFor();
  await panel(bob).getByRole("textbox", { name: "Title" }).fill("Once");
  await panel(bob)
    .getByRole("button", { name: /^Propose / })
    .click();
  await panel(bob).getByText("Waiting").waitFor();
  assert.equal(
    await panel(bob)
      .getByRole("button", { name: /^Propose / })
      .count(),
    0,
  );
  await created(ana);
  assert.equal((await ana.ask("pullrequest", "list")).data.length, 1);
  await bob.behaved();
});

test("the card turns accepted or closed when the streamer decides", async (t) => {
  const { ana, bob } = await story(t);
  await editFile(bob, "src/main.rs", "// one\n");
  await propose(bob, "One");
  const one = (await created(ana)).data;
  await ana.ask("pullrequest", "delete", { id: one.id, outcome: "merged" });
  await bob.getByText("“One” was accepted.").waitFor();
  await panel(bob).getByText("Accepted", { exact: true }).waitFor();

  await editFile(bob, "src/main.rs", "// two\n");
  await propose(bob, "Two");
  const two = (
    await ana.hears(
      (message) => message.type === "pullRequestCreated" && message.data.title === "Two",
    )
  ).data;
  await ana.ask("pullrequest", "delete", { id: two.id });
  await bob.getByText("“Two” was closed without being accepted.").waitFor();
  await panel(bob).getByText("Closed", { exact: true }).waitFor();

  await panel(bob).getByRole("button", { name: "Take “One” off the list" }).click();
  await panel(bob).getByRole("heading", { name: "One" }).waitFor({ state: "detached" });
  await bob.behaved();
});

test("a proposal can be withdrawn while it waits", async (t) => {
  const { ana, bob } = await story(t);
  await editFile(bob, "src/main.rs", "// one\n");
  await propose(bob, "Changed my mind");
  await panel(bob).getByRole("button", { name: "Withdraw" }).click();
  await panel(bob).getByText("Withdrawn").waitFor();
  const closed = await ana.hears((message) => message.type === "pullRequestClosed");
  assert.equal(closed.data.outcome, "withdrawn");
  await bob.behaved();
});

test("a viewer who was away when it was decided is told on return", async (t) => {
  const { server, ana, bob } = await story(t);
  await editFile(bob, "src/main.rs", "// one\n");
  await propose(bob, "Accepted meanwhile");
  const accepted = (await created(ana)).data;
  await editFile(bob, "src/lib.rs", "// two\n");
  await propose(bob, "Decided meanwhile");
  const decided = (await ana.hears((message) => message.data?.title === "Decided meanwhile")).data;
  await bob.goto("about:blank");
  await ana.post("/src/main.rs", `// one\n${MAIN}`);
  await ana.ask("pullrequest", "delete", { id: accepted.id, outcome: "merged" });
  await ana.ask("pullrequest", "delete", { id: decided.id });
  await bob.goto(`${server.origin}/ana/demo`);
  await bob.getByText("“Accepted meanwhile” was accepted.").waitFor();
  await bob.getByText("“Decided meanwhile” was decided while you were away.").waitFor();
  await bob.behaved();
});

test("a refused proposal says why, and keeps the edits", async (t) => {
  const server = await startServer(t, { maxPullRequestFiles: 1 });
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "a\n");
  await ana.post("/b.txt", "b\n");
  const bob = await open(t, server, { token: viewerToken("bob") });
  await bob.getByRole("treeitem", { name: /a\.txt/ }).waitFor();
  await editFile(bob, "a.txt", "1\n");
  await editFile(bob, "b.txt", "2\n");
  await panel(bob).getByRole("textbox", { name: "Title" }).fill("Too much");
  await panel(bob).getByRole("button", { name: "Propose 2 files" }).click();
  await panel(bob)
    .getByRole("alert")
    .getByText(/maxPullRequestFiles/)
    .waitFor();
  assert.equal(await panel(bob).getByRole("button", { name: "Propose 2 files" }).isEnabled(), true);
  await bob.behaved();
});

test("a viewer who may only read is told how to propose, and has no way to edit", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "a\n");
  const reader = await open(t, server, {
    token: viewerToken("rex", "ana", "demo", { rights: ["read"] }),
  });
  await openFile(reader, "a.txt");
  await openProposals(reader);
  await panel(reader)
    .getByText(/Proposing takes a link/)
    .waitFor();
  assert.equal(await reader.getByRole("button", { name: /^Edit/ }).count(), 0);
  await reader.behaved();
});

test("a token that expires keeps the edits, and a fresh link brings the way to send them", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "one\n");
  const page = await open(t, server, { token: viewerToken("bob"), expected: /401/ });
  await page.getByRole("treeitem", { name: "a.txt" }).waitFor();
  await openFile(page, "a.txt");
  await page.getByRole("button", { name: "Edit", exact: true }).first().click();
  await typeAtStart(page, "// edited\n");
  // The token is made only now, because the page may take any time on a busy machine.
  const exp = Math.floor(Date.now() / 1000) + 3;
  await page.evaluate((short) => (location.hash = `token=${short}`), viewerToken("bob", "ana", "demo", { exp }));
  await page.getByText(/Your link has expired/).waitFor();
  await ana.post("/b.txt", "still watching\n");
  await page.getByRole("treeitem", { name: "b.txt" }).waitFor();
  await code(page).getByText("// edited").waitFor();
  await page.evaluate((fresh) => (location.hash = `token=${fresh}`), viewerToken("bob"));
  await page.getByText(/Your link has expired/).waitFor({ state: "detached" });
  await page.getByRole("tab", { name: /^Proposals/ }).click();
  await page.getByRole("textbox", { name: "Title" }).fill("Kept");
  await page.getByRole("button", { name: "Propose 1 file" }).click();
  await ana.hears(
    (message) => message.type === "pullRequestCreated" && message.data.title === "Kept",
  );
  await page.behaved();
});
