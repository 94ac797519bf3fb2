/**
 * A WebSocket that reconnects. Each wait is twice as long as the one before, up to a limit, minus
 * a random part. So after a restart of the server its clients do not all reconnect at the same
 * moment.
 *
 * After some close codes, a reconnect is useless: 1008 (policy), and any that the app defines, here
 * 4401. After 1001 (a restart) and 1013 (the client was too slow) it reconnects.
 */

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** After a connection that lasted this long, the next wait is short again. */
const GOOD_AFTER_MS = 5000;
const FINAL_CODES = new Set([1008, 4401]);

/**
 * How long to wait after this number of consecutive failures.
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
 * @returns {() => void} closes the connection for good
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
      if (ended || FINAL_CODES.has(code)) return onState("closed");
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
