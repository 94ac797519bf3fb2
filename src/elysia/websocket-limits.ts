import type { WebSocketHandler } from "bun";

import type { ShardcastConfig } from "../config/config";
import { CONFIG_KEYS } from "../config/keys";

type WebSocketOptions = Partial<WebSocketHandler<unknown>>;
type Compressor = Extract<WebSocketOptions["perMessageDeflate"], object>["compress"];

/** Bun takes any larger limit for this one. */
const MOST_BYTES = CONFIG_KEYS.maxPayloadLength.max;
/** Bun takes any shorter silence for this one, but for none at all. */
const SHORTEST_SILENCE_SECONDS = 8;

/**
 * The limits and switches of an app's `websocket`, as keys of the config. What Bun takes for
 * something else is that here, too; what it refuses is left for the config to refuse.
 */
export function websocketLimits(options: WebSocketOptions): ShardcastConfig {
  const { maxPayloadLength, backpressureLimit, idleTimeout, perMessageDeflate } = options;
  const { closeOnBackpressureLimit, sendPings, publishToSelf } = options;
  return withoutNothing({
    maxPayloadLength: capped(maxPayloadLength),
    backpressureLimit: capped(backpressureLimit),
    closeOnBackpressureLimit,
    idleTimeout: lengthened(idleTimeout),
    sendPings,
    publishToSelf,
    ...compression(perMessageDeflate),
  });
}

/** As with Bun, null means as little as undefined. */
function withoutNothing(values: ShardcastConfig): ShardcastConfig {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => (value ?? null) !== null));
}

function capped(bytes: number | undefined): number | undefined {
  return Number.isInteger(bytes) ? Math.min(bytes as number, MOST_BYTES) : bytes;
}

function lengthened(seconds: number | undefined): number | undefined {
  const tooShort = Number.isInteger(seconds) && (seconds as number) > 0;
  return tooShort ? Math.max(seconds as number, SHORTEST_SILENCE_SECONDS) : seconds;
}

/** Which compressor it is makes no difference: the core has one for each worker. */
function compression(option: WebSocketOptions["perMessageDeflate"]): ShardcastConfig {
  if (typeof option !== "object" || option === null) return { perMessageDeflate: option };
  const { compress, decompress } = option;
  const sends = isOn(compress) ?? isOn(decompress) ?? false;
  const receives = isOn(decompress) ?? sends;
  if (sends || !receives) return { perMessageDeflate: sends };
  return { perMessageDeflate: true, compressionThreshold: CONFIG_KEYS.compressionThreshold.max };
}

/** Nothing when that is left to the other direction. */
function isOn(compressor: Compressor): boolean | undefined {
  if (compressor === false) return false;
  return compressor ? compressor !== "disable" : undefined;
}
