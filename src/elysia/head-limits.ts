/** What the heads of requests are limited to, by Bun and by Elysia. */

import http from "node:http";
import type { AnyElysia } from "elysia";

import { processState } from "../process/process-state";

/** Bun's own limit, unless the app has set another. */
const BUNS_DEFAULT_BYTES = 16_384;

/**
 * What a head may grow by on its way to Bun: the private header with the client's address, and a
 * blank behind the colon of each field.
 */
const GROWTH_BYTES = 1024;

/** Bun has one limit for the whole process, which it lets be set. The types do not know. */
const bun: { maxHeaderSize: number } = http;

interface HeadLimits {
  /** What was set here last, so that it is not taken for what the app has set. */
  raisedTo: number | undefined;
  /** What the app had set before, or Bun. */
  appsOwn: number;
}

const limits = processState(
  "head-limits",
  (): HeadLimits => ({ raisedTo: undefined, appsOwn: BUNS_DEFAULT_BYTES }),
);

/**
 * The limit that the app has set for the process, by `--max-http-header-size` or
 * `http.maxHeaderSize`; nothing if it has set none.
 */
export function headLimitOfProcess(): number | undefined {
  if (bun.maxHeaderSize !== limits.raisedTo) limits.appsOwn = bun.maxHeaderSize;
  return limits.appsOwn === BUNS_DEFAULT_BYTES ? undefined : limits.appsOwn;
}

/** Has Bun take what the door lets pass, so that the door's limit is the only one. */
export function raiseHeadLimit(maxHeadBytes: number): void {
  const needed = maxHeadBytes + GROWTH_BYTES;
  if (bun.maxHeaderSize >= needed) return;
  headLimitOfProcess();
  bun.maxHeaderSize = needed;
  limits.raisedTo = needed;
}

/**
 * The length from which on Elysia finds the path behind a host. It looks for the first slash in
 * `http://host/path` from the 11th character on, unless it is configured otherwise: of a shorter
 * host it takes a later part of the path for the whole.
 */
export function shortestAuthority({ config }: AnyElysia): number {
  const looksEarlier = config.handler?.standardHostname === false && config.aot !== false;
  return looksEarlier ? 1 : 4;
}
