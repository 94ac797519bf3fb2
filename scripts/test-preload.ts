/**
 * Loaded by `bun test` before any test: a stale addon must never be what the tests look at, and a
 * busy machine must never be what makes one fail.
 */

import { setDefaultTimeout } from "bun:test";

import { setUp } from "./setup";

/** Longer than any wait for a message, so that it is the wait that says what did not come. */
const TEST_TIMEOUT_MS = 60_000;

setDefaultTimeout(TEST_TIMEOUT_MS);
await setUp("test");
