/** @import { Aside, DeckData, Entry, QueueKind, RoundState, StandingAnswer, Verdict, Worth } from "../shared/types.js" */
/** @import { DeckParts } from "./parts.js" */
/** @import { Outbox } from "./outbox.js" */
import { make, one } from "../shared/dom.js";
import { OFFLINE, SIGNED_OUT } from "../shared/link.js";

/** @typedef {{failures: number, problem: string}} Connection */
/** @typedef {RoundState | null | undefined} Round undefined: not asked yet; null: none */

/** @type {Record<QueueKind, string>} */
const QUEUES = { todo: "To do", skip: "Skipped", unsure: "Unsure", none: "None of these", bad: "Bad images" };
/** @type {Record<Aside, string>} */
const SAID = { skip: "Skipped", unsure: "Unsure", none: "None of these", bad: "Bad image" };

/** Everything around the image, drawn from values. */
export class View {
  #drawnQueues = "";

  /**
   * @param {DeckParts} at
   * @param {DeckData} data
   */
  constructor(at, data) {
    this.at = at;
    this.data = data;
    this.names = new Map(data.classes.map((each) => [each.id, each.name]));
  }

  /**
   * @param {Round} round
   * @param {number} pending answers on their way
   * @param {Entry | null} current
   */
  progress(round, pending, current) {
    const total = round?.total ?? 0;
    const answered = Math.min(total, (round?.answered ?? 0) + pending);
    this.at.title.textContent = this.data.title;
    this.at.title.title = this.data.title; // a long one is cut
    this.at.round.textContent = round ? `Round ${round.number}` : "";
    this.at.extra.hidden = !current?.extra;
    this.at.count.textContent = round ? `${answered} of ${total}` : "";
    this.at.bar.hidden = !round;
    this.at.bar.setAttribute("aria-valuenow", String(answered));
    this.at.bar.setAttribute("aria-valuemax", String(total));
    one(this.at.bar, "i").style.width = `${total ? (100 * answered) / total : 0}%`;
  }

  /** @param {boolean} idle there is no image that could be answered or looked at */
  idle(idle) {
    const tools = this.at.tools.querySelectorAll('button:not([data-do="undo"])');
    for (const node of [this.at.classes, this.at.zoom, ...tools]) node.setAttribute("aria-disabled", String(idle));
  }

  /**
   * @param {Outbox} outbox
   * @param {Connection} link
   */
  pill(outbox, link) {
    const waiting = outbox.pending().length;
    const kept = waiting ? `, ${waiting} kept here` : "";
    const [state, text] = link.failures
      ? ["off", `${link.problem}${kept}`]
      : waiting
        ? ["busy", `Storing ${waiting}`]
        : ["ok", "All answers stored"];
    this.at.pill.dataset.state = state;
    this.at.pill.textContent = text;
  }

  /**
   * What somebody has to know or do about answers that are not stored; hidden while all is well.
   *
   * @param {Outbox} outbox
   * @param {Connection} link
   * @param {number} loaded images that can be shown without a connection
   */
  banner(outbox, link, loaded) {
    const [text, button] = this.#trouble(outbox, link);
    const [label, left, action] = this.at.banner.children;
    if (label.textContent !== text) label.textContent = text;
    left.textContent = text && link.failures ? this.#left(loaded) : "";
    action.textContent = button;
    this.at.banner.hidden = !text;
  }

