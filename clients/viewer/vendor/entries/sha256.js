// SHA-256 where the browser has none: its own works only over https and on loopback.
export { sha256 } from "@noble/hashes/sha2.js";
