/** Loaded by `bun test` before any test: a stale addon must never be what the tests look at. */

import { setUp } from "./setup";

await setUp("test");
