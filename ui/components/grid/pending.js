/** What the grid sends to `POST /grid/PROJECT`: an answered page, or one taken back, kept until the server has spoken. */
/** @import { Cargo, GridReply, PageEvent } from "../shared/types.js" */

/** @implements {Cargo<PageEvent | null, GridReply>} */
export class Pending {
  /** @type {PageEvent | null} */
  event = null;

  /**
   * @param {() => object} ask what to send beside it
   * @param {(reply: GridReply, sent: PageEvent | null) => void} onReply
   * @param {() => void} onDrop
   */
  constructor(ask, onReply, onDrop) {
    this.ask = ask;
    this.onReply = onReply;
    this.onDrop = onDrop;
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
    if (this.event === sent) this.event = null;
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
    if (sent && this.event === sent) {
      this.event = null;
      this.onDrop();
    }
    throw new Error(reason);
  }

  /** @param {PageEvent | null} [sent] */
  waits(sent = null) {
    return this.event !== null && this.event !== sent;
  }
}
