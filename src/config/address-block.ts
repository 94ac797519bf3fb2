import { isIP } from "node:net";

/** Whether this is an IP address, or a block of them such as `10.0.0.0/8`. */
export function isAddressOrBlock(text: string): boolean {
  const [address = "", prefix, ...more] = text.split("/");
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  if (prefix === undefined) return true;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128);
}
