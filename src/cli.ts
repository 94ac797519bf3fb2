/** What the ready-made server is told by flags, by the environment and by a config file. */

import { isIP } from "node:net";

import { CONFIG_KEYS, type ResolvedConfig } from "./config";
import { changingFlagOf, type Environment, type Settings, variableOf } from "./layers";
import { FILE_SETTING, LOADED_SETTINGS, layered, toConfig } from "./load-config";
import { createLogger, LOG_LEVELS, type Logger, type LogLevel } from "./logger";
import { ConfigError, type Setting } from "./setting";

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 3000;
const MAX_PORT = 65_535;

/** How the server is to run. */
export interface ServerOptions {
  host: string;
  /** 0 is any free port. */
  port: number;
  /**
   * What `Authorization: Bearer …` must say to publish and to see how the server does; without one,
   * nothing.
   */
  apiKey?: string | undefined;
  /** Specs of sources, such as `stdin:channel=ticks`. */
  sources: string[];
  /** What a message about the sources calls them: `--source` or the place that they come from. */
  sourcesName: string;
  logger: Logger;
  config: ResolvedConfig;
}

/** What is set for the server itself, as opposed to the library's configuration. */
const SERVER_SETTINGS = {
  port: { kind: "whole", min: 0, max: MAX_PORT, doc: "Port; 0 is any free one." },
  host: {
    kind: "text",
    doc: "IP address or localhost. Any but a loopback address needs an API key.",
  },
  apiKey: {
    kind: "text",
    secret: true,
    doc: "Publishing, stats, metrics and live figures want Authorization: Bearer KEY.",
  },
  logLevel: {
    kind: "choice",
    choices: LOG_LEVELS,
    doc: `What is logged, as JSON lines to standard error: ${LOG_LEVELS.join(", ")}.`,
  },
  sources: {
    kind: "list",
    doc: `Where messages come from; any number of times (in the variable, parted by ";" or lines;
      in the file a list, sources):
      synthetic:channel=ticks,rate=800,size=128
      replay:file=F,channel=C,rate=R
      stdin:channel=C
      Without one, a real data set is replayed.`,
  },
} as const satisfies Settings;

const SETTINGS = { ...SERVER_SETTINGS, ...LOADED_SETTINGS };

/**
 * Reads flags, environment and config file, each of which wins over the next.
 *
 * @returns the options, or nothing when help was asked for
 * @throws ConfigError naming the value and the flag, the variable or the file that it comes from
 */
export function readOptions(args: string[], env: Environment): ServerOptions | undefined {
  if (args.includes("--help")) return undefined;
  const { values, nameOf } = layered(SETTINGS, { args, env });
  const {
    host = DEFAULT_HOST,
    port = DEFAULT_PORT,
    apiKey,
    logLevel,
    sources = [],
    ...rest
  } = values;
  checkHost(host, nameOf("host"));
  if (apiKey === undefined && !isLoopback(host)) {
    const given = `${nameOf("host")}: ${host}`;
    throw new ConfigError(`${given} lets others in, who could publish: set --api-key as well`);
  }
  // Checked against the choices as every value was against its setting.
  const logger = createLogger(logLevel as LogLevel | undefined);
  const config = { ...toConfig({ values: rest, nameOf }), logger };
  return { host, port, apiKey, sources, sourcesName: nameOf("sources"), logger, config };
}

function checkHost(host: string, name: string): void {
  if (host === "localhost" || isIP(unbracketed(host))) return;
  throw new ConfigError(`${name} must be an IP address or localhost, not ${JSON.stringify(host)}`);
}

function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  const address = unbracketed(host);
  return isIP(address) === 4 ? address.startsWith("127.") : address === "::1";
}

/** An IPv6 address as it stands in a URL has brackets. */
function unbracketed(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}

/** What `--help` shows as the value of a flag that the table of the configuration does not know. */
const PLACEHOLDERS: Record<string, string> = {
  config: "FILE",
  port: String(DEFAULT_PORT),
  host: DEFAULT_HOST,
  apiKey: "KEY",
  logLevel: "warn",
  sources: "SPEC",
  trustedProxies: "ADDRESS",
  expectedClients: "20000",
};

/** What `--help` prints. */
export function helpText(): string {
  const settings: Settings = { ...FILE_SETTING, ...SETTINGS };
  const flags = Object.entries(settings).map(([key, setting]) => helpLine(key, setting));
  return `shardcast: a WebSocket broadcast server

Usage: bun run server [flags]

${flags.join("\n")}

Each flag is also an environment variable: --num-shards is ${variableOf("numShards")}, and
--no-sharding is SHARDCAST_NO_SHARDING=true or ${variableOf("useSharding")}=false. In the
config file the key is numShards, as in code. Flags win over variables, variables over the file.`;
}

function helpLine(key: string, setting: Setting): string {
  const defaults: Record<string, { default: unknown }> = CONFIG_KEYS;
  const byDefault = defaults[key]?.default;
  const flag = changingFlagOf(key, byDefault);
  if (setting.kind === "switch") {
    return `  ${flag}\n      ${byDefault === true ? "Not: " : ""}${setting.doc}`;
  }
  const value = PLACEHOLDERS[key] ?? byDefault;
  const unit = setting.kind === "whole" && setting.unit ? ` (${setting.unit})` : "";
  return `  ${flag} ${value}\n      ${setting.doc}${unit}`;
}
