/**
 * The outbox on its way: `POST /desk/PROJECT/sync` takes events and gives acknowledgements and the queue.
 *
 * An event leaves the outbox only when the server has said that it is stored (or that it never will be). A request that
 * the server can do nothing with, however often it comes, is taken apart: the events go one by one, and the one that
 * cannot be read is refused.
 */
/** @import { Cargo, DeskReply, KeptEvent } from "../shared/types.js" */
import { Link } from "../shared/link.js";
import { Outbox } from "./outbox.js";

const BATCH = 50; // events in one request
const BATCH_BYTES = 30000; // of them; all keepalive requests that are under way may have 64 KB together

/** @implements {Cargo<KeptEvent[], DeskReply>} */
export class Events {
  #most = BATCH;

  /**
   * @param {Outbox} outbox
   * @param {() => object} ask what to send beside the events
   * @param {(reply: DeskReply) => void} onReply
   */
  constructor(outbox, ask, onReply) {
    this.outbox = outbox;
    this.ask = ask;
    this.onReply = onReply;
  }

  /** The oldest events, as many as one request takes; long comments make them few. */
  load() {
    let bytes = 0;
    /** @param {KeptEvent} event */
    const fits = (event) => {
      bytes += new Blob([JSON.stringify(event)]).size;
      return bytes <= BATCH_BYTES;
    };
    return this.outbox.pending().slice(0, this.#most).filter((event, i) => fits(event) || i === 0);
  }

  /** @param {KeptEvent[]} sent */
  body(sent) {
    return { ...this.ask(), events: sent.map(({ entry: _, at: __, ...event }) => event) }; // as the server knows them
  }

  /** @param {DeskReply} reply */
  taken(reply) {
    this.#most = BATCH;
    let retry = "";
    for (const { key, stored, reason, again } of reply.acknowledgements) {
      if (stored) this.outbox.remove(key);
      else if (again) retry = reason ?? "";
      else this.outbox.refuse(key, reason ?? "");
    }
    this.onReply(reply);
    return retry;
  }

  /**
   * Nothing of the request was read. If that is for one event, no other need wait for it.
   *
   * @param {KeptEvent[]} sent
   * @param {string} reason
   */
  unread(sent, reason) {
    if (!sent.length) throw new Error(reason);
    if (sent.length === 1) this.outbox.refuse(sent[0].key, reason);
    this.#most = 1;
  }

  /** @param {KeptEvent[]} [sent] */
  waits(sent = []) {
    return this.outbox.pending().some((event) => !sent.includes(event));
  }
}

/**
 * Send what this browser keeps of a person's answers in other projects: nobody should have to go back for that.
 *
 * @param {number} annotator
 * @param {number} project
 */
export function flushElsewhere(annotator, project) {
  return Outbox.elsewhere(annotator, project).map((other) => {
    const outbox = new Outbox(annotator, other);
    const events = new Events(outbox, () => ({ annotator, ahead: 0 }), () => {});
    const link = new Link(`./desk/${other}/sync`, events, {
      onState: () => outbox.pending().length || link.close(),
      pause: () => 1000,
    });
    link.sync();
    return link;
  });
}
