// The live stream of a chosen channel: as much of it as a person can follow.

/** @import { State } from "./connection.js" */

import { Connection, GONE, urlOf } from "./connection.js";
import { byId, make, setText } from "./dom.js";
import { bytes, short } from "./format.js";

const SHOWN = 50;
const MAX_CHARACTERS = 400;
/** A fast channel is shown in steps, and only its newest messages. */
const STEP_MS = 200;
/** The close code for a client that is too slow, which is this page. */
const TOO_SLOW = 1013;

const form = byId("listen", HTMLFormElement);
const input = byId("channel", HTMLInputElement);
const publishInput = byId("publish-channel", HTMLInputElement);
const list = byId("stream", HTMLElement);
const pause = byId("pause", HTMLButtonElement);
const output = byId("stream-state", HTMLOutputElement);

export class Stream {
  /** @type {Connection | undefined} */
  #connection;
  /** @type {string | undefined} */
  #channel;
  /** Messages since the last step, oldest first. @type {string[]} */
  #newest = [];
  /** Messages since the pause began; undefined while there is none. @type {number | undefined} */
  #waiting;

  constructor() {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.listen(input.value);
    });
    pause.addEventListener("click", () => {
      this.#waiting = this.#waiting === undefined ? 0 : undefined;
      this.#show();
    });
    setInterval(() => this.#show(), STEP_MS);
  }

  /**
   * Listens to a channel until the user chooses one.
   *
   * @param {string | undefined} channel
   */
  offer(channel) {
    if (this.#channel !== undefined || channel === undefined) return;
    publishInput.value ||= channel;
    // What the user is typing stays.
    if (input.value === "") this.listen(channel);
  }

  /** @param {string} channel */
  listen(channel) {
    input.value = channel;
    // The server would refuse it, and a browser does not say why an upgrade is refused.
    if (!form.reportValidity()) return;
    this.#channel = channel;
    this.#newest = [];
    if (this.#waiting !== undefined) this.#waiting = 0;
    list.replaceChildren();
    this.again();
  }

  /** Connects anew, to the same channel. */
  again() {
    if (this.#channel === undefined) return;
    this.#connection?.end();
    this.#connection = new Connection({
      url: urlOf(`stream?channels=${encodeURIComponent(this.#channel)}`),
      onMessage: (data) => this.#receive(data),
      onState: (state) => this.#showState(state),
    });
  }

  /** @param {string | Blob} data */
  #receive(data) {
    this.#newest.push(typeof data === "string" ? cut(data) : `${bytes(data.size)}, binary`);
    if (this.#newest.length > SHOWN) this.#newest.shift();
    if (this.#waiting !== undefined) this.#waiting += 1;
  }

  #show() {
    setText(pause, this.#waiting === undefined ? "Pause" : `Resume (${short(this.#waiting)})`);
    if (this.#waiting !== undefined || this.#newest.length === 0) return;
    list.prepend(...this.#newest.toReversed().map(item));
    this.#newest = [];
    while (list.children.length > SHOWN) list.lastElementChild?.remove();
  }

  /** @param {State} state */
  #showState(state) {
    output.dataset.state = state.name;
    setText(output, sentence(state, this.#channel ?? ""));
  }
}

/** @param {State} state @param {string} channel */
function sentence(state, channel) {
  switch (state.name) {
    case "connecting":
      return `Connecting to ${channel} …`;
    case "connected":
      return `Listening to ${channel}.`;
    case "refused":
      return "The server refuses to stream to this page.";
    case "disconnected":
      return `${whyEnded(state.code)} Next attempt in ${Math.ceil(state.waitMs / 1000)} s.`;
  }
}

/** @param {number} code */
function whyEnded(code) {
  if (code === TOO_SLOW) return "This page was too slow for the channel.";
  if (code === GONE) return "No connection: the server is away, or has no room.";
  return `The server has ended the connection (${code}).`;
}

/**
 * What is shown of a message. It is a copy: a slice would keep the whole of it in memory.
 *
 * @param {string} text
 */
function cut(text) {
  return text.length > MAX_CHARACTERS ? `${[...text.slice(0, MAX_CHARACTERS)].join("")}…` : text;
}

/** @param {string} text */
function item(text) {
  const line = make("li");
  line.textContent = text;
  return line;
}
