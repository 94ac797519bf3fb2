import { createHash, timingSafeEqual } from "node:crypto";

/**
 * Makes the check of an `Authorization` header against an API key. It takes the same time however
 * much of the key is right. Without a key, everyone may.
 */
export function bearerCheck(apiKey: string | undefined): (header: string | undefined) => boolean {
  if (apiKey === undefined) return () => true;
  const expected = digest(apiKey);
  return (header) => timingSafeEqual(digest(credentials(header)), expected);
}

/** What follows the scheme, whose name may be in any case. Nothing of another scheme. */
function credentials(header = ""): string {
  return /^bearer +(.*)$/i.exec(header)?.[1] ?? "";
}

/** Digests are of one length, which the comparison needs. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
