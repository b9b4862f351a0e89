/**
 * Groups of classes: a heading for each, which folds where there are many classes, and two keys for each class: Shift and
 * the number of the group, then the place in it. Where the row of digits types them with Shift, its keys without Shift
 * stand for them, unless what they type means something else.
 */
/** @import { ClassOfDeck } from "../shared/types.js" */
/** @import { Press } from "./keys.js" */
import { make } from "../shared/dom.js";

const FOLDED = 12; // classes from which on groups are folded
const PLACES = "123456789abcdefghijklmnopqrstuvwxyz";

/** @typedef {{name: string, head: HTMLButtonElement, buttons: HTMLButtonElement[], open: boolean}} Group */

export class Groups {
  /** @type {Group[]} in the order of their first classes */
  groups = [];
  /** @type {Group | null} whose first key was pressed */
  #begun = null;
  /** @type {Set<HTMLButtonElement>} in a group */
  #in = new Set();

  /**
   * @param {ClassOfDeck[]} classes
   * @param {HTMLButtonElement[]} buttons of the classes, in their order
   * @param {() => void} onFold
   */
  constructor(classes, buttons, onFold) {
    this.buttons = buttons;
    this.onFold = onFold;
    const open = classes.length < FOLDED;
    classes.forEach(({ group }, i) => {
      if (!group) return;
      this.#in.add(buttons[i]);
      const known = this.groups.find((each) => each.name === group);
      if (known) known.buttons.push(buttons[i]);
      else this.groups.push({ name: group, head: make("button", "group"), buttons: [buttons[i]], open });
    });
    for (const [i, group] of this.groups.entries()) this.#label(group, i);
  }

  /**
   * The list: classes without a group, then each group under its heading.
   *
   * @param {(button: HTMLButtonElement) => boolean} wanted
   * @param {(button: HTMLButtonElement) => HTMLElement} row
   * @returns {HTMLElement[]}
   */
  rows(wanted, row) {
    const alone = this.buttons.filter((button) => !this.#in.has(button) && wanted(button)).map(row);
    return [
      ...alone,
      ...this.groups.flatMap(({ head, buttons, open }) => {
        head.setAttribute("aria-expanded", String(open));
        const rows = buttons.filter(wanted).map(row);
        for (const each of rows) each.classList.toggle("folded", !open);
        return [head, ...rows];
      }),
    ];
  }

  /**
   * The first or second of two keys: the class; null where it answers nothing yet; undefined where it is no such key.
   *
   * @param {Press} event
   * @param {boolean} taken whether the key by itself answers or commands something
   */
  step({ key, code, shiftKey }, taken) {
    const begun = this.#begun;
    const digit = Number(/^Digit([1-9])$/.exec(code)?.[1]);
    this.#begun = null;
    if (begun) {
      if (key === "Shift") {
        this.#begun = begun;
        return null;
      }
      const typed = key.length > 1 ? -1 : PLACES.indexOf(key.toLowerCase());
      const button = begun.buttons[typed < 0 ? digit - 1 : typed];
      return button ? Number(button.dataset.id) : null;
    }
    const types = /^\d$/.test(key);
    const group = this.groups[digit - 1];
    if (!group || (types && !shiftKey) || (taken && (types || !shiftKey))) return undefined;
    this.#begun = group;
    group.open = true;
    this.onFold();
    group.head.scrollIntoView({ block: "start" });
    return null;
  }

  /** @param {HTMLButtonElement} button what its second key is, while that is awaited */
  keyOf(button) {
    return this.#begun ? PLACES[this.#begun.buttons.indexOf(button)] ?? "" : "";
  }

  /**
   * @param {Group} group
   * @param {number} i
   */
  #label(group, i) {
    group.head.type = "button";
    group.head.append(make("span", "", group.name), make("small", "", String(group.buttons.length)));
    if (i < 9) group.head.append(make("kbd", "", `⇧${i + 1}`));
    group.head.onclick = () => {
      group.open = !group.open;
      this.onFold();
    };
  }
}
