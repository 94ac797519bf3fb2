/** The verdict of the alert rules on a broadcaster. */

import type { Departure } from "../../index";
import { ALERT_RULES, type AlertRule, type Reading } from "./alert-rules";
import type { ProblemSnapshot, VerdictSnapshot } from "./snapshot";

/** Over this time the rules look back, as they do in Prometheus. */
const WINDOW_MS = 300_000;
/** How many readings of that time are kept, beside the last. */
const KEPT = 20;
/** A problem is shown at least so long: one that comes and goes each second cannot be read. */
const SHOWN_MS = 10_000;

interface TimedReading extends Reading {
  atMs: number;
}

/** Judges a broadcaster again and again. */
export class Verdicts {
  /** Oldest first. */
  #readings: TimedReading[] = [];
  #last: TimedReading | undefined;
  /** The problems, by the names of their rules, and when each was last there. */
  readonly #problems = new Map<string, ProblemSnapshot & { seenMs: number }>();

  /** @param clock in milliseconds since whenever */
  constructor(private readonly clock: () => number) {}

  /** Begins anew, without the readings before. */
  begin(): void {
    this.#readings = [];
    this.#last = undefined;
    this.#problems.clear();
  }

  /** @param departures newest first */
  next(reading: Reading, departures: readonly Departure[]): VerdictSnapshot {
    const now = { ...reading, atMs: this.clock() };
    this.#keep(now);
    const before = this.#readings[0] ?? now;
    const seconds = (now.atMs - before.atMs) / 1000;
    const since = Date.now() - WINDOW_MS;
    const recent = {
      ...{ now, before, seconds, last: this.#last ?? now },
      departures: departures.filter(({ at }) => at.getTime() >= since),
    };
    for (const rule of ALERT_RULES) this.#judge(rule, rule.figure(recent), now.atMs);
    this.#last = now;
    return { seconds, problems: this.#shown(now.atMs) };
  }

  #keep(now: TimedReading): void {
    const newest = this.#readings.at(-1);
    if (newest && now.atMs - newest.atMs < WINDOW_MS / KEPT) return;
    this.#readings.push(now);
    // The oldest is as old as the window, or the next would be younger.
    while ((this.#readings[1]?.atMs ?? now.atMs) <= now.atMs - WINDOW_MS) this.#readings.shift();
  }

  #judge(
    { name, severity, summary, above, format }: AlertRule,
    figure: number,
    seenMs: number,
  ): void {
    if (!(figure > above)) return;
    this.#problems.set(name, { name, severity, summary, figure: format(figure), seenMs });
  }

  /** In the order of the rules: the worst first. */
  #shown(nowMs: number): ProblemSnapshot[] {
    return ALERT_RULES.flatMap(({ name }) => {
      const known = this.#problems.get(name);
      if (!known || nowMs - known.seenMs > SHOWN_MS) return [];
      const { seenMs: _, ...problem } = known;
      return [problem];
    });
  }
}
