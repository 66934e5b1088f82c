// A small project and a viewer's page of it, with which several tests begin.
import { createHash } from "node:crypto";
import { open } from "./browser.mjs";
import { streamer } from "./client.mjs";
import { startServer, viewerToken } from "./server.mjs";

export const MAIN = 'fn main() {\n    println!("hi");\n}\n';

/** @param {string} text */
export const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/** A project with a few files, its streamer, and bob's page. @param {import("node:test").TestContext} t */
export async function story(t, options = {}) {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/src/main.rs", MAIN);
  await ana.post("/src/lib.rs", "pub fn a() {}\r\npub fn b() {}\r\n");
  await ana.post("/old.txt", "to go\n");
  const bob = await open(t, server, { token: viewerToken("bob"), ...options });
  await bob.getByRole("treeitem", { name: /old\.txt/ }).waitFor();
  return { server, ana, bob };
}
