/** Web pages of other sites, which a browser lets talk to any server that its user can reach. */

/** What they are told. */
export const FOREIGN_PAGE = {
  error: "this is not for web pages of another origin than the server's",
};

/**
 * Whether a web page of another origin has sent a request. A browser names the origin of the page
 * in `Origin`, and where the page believes to be in `Host`; other clients send no `Origin`.
 */
export function isFromForeignPage(headers: Record<string, string | undefined>): boolean {
  const { origin, host = "" } = headers;
  if (origin === undefined) return false;
  // "null" is the origin of pages that are from nowhere, such as a file or a sandbox.
  if (!URL.canParse(origin)) return true;
  const { protocol, host: home } = new URL(origin);
  // With the scheme of the page, so that its default port is one and the same as none.
  const asked = `${protocol}//${host}`;
  return !URL.canParse(asked) || new URL(asked).host !== home;
}
