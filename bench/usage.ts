/** What a process uses, from Linux's /proc. */

import { readFileSync } from "node:fs";

/** Clock ticks a second, in which Linux counts CPU time: fixed at 100 for user space. */
const TICKS_PER_SECOND = 100;
/** The fields of /proc/<pid>/stat after the name, which may itself hold spaces: utime and stime. */
const UTIME_AFTER_NAME = 11;
const STIME_AFTER_NAME = 12;
/** The field of a processor's line in /proc/stat after its name. */
const STOLEN = 7;

/** Seconds of CPU, user and system, of all threads since the start. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[UTIME_AFTER_NAME]) + Number(fields[STIME_AFTER_NAME]);
  return ticks / TICKS_PER_SECOND;
}

/** Seconds for which the hypervisor kept this machine's processor `core` from running, since its start. */
export function stolenSeconds(core: number): number {
  const line = new RegExp(`^cpu${core} (.*)$`, "m").exec(readFileSync("/proc/stat", "utf8"))?.[1];
  return Number(line?.split(" ")[STOLEN] ?? 0) / TICKS_PER_SECOND;
}

/** Bytes of memory that are resident now. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}
