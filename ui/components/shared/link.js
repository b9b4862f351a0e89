/**
 * The conversation with the server: every request takes what a cargo holds, every reply says what became of it.
 *
 * One request at a time; what happens meanwhile goes into the next. Cargo is kept until the server has acknowledged it.
 * After a failure the link tries again by itself, less and less often, and at once when the browser says that the
 * network is back. What the server could not read is given back to the cargo, which may take it apart.
 */
/** @import { Cargo } from "./types.js" */

const KEEPALIVE_BYTES = 64000;
const TIMEOUT_MS = 20000; // a connection that is open and silent is a lost one
const SLOWEST_MS = 8000; // between two tries
const UNREADABLE = [400, 413, 422];
export const OFFLINE = "No connection";
export const SIGNED_OUT = "Signed out";

/** @param {string} text */
const bytes = (text) => new Blob([text]).size;

/** @template Sent, Reply */
export class Link {
  failures = 0;
  /** Why the last try failed. */
  problem = "";
  #closed = false;
  #busy = false;
  #more = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {string} address
   * @param {Cargo<Sent, Reply>} cargo
   * @param {object} hooks
   * @param {() => void} hooks.onState after every try
   * @param {() => number} hooks.pause milliseconds to the next request
   * @param {() => boolean} [hooks.rests] whether nobody is there: with no cargo nothing is asked then
   */
  constructor(address, cargo, { onState, pause, rests = () => false }) {
    this.address = address;
    this.cargo = cargo;
    this.onState = onState;
    this.pause = pause;
    this.rests = rests;
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /**
   * The page closes: send what is on board, and `more`. Nobody waits for the reply; what is kept is kept all the same.
   *
   * @param {object} more
   */
  leave(more) {
    this.#post({ ...this.cargo.body(this.cargo.load()), ...more }).catch(() => {});
  }

  async sync() {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    if (this.#busy) {
      this.#more = true;
      return;
    }
    this.#busy = true;
    try {
      do {
        this.#more = false;
        await this.#exchange();
      } while (this.#more);
      this.failures = 0;
    } catch (error) {
      this.failures += 1;
      this.problem = error instanceof Error ? error.message : String(error);
    }
    this.#busy = false;
    if (this.#closed) return;
    this.onState();
    this.#wait();
  }

  /** Ask again later; where nobody is the link rests, so that leases lapse, but never with cargo on board. */
  #wait() {
    const ms = this.failures ? Math.min(500 * 2 ** this.failures, SLOWEST_MS) : this.pause();
    this.#timer = setTimeout(() => (this.rests() && !this.cargo.waits() ? this.#wait() : this.sync()), ms);
  }

  async #exchange() {
    const { cargo } = this;
    const sent = cargo.load();
    const response = await this.#post(cargo.body(sent));
    if (response.status === 401) throw new Error(SIGNED_OUT);
    if (UNREADABLE.includes(response.status)) {
      cargo.unread(sent, await reason(response));
      this.#more = true;
      return;
    }
    if (!response.ok) throw new Error(await reason(response));
    const retry = cargo.taken(/** @type {Reply} */ (await response.json()), sent);
    if (retry) throw new Error(retry);
    this.#more ||= cargo.waits(sent);
  }

  /** @param {object} body */
  #post(body) {
    const text = JSON.stringify(body);
    return fetch(this.address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: text,
      keepalive: bytes(text) < KEEPALIVE_BYTES, // browsers send no larger one that may outlive its page
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch(() => Promise.reject(new Error(OFFLINE)));
  }
}

/**
 * The server's own words where it has some; a proxy's error page is as good as no connection.
 *
 * @param {Response} response
 * @returns {Promise<string>}
 */
async function reason(response) {
  const body = await response.json().catch(() => ({}));
  return body.reason ?? (response.status < 500 ? `The server refused (${response.status})` : OFFLINE);
}
