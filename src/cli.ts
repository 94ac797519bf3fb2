/** What the ready-made server is told by flags and by the environment. */

import { isIP } from "node:net";
import { parseArgs } from "node:util";

import { CONFIG_KEYS, type ConfigKey, type ResolvedConfig, resolveConfig } from "./config";

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 3000;
const MAX_PORT = 65_535;

/** How the server is to run. */
export interface ServerOptions {
  host: string;
  /** 0 is any free port. */
  port: number;
  /** What `Authorization: Bearer …` must say for `/publish` and `/stats`; without one, nothing. */
  apiKey?: string;
  /** Specs of sources, such as `stdin:channel=ticks`. */
  sources: string[];
  config: ResolvedConfig;
}

/** A command line that cannot be. The message names the flag. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A flag of the server itself, as opposed to a key of the configuration. */
interface OwnFlag {
  type: "string";
  multiple?: true;
  placeholder: string;
  doc: string;
}

const OWN_FLAGS = {
  port: { type: "string", placeholder: "3000", doc: "Port; 0 is any free one." },
  host: {
    type: "string",
    placeholder: DEFAULT_HOST,
    doc: "IP address or localhost. Any but a loopback address needs an API key.",
  },
  "api-key": {
    type: "string",
    placeholder: "KEY",
    doc: "/publish and /stats want Authorization: Bearer KEY.",
  },
  source: {
    type: "string",
    multiple: true,
    placeholder: "SPEC",
    doc: `Where messages come from; any number of times (in the variable, parted by ";" or lines):
      synthetic:channel=ticks,rate=800,size=128
      replay:file=F,channel=C,rate=R
      stdin:channel=C
      Without one, a real data set is replayed.`,
  },
} as const satisfies Record<string, OwnFlag>;

/** `numShards` is `--num-shards`; `useSharding`, which reads badly so, is `--sharding`. */
function flagOf(key: ConfigKey): string {
  if (key === "useSharding") return "sharding";
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function variableOf(flag: string): string {
  return `SHARDCAST_${flag.toUpperCase().replaceAll("-", "_")}`;
}

const CONFIG_FLAGS = new Map(
  (Object.keys(CONFIG_KEYS) as ConfigKey[]).map((key) => [flagOf(key), key]),
);

/**
 * Reads flags and environment; a flag wins over its variable.
 *
 * @returns the options, or nothing when help was asked for
 * @throws UsageError naming the flag or variable; ConfigError naming the key
 */
export function readOptions(
  args: string[],
  env: Record<string, string | undefined>,
): ServerOptions | undefined {
  const flags = parseFlags(args);
  if (flags.help) return undefined;
  const text = (flag: string): string | undefined => {
    const given = flags[flag] ?? env[variableOf(flag)];
    return given === undefined ? undefined : String(given);
  };
  const apiKey = text("api-key");
  if (apiKey === "") throw new UsageError("--api-key (SHARDCAST_API_KEY) must not be empty");
  const options: ServerOptions = {
    host: text("host") ?? DEFAULT_HOST,
    port: toWhole("port", text("port") ?? String(DEFAULT_PORT), MAX_PORT),
    sources: (flags.source as string[] | undefined) ?? splitSources(env[variableOf("source")]),
    config: readConfig(text),
    ...(apiKey && { apiKey }),
  };
  if (!apiKey && !isLoopback(options.host)) {
    throw new UsageError(
      `--host ${options.host} lets others in, who could publish: set --api-key as well`,
    );
  }
  return options;
}

function parseFlags(args: string[]): Record<string, unknown> {
  const options: Record<string, { type: "string" | "boolean"; multiple?: boolean }> = {
    help: { type: "boolean" },
    ...OWN_FLAGS,
  };
  for (const [flag, key] of CONFIG_FLAGS) {
    options[flag] = { type: CONFIG_KEYS[key].kind === "switch" ? "boolean" : "string" };
  }
  try {
    return parseArgs({ args, options, allowNegative: true }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function readConfig(text: (flag: string) => string | undefined): ResolvedConfig {
  const config: Record<string, boolean | number> = {};
  for (const [flag, key] of CONFIG_FLAGS) {
    const value =
      CONFIG_KEYS[key].kind === "switch" ? readSwitch(flag, text) : readWhole(flag, text);
    if (value !== undefined) config[key] = value;
  }
  return resolveConfig(config);
}

function readWhole(flag: string, text: (flag: string) => string | undefined): number | undefined {
  const value = text(flag);
  return value === undefined ? undefined : toWhole(flag, value, Number.MAX_SAFE_INTEGER);
}

/** `--x` and `--no-x` have a variable each; parseArgs has made one flag of them already. */
function readSwitch(flag: string, text: (flag: string) => string | undefined): boolean | undefined {
  const value = text(flag);
  if (value !== undefined) return toSwitch(flag, value);
  const negated = text(`no-${flag}`);
  return negated === undefined ? undefined : !toSwitch(`no-${flag}`, negated);
}

function toSwitch(flag: string, value: string): boolean {
  if (value === "true" || value === "false") return value === "true";
  throw new UsageError(`${variableOf(flag)} must be true or false, not ${JSON.stringify(value)}`);
}

function toWhole(flag: string, value: string, max: number): number {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number <= max) return number;
  throw new UsageError(
    `--${flag} (${variableOf(flag)}) must be a whole number up to ${max}, not ${JSON.stringify(value)}`,
  );
}

function splitSources(list: string | undefined): string[] {
  const specs = (list ?? "").split(/[;\n]/).map((spec) => spec.trim());
  return specs.filter((spec) => spec !== "");
}

function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  return isIP(host) === 4 ? host.startsWith("127.") : host === "::1";
}

/** What `--help` prints. */
export function helpText(): string {
  const own = Object.entries(OWN_FLAGS).map(([flag, { placeholder, doc }]) =>
    helpLine(`--${flag} ${placeholder}`, doc),
  );
  const config = [...CONFIG_FLAGS].map(([flag, key]) => {
    const spec = CONFIG_KEYS[key];
    if (spec.kind === "switch") return helpLine(`--no-${flag}`, `Not: ${spec.doc}`);
    return helpLine(`--${flag} ${spec.default}`, `${spec.doc} (${spec.unit})`);
  });
  return `shardcast: a WebSocket broadcast server

Usage: bun run server [flags]

${[...own, ...config].join("\n")}

Each flag is also an environment variable: --num-shards is ${variableOf("num-shards")}, and --no-sharding
is ${variableOf("no-sharding")}=true or ${variableOf("sharding")}=false. Flags win.`;
}

function helpLine(flag: string, doc: string): string {
  return `  ${flag}\n      ${doc}`;
}
