/**
 * Files on their way to the server, a few at a time. Nothing is given up but what the server refuses for good: after a
 * lost network a file is sent again from its beginning, which does no harm.
 */
/** @import { Found, Outcome, Upload } from "../shared/types.js" */

export const AT_ONCE = 3;
const LARGE = 8_000_000; // bytes of a file, from which on the server is asked before it is sent
const BEGINNING = 65_536;
const SLOWEST_MS = 8000; // between two tries
const FOR_GOOD = [403, 404, 413, 422];
const OFFLINE = "No connection";
const SIGNED_OUT = "Signed out: sign in again in another tab";
const GONE = "it cannot be read any more: choose it again";
const LAST = [/\.(zip|tar|tgz|tbz2|txz|tar\.\w+)$/i, /\.(csv|tsv|jsonl|ndjson|parquet)$/i]; // images that a manifest names come before it

const OF_SYSTEMS = ["__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini"];

/** @param {string} path whether a system hides it */
const isHidden = (path) => path.split("/").some((name) => name.startsWith(".") || OF_SYSTEMS.includes(name.toLowerCase()));

/** @param {string} path */
const turn = (path) => LAST.findIndex((ending) => ending.test(path));

export class Uploads {
  /** @type {Upload[]} */
  waiting = [];
  /** @type {Set<Upload>} */
  going = new Set();
  /** @type {Upload[]} */
  refused = [];
  /** @type {Upload[]} of which the server said what became of them */
  read = [];
  files = 0;
  done = 0;
  known = 0;
  hidden = 0;
  bytes = 0;
  sent = 0;
  /** Why the last try failed; empty while all is well. */
  problem = "";
  #failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  onChange = () => {};

  /**
   * @param {string} address
   * @param {typeof overNetwork} [send]
   */
  constructor(address, send = overNetwork) {
    this.address = address;
    this.send = send;
  }

  /** Whether files are on their way, or wait for it. */
  get busy() {
    return this.going.size + this.waiting.length > 0;
  }

  /**
   * @param {Found[]} found
   * @param {string} to what they are for, as the address says it: `split=pool`
   */
  add(found, to) {
    if (!this.busy) {
      Object.assign(this, { files: 0, done: 0, known: 0, hidden: 0, bytes: 0, sent: 0, refused: [], read: [] });
    }
    const shown = found.filter(({ path }) => !isHidden(path));
    this.hidden += found.length - shown.length;
    this.files += shown.length;
    for (const { file } of shown) this.bytes += file.size;
    this.waiting.push(...shown.map((one) => ({ ...one, to, arrived: 0, why: "", said: [], asked: false, abort: () => {} })));
    this.waiting.sort((one, other) => turn(one.path) - turn(other.path));
    this.go();
  }

  /** Send nothing more; what has arrived stays. */
  stop() {
    this.files -= this.waiting.length + this.going.size;
    this.waiting = [];
    for (const one of this.going) one.abort();
    this.going.clear();
    this.problem = "";
    this.#end();
  }

  /** Try again at once: the network is back. */
  go() {
    clearTimeout(this.#timer);
    while (this.going.size < (this.problem ? 1 : AT_ONCE)) {
      const next = this.waiting.shift();
      if (!next) break;
      this.going.add(next);
      this.#try(next);
    }
    this.onChange();
  }

  /** @param {Upload} one */
  async #try(one) {
    const outcome = await this.#exchange(one);
    if (!this.going.delete(one)) return; // stopped meanwhile
    one.arrived = 0;
    if (outcome.status >= 200 && outcome.status < 300) {
      one.asked = outcome.status === 204;
      if (one.asked) this.waiting.unshift(one);
      else {
        this.done += 1;
        this.sent += one.file.size;
        this.known += outcome.reply.known ? 1 : 0;
        one.said = outcome.reply.said ?? [];
        if (one.said.length) this.read.push(one);
      }
    } else if (FOR_GOOD.includes(outcome.status)) {
      one.why = String(outcome.reply.reason ?? `the server refused it (${outcome.status})`);
      this.refused.push(one);
      this.sent += one.file.size;
    } else {
      this.waiting.unshift(one);
      return this.#later(outcome);
    }
    this.problem = "";
    this.#failures = 0;
    this.go();
    if (!this.busy) this.#end();
  }

  /**
   * @param {Upload} one
   * @returns {Promise<Outcome>}
   */
  async #exchange(one) {
    const asks = one.file.size > LARGE && !one.asked;
    const address = `${this.address}?path=${encodeURIComponent(one.path)}&${one.to}`;
    const outcome = asks
      ? await this.send("POST", `${address}&size=${one.file.size}`, one.file.slice(0, BEGINNING), one, this.onChange)
      : await this.send("PUT", address, one.file.size ? one.file : new Blob(), one, this.onChange); // an empty one may be a link to nowhere
    if (outcome.status) return outcome;
    const there = await one.file.slice(0, 1).arrayBuffer().catch(() => null);
    return there ? outcome : { status: 422, reply: { reason: GONE } };
  }

  /** @param {Outcome} outcome */
  #later({ status, reply }) {
    this.#failures += 1;
    this.problem = status === 401 ? SIGNED_OUT : String(reply.reason ?? OFFLINE);
    this.onChange();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.go(), Math.min(500 * 2 ** this.#failures, SLOWEST_MS));
  }

  /** Tell that nothing more comes, so that a first round need not wait for it. */
  #end() {
    this.onChange();
    this.send("POST", this.address, null, null, () => {});
  }
}

/**
 * One request; status 0 where there was no answer. How much was sent is told by `XMLHttpRequest` only.
 *
 * @param {string} method
 * @param {string} address
 * @param {Blob | null} body
 * @param {Upload | null} one what is told how far it is
 * @param {() => void} onChange
 * @returns {Promise<Outcome>}
 */
function overNetwork(method, address, body, one, onChange) {
  return new Promise((give) => {
    const request = new XMLHttpRequest();
    const lost = () => give({ status: 0, reply: {} });
    request.open(method, address);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = ({ loaded }) => {
      if (one && method === "PUT") one.arrived = loaded;
      onChange();
    };
    Object.assign(request, { onerror: lost, onabort: lost, ontimeout: lost });
    request.onload = () => give({ status: request.status, reply: parsed(request.responseText) });
    if (one) one.abort = () => request.abort();
    request.send(body);
  });
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
