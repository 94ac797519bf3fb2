/** Who a request comes from, where proxies stand before the server. */

import { BlockList, isIP } from "node:net";

/** Where a request comes from. */
export interface PeerAddress {
  address: string;
  port: number;
}

/** Proxies whose `X-Forwarded-For` is believed. */
export class TrustedProxies {
  readonly #blocks = new BlockList();
  readonly #isEmpty: boolean;

  /** @param blocks addresses and blocks of them, as `trustedProxies` of the config allows them */
  constructor(blocks: readonly string[]) {
    this.#isEmpty = blocks.length === 0;
    for (const block of blocks) {
      const [address = "", prefix] = block.split("/");
      const family = familyOf(address);
      if (prefix === undefined) this.#blocks.addAddress(address, family);
      else this.#blocks.addSubnet(address, Number(prefix), family);
    }
  }

  /**
   * The client behind `peer`. `X-Forwarded-For` grows to the right, so from there on each entry is
   * believed as long as a trusted proxy has written it: the first that is no proxy's is the
   * client's. An entry that is no address ends the search: the address before it is taken.
   *
   * @param headers of its request; a port in the field is the client's, without one it is 0
   */
  clientOf(peer: PeerAddress, headers: Headers): PeerAddress {
    if (this.#isEmpty) return peer;
    let client = peer;
    const entries = headers.get("x-forwarded-for")?.split(",").toReversed() ?? [];
    for (const entry of entries) {
      if (!this.#trusts(client.address)) return client;
      const next = parseEntry(entry.trim());
      if (!next) return client;
      client = next;
    }
    return client;
  }

  #trusts(address: string): boolean {
    // A socket for IPv4 and IPv6 at once shows an IPv4 proxy as one of IPv6.
    const own = unmapped(address);
    return this.#blocks.check(own, familyOf(own));
  }
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}

/** `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`. */
function parseEntry(entry: string): PeerAddress | undefined {
  if (isIP(entry)) return { address: unmapped(entry), port: 0 };
  const [, bracketed, plain, port = "0"] =
    /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(entry) ?? [];
  const address = bracketed ?? plain ?? "";
  return isIP(address) ? { address: unmapped(address), port: Number(port) } : undefined;
}

/** An IPv4 address as such, also where it was written as one of IPv6. */
function unmapped(address: string): string {
  const ipv4 = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  return ipv4 !== undefined && isIP(ipv4) === 4 ? ipv4 : address;
}
