// The project as a zip.
import { readFile } from "node:fs/promises";
import test from "node:test";
import assert from "node:assert/strict";
import { open, startServer, streamer, viewerToken } from "./lib.mjs";

/** The files of a zip that is stored and not compressed, by its central directory. @param {Buffer} zip */
function unzip(zip) {
  const end = zip.lastIndexOf(Buffer.from("PK\x05\x06"));
  const count = zip.readUInt16LE(end + 10);
  /** @type {Record<string, { content: Buffer, mode: number }>} */
  const files = {};
  for (let entry = 0, at = zip.readUInt32LE(end + 16); entry < count; entry++) {
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset));
    const name = zip.toString("utf8", at + 46, at + 46 + nameLength);
    assert.equal(zip.readUInt16LE(at + 10), 0, "stored");
    const size = zip.readUInt32LE(at + 24);
    const local = zip.readUInt32LE(at + 42);
    const from = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    files[name] = { content: zip.subarray(from, from + size), mode: zip.readUInt32LE(at + 38) >>> 16 };
    at += 46 + nameLength + extraLength + commentLength;
  }
  return files;
}

const FILES = {
  "/src/main.rs": Buffer.from("fn main() {}\n"),
  "/bytes.bin": Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * 7) % 256)),
  "/näme with späces.txt": Buffer.from("ä\n"),
  "/empty": Buffer.alloc(0),
  "/run.sh": Buffer.from("#!/bin/sh\n"),
};

for (const [how, config, options] of /** @type {[string, object, object][]} */ ([
  ["anybody, where reading is public", {}, {}],
  ["whoever has a token, where it is not, and no address holds the token", { publicRead: false }, { token: viewerToken("bob") }],
])) {
  test(`the zip is the project byte for byte, for ${how}`, async (t) => {
    const server = await startServer(t, config);
    const ana = await streamer(t, server);
    for (const [name, content] of Object.entries(FILES)) await ana.post(name, content, { executable: name === "/run.sh" });
    const page = await open(t, server, options);
    /** @type {string[]} */
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.getByText("5 files").waitFor();
    await page.getByRole("button", { name: "Download", exact: true }).click();
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: /Download as \.zip/ }).click();
    const download = await saved;
    assert.equal(download.suggestedFilename(), "demo.zip");
    const files = unzip(await readFile(String(await download.path())));
    assert.deepEqual(Object.keys(files).sort(), Object.keys(FILES).map((name) => name.slice(1)).sort());
    for (const [name, content] of Object.entries(FILES)) assert.ok(files[name.slice(1)].content.equals(content), name);
    assert.ok(files["run.sh"].mode & 0o100, "executable");
    assert.equal(files["src/main.rs"].mode & 0o111, 0);
    assert.equal(asked.some((url) => url.includes("eyJ")), false);
    await page.behaved();
  });
}
