/** Names of hosts and origins of web pages, as settings allow them: exactly, or but for a label. */

import { isIP } from "node:net";

/** The first label may be a wildcard, as in a certificate: `*.example.com`. */
const HOST = /^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i;
const ORIGIN = /^(https?):\/\/([^/:]+|\[[0-9a-f:]+\])(:\d{1,5})?$/i;

/** Whether a text can be allowed as a host. */
export function isHostPattern(text: string): boolean {
  return HOST.test(text) && !text.includes("..");
}

/** Whether a text can be allowed as an origin: a scheme, a host and, if it needs one, a port. */
export function isOriginPattern(text: string): boolean {
  const [, , host = ""] = ORIGIN.exec(text) ?? [];
  return URL.canParse(text) && (host.startsWith("[") || isHostPattern(host));
}

/** The name of a `Host` header, without a port and as browsers write it; nothing of no name. */
export function hostNameOf(header: string): string | undefined {
  const url = `http://${header}`;
  if (!URL.canParse(url)) return undefined;
  const { hostname, host, href } = new URL(url);
  // What is more than a host and a port is none.
  return href === `http://${host}/` ? hostname.replace(/\.$/, "") : undefined;
}

/** Whether no owner of a domain can make a name resolve to this machine. */
export function isUnspoofable(hostname: string): boolean {
  const address = hostname.replace(/^\[(.*)\]$/, "$1");
  return isIP(address) !== 0 || hostname === "localhost" || hostname.endsWith(".localhost");
}

/** Makes the test for whether a name of a host is one of these. */
export function hostMatcher(patterns: readonly string[]): (hostname: string) => boolean {
  return matcher(patterns.map((pattern) => pattern.toLowerCase()));
}

/** Makes the test for whether an `Origin` header names one of these. */
export function originMatcher(patterns: readonly string[]): (origin: string) => boolean {
  // As browsers write them: in lower case, and without the port that their scheme has anyway.
  return matcher(patterns.map((pattern) => new URL(pattern).origin));
}

function matcher(patterns: readonly string[]): (name: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.includes("*")));
  const wild = patterns.filter((pattern) => pattern.includes("*")).map(toExpression);
  return (name) => exact.has(name) || wild.some((expression) => expression.test(name));
}

/** The wildcard stands for one label, whose characters end with the dot behind it. */
function toExpression(pattern: string): RegExp {
  return new RegExp(`^${RegExp.escape(pattern).replace("\\*", "[a-z0-9_-]+")}$`);
}
