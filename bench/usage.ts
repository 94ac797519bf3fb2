/** What a process uses, from Linux's /proc. */

import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks a second, in which Linux counts CPU time: fixed at 100 for user space. */
const TICKS_PER_SECOND = 100;
const NANOSECONDS_PER_SECOND = 1e9;
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

/**
 * Seconds of CPU of the threads that live now, by their names. Those that differ by a number are
 * one sum.
 */
export function threadCpuSeconds(pid: number): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const cpu = cpuOfThread(`/proc/${pid}/task/${thread}`);
    if (cpu) sums.set(cpu.name, (sums.get(cpu.name) ?? 0) + cpu.seconds);
  }
  return sums;
}

/** Nothing of a thread that has ended since it was listed. */
function cpuOfThread(directory: string): { name: string; seconds: number } | undefined {
  try {
    const name = readFileSync(`${directory}/comm`, "utf8").trim().replace(/\d+$/, "*");
    const [nanoseconds] = readFileSync(`${directory}/schedstat`, "utf8").split(" ");
    return { name, seconds: Number(nanoseconds) / NANOSECONDS_PER_SECOND };
  } catch {
    return undefined;
  }
}

/**
 * Seconds for which the hypervisor kept this machine's processor `core` from running, since its
 * start.
 */
export function stolenSeconds(core: number): number {
  const line = new RegExp(`^cpu${core} (.*)$`, "m").exec(readFileSync("/proc/stat", "utf8"))?.[1];
  return Number(line?.split(" ")[STOLEN] ?? 0) / TICKS_PER_SECOND;
}

/** Bytes of memory that are resident now. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}
