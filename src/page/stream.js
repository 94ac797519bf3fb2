// The live stream of a chosen channel: as much of it as a person can follow.

import { urlOf } from "./connection.js";

const SHOWN = 50;
const MAX_CHARACTERS = 400;
/** A fast channel is shown in steps, and only its newest messages. */
const STEP_MS = 200;
const RETRY_MS = 2000;

const form = document.querySelector("#listen");
const list = document.querySelector("#stream");
const pause = document.querySelector("#pause");

export class Stream {
  /** @type {WebSocket | undefined} */
  #socket;
  #newest = [];
  #paused = false;
  #chosen = false;

  constructor() {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#listen(form.channel.value);
    });
    pause.addEventListener("click", () => {
      this.#paused = !this.#paused;
      pause.setAttribute("aria-pressed", String(this.#paused));
    });
    setInterval(() => this.#show(), STEP_MS);
  }

  /**
   * Listens to a channel until the user chooses one.
   *
   * @param {string | undefined} channel
   */
  offer(channel) {
    if (this.#chosen || channel === undefined) return;
    for (const input of document.querySelectorAll("input[name=channel]")) {
      if (input.value === "") input.value = channel;
    }
    this.#listen(channel);
  }

  #listen(channel) {
    this.#chosen = true;
    this.#newest = [];
    list.replaceChildren();
    this.#socket?.close();
    this.#connect(channel);
  }

  #connect(channel) {
    const socket = new WebSocket(urlOf(`/stream?channels=${encodeURIComponent(channel)}`));
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      this.#newest.unshift(data);
      this.#newest.length = Math.min(this.#newest.length, SHOWN);
    };
    socket.onclose = () => {
      setTimeout(
        () => {
          if (socket === this.#socket) this.#connect(channel);
        },
        RETRY_MS * (1 + Math.random()),
      );
    };
  }

  #show() {
    if (this.#paused || this.#newest.length === 0) return;
    list.prepend(...this.#newest.map(item));
    this.#newest = [];
    while (list.children.length > SHOWN) list.lastElementChild.remove();
  }
}

function item(data) {
  const line = document.createElement("li");
  const text = typeof data === "string" ? data : `${data.size} bytes`;
  line.textContent = text.slice(0, MAX_CHARACTERS);
  return line;
}
