import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate } from "node:timers";

import type { AppBackend } from "../app-backend/app-backend";
import type { Logger } from "../logging/logger";
import type { ClientReports } from "./clients/client-reports";
import type { Clients } from "./clients/clients";
import { EventPump } from "./event-pump";
import type { Core, CoreEvent, HotFunctions } from "./native";
import type { RunCounts } from "./run-counts";

/** Where the events of a core go. */
export interface EventReceivers {
  clients: Clients;
  reports: ClientReports;
  counts: RunCounts;
  logger: Logger;
  /** Nothing before the door is open and once the backend is closed. */
  backend: () => AppBackend | undefined;
}

/** Brings the events of one core to what they are for. */
export class RunEvents {
  /**
   * Calls a function in the async context of `listen`. Every event and every upgrade begins there,
   * as with Bun, and not in what the handler before has left.
   */
  readonly inContext = AsyncLocalStorage.snapshot();
  readonly #pump: EventPump;
  #hasEnded = false;

  constructor(
    private readonly core: Pick<Core, "finish" | "answerPing">,
    calls: Pick<HotFunctions, "drain">,
    private readonly receivers: EventReceivers,
  ) {
    const failed = (err: unknown) =>
      receivers.logger.error({ err }, "could not handle an event: this is a bug in shardcast");
    this.#pump = new EventPump(calls, (event) => this.inContext(this.#receive, event), failed);
  }

  /** Called by the core when events wait. */
  wake(): void {
    this.#pump.wake();
  }

  /** Takes the events that are left of a core that has stopped, and no more from then on. */
  end(): void {
    this.#hasEnded = true;
    this.#pump.end();
  }

  readonly #receive = (event: CoreEvent): void => {
    const { backend, clients, counts, logger, reports } = this.receivers;
    switch (event.type) {
      case "Report":
        reports.receive(event);
        break;
      case "Upgrades":
        backend()?.decide(event);
        break;
      case "UpgradeGivenUp":
        backend()?.abort(event.upgrade);
        break;
      case "AcceptFailed":
        counts.acceptFailed(event.reason);
        break;
      case "RequestsFailed":
        counts.requestsFailed(event);
        break;
      case "WorkerFailed": {
        const { shard, worker, reason } = event;
        logger.error({ shard, worker, reason }, "a worker has failed; its clients are closed");
        break;
      }
      case "PeerDone":
        this.#finish(event.client);
        break;
      default:
        clients.dispatch(event);
    }
  };

  /**
   * Closes a client that has ended its side. The event comes behind the client's messages, and
   * Elysia may answer those in a microtask: the answers go out before the close.
   */
  #finish(client: number): void {
    this.#later(() => this.core.finish(client));
  }

  /** Answers a ping behind the answers to the messages before it, for the same reason. */
  answerPing(client: number, payload: Buffer): void {
    // The app's handler is given the payload, and may write into it.
    const copy = Buffer.from(payload);
    this.#later(() => this.core.answerPing(client, copy));
  }

  #later(call: () => void): void {
    setImmediate(() => {
      if (!this.#hasEnded) call();
    });
  }
}
