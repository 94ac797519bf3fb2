/** What the ready-made server is told by flags, by the environment and by a config file. */

import { isIP } from "node:net";

import { version } from "../../package.json";
import { CONFIG_KEYS, type ResolvedConfig } from "../config/config";
import { changingFlagOf, type Environment, type Settings, variableOf } from "../config/layers";
import {
  FILE_SETTING,
  LOADED_SETTINGS,
  layered,
  toConfig,
  warnOfUnknownVariables,
} from "../config/load-config";
import { ConfigError, type Setting } from "../config/setting";
import { defaultPort } from "../elysia/default-port";
import { createLogger, type Logger, type LogLevel } from "../logging/logger";
import { SERVER_SETTINGS } from "./server-settings";

const DEFAULT_HOST = "127.0.0.1";
/** What to end with after it is printed, by flag. */
const PRINTED = new Map<string, () => string>([
  ["--help", helpText],
  ["-h", helpText],
  ["--version", () => version],
  ["-v", () => version],
]);

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
  /** Names of hosts that it answers for, besides IP addresses and localhost. */
  allowedHosts: string[];
  /** Origins of web pages that may use it, besides its own. */
  allowedOrigins: string[];
  /** Specs of sources, such as `stdin:channel=ticks`. */
  sources: string[];
  /** What a message about the sources calls them: `--source` or the place that they come from. */
  sourcesName: string;
  logger: Logger;
  config: ResolvedConfig;
}

const SETTINGS = { ...SERVER_SETTINGS, ...LOADED_SETTINGS };

/** The text that the command line asks for instead of a server; nothing if it wants one. */
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
  const { values, nameOf } = layered(SETTINGS, { args, env });
  const {
    host = DEFAULT_HOST,
    port = defaultPort(env),
    apiKey,
    logLevel,
    sources = [],
    allowedHosts = [],
    allowedOrigins = [],
    ...rest
  } = values;
  checkHost(host, nameOf("host"));
  if (apiKey === undefined && !isLoopback(host)) {
    const given = `${nameOf("host")}: ${host}`;
    throw new ConfigError(`${given} lets others in, who could publish: set --api-key as well`);
  }
  // Checked against the choices as every value was against its setting.
  const logger = createLogger(logLevel as LogLevel | undefined);
  warnOfUnknownVariables(env, logger);
  const config = { ...toConfig({ values: rest, nameOf }), logger };
  const access = { apiKey, allowedHosts, allowedOrigins };
  return { host, port, ...access, sources, sourcesName: nameOf("sources"), logger, config };
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
  placementKey: "HEX",
  config: "FILE",
  port: "3000",
  host: DEFAULT_HOST,
  apiKey: "KEY",
  allowedHosts: "NAME",
  allowedOrigins: "ORIGIN",
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

  --help, -h
      Print this.
  --version, -v
      Print the version.
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
