// A WebSocket that comes back: after a wait that doubles, up to a limit, and differs for all.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** A connection that has lasted so long was a good one: the next wait is short again. */
const GOOD_AFTER_MS = 5000;
/** For a connection to open. */
const OPEN_TIMEOUT_MS = 10_000;

/** The code of a connection that ended without a close frame, or never opened. */
export const GONE = 1006;
/** The server refuses this client: another attempt is of no use. */
const REFUSED = 1008;

/**
 * @typedef {object} ConnectionOptions
 * @property {string | URL} url
 * @property {() => string[]} [protocols]
 * @property {(data: string | Blob) => void} onMessage
 * @property {(state: State) => void} onState
 * @property {number} [silenceMs] a server that is silent for so long counts as gone
 * @property {() => Promise<void>} [prepare] runs before each attempt; if it fails, so has that
 */

/**
 * @typedef {{ name: "connecting" }
 *   | { name: "connected" }
 *   | { name: "disconnected", code: number, waitMs: number }
 *   | { name: "refused" }} State
 */

export class Connection {
  #options;
  #failures = 0;
  #hasEnded = false;
  /** Ends the socket under way. */
  #drop = () => {};

  /** @param {ConnectionOptions} options */
  constructor(options) {
    this.#options = options;
    void this.#run();
  }

  /** Ends it, without another state. */
  end() {
    this.#hasEnded = true;
    this.#drop();
  }

  async #run() {
    while (!this.#hasEnded) {
      this.#enter({ name: "connecting" });
      const code = await this.#attempt();
      if (code === REFUSED) return this.#enter({ name: "refused" });
      const waitMs = this.#nextWaitMs();
      this.#enter({ name: "disconnected", code, waitMs });
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  /** @param {State} state */
  #enter(state) {
    if (!this.#hasEnded) this.#options.onState(state);
  }

  #nextWaitMs() {
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures);
    this.#failures += 1;
    return longest * (0.5 + Math.random() / 2);
  }

  async #attempt() {
    try {
      await this.#options.prepare?.();
    } catch {
      return GONE;
    }
    return this.#hasEnded ? GONE : await this.#connect();
  }

  /** @returns {Promise<number>} the close code, once the connection has ended */
  #connect() {
    const { url, protocols, onMessage, silenceMs } = this.#options;
    return new Promise((resolve) => {
      const socket = new WebSocket(url, protocols?.() ?? []);
      /** @type {ReturnType<typeof setTimeout> | undefined} */
      let good;
      // A connection may be dead without a sign, as after a laptop's sleep.
      const timeout = new Timeout(() => end(GONE));
      const end = (/** @type {number} */ code) => {
        clearTimeout(good);
        timeout.end();
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close();
        resolve(code);
      };
      this.#drop = () => end(GONE);
      timeout.begin(OPEN_TIMEOUT_MS);
      socket.onopen = () => {
        good = setTimeout(() => {
          this.#failures = 0;
        }, GOOD_AFTER_MS);
        timeout.begin(silenceMs);
        this.#enter({ name: "connected" });
      };
      socket.onmessage = ({ data }) => {
        timeout.begin(silenceMs);
        onMessage(data);
      };
      socket.onclose = ({ code }) => end(code);
    });
  }
}

/** Calls back unless it is begun anew in time. */
class Timeout {
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
