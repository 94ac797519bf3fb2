/** Schemas in the part of JSON Schema that OpenAPI 3.0 has. */

export const COUNT = { type: "integer", minimum: 0 } as const;
export const FLAG = { type: "boolean" } as const;
export const NAME = { type: "string" } as const;

/** A count with what is counted. */
export function count(description: string) {
  return { ...COUNT, description };
}

/** Objects of a type, by the schemas of its keys: one that is missing is an error of types. */
export function object<Of>(
  properties: Record<keyof Of & string, object>,
  optional: readonly string[] = [],
) {
  const required = Object.keys(properties).filter((key) => !optional.includes(key));
  return { type: "object" as const, required, properties };
}

export function list<Items extends object>(items: Items) {
  return { type: "array" as const, items };
}