  /** @param {number} loaded how far one gets without a connection */
  #left(loaded) {
    if (!loaded) return "No image is left to label offline.";
    return loaded === 1 ? "One image can be labelled offline." : `${loaded} images can be labelled offline.`;
  }

  /**
   * @param {Outbox} outbox
   * @param {Connection} link
   * @returns {[text: string, button: string]}
   */
  #trouble(outbox, link) {
    if (outbox.refused.size) {
      const [{ kind, reason }] = outbox.refused.values();
      if (outbox.refused.size > 1) return [`${outbox.refused.size} answers were not stored or not undone: ${reason}`, "Dismiss"];
      return [`One answer was not ${kind === "undo" ? "undone" : "stored"}: ${reason}`, "Dismiss"];
    }
    if (!outbox.durable && outbox.pending().length)
      return ["This browser does not let this site keep data: leave the page open until all answers are stored.", "Try now"];
    if (link.failures && link.problem === SIGNED_OUT)
      return ["You are signed out. Sign in again in another tab: the answers kept in this browser will then be stored.", "Try now"];
    if (link.failures > 1 || (link.failures && link.problem === OFFLINE))
      return [`${link.problem}. You can go on: answers are kept in this browser until they are stored.`, "Try now"];
    return ["", ""];
  }

  /**
   * One button for each queue that holds something, and for the one that is open.
   *
   * @param {Partial<Record<QueueKind, number>>} aside
   * @param {QueueKind} open
   * @param {(kind: QueueKind) => void} choose
   */
  queues(aside, open, choose) {
    const kinds = /** @type {QueueKind[]} */ (Object.keys(QUEUES));
    const shown = kinds.filter((kind) => kind === "todo" || kind === open || aside[kind]);
    this.at.queues.hidden = shown.length < 2;
    const drawn = JSON.stringify([shown, aside, open]);
    if (drawn === this.#drawnQueues) return; // a button that is replaced under the pointer misses its click
    this.#drawnQueues = drawn;
    this.at.queues.replaceChildren(
      ...shown.map((kind) => {
        const button = make("button", "", QUEUES[kind]);
        button.type = "button";
        button.setAttribute("aria-pressed", String(kind === open));
        if (kind !== "todo") button.append(make("b", "", String(aside[kind] ?? 0)));
        button.onclick = () => choose(kind);
        return button;
      }),
    );
  }

  /**
   * What the last answer was worth, once it is stored.
   *
   * @param {Worth | undefined} worth
   * @param {string} verdict
   */
  worth(worth, verdict) {
    this.at.worth.hidden = !worth;
    if (!worth) return;
    const thought = `${this.names.get(worth.class_id) ?? "?"} (${Math.round(100 * worth.probability)}%)`;
    const also = worth.agrees ? "The model agreed" : "The model predicted";
    this.at.worth.replaceChildren(make("strong", "", verdict), make("span", "", `${also}: ${thought}. ${worth.words}`));
    this.at.worth.dataset.agrees = String(worth.agrees);
  }

  /**
   * What an answer said, in a word.
   *
   * @param {{verdict: Verdict, class_id: number | null, proposed_class?: string, likewise?: number}} answer
   */
  said({ verdict, class_id, proposed_class, likewise }) {
    const name = (class_id !== null && this.names.get(class_id)) || "?";
    if (verdict === "class") return likewise ? `${name} (${likewise})` : name;
    return proposed_class ? `None: ${proposed_class}` : SAID[verdict];
  }

  /**
   * What stands in place of an image.
   *
   * @param {Round} round
   * @param {Entry | null} current
   * @param {QueueKind} open
   * @param {Outbox} outbox
   * @param {Connection} link
   * @param {string} awaited what the round waits for
   */
  empty(round, current, open, outbox, link, awaited) {
    this.at.empty.hidden = Boolean(current);
    if (current) return;
    const [title, text] = this.#instead(round, open, outbox.pending().length, link, awaited);
    one(this.at.empty, "h3").textContent = title;
    const [right, checks] = round?.checks ?? [];
    const result = checks ? ` You answered ${right} of ${checks} checks correctly.` : "";
    one(this.at.empty, "p").textContent = text + result;
  }

  /**
   * @param {StandingAnswer[]} answers newest first
   * @param {(token: string) => void} undo
   */
  recent(answers, undo) {
    const drawn = /** @type {HTMLElement[]} */ ([...this.at.recent.children]);
    const known = new Map(drawn.map((node) => [node.dataset.token, node]));
    const chips = answers.map((answer) => known.get(answer.token) ?? this.#chip(answer, undo));
    this.at.recent.replaceChildren(...chips);
    answers.forEach((answer, i) => {
      const chip = chips[i];
      chip.classList.toggle("stored", answer.stored);
      chip.classList.toggle("final", Boolean(answer.final));
      chip.title = `${this.said(answer)}${answer.comment ? ` (${answer.comment})` : ""}: ${answer.final ? "its round is closed" : "click to undo this answer"}`;
    });
    this.at.undo.disabled = !answers.length;
  }

  /**
   * @param {StandingAnswer} answer
   * @param {(token: string) => void} undo
   */
  #chip(answer, undo) {
    const chip = make("button");
    chip.type = "button";
    chip.dataset.token = answer.token;
    chip.classList.toggle("skipped", answer.verdict !== "class");
    chip.append(
      // the very image that was answered: it is here, also without a connection
      Object.assign(make("img"), { src: `./images/${this.data.project}/${answer.item_id}/rendition`, alt: "" }),
      make("span", "", this.said(answer)),
    );
    chip.onclick = () => undo(answer.token);
    return chip;
  }

  /**
   * @param {Round} round
   * @param {QueueKind} open
   * @param {number} waiting answers on their way
   * @param {Connection} link
   * @param {string} awaited
   */
  #instead(round, open, waiting, link, awaited) {
    if (link.failures && round !== undefined)
      return ["Waiting for the connection", "You have answered every image that was loaded. The next one appears when the connection is back."];
    if (waiting) return ["One moment", "Your answers are being stored. Then the next image appears."];
    if (open === "todo") return this.#nothing(round, awaited ? ` Waiting for ${awaited}.` : "");
    return ["No images left in this queue", "Images that other people have open may return to it. All other images are under To do."];
  }

  /**
   * @param {Round} round
   * @param {string} awaited
   */
  #nothing(round, awaited) {
    if (round === undefined) return ["One moment", "Opening the queue."];
    if (round === null)
      return ["No round is open yet", `The first image appears here when a round opens.${awaited}`];
    if (round.state === "stopped")
      return ["The project is stopped", "Nobody is asked anything for now, and what you answered is kept. When the project goes on, the next image appears here."];
    if (round.state === "labelled")
      return [`Round ${round.number} is labelled`, `The model is fitted to the answers and evaluated. Then the next round opens, and its first image appears here.${awaited}`];
    if (round.state === "closed")
      return [`Round ${round.number} is closed`, `Its results are on the Rounds page. If another round opens, its first image appears here.${awaited}`];
    if (round.answered === round.total)
      return [`Round ${round.number} is open for corrections`, "All its images are answered. Earlier answers can be changed until the round is closed again."];
    return ["No images left for you in this round", `${round.total - round.answered} images are reserved for other people or need another person's answer. If one is released, it appears here.`];
  }
}
