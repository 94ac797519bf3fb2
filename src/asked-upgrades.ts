import { keepFromFtl } from "./keep-from-ftl";
import type { CoreEvent } from "./native";
import { RequestHead } from "./request-head";
import { UpgradeRequest } from "./upgrade-request";

type HeadEvent = Extract<CoreEvent, { type: "Head" }>;
type UpgradesEvent = Extract<CoreEvent, { type: "Upgrades" }>;

/** One client that asks for a WebSocket. */
export interface AskedUpgrade {
  /** By which the core knows it until it is decided. */
  id: number;
  /** Nothing where no request can be made of its head. */
  request: UpgradeRequest | undefined;
  /** The nearest that it comes from. */
  address: string;
  port: number;
  /** Whether it offers subprotocols. */
  offersSubprotocols: boolean;
  /** It was accepted or refused. Written by whoever does so; nobody may do it twice. */
  decided: boolean;
}

/** Numbers and texts that the core sends of each. */
const PARTS = 6;

/**
 * Reads the upgrades that the core brings, none of which may be left out: of heads and addresses it
 * tells what is new alone.
 */
export class AskedUpgrades {
  /** By their numbers. The core limits how many it gives out. */
  readonly #heads: (RequestHead | undefined)[] = [];
  #address = "";

  /** Learns what a number stands for from here on. */
  learn({ number, head }: HeadEvent): void {
    this.#heads[number] = readHead(head);
  }

  /** Hands each to `take`, which must not throw. */
  read({ parts }: UpgradesEvent, take: (asked: AskedUpgrade) => void): void {
    for (let at = 0; at < parts.length; at += PARTS) {
      const head = this.#heads[parts[at + 2] as number];
      this.#address = (parts[at + 4] as string | null) ?? this.#address;
      const request = head && toRequest(parts[at + 1] as string, head, parts[at + 3] as string);
      const asked = {
        id: parts[at] as number,
        request,
        address: this.#address,
        port: parts[at + 5] as number,
        offersSubprotocols: head?.offersSubprotocols ?? false,
        decided: false,
      };
      if (request) request.ask = asked;
      take(asked);
    }
  }
}

function toRequest(target: string, head: RequestHead, own: string): UpgradeRequest | undefined {
  try {
    return UpgradeRequest.from(target, head, own);
  } catch {
    return undefined;
  }
}

function readHead(printed: string): RequestHead | undefined {
  try {
    return new RequestHead(printed);
  } catch {
    return undefined;
  }
}

keepFromFtl(AskedUpgrades.prototype.read, toRequest);
