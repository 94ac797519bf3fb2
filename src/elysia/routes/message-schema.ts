/** What the schemas of a route say of its messages, in both directions. */

import { ValidationError } from "elysia";

import { truncateJson } from "./truncate-json";

/** What Elysia makes of a schema, as far as it is needed here. */
export type Validator =
  | { provider: "typebox"; Check(value: unknown): boolean; Errors(value: unknown): object }
  | { provider: "standard"; schema: { "~standard": StandardValidator } };
interface StandardValidator {
  validate(value: unknown): { issues?: unknown };
}

/** What the text of an error repeats of a message: it is indented for each level of that. */
const SHOWN = { depth: 8, members: 64, characters: 2048 };
/** Where the first error is looked for: each level and member of it takes microseconds. */
const SEARCHED = { depth: 32, members: 200, characters: Number.POSITIVE_INFINITY };

/** Whether a schema does not allow a message. */
export function isInvalid(validator: Validator, message: unknown): boolean {
  if (validator.provider === "standard") return Boolean(issuesOf(validator, message));
  return !validator.Check(message);
}

/**
 * Elysia's error for an invalid message. That may be a stranger's, or an answer made of one. Of
 * 32 KiB of "[" the whole text would have a gigabyte, and to find what is wrong with 1 MiB of bytes
 * takes half a second.
 */
export function validationError(validator: Validator, message: unknown): ValidationError {
  const shown = truncateJson(message, SHOWN);
  const make = (...parts: unknown[]) =>
    new ValidationError("message", validator as never, ...(parts as [never]));
  if (shown === message) return make(message);
  const searched = truncateJson(message, SEARCHED);
  const issues =
    validator.provider === "typebox"
      ? validator.Errors(searched)
      : firstOf(issuesOf(validator, searched));
  return Object.assign(make(shown, false, issues), { value: message });
}

function issuesOf(validator: Extract<Validator, { provider: "standard" }>, value: unknown) {
  return validator.schema["~standard"].validate(value).issues;
}

function firstOf(issues: unknown): unknown {
  return Array.isArray(issues) ? issues.slice(0, 1) : issues;
}
