/** The command line of the ready-made server, and its options. */

import { isIP } from "node:net";

import { version } from "../../package.json";
import {
  ConfigError,
  createLogger,
  defaultPort,
  type Environment,
  flagsHelp,
  type LoadedSettings,
  type Logger,
  loadSettings,
  type ResolvedConfig,
  variableWarnings,
} from "../index";
import { SERVER_SETTINGS } from "./settings";

/** What to print instead of running the server, by flag. */
const PRINTED = new Map<string, () => string>([
  ["--help", helpText],
  ["-h", helpText],
  ["--version", () => version],
  ["-v", () => version],
]);

/** The options of the server. */
export interface ServerOptions {
  host: string;
  /** 0 is any free port. */
  port: number;
  /**
   * The key that `Authorization: Bearer …` must have to publish and to read figures. Without one,
   * none is required.
   */
  apiKey?: string | undefined;
  /** Names of hosts that it answers for, besides IP addresses and localhost. */
  allowedHosts: string[];
  /** Origins of web pages that may use it, besides its own. */
  allowedOrigins: string[];
  /** Specs of sources, such as `stdin:channel=ticks`. */
  sources: string[];
  /** What messages call the sources: `--source`, or the other place that they come from. */
  sourcesName: string;
  logger: Logger;
  config: ResolvedConfig;
}

/** The text that the command line asks for instead of a server; undefined to run one. */
export function textAskedFor(args: string[]): string | undefined {
  const flag = args.find((argument) => PRINTED.has(argument));
  return flag === undefined ? undefined : PRINTED.get(flag)?.();
}

/**
 * Reads flags, environment and config file, each of which wins over the next. A variable that is
 * named as a setting's and belongs to none is logged.
 *
 * @throws ConfigError naming the value and the flag, the variable or the file that it comes from
 */
export function readOptions(args: string[], env: Environment): ServerOptions {
  let logger = createLogger();
  try {
    const loaded = loadSettings(SERVER_SETTINGS, { args, env });
    logger = createLogger(loaded.settings.logLevel);
    return toOptions(loaded, env, logger);
  } finally {
    // Also where this fails: a misspelt variable may be the reason.
    for (const warning of variableWarnings(SERVER_SETTINGS, env)) logger.warn({}, warning);
  }
}

function toOptions(
  { config, settings, nameOf }: LoadedSettings<typeof SERVER_SETTINGS>,
  env: Environment,
  logger: Logger,
): ServerOptions {
  const { host, port = defaultPort(env), apiKey, logLevel: _, ...others } = settings;
  checkHost(host, nameOf("host"));
  if (apiKey === undefined && !isLoopback(host)) {
    const given = `${nameOf("host")}: ${host}`;
    throw new ConfigError(
      `${given} accepts clients from other machines, which could publish: set --api-key as well`,
    );
  }
  const sourcesName = nameOf("sources");
  return { host, port, apiKey, ...others, sourcesName, logger, config: { ...config, logger } };
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

/** An IPv6 address in a URL has brackets. */
function unbracketed(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}

/** What `--help` prints. */
export function helpText(): string {
  return `shardcast: a WebSocket broadcast server

Usage: bun run server [flags]

  --help, -h
      Print this.
  --version, -v
      Print the version.
${flagsHelp(SERVER_SETTINGS)}

Each flag is also an environment variable: --num-shards is SHARDCAST_NUM_SHARDS, and --no-sharding
is SHARDCAST_NO_SHARDING=true or SHARDCAST_SHARDING=false. In the config file the key is numShards,
as in code. Flags override variables, and variables override the file.`;
}
