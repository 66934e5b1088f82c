// What `twicecast share --local` prints: the link opens the project, and a viewer who opened it takes part.
import test from "node:test";
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { open, start, temporary } from "./lib.mjs";

test("one command's link shows the project, lets a guest chat and propose, and leaves no token anywhere", async (t) => {
  const [folder, home] = [await temporary(t), await temporary(t)];
  await writeFile(path.join(folder, "hello.md"), "# Hello\n");
  const words = ["share", folder, "--local", "--json", "--viewers", "propose", "--user", "ana", "--project", "a b/c"];
  const environment = { ...process.env, HOME: home, XDG_STATE_HOME: home, XDG_CACHE_HOME: home, XDG_CONFIG_HOME: home };
  const sharing = start(t, "twicecast", words, { env: environment });
  await sharing.said(/"event":"synced"/);
  const { link } = JSON.parse((await sharing.said(/^.*"event":"link".*$/m))[0]);
  const { origin, pathname, hash } = new URL(link);
  assert.equal(pathname, "/ana/a%20b%2Fc");
  const token = hash.replace("#token=", "");

  const page = await open(t, { origin }, { path: pathname, token });
  await page.getByRole("treeitem", { name: /hello\.md/ }).waitFor();
  assert.ok(!page.url().includes("token"), page.url());
  await page.getByRole("button", { name: "Join as guest" }).first().click();
  await page.getByRole("textbox", { name: "Your name" }).fill("Bob");
  await page.getByRole("button", { name: "Join", exact: true }).click();
  await page.getByRole("textbox", { name: "Message" }).fill("hi");
  await page.getByRole("textbox", { name: "Message" }).press("Enter");
  await page.getByRole("log", { name: "Messages" }).getByText("hi", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Edit" }).waitFor();
  await page.behaved();
  await sharing.stop("SIGINT");
});
