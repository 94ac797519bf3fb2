import type { DescribedSource } from "./described-source";
import { atRate, type Clock, MACHINE_CLOCK } from "./pace";

/** The options of a synthetic market. */
export interface MarketOptions {
  channel: string;
  /** Trades a second. */
  rate: number;
  /** The same seed gives the same trades. */
  seed: number;
}

/** One trade, as it is published. */
export interface Trade {
  symbol: string;
  price: number;
  /** Against the price at the start, in percent. */
  change: number;
  volume: number;
}

/** The companies are made up. Prices are in cents, so that sums of them are exact. */
const OPENING_PRICES_CENTS = {
  ALDER: 14_230,
  BRINE: 3_815,
  CEDAR: 52_740,
  DUNE: 921,
  EMBER: 27_655,
  FJORD: 8_410,
  GROVE: 118_900,
  HAVEN: 6_072,
};
/** The most that one trade moves a price, as a part of it. */
const MAX_MOVE = 0.004;
/** The part of its distance from the opening that a price goes back with each trade. */
const PULL = 0.002;
const LOT = 10;
const MAX_LOTS = 50;

/**
 * What a server shows that is given nothing else: trades, each a line of JSON that people can read.
 */
export function market(options: MarketOptions, clock: Clock = MACHINE_CLOCK): DescribedSource {
  const { channel, rate, seed } = options;
  return {
    channel,
    description: `trades of a synthetic market, ${rate} a second`,
    canWait: false,
    async *messages() {
      const next = trades(seed);
      for await (const _ of atRate(rate, clock)) yield JSON.stringify(next());
    },
  };
}

/** Makes the trades of a market, one at each call. Prices go at random, and never far. */
function trades(seed: number): () => Trade {
  const random = randomFrom(seed);
  const stocks = Object.entries(OPENING_PRICES_CENTS).map(([symbol, opening]) => {
    return { symbol, opening, cents: opening };
  });
  return () => {
    const stock = stocks[Math.floor(random() * stocks.length)] as (typeof stocks)[number];
    // The sum of two throws: small moves are more frequent than large ones.
    const move = stock.cents * MAX_MOVE * (random() + random() - 1);
    stock.cents += Math.round(move + (stock.opening - stock.cents) * PULL);
    const change = (100 * (stock.cents - stock.opening)) / stock.opening;
    return {
      symbol: stock.symbol,
      price: stock.cents / 100,
      change: Math.round(change * 100) / 100,
      volume: LOT * Math.ceil(random() * MAX_LOTS),
    };
  };
}

/** Numbers from 0 to 1 by mulberry32, whose whole state is the seed: JavaScript's takes none. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
