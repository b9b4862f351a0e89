/**
 * Which key does what. In the project's own set a class has the key that the project gave it; in a set for one hand the
 * classes lie under that hand, home row first. A command takes the first of its keys that no class has.
 *
 * A name like `KeyS` is a place on the keyboard, whatever is printed there; any other name is what the key types.
 */
/** @import { DeckData } from "../shared/types.js" */
import { remember, remembered } from "../shared/memory.js";

/** @typedef {"previous" | "next" | "skip" | "unsure" | "none" | "bad" | "comment" | "undo" | "fit" | "guide" | "likewise" | "compare"} SetCommand */
/** @typedef {SetCommand | "find" | "help" | "closer" | "wider"} Command */
/** @typedef {{command: Command, classId?: undefined} | {classId: number, command?: undefined}} Action */
/** @typedef {{title: string, about: string, classes?: string[], commands: Record<SetCommand, string[]>}} KeySet */
/** @typedef {Pick<KeyboardEvent, "key" | "code" | "shiftKey">} Press */

/** @type {Record<string, KeySet>} */
export const KEY_SETS = {
  project: {
    title: "Project keys",
    about: "The keys that the project assigns to its classes",
    commands: {
      previous: ["h", "["],
      next: ["l", "]"],
      skip: [" "],
      unsure: ["u", ","],
      none: ["n", "0"],
      bad: ["b", "."],
      comment: ["m", ";"],
      undo: ["Backspace"],
      fit: ["f", "z"],
      guide: ["g", "'"],
      likewise: ["y", "="],
      compare: ["v", "`"],
    },
  },
  left: {
    title: "Left hand on the keyboard",
    about: "Classes under the left hand, the right hand on the mouse",
    classes: "KeyS KeyD KeyF KeyW KeyE KeyR KeyX KeyC KeyV KeyQ KeyT KeyB".split(" "),
    commands: {
      previous: ["KeyA"],
      next: ["KeyG"],
      skip: [" "],
      unsure: ["Digit1"],
      none: ["Digit2"],
      bad: ["Digit3"],
      comment: ["Digit4"],
      undo: ["KeyZ"],
      fit: ["Backquote"],
      guide: ["Digit5"],
      likewise: ["Digit6"],
      compare: ["Digit7"],
    },
  },
  right: {
    title: "Right hand on the keyboard",
    about: "Classes under the right hand, the left hand on the mouse",
    classes: "KeyJ KeyK KeyL KeyU KeyI KeyO KeyM Comma Period KeyP KeyY KeyN".split(" "),
    commands: {
      previous: ["KeyH"],
      next: ["Semicolon"],
      skip: [" "],
      unsure: ["Digit7"],
      none: ["Digit8"],
      bad: ["Digit9"],
      comment: ["Digit0"],
      undo: ["Backspace"],
      fit: ["Quote"],
      guide: ["BracketLeft"],
      likewise: ["BracketRight"],
      compare: ["Digit6"],
    },
  },
};
/** @type {Record<string, Command>} */
const ALWAYS = { ArrowLeft: "previous", ArrowRight: "next", Backspace: "undo", "/": "find", "?": "help", "+": "closer", "-": "wider" };
/** @type {Record<Command, string>} */
export const WORDS = {
  previous: "Previous image", next: "Next image", skip: "Skip", unsure: "Unsure", none: "None of these", bad: "Bad image",
  comment: "Comment", undo: "Undo", fit: "Fit / 1:1", guide: "Guidelines", find: "Find a class", help: "Keys",
  closer: "Zoom in", wider: "Zoom out", likewise: "Label near copies likewise", compare: "Compare two classes",
};
/** @type {Record<string, string>} */
const PRINTED = { " ": "Space", Backspace: "Bksp", ArrowLeft: "←", ArrowRight: "→", Comma: ",", Period: ".", Semicolon: ";", Quote: "'", BracketLeft: "[", BracketRight: "]", Backquote: "`" };
const PLACE = /^(Key[A-Z]|Digit\d|Comma|Period|Semicolon|Quote|BracketLeft|BracketRight|Backquote)$/;

const STORED = "alflow-keys";

export class Keys {
  name = "project";
  /** @type {Map<number, string | undefined>} */
  #ofClass = new Map();
  /** @type {Map<Command, string | undefined>} */
  #ofCommand = new Map();
  /** @type {Map<string, Action>} */
  #actions = new Map();
  /** @type {{get(place: string): string | undefined} | null} what is printed on the keyboard, where the browser knows it */
  #layout = null;

  /** @param {DeckData["classes"]} classes */
  constructor(classes) {
    this.classes = classes;
    this.choose(remembered(STORED) ?? "");
    /** @type {any} */ (navigator).keyboard
      ?.getLayoutMap?.()
      .then((/** @type {Map<string, string>} */ layout) => {
        this.#layout = layout;
      })
      .catch(() => {});
  }

  /** @param {string} name of a set; one that is not known is the project's */
  choose(name) {
    this.name = Object.hasOwn(KEY_SETS, name) ? name : "project";
    const set = KEY_SETS[this.name];
    this.#ofClass = new Map(this.classes.map(({ id, key }, i) => [id, set.classes ? set.classes[i] : key?.toLowerCase()]));
    const taken = new Set(this.#ofClass.values());
    const commands = /** @type {[SetCommand, string[]][]} */ (Object.entries(set.commands));
    this.#ofCommand = new Map(commands.map(([command, keys]) => [command, keys.find((key) => !taken.has(key))]));
    this.#actions = new Map(Object.entries(ALWAYS).map(([key, command]) => [key, { command }]));
    for (const [command, key] of this.#ofCommand) if (key) this.#actions.set(key, { command });
    for (const [id, key] of this.#ofClass) if (key) this.#actions.set(key, { classId: id });
    remember(STORED, this.name);
  }

  /**
   * What a key press means, if anything. Some type `/` or `+` with Shift and another place.
   *
   * @param {Press} press
   */
  action({ key, code, shiftKey }) {
    const typed = key.length === 1 ? key.toLowerCase() : key;
    if (shiftKey && ALWAYS[typed]) return this.#actions.get(typed);
    return this.#actions.get(code) ?? this.#actions.get(typed);
  }

  /** @param {number} id of the class on whose key this is printed */
  classKey(id) {
    return this.#printed(this.#ofClass.get(id));
  }

  /** @param {Command} command on whose key this is printed */
  commandKey(command) {
    const always = Object.keys(ALWAYS).find((key) => ALWAYS[key] === command);
    return this.#printed(this.#ofCommand.get(command) ?? always);
  }

  /** @param {string} [key] */
  #printed(key) {
    if (!key) return "";
    if (PRINTED[key] && !(PLACE.test(key) && this.#layout)) return PRINTED[key];
    if (!PLACE.test(key)) return key;
    return this.#layout?.get(key) ?? key.replace(/^(Key|Digit)/, "").toLowerCase();
  }
}
