/** The kinds of values that can be set, what each allows, and how each is read from text. */

import { inspect } from "node:util";

/** What settings of every kind have. */
interface Described {
  doc: string;
  /** No message, log line or page may repeat its value. */
  secret?: boolean;
  /** Names the variable of another program that stands in for its own, if one does. */
  otherVariable?: (env: Record<string, string | undefined>) => string | undefined;
}

/** On or off. */
export interface Switch extends Described {
  kind: "switch";
}

/** A whole number. */
export interface Whole extends Described {
  kind: "whole";
  min: number;
  max: number;
  /** What is counted, such as `messages` or `ms`. */
  unit?: string;
}

/** A text that is not empty, unless its form allows that. */
export interface Text extends Described {
  kind: "text";
  /** What it must be, in words and as a test. */
  form?: { name: string; allows: (text: string) => boolean };
}

/** Any number of texts. */
export interface List extends Described {
  kind: "list";
  /** What each of them must be, in words and as a test. Without it any will do. */
  items?: { name: string; allows: (text: string) => boolean };
}

/** One of a few words. */
export interface Choice extends Described {
  kind: "choice";
  choices: readonly string[];
}

/** What is to be known of something that can be set. */
export type Setting = Switch | Whole | Text | List | Choice;

/** The type of a setting's values. */
export type ValueOf<Of extends Setting> = Of["kind"] extends "switch"
  ? boolean
  : Of["kind"] extends "whole"
    ? number
    : Of["kind"] extends "list"
      ? string[]
      : string;

/** A value of any of the kinds. */
export type Value = boolean | number | string | string[];

/**
 * A value that cannot be. The message names the key, the value and what is allowed.
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
 * Reads a value that is given as text. A list is parted by ";" or by lines.
 *
 * @param name what the place that it comes from calls it, such as `SHARDCAST_NUM_SHARDS`
 * @throws ConfigError for what the setting does not allow
 */
export function fromText(setting: Setting, name: string, text: string): Value {
  switch (setting.kind) {
    case "switch":
      return checked(setting, name, SWITCHES.get(text) ?? text);
    case "whole": {
      const number = fromDigits(text);
      if (number !== undefined) return checked(setting, name, number);
      throw mustBe(setting, name, text, " in plain digits");
    }
    case "list":
      return checked(setting, name, items(text));
    case "text":
    case "choice":
      return checked(setting, name, text);
  }
}

const SWITCHES = new Map([
  ["true", true],
  ["false", false],
]);

/**
 * The whole number that plain decimal digits stand for; nothing for any other way to write one,
 * such as `1e3` or `0x10`, which is more likely a mistake.
 */
export function fromDigits(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** A value as a message shows it: a text in quotes, all else as code would write it. */
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
    case "switch":
      return typeof value === "boolean";
    case "whole":
      return isWhole(value) && value >= setting.min && value <= setting.max;
    case "list":
      return Array.isArray(value) && value.every((item) => isText(item) && isItem(setting, item));
    case "text":
      return setting.form ? typeof value === "string" && setting.form.allows(value) : isText(value);
    case "choice":
      return isText(value) && setting.choices.includes(value);
  }
}

function isItem({ items }: List, text: string): boolean {
  return items?.allows(text) ?? true;
}

function isWhole(value: unknown): value is number {
  return Number.isInteger(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function mustBe(setting: Setting, name: string, value: unknown, manner = ""): ConfigError {
  const shown = setting.secret ? "" : `, not ${show(value)}`;
  return new ConfigError(`${name} must be ${allowed(setting)}${manner}${shown}`);
}

function allowed(setting: Setting): string {
  switch (setting.kind) {
    case "switch":
      return "true or false";
    case "list":
      return `a list of ${setting.items?.name ?? "texts that are not empty"}`;
    case "text":
      return setting.form?.name ?? "a text that is not empty";
    case "choice":
      return `one of ${setting.choices.join(", ")}`;
    case "whole": {
      const { min, max, unit } = setting;
      return `a whole number${unit ? ` of ${unit}` : ""} from ${min} to ${max}`;
    }
  }
}
