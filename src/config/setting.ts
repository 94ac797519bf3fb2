/** The kinds of settings, what each allows, and how each is read from text. */

import { inspect } from "node:util";

/** The variables of a process, such as `process.env`. */
export type Environment = Record<string, string | undefined>;

/** What settings of every kind have. */
interface CommonOptions<Value> {
  doc: string;
  /** What it is where nothing sets it. */
  default?: Value;
  /** No message, log line or page repeats its value. */
  secret?: boolean;
  /** Its flag without `--`, from which its variable has its name. Default: `num-shards`. */
  flag?: string;
  /** What `--help` shows as its value. Default: its default. */
  placeholder?: string;
  /** Finds the variable of other programs that stands in for its own, if one does. */
  otherVariable?: (env: Environment) => string | undefined;
}

/** What a string must be, in words and as a test. */
interface StringFormat {
  name: string;
  allows: (text: string) => boolean;
}

/** True or false. */
export interface BooleanSetting extends CommonOptions<boolean> {
  kind: "boolean";
}

/** An integer in a range. */
export interface IntegerSetting extends CommonOptions<number> {
  kind: "integer";
  min: number;
  max: number;
  /** What is counted, such as `messages` or `ms`. */
  unit?: string;
}

/** A string, non-empty unless its format allows that. */
export interface StringSetting extends CommonOptions<string> {
  kind: "string";
  format?: StringFormat;
}

/** Any number of strings. */
export interface ListSetting extends CommonOptions<string[]> {
  kind: "list";
  /** What each of them must be. Default: non-empty. */
  items?: StringFormat;
}

/** One of a few strings. */
export interface EnumSetting extends CommonOptions<string> {
  kind: "enum";
  choices: readonly string[];
}

/** A value that can be set: its kind, what is allowed, and what it does. */
export type Setting = BooleanSetting | IntegerSetting | StringSetting | ListSetting | EnumSetting;

/** Settings by their keys. */
export type Settings = Record<string, Setting>;

/** The type of a setting's values. */
export type ValueOf<Of extends Setting> = Of extends { choices: readonly (infer Choice)[] }
  ? Choice
  : { boolean: boolean; integer: number; string: string; list: string[]; enum: string }[Of["kind"]];

/** A value of any of the kinds. */
export type Value = ValueOf<Setting>;

type WithDefault<Of extends Settings> = {
  [Key in keyof Of]: Of[Key] extends { default: unknown } ? Key : never;
}[keyof Of];

/** Values of settings, by their keys. Those without a default may be missing. */
export type ValuesOf<Of extends Settings> = {
  [Key in WithDefault<Of>]: ValueOf<Of[Key]>;
} & { [Key in Exclude<keyof Of, WithDefault<Of>>]?: ValueOf<Of[Key]> | undefined };

/**
 * A value that a setting does not allow. The message names the key, the value and what is allowed.
 *
 * @hideconstructor
 */
export class ConfigError extends RangeError {
  override readonly name = "ConfigError";
}

/**
 * Checks a value.
 *
 * @param name what the place that it comes from calls it, such as `--num-shards`
 * @throws ConfigError for a value of the wrong type and one out of range
 */
export function checked(setting: Setting, name: string, value: unknown): Value {
  if (allows(setting, value)) return value;
  throw mustBe(setting, name, value);
}

/**
 * Reads a value that is given as text. The items of a list are separated by ";" or by lines.
 *
 * @param name what the place that it comes from calls it, such as `SHARDCAST_NUM_SHARDS`
 * @throws ConfigError for what the setting does not allow
 */
export function fromText(setting: Setting, name: string, text: string): Value {
  switch (setting.kind) {
    case "boolean":
      return checked(setting, name, BOOLEANS.get(text) ?? text);
    case "integer": {
      const number = fromDigits(text);
      if (number !== undefined) return checked(setting, name, number);
      throw mustBe(setting, name, text, ", in decimal digits");
    }
    case "list":
      return checked(setting, name, items(text));
    case "string":
    case "enum":
      return checked(setting, name, text);
  }
}

const BOOLEANS = new Map([
  ["true", true],
  ["false", false],
]);

/**
 * The integer that plain decimal digits stand for; undefined for any other way to write one, such
 * as `1e3` or `0x10`, which is more likely a mistake.
 */
export function fromDigits(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** A value as a message shows it: a string in quotes, all else as code would write it. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY });
}

function items(text: string): string[] {
  const parts = text.split(/[;\n]/).map((part) => part.trim());
  return parts.filter((part) => part !== "");
}

function allows(setting: Setting, value: unknown): value is Value {
  switch (setting.kind) {
    case "boolean":
      return typeof value === "boolean";
    case "integer":
      return Number.isInteger(value) && within(setting, value as number);
    case "list":
      return Array.isArray(value) && value.every((item) => isItem(setting, item));
    case "string":
      return setting.format ? isString(value) && setting.format.allows(value) : isNonEmpty(value);
    case "enum":
      return isString(value) && setting.choices.includes(value);
  }
}

function within({ min, max }: IntegerSetting, value: number): boolean {
  return value >= min && value <= max;
}

function isItem({ items }: ListSetting, value: unknown): boolean {
  return isNonEmpty(value) && (items?.allows(value) ?? true);
}

function isNonEmpty(value: unknown): value is string {
  return isString(value) && value !== "";
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function mustBe(setting: Setting, name: string, value: unknown, notation = ""): ConfigError {
  const shown = setting.secret ? "" : `, not ${show(value)}`;
  return new ConfigError(`${name} must be ${allowed(setting)}${notation}${shown}`);
}

function allowed(setting: Setting): string {
  switch (setting.kind) {
    case "boolean":
      return "true or false";
    case "list":
      return `a list of ${setting.items?.name ?? "non-empty strings"}`;
    case "string":
      return setting.format?.name ?? "a non-empty string";
    case "enum":
      return `one of ${setting.choices.join(", ")}`;
    case "integer": {
      const { min, max, unit } = setting;
      return `an integer from ${min} to ${max}${unit ? ` ${unit}` : ""}`;
    }
  }
}
