/**
 * Which key does what. In the project's own set a class has the key that the project gave it; in a set for one hand the
 * classes lie under that hand, home row first. A command takes the first of its keys that no class has.
 *
 * A name like `KeyS` is a place on the keyboard, whatever is printed there; any other name is what the key types.
 */
const KEY_SETS = {
  project: {
    title: "Keys of the project",
    about: "The key that the project gave each class",
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
    },
  },
  left: {
    title: "Left hand on the keys",
    about: "Classes under the left hand, the right one on the mouse",
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
    },
  },
  right: {
    title: "Right hand on the keys",
    about: "Classes under the right hand, the left one on the mouse",
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
    },
  },
};
const ALWAYS = { ArrowLeft: "previous", ArrowRight: "next", Backspace: "undo", "/": "find", "?": "help", "+": "closer", "-": "wider" };
const WORDS = {
  previous: "Previous image", next: "Next image", skip: "Skip", unsure: "Unsure", none: "None of these", bad: "Bad image",
  comment: "Comment", undo: "Undo", fit: "Fit or 1:1", guide: "Guidelines", find: "Find a class", help: "Keys",
  closer: "Zoom in", wider: "Zoom out",
};
const PRINTED = { " ": "Space", Backspace: "Bksp", ArrowLeft: "←", ArrowRight: "→", Comma: ",", Period: ".", Semicolon: ";", Quote: "'", BracketLeft: "[", Backquote: "`" };
const PLACE = /^(Key[A-Z]|Digit\d|Comma|Period|Semicolon|Quote|BracketLeft|Backquote)$/;

class Keys {
  static STORED = "alflow-keys";

  constructor(classes) {
    this.classes = classes;
    this.layout = null;
    this.choose(Keys.#remembered());
    navigator.keyboard?.getLayoutMap?.().then((layout) => (this.layout = layout)).catch(() => {});
  }

  choose(name) {
    this.name = KEY_SETS[name] ? name : "project";
    const set = KEY_SETS[this.name];
    this.ofClass = new Map(this.classes.map(({ id, key }, i) => [id, set.classes ? set.classes[i] : key?.toLowerCase()]));
    const taken = new Set(this.ofClass.values());
    this.ofCommand = new Map();
    for (const [command, keys] of Object.entries(set.commands)) this.ofCommand.set(command, keys.find((key) => !taken.has(key)));
    this.actions = new Map(Object.entries(ALWAYS).map(([key, command]) => [key, { command }]));
    for (const [command, key] of this.ofCommand) if (key) this.actions.set(key, { command });
    for (const [id, key] of this.ofClass) if (key) this.actions.set(key, { classId: id });
    try {
      window.localStorage.setItem(Keys.STORED, this.name);
    } catch {
      return; // not remembered: chosen anew on the next visit
    }
  }

  /** What a key press means: `{classId}`, `{command}` or nothing. Some type `/` or `+` with Shift and another place. */
  action(event) {
    const typed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.shiftKey && ALWAYS[typed]) return this.actions.get(typed);
    return this.actions.get(event.code) ?? this.actions.get(typed);
  }

  /** What is printed on the key of a class. */
  classKey(id) {
    return this.#printed(this.ofClass.get(id));
  }

  commandKey(command) {
    const always = Object.keys(ALWAYS).find((key) => ALWAYS[key] === command);
    return this.#printed(this.ofCommand.get(command) ?? always);
  }

  #printed(key) {
    if (!key) return "";
    if (PRINTED[key] && !(PLACE.test(key) && this.layout)) return PRINTED[key];
    if (!PLACE.test(key)) return key;
    return this.layout?.get(key) ?? key.replace(/^(Key|Digit)/, "").toLowerCase();
  }

  static #remembered() {
    try {
      return window.localStorage.getItem(Keys.STORED);
    } catch {
      return null;
    }
  }
}
