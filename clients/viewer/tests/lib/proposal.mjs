// A project with an open proposal.
import { streamer, viewer } from "./client.mjs";
import { startServer } from "./server.mjs";

const MAIN = Array.from({ length: 60 }, (_, line) => `fn line_${line}() {} // ${line}`).join("\n");

/**
 * A project with something in each view, for which bob has proposed a change.
 * @param {import("node:test").TestContext} t
 */
export async function projectWithProposal(t) {
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
