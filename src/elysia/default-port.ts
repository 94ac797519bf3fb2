/** The port of a server that names none, found where Bun finds it. */

import { readFileSync } from "node:fs";

import type { Environment } from "../config/setting";

/** Where Bun looks for a port that it is not given, the first before the next. */
export const PORT_VARIABLES = ["BUN_PORT", "PORT", "NODE_PORT"] as const;
const DEFAULT_PORT = 3000;
const MAX_PORT = 65_535;

/** Bun takes a number with or without a sign, and with underscores between its digits. */
const PORT = /^\+?\d(?:[\d_]*\d)?$/;

/** The variable in which Bun finds a port. It skips those that hold none by its own rules. */
export function portVariable(env: Environment): string | undefined {
  return PORT_VARIABLES.find((name) => toPort(env[name]) !== undefined);
}

/**
 * The port that `Bun.serve` takes when it is given none: of a variable, of `bun --port`, of
 * `[serve]` in Bun's own config file, or 3000.
 *
 * @param flags of Bun's own command line
 */
export function defaultPort(
  env: Environment = process.env,
  flags: readonly string[] = process.execArgv,
): number {
  const variable = portVariable(env);
  const given = toPort(variable && env[variable]) ?? toPort(flag(flags, "--port"));
  if (given !== undefined) return given;
  const file = flag(flags, "--config") ?? flag(flags, "-c") ?? "bunfig.toml";
  return portOf(file) ?? DEFAULT_PORT;
}

function toPort(text: string | undefined): number | undefined {
  if (text === undefined || !PORT.test(text)) return undefined;
  const port = Number(text.replaceAll("_", ""));
  return port <= MAX_PORT ? port : undefined;
}

/** The value of a flag, behind `=` or as the next argument. The last one wins. */
function flag(args: readonly string[], name: string): string | undefined {
  const at = args.findLastIndex((arg) => arg === name || arg.startsWith(`${name}=`));
  if (at < 0) return undefined;
  return args[at]?.split("=")[1] ?? args[at + 1];
}

/** That of a file which Bun has read before. There, 0 is no port to Bun. */
function portOf(bunfig: string): number | undefined {
  try {
    const { serve } = Bun.TOML.parse(readFileSync(bunfig, "utf8")) as Record<string, unknown>;
    const { port } = serve as { port?: number };
    return toPort(String(port)) || undefined;
  } catch {
    // There is none, or it has no section of a server.
    return undefined;
  }
}
