/** The unix socket between the door and the Bun server behind it. */

import { randomBytes } from "node:crypto";
import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ShardcastError } from "../errors";

/** Bytes of a secret that cannot be guessed. */
const SECRET_BYTES = 16;

/**
 * Longest path that a unix socket's address holds everywhere: on macOS 104 bytes, with the last a
 * 0.
 */
const MAX_PATH_BYTES = 103;

/** Names of directories for sockets, with the process that has made them. */
const DIRECTORY = /^shardcast-socket-(\d+)-/;

/** An address for one server. */
export interface PrivateSocket {
  /** As Bun and the core take it: one that begins with a NUL is an abstract name, and no path. */
  path: string;
  /** Leaves nothing on the disk. */
  remove(): void;
}

/** A secret that fits into a header, and into an address. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString("hex");
}

/**
 * Finds a new address. On Linux it is an abstract name, which ends with its socket, however the
 * process ends, and which nothing that tidies files can remove. But every process of the machine
 * may connect to it, so that the server has to ask for a secret.
 */
export function privateSocket(): PrivateSocket {
  if (process.platform === "linux") {
    return { path: `\0shardcast-${newSecret()}`, remove: () => {} };
  }
  return socketFile();
}

/** An address in a directory that no other user may enter. */
export function socketFile(): PrivateSocket {
  removeStale();
  // mkdtemp makes the directory with mode 0700.
  const directory = mkdtempSync(join(tmpdir(), `shardcast-socket-${process.pid}-`));
  const remove = () => {
    process.off("exit", remove);
    rmSync(directory, { recursive: true, force: true });
  };
  // For a process that exits without having stopped its server.
  process.once("exit", remove);
  const path = join(directory, "http");
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return { path, remove };
  remove();
  throw new ShardcastError(
    "LISTEN_FAILED",
    `TMPDIR is too long: the path of a unix socket has at most ${MAX_PATH_BYTES} bytes: ${path}`,
  );
}

/** Removes the directories of this user's processes that were killed. */
function removeStale(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = DIRECTORY.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const directory = join(tmpdir(), name);
    const { uid } = lstatSync(directory, { throwIfNoEntry: false }) ?? {};
    if (uid === process.getuid?.()) rmSync(directory, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // A process of another user exists too, though it takes no signal.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
