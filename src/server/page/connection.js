// A WebSocket that comes back: after a wait that doubles, up to a limit, and differs for all.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** A connection that has lasted so long was a good one: the next wait is short again. */
const GOOD_AFTER_MS = 5000;
/** For a connection to open. */
const OPEN_TIMEOUT_MS = 10_000;

/** The code of a connection that ended without a word, or never came to be. */
export const GONE = 1006;
/** The server does not want this client: to come back is of no use. */
const UNWANTED = 1008;

/**
 * @typedef {object} Wishes
 * @property {string | URL} url
 * @property {() => string[]} [protocols]
 * @property {(data: string | Blob) => void} hear is given each message
 * @property {(state: State) => void} enter
 * @property {number} [silenceMs] a server that is silent for so long is taken for gone
 * @property {() => Promise<void>} [prepare] runs before each attempt; if it fails, so has that
 */

/**
 * @typedef {{ name: "connecting" }
 *   | { name: "connected" }
 *   | { name: "disconnected", code: number, waitMs: number }
 *   | { name: "refused" }} State
 */

export class Connection {
  #wishes;
  #failures = 0;
  #hasEnded = false;
  /** Ends the socket under way. */
  #drop = () => {};

  /** @param {Wishes} wishes */
  constructor(wishes) {
    this.#wishes = wishes;
    void this.#run();
  }

  /** Ends it, and says nothing more. */
  end() {
    this.#hasEnded = true;
    this.#drop();
  }

  async #run() {
    while (!this.#hasEnded) {
      this.#enter({ name: "connecting" });
      const code = await this.#attempt();
      if (code === UNWANTED) return this.#enter({ name: "refused" });
      const waitMs = this.#nextWaitMs();
      this.#enter({ name: "disconnected", code, waitMs });
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  /** @param {State} state */
  #enter(state) {
    if (!this.#hasEnded) this.#wishes.enter(state);
  }

  #nextWaitMs() {
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures);
    this.#failures += 1;
    return longest * (0.5 + Math.random() / 2);
  }

  async #attempt() {
    try {
      await this.#wishes.prepare?.();
    } catch {
      return GONE;
    }
    return this.#hasEnded ? GONE : await this.#connect();
  }

  /** @returns {Promise<number>} the close code, once the connection has ended */
  #connect() {
    const { url, protocols, hear, silenceMs } = this.#wishes;
    return new Promise((resolve) => {
      const socket = new WebSocket(url, protocols?.() ?? []);
      /** @type {ReturnType<typeof setTimeout> | undefined} */
      let good;
      // A connection may be dead without anyone telling, as after a laptop's sleep.
      const patience = new Patience(() => end(GONE));
      const end = (/** @type {number} */ code) => {
        clearTimeout(good);
        patience.end();
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close();
        resolve(code);
      };
      this.#drop = () => end(GONE);
      patience.begin(OPEN_TIMEOUT_MS);
      socket.onopen = () => {
        good = setTimeout(() => {
          this.#failures = 0;
        }, GOOD_AFTER_MS);
        patience.begin(silenceMs);
        this.#enter({ name: "connected" });
      };
      socket.onmessage = ({ data }) => {
        patience.begin(silenceMs);
        hear(data);
      };
      socket.onclose = ({ code }) => end(code);
    });
  }
}

/** Runs out when it is not begun anew in time. */
class Patience {
  #runOut;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {() => void} runOut */
  constructor(runOut) {
    this.#runOut = runOut;
  }

  /** @param {number | undefined} ms without a time it never runs out */
  begin(ms) {
    this.end();
    if (ms !== undefined) this.#timer = setTimeout(this.#runOut, ms);
  }

  end() {
    clearTimeout(this.#timer);
  }
}

/**
 * Of a WebSocket of the server that the page is from.
 *
 * @param {string} path relative to the page's own, which a proxy may have put under a prefix
 */
export function urlOf(path) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  return url;
}
