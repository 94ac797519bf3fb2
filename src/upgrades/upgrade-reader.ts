import { excludeFromFtl } from "../process/exclude-from-ftl";
import { MAX_TEMPLATE_BYTES, MAX_TEMPLATES, UPGRADE_PARTS } from "../sharded/constants";
import type { CoreEvent } from "../sharded/native";
import { HeaderTemplate } from "./header-template";
import { type PendingUpgrade, UpgradeRequest } from "./upgrade-request";

type UpgradesEvent = Extract<CoreEvent, { type: "Upgrades" }>;

/**
 * Makes requests of the upgrades that the core reports. Each event can be read by itself: templates
 * are kept to save work, and no request depends on an earlier event.
 */
export class UpgradeReader {
  /** By their text, oldest first. A text that makes no headers is kept too. */
  readonly #templates = new Map<string, HeaderTemplate | undefined>();

  /** Calls `take` with each upgrade. It must not throw. */
  read({ templates, parts }: UpgradesEvent, take: (upgrade: PendingUpgrade) => void): void {
    const read = templates.map((text) => this.#template(text));
    let address = "";
    for (let at = 0; at < parts.length; at += UPGRADE_PARTS) {
      const template = read[parts[at + 2] as number];
      address = (parts[at + 4] as string | null) ?? address;
      const own = parts[at + 3] as string;
      const request = template && toRequest(parts[at + 1] as string, template, own);
      const upgrade = {
        id: parts[at] as number,
        request,
        address,
        port: parts[at + 5] as number,
        offersSubprotocols: template?.offersSubprotocols ?? false,
        decided: false,
      };
      if (request) request.pending = upgrade;
      take(upgrade);
    }
  }

  #template(text: string): HeaderTemplate | undefined {
    const known = this.#templates.get(text);
    if (known !== undefined || this.#templates.has(text)) return known;
    const template = readTemplate(text);
    if (text.length <= MAX_TEMPLATE_BYTES) this.#keep(text, template);
    return template;
  }

  #keep(text: string, template: HeaderTemplate | undefined): void {
    const [oldest] = this.#templates.size < MAX_TEMPLATES ? [] : this.#templates.keys();
    if (oldest !== undefined) this.#templates.delete(oldest);
    this.#templates.set(text, template);
  }
}

function toRequest(
  target: string,
  template: HeaderTemplate,
  own: string,
): UpgradeRequest | undefined {
  try {
    return UpgradeRequest.from(target, template, own);
  } catch {
    return undefined;
  }
}

function readTemplate(text: string): HeaderTemplate | undefined {
  try {
    return new HeaderTemplate(text);
  } catch {
    return undefined;
  }
}

excludeFromFtl(UpgradeReader.prototype.read, toRequest);
