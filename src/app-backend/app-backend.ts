import type { CoreEvent } from "../sharded/native";

/** The Elysia app behind the door, which decides on upgrades and answers plain HTTP. */
export interface AppBackend {
  /** Decides on upgrades. Never throws. */
  decide(event: Extract<CoreEvent, { type: "Upgrades" }>): void;
  /** The client of an upgrade has left, or has waited too long. */
  abort(upgrade: number): void;
  /** HTTP requests and upgrades that are not answered yet. */
  pending(): number;
  /** Ends plain HTTP at once, and every upgrade that is not decided yet. */
  close(): void;
}
