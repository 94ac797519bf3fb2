import { accessSync, constants, statSync } from "node:fs";

/** Why a file cannot be read, to be put behind its name; nothing when it can. */
export function fileProblem(path: string): string | undefined {
  try {
    const status = statSync(path);
    if (status.isDirectory()) return "is a directory, not a file";
    // A device or a pipe may have no end, or block the process that opens it.
    if (!status.isFile()) return "is not a regular file";
    accessSync(path, constants.R_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return "does not exist";
    if (code === "EACCES") return "may not be read by this user";
    return `cannot be read: ${error instanceof Error ? error.message : error}`;
  }
}
