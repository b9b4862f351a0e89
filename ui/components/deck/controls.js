/** Hands: keys, clicks and taps become what the deck can do. */
/** @import { Deck } from "./deck.js" */
/** @import { Action, Command } from "./keys.js" */
import { isTyping, one, target } from "../shared/dom.js";
import { Presence } from "../shared/presence.js";
import { Keys } from "./keys.js";
import { KeyHelp } from "./panels.js";

/** @type {Action} a key that was meant for the desk, and does nothing yet */
const NOTHING = { command: "help" };
const DOUBLE_MS = 300; // the second half of a double click is no answer to the next image

export class Controls {
  presence = new Presence();

  /**
   * @param {Deck} deck
   * @param {AbortSignal} signal
   */
  constructor(deck, signal) {
    this.deck = deck;
    this.keys = new Keys(deck.data.classes);
    this.help = new KeyHelp(deck.at, this.keys, () => this.#printKeys(), signal);
    this.#printKeys();
    this.#listen(signal);
  }

  /**
   * Whether a click is meant for the image on screen: the second of a double click meant the one before.
   *
   * @param {MouseEvent} event
   */
  meant(event) {
    if (event.detail < 2 || performance.now() - this.deck.stage.shownAt > DOUBLE_MS) return true;
    this.deck.hint("A double click counts as one answer");
    return false;
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    const { link, at, outbox } = this.deck;
    window.addEventListener("keydown", (event) => this.#key(event), { capture: true, signal });
    window.addEventListener("pointerdown", () => this.#awake(), { capture: true, signal });
    window.addEventListener("pagehide", () => this.deck.depart(), { signal });
    window.addEventListener("pageshow", (event) => event.persisted && link.sync(), { signal });
    window.addEventListener("online", () => link.sync(), { signal });
    // kept answers survive a reload; only where the browser keeps nothing, leaving would lose them
    window.addEventListener("beforeunload", (event) => outbox.durable || !outbox.pending().length || event.preventDefault(), { signal });
    one(at.banner, "button").addEventListener("click", () => this.deck.settleBanner(), { signal });
    document.addEventListener("visibilitychange", () => !document.hidden && link.sync(), { signal });
    for (const group of [at.tools, at.zoom])
      group.addEventListener("click", (event) => this.#press(event), { signal });
    for (const node of [at.tools, at.zoom, at.classes, at.recent, at.queues, at.guide_button, at.compare_button, at.keys_button])
      node.addEventListener("mousedown", (event) => event.preventDefault(), { signal }); // keep focus off the buttons
  }

  /** @param {MouseEvent} event */
  #press(event) {
    const path = /** @type {HTMLElement[]} */ (event.composedPath());
    const command = path.find((node) => node.dataset?.do)?.dataset.do;
    if (command && this.meant(event)) this.#run(/** @type {Command} */ (command));
  }

  /**
   * Hot keys. Streamlit has shortcuts of its own (c, r): a key that answers must not reach them.
   *
   * @param {KeyboardEvent} event
   */
  #key(event) {
    const pressing = target(event).tagName === "BUTTON" && (event.key === " " || event.key === "Enter");
    if (isTyping(event) || pressing || event.altKey || this.deck.at.help.open) return;
    const alone = this.#action(event);
    const step = event.ctrlKey || event.metaKey ? undefined : this.deck.classes.step(event, alone !== undefined);
    const action = step === undefined ? alone : step === null ? NOTHING : { classId: step };
    if (!action) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (action === NOTHING || (event.repeat && action.command !== "closer" && action.command !== "wider") || !this.#awake()) return;
    if (action.classId !== undefined) this.deck.answer("class", action.classId);
    else this.#run(action.command);
  }

  /** @param {KeyboardEvent} event */
  #action(event) {
    if (!event.ctrlKey && !event.metaKey) return this.keys.action(event);
    return event.key.toLowerCase() === "z" ? { command: /** @type {const} */ ("undo") } : undefined;
  }

  /** @param {Command} command */
  #run(command) {
    const { deck } = this;
    const entry = deck.stage.current;
    if (command === "skip" || command === "unsure" || command === "bad") return deck.answer(command);
    if (command === "none" || command === "comment")
      return entry && deck.guard.allows(entry) ? deck.notes.ask(command, entry) : deck.ignore(entry);
    const rest = {
      undo: () => deck.undo(),
      previous: () => deck.step(-1),
      next: () => deck.step(1),
      fit: () => deck.zoom.toggle(),
      closer: () => deck.zoom.by(1.25),
      wider: () => deck.zoom.by(0.8),
      guide: () => deck.aids.guide.toggle(),
      help: () => this.help.open(),
      find: () => deck.classes.find(),
      likewise: () => deck.follow(),
      compare: () => deck.aids.compare.toggle(),
    };
    rest[command]();
  }

  #printKeys() {
    this.deck.classes.printKeys((id) => this.keys.classKey(id));
    one(this.deck.at.likewise, "kbd").textContent = this.keys.commandKey("likewise");
    const buttons = /** @type {HTMLElement[]} */ ([...this.deck.at.tools.children]);
    for (const button of buttons)
      one(button, "kbd").textContent = this.keys.commandKey(/** @type {Command} */ (button.dataset.do));
  }

  /** Someone is there. After a long pause the queue is asked first, since the leases have lapsed. */
  #awake() {
    const slept = this.presence.away;
    this.presence.seen();
    if (slept) this.deck.wake();
    return !slept;
  }
}
