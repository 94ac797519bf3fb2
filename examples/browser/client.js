/**
 * A WebSocket that comes back. Each wait is twice as long as the one before, up to a limit, and a
 * random part of it is left off: when a server restarts, its clients do not all come in the same
 * moment.
 *
 * Codes from the server that say that coming back is of no use end it: 1008 (policy) and what the
 * app says so for, here 4401. 1001 is a restart, and 1013 a client that was too slow: both come
 * back.
 */

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** A connection that has lasted so long was a good one: the next wait is short again. */
const GOOD_AFTER_MS = 5000;
const NO_USE = new Set([1008, 4401]);

/**
 * How long to wait after so many failures in a row.
 *
 * @param {number} failures
 */
export function waitAfterMs(failures) {
  const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
  return longest * (0.5 + Math.random() / 2);
}

/**
 * @param {string | URL} url
 * @param {object} listeners
 * @param {(data: string | Blob) => void} listeners.onMessage
 * @param {(state: string) => void} [listeners.onState]
 * @returns {() => void} ends it
 */
export function connect(url, { onMessage, onState = () => {} }) {
  let failures = 0;
  let ended = false;
  /** @type {WebSocket} */
  let socket;

  function open() {
    onState("connecting");
    socket = new WebSocket(url);
    /** @type {ReturnType<typeof setTimeout>} */
    let good;
    socket.onopen = () => {
      onState("open");
      good = setTimeout(() => {
        failures = 0;
      }, GOOD_AFTER_MS);
    };
    socket.onmessage = ({ data }) => onMessage(data);
    socket.onclose = ({ code }) => {
      clearTimeout(good);
      if (ended || NO_USE.has(code)) return onState("closed");
      const wait = waitAfterMs(failures);
      failures += 1;
      onState(`closed with ${code}, back in ${(wait / 1000).toFixed(1)} s`);
      setTimeout(() => ended || open(), wait);
    };
  }

  open();
  return () => {
    ended = true;
    socket.close();
  };
}
