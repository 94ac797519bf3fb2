/** The state of single clients. The workers report it, a while after a request. */

import type { Core, CoreEvent, DeliveryCounts, DroppedMessages } from "../native";
import type { Clients } from "./clients";

export type { DeliveryCounts, DroppedMessages };

/** A client that accepts less than the server sends. */
export interface SlowClient {
  /** The id that decided its shard and worker. */
  id: string;
  shard: number;
  /** Counted within the shard. */
  worker: number;
  /** IP address. */
  address: string;
  /** Published messages that wait for it. Unknown without sharding. */
  lagMessages?: number;
  /** Bytes that wait for it: of published messages; without sharding, of all. */
  lagBytes: number;
  /** Messages expected to reach it, and what became of them. Unknown without sharding. */
  deliveryCounts?: DeliveryCounts;
}

/** Two counts of the same deliveries. A difference between them is a bug in shardcast. */
export interface Reconciliation {
  /** The sum of the delivery counts of all clients, past ones too. */
  clients: DeliveryCounts;
  /** What the workers of all shards have counted. */
  shards: DeliveryCounts;
}

export const DEFAULT_TOP = 10;
/** The most clients in a list. */
const MAX_TOP = 10_000;

/** @throws RangeError for what is no length of a list */
export function checkTop(top: number): void {
  if (Number.isInteger(top) && top >= 0 && top <= MAX_TOP) return;
  throw new RangeError(`top must be a whole number from 0 to ${MAX_TOP}, not ${top}`);
}

type Report = Extract<CoreEvent, { type: "Report" }>;

/** Asks the workers of one core, and waits for their reports. */
export class ClientReports {
  /** By the id of the request. */
  readonly #waiting = new Map<number, (report: Report | undefined) => void>();

  constructor(
    private readonly core: Pick<
      Core,
      "requestSlowestClients" | "requestClientReport" | "requestReconciliation"
    >,
    private readonly clients: Pick<Clients, "get">,
  ) {}

  async slowest(top: number): Promise<SlowClient[]> {
    const report = await this.#reportOf(this.core.requestSlowestClients(top));
    return (report?.clients ?? []).flatMap(({ client, lagMessages, lagBytes, deliveryCounts }) => {
      const socket = this.clients.get(client);
      if (!socket) return [];
      const { id, shard, worker, remoteAddress: address } = socket;
      return [{ id, shard, worker, address, lagMessages, lagBytes, deliveryCounts }];
    });
  }

  async deliveryCounts(handle: number): Promise<DeliveryCounts | undefined> {
    const report = await this.#reportOf(this.core.requestClientReport(handle));
    return report?.clients[0]?.deliveryCounts;
  }

  async reconcile(): Promise<Reconciliation | undefined> {
    const report = await this.#reportOf(this.core.requestReconciliation());
    return report && { clients: report.clientTotals, shards: report.workerTotals };
  }

  /** Passes on what the workers have answered. */
  receive(report: Report): void {
    this.#waiting.get(report.id)?.(report);
    this.#waiting.delete(report.id);
  }

  /** Ends all waiting, when the core has ended. */
  abandonAll(): void {
    for (const resolve of this.#waiting.values()) resolve(undefined);
    this.#waiting.clear();
  }

  #reportOf(request: number): Promise<Report | undefined> {
    return new Promise((resolve) => this.#waiting.set(request, resolve));
  }
}
