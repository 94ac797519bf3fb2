/** The environment: the variables of settings, and the values that they provide. */

import { flagOf } from "./flags";
import type { Provider } from "./provider";
import { type Environment, fromText, type Setting, type Settings, type Value } from "./setting";
import { nearestName } from "./unknown-name";

const PREFIX = "SHARDCAST_";

/** The variable of a setting: `SHARDCAST_NUM_SHARDS` of `numShards`. */
export function variableOf(key: string, setting?: Setting): string {
  return toVariable(flagOf(key, setting));
}

/** The variable of `--no-…`; boolean settings alone have one. */
function negatedVariableOf(key: string, setting: Setting): string | undefined {
  return setting.kind === "boolean" ? toVariable(`no-${flagOf(key, setting)}`) : undefined;
}

/** Every variable of a setting. */
export function variablesOf(key: string, setting: Setting): string[] {
  const negation = negatedVariableOf(key, setting);
  return negation ? [variableOf(key, setting), negation] : [variableOf(key, setting)];
}

function toVariable(flag: string): string {
  return `${PREFIX}${flag.toUpperCase().replaceAll("-", "_")}`;
}

/**
 * Reads the environment.
 *
 * @throws ConfigError naming the variable
 */
export function fromVariables(settings: Settings, env: Environment): Provider {
  const values: Record<string, Value> = {};
  for (const [key, setting] of Object.entries(settings)) {
    const name = deciding(key, setting, env);
    const text = env[name];
    const value = text === undefined ? negated(key, setting, env) : fromText(setting, name, text);
    if (value !== undefined) values[key] = value;
  }
  return { values, nameOf: (key) => deciding(key, settings[key], env) };
}

/** The variable that decides on a key: its own, or else one that stands in for it. */
function deciding(key: string, setting: Setting | undefined, env: Environment): string {
  const own = variableOf(key, setting);
  if (!setting || env[own] !== undefined) return own;
  return setting.otherVariable?.(env) ?? own;
}

function negated(key: string, setting: Setting, env: Environment): boolean | undefined {
  const name = negatedVariableOf(key, setting);
  const text = name && env[name];
  return text === undefined ? undefined : !fromText(setting, name ?? key, text);
}

/** What Kubernetes and Docker set for a service that is called shardcast, as `NAME=value`. */
const OF_A_SERVICE = /^SHARDCAST_(SERVICE_|PORT_\d|PORT=(tcp|udp|sctp):\/\/)/;

/** A warning for each variable that is named as a setting's and belongs to none. */
export function unknownVariables(settings: Settings, env: Environment): string[] {
  const known = Object.entries(settings).flatMap((entry) => variablesOf(...entry));
  const set = Object.keys(env).filter((name) => name.startsWith(PREFIX) && env[name] !== undefined);
  const others = set.filter((name) => !OF_A_SERVICE.test(`${name}=${env[name]}`));
  const unknown = others.filter((name) => !known.includes(name));
  return unknown.map((name) => {
    const nearest = nearestName(name, known);
    const advice = nearest === undefined ? "" : `: did you mean ${nearest}?`;
    return `the variable ${name} is ignored, because no setting has that name${advice}`;
  });
}
