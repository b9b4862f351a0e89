/**
 * The conversation with the server: `POST /desk/PROJECT/sync` takes the outbox and gives acknowledgements and the queue.
 *
 * One request at a time; what happens meanwhile goes into the next. An event leaves the outbox only when the server has
 * said that it is stored (or that it never will be). After a failure it tries again by itself, less and less often, and
 * at once when the browser says that the network is back. A request that the server can do nothing with, however often
 * it comes, is taken apart: the events go one by one, and the one that cannot be read is refused.
 */
const BATCH = 50; // events in one request
const BATCH_BYTES = 30000; // of them; all keepalive requests that are under way may have 64 KB together
const KEEPALIVE_BYTES = 64000;
const TIMEOUT_MS = 20000; // a connection that is open and silent is a lost one
const SLOWEST_MS = 8000; // between two tries
const UNREADABLE = [400, 413, 422];
const OFFLINE = "No connection";
const SIGNED_OUT = "Signed out";

class Link {
  /** `ask()`: what to send beside the events; `onReply(reply)`; `onState()`; `pause()`: ms to the next; `rests()`. */
  constructor(project, outbox, { ask, onReply, onState, pause, rests = () => false }) {
    Object.assign(this, { project, outbox, ask, onReply, onState, pause, rests });
    this.failures = 0;
    this.most = BATCH;
    this.problem = "";
    this.closed = false;
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
  }

  /** The last tab closes: deliver what is kept, and give back what was reserved. Nobody waits for the reply. */
  leave() {
    this.#post({ ...this.ask(), events: sendable(this.#batch()), ahead: 0, leave: true }).catch(() => {}); // kept all the same
  }

  async sync() {
    clearTimeout(this.timer);
    if (this.closed) return;
    if (this.syncing) {
      this.again = true;
      return;
    }
    this.syncing = true;
    try {
      do {
        this.again = false;
        await this.#exchange();
      } while (this.again);
      this.failures = 0;
    } catch (error) {
      this.failures += 1;
      this.problem = error.message;
    }
    this.syncing = false;
    if (this.closed) return;
    this.onState();
    this.#wait();
  }

  /** Ask again later; a deck at which nobody sits rests, so that its leases lapse, but never with answers on board. */
  #wait() {
    const ms = this.failures ? Math.min(500 * 2 ** this.failures, SLOWEST_MS) : this.pause();
    this.timer = setTimeout(() => (this.rests() && !this.outbox.pending().length ? this.#wait() : this.sync()), ms);
  }

  async #exchange() {
    const sent = this.#batch();
    const response = await this.#post({ ...this.ask(), events: sendable(sent) });
    if (response.status === 401) throw new Error(SIGNED_OUT);
    if (UNREADABLE.includes(response.status)) return this.#takeApart(sent, await this.#reason(response));
    if (!response.ok) throw new Error(await this.#reason(response));
    this.most = BATCH;
    const reply = await response.json();
    let retry = "";
    for (const { key, stored, reason, again } of reply.acknowledgements) {
      if (stored) this.outbox.remove(key);
      else if (again) retry = reason;
      else this.outbox.refuse(key, reason);
    }
    this.again ||= !retry && this.outbox.pending().some((event) => !sent.includes(event));
    if (!this.closed) this.onReply(reply);
    if (retry) throw new Error(retry);
  }

  /** Nothing of the request was read. If that is for one event, no other need wait for it. */
  #takeApart(sent, reason) {
    if (!sent.length) throw new Error(reason);
    if (sent.length === 1) this.outbox.refuse(sent[0].key, reason);
    this.most = 1;
    this.again = true;
  }

  /** The oldest events, as many as one request takes; long comments make them few. */
  #batch() {
    let bytes = 0;
    const fits = (event) => (bytes += new Blob([JSON.stringify(event)]).size) <= BATCH_BYTES;
    return this.outbox.pending().slice(0, this.most).filter((event, i) => fits(event) || i === 0);
  }

  #post(body) {
    const text = JSON.stringify(body);
    return fetch(`/desk/${this.project}/sync`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: text,
      keepalive: new Blob([text]).size < KEEPALIVE_BYTES, // browsers send no larger one that may outlive its page
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch(() => Promise.reject(new Error(OFFLINE)));
  }

  /** The server's own words where it has some; a proxy's error page is as good as no connection. */
  async #reason(response) {
    const told = await response.json().catch(() => ({}));
    return told.reason ?? (response.status < 500 ? `The server refused (${response.status})` : OFFLINE);
  }
}

/** Events as the server knows them. */
const sendable = (events) => events.map(({ entry, at, ...event }) => event);

/** Send what this browser keeps of a person's answers in other projects: nobody should have to go back for that. */
function flushElsewhere(annotator, project) {
  return Outbox.elsewhere(annotator, project).map((other) => {
    const outbox = new Outbox(annotator, other);
    const link = new Link(other, outbox, {
      ask: () => ({ annotator, ahead: 0 }),
      onReply: () => {},
      onState: () => outbox.pending().length || link.close(),
      pause: () => 1000,
    });
    link.sync();
    return link;
  });
}
