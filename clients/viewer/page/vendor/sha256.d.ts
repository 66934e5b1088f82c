export { sha256 } from "@noble/hashes/sha2.js";
export type * from "@noble/hashes/sha2.js";
