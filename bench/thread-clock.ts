/**
 * The CPU time of this thread: what a call costs it, whatever else runs on its core. Linux
 * only.
 */

import { dlopen, FFIType, ptr } from "bun:ffi";

/** Of Linux's clock_gettime(2). */
const CLOCK_THREAD_CPUTIME_ID = 3;
const NANOSECONDS_PER_SECOND = 1e9;

const { symbols } = dlopen("libc.so.6", {
  clock_gettime: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
});
/** A timespec: seconds, nanoseconds. */
const timespec = new BigInt64Array(2);
const address = ptr(timespec);

/** Nanoseconds of CPU that this thread has used. */
export function threadCpuNanoseconds(): number {
  symbols.clock_gettime(CLOCK_THREAD_CPUTIME_ID, address);
  return Number(timespec[0]) * NANOSECONDS_PER_SECOND + Number(timespec[1]);
}
