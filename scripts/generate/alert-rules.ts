/**
 * Writes the rules for Prometheus, from the table by which the live page judges too.
 *
 *     bun run docs
 */

import { join } from "node:path";

import { ALERT_RULES, type AlertRule } from "../../src/server/live/alert-rules";

/** The rules, from the root of the checkout. */
export const ALERT_RULES_FILE = "examples/prometheus/alerts.yml";

const HEAD = `# The table of docs/operations.md, as rules. Written by \`bun run docs\` from src/server/live/alert-rules.ts.
groups:
  - name: shardcast
    rules:
`;

/** The file as it should be. */
export function alertRules(): string {
  return HEAD + ALERT_RULES.map(written).join("");
}

/** The condition in PromQL: the rule holds where it has a value. */
export function conditionOf({ expr, above }: Pick<AlertRule, "expr" | "above">): string {
  // `and` binds less than a comparison.
  return `${/\band\b/.test(expr) ? `(${expr})` : expr} > ${above}`;
}

function written(rule: AlertRule): string {
  const lines = [
    `- alert: ${rule.name}`,
    "  expr: |",
    ...conditionOf(rule)
      .split("\n")
      .map((line) => `    ${line}`),
    ...(rule.for ? [`  for: ${rule.for}`] : []),
    `  labels: { severity: ${rule.severity} }`,
    "  annotations:",
    `    summary: ${rule.summary}`,
  ];
  return lines.map((line) => `      ${line}\n`).join("");
}

if (import.meta.main)
  await Bun.write(join(import.meta.dir, "../..", ALERT_RULES_FILE), alertRules());
