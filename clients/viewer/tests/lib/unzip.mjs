// Reads a zip whose files are stored uncompressed, so that the tests need no program for it.
import assert from "node:assert/strict";

/**
 * The contents of the files in a zip, by name, from its central directory.
 *
 * @param {Buffer} zip
 */
export function unzip(zip) {
  const end = zip.lastIndexOf(Buffer.from("PK\x05\x06"));
  const count = zip.readUInt16LE(end + 10);
  /** @type {Map<string, Buffer>} */
  const files = new Map();
  for (let entry = 0, at = zip.readUInt32LE(end + 16); entry < count; entry++) {
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) =>
      zip.readUInt16LE(at + offset),
    );
    assert.equal(zip.readUInt16LE(at + 10), 0, "stored");
    const size = zip.readUInt32LE(at + 24);
    const local = zip.readUInt32LE(at + 42);
    const from = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const name = zip.toString("utf8", at + 46, at + 46 + nameLength);
    files.set(name, zip.subarray(from, from + size));
    at += 46 + nameLength + extraLength + commentLength;
  }
  return files;
}
