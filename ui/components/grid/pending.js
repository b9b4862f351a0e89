/**
 * What the grid sends to `POST /grid/PROJECT`: an answered page, or one taken back. The browser keeps it until the server
 * has spoken, so that neither a lost connection nor a reload loses what was marked.
 */
/** @import { Cargo, GridReply, PageEvent } from "../shared/types.js" */
import { forget, remember, remembered } from "../shared/memory.js";

/** @implements {Cargo<PageEvent | null, GridReply>} */
export class Pending {
  /** @type {PageEvent | null} */
  event;

  /**
   * @param {string} name under which the browser keeps it
   * @param {() => object} ask what to send beside it
   * @param {(reply: GridReply, sent: PageEvent | null) => void} onReply
   * @param {() => void} onDrop
   */
  constructor(name, ask, onReply, onDrop) {
    this.name = name;
    this.ask = ask;
    this.onReply = onReply;
    this.onDrop = onDrop;
    this.event = JSON.parse(remembered(name) ?? "null");
  }

  /** @param {PageEvent} event */
  keep(event) {
    this.event = event;
    remember(this.name, JSON.stringify(event));
  }

  load() {
    return this.event;
  }

  /** @param {PageEvent | null} sent */
  body(sent) {
    return { ...this.ask(), ...sent };
  }

  /**
   * @param {GridReply} reply
   * @param {PageEvent | null} sent
   */
  taken(reply, sent) {
    this.#done(sent);
    this.onReply(reply, sent);
    return "";
  }

  /**
   * What the server cannot read it never will.
   *
   * @param {PageEvent | null} sent
   * @param {string} reason
   */
  unread(sent, reason) {
    if (sent && this.#done(sent)) this.onDrop();
    throw new Error(reason);
  }

  /** @param {PageEvent | null} [sent] */
  waits(sent = null) {
    return this.event !== null && this.event !== sent;
  }

  /** @param {PageEvent | null} sent */
  #done(sent) {
    if (this.event !== sent) return false;
    this.event = null;
    forget(this.name);
    return true;
  }
}
