/**
 * The two checks of the hand-written gateways: a key whose hash is known, and a token bucket for each key. What nobody exceeds still has to be
 * counted.
 */
import { createHash, timingSafeEqual } from "node:crypto";

const rate = 1_000_000;

/** @param {string} key the one that is let in */
export function checks(key) {
  const digest = (text) => createHash("sha256").update(text).digest();
  const known = digest(key);
  const buckets = new Map();
  return {
    /** Whether the request carries the key. */
    letIn(authorization) {
      return authorization?.startsWith("Bearer ") === true && timingSafeEqual(digest(authorization.slice(7)), known);
    },
    /** Whether the caller is within its rate. */
    within(caller) {
      const now = performance.now();
      const bucket = buckets.get(caller) ?? { left: rate, at: now };
      buckets.set(caller, bucket);
      bucket.left = Math.min(rate, bucket.left + ((now - bucket.at) * rate) / 1000);
      bucket.at = now;
      if (bucket.left < 1) return false;
      bucket.left -= 1;
      return true;
    },
  };
}
