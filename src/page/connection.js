// A WebSocket that comes back: after a wait that doubles, up to a limit, and is never the same for all.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/**
 * @typedef {object} Wishes
 * @property {string} path of the WebSocket
 * @property {() => string[]} protocols
 * @property {(text: string) => void} hear is given each message
 * @property {(state: "connecting" | "connected" | "disconnected") => void} enter
 * @property {() => Promise<void>} [prepare] runs before each attempt; if it fails, so has the attempt
 */

/** @param {Wishes} wishes */
export function keepConnected(wishes) {
  let failures = 0;
  const attempt = async () => {
    try {
      await wishes.prepare?.();
      await connected(wishes, () => {
        failures = 0;
      });
    } catch {
      // The server is away; the next attempt will tell when it is back.
    }
    wishes.enter("disconnected");
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
    failures += 1;
    setTimeout(attempt, longest * (0.5 + Math.random() / 2));
  };
  wishes.enter("connecting");
  void attempt();
}

/**
 * Resolves when the connection has ended.
 *
 * @param {Wishes} wishes
 * @param {() => void} opened
 */
function connected({ path, protocols, hear, enter }, opened) {
  return new Promise((resolve) => {
    const socket = new WebSocket(urlOf(path), protocols());
    socket.onopen = () => {
      opened();
      enter("connected");
    };
    socket.onmessage = ({ data }) => hear(data);
    socket.onclose = resolve;
  });
}

/** @param {string} path */
export function urlOf(path) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  return url;
}
