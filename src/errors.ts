/** How the system's names for errors look, such as `EADDRINUSE`. */
const SYSTEM_NAME = /^E[A-Z]{2,}\b/;

/** The kind of error, for programs. The message is for people. */
export type ShardcastErrorCode =
  | "ALREADY_LISTENING"
  | "ALREADY_OBSERVING"
  | "BUN_TOO_OLD"
  | "LISTEN_FAILED"
  | "NATIVE_MISSING"
  | "NOT_LISTENING"
  | "UNSUPPORTED";

/** Misuse, or a failed start. A full queue or a slow client is a result, never an error. */
export class ShardcastError extends Error {
  override readonly name = "ShardcastError";

  constructor(
    /** The kind of error, or the system's own code, such as `EADDRINUSE`. */
    readonly code: ShardcastErrorCode | (string & {}),
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * An error for a part of Bun's interface that sharded mode does not offer yet.
 *
 * @param instead what does the same, but for giving sharding up
 */
export function unsupported(what: string, instead = ""): ShardcastError {
  const advice = `${instead}${instead && " "}With useSharding: false, Bun's own works.`;
  return new ShardcastError("UNSUPPORTED", `${what} is not supported by shardcast yet. ${advice}`);
}

/**
 * The error for a port that could not be opened.
 *
 * @param cause what the core threw; its code becomes this error's
 */
export function listenFailed(host: string, port: number, cause: unknown): ShardcastError {
  const code = systemCode(cause) ?? "LISTEN_FAILED";
  const reasons: Record<string, string> = {
    EADDRINUSE: "the port is in use. End the program that listens there, or choose another port",
    ENOTFOUND: "this name has no address. Choose another name, or an IP address",
    EACCES: "this user is not allowed to open the port. Choose a port from 1024 up",
    EADDRNOTAVAIL:
      "this machine does not have that address. Choose one of the machine's addresses, or 0.0.0.0 for all of them",
  };
  const reason = reasons[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new ShardcastError(code, `cannot listen on ${host}:${port}: ${reason}`, { cause });
}

/** Whether something failed for want of a descriptor. */
export function isOutOfFiles(error: unknown): boolean {
  return systemCode(error) === "EMFILE";
}

/** The system's name for an error. */
function systemCode(error: unknown): string | undefined {
  const { code } = error as Partial<NodeJS.ErrnoException>;
  return SYSTEM_NAME.exec(code ?? "")?.[0];
}
