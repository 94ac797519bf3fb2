/**
 * Lets one set-up of a checkout run at a time, so that two terminals do not write the same files.
 *
 * The lock is the one that SQLite takes on its database file. It is built into Bun, works on every
 * system, and the kernel releases it when the process ends in whatever way: no lock is ever left
 * over from a set-up that was killed, which a file with a process id in it cannot promise.
 */

import { Database, SQLiteError } from "bun:sqlite";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { STATE_DIRECTORY } from "./stamp";

/** How often a waiting set-up asks for the lock. */
const RETRY_INTERVAL_MS = 100;

/** How long it asks. A build takes a minute or two; one that takes this long is stuck. */
const WAIT_LIMIT_MS = 15 * 60 * 1000;

/** Runs `work` while no other process does so for this root, waiting for its turn. */
export async function exclusively(root: string, work: () => Promise<void>): Promise<void> {
  await mkdir(join(root, STATE_DIRECTORY), { recursive: true });
  using database = new Database(join(root, STATE_DIRECTORY, "lock.sqlite"));
  await waitForTurn(database);
  // Closing the database releases the lock: the transaction only ever existed to hold it.
  await work();
}

async function waitForTurn(database: Database): Promise<void> {
  const deadline = performance.now() + WAIT_LIMIT_MS;
  let told = false;
  while (!tryLock(database)) {
    if (performance.now() > deadline) throw new Error("another set-up has not ended in 15 minutes");
    if (!told) console.error("shardcast: waiting for another set-up of this checkout to end ...");
    told = true;
    await Bun.sleep(RETRY_INTERVAL_MS);
  }
}

function tryLock(database: Database): boolean {
  try {
    database.run("BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (error instanceof SQLiteError && error.code === "SQLITE_BUSY") return false;
    throw error;
  }
}
