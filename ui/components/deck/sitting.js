/**
 * A person's sitting at the desk: their own goal, which goes along to other browsers (`own.js`), and when a break is due.
 * How they work nobody is told; this browser keeps it.
 *
 * A sitting ends half an hour after its last answer, and five minutes without one are a pause.
 */
import { inStorage, ours } from "../shared/memory.js";

const MINUTE = 60000;
const PAUSE_MS = 5 * MINUTE;
const OVER_MS = 30 * MINUTE;

/** @typedef {{images?: number, minutes?: number}} Goal */

export class Sitting {
  /** @type {Goal} */
  goal = {};
  began = 0;
  rested = 0;
  last = 0;
  count = 0;

  /**
   * @param {number} annotator
   * @param {number} project
   * @param {number | null} breakMinutes after which the project suggests a break
   */
  constructor(annotator, project, breakMinutes) {
    this.name = `${ours()}-sitting:${annotator}:${project}`;
    this.breakMinutes = breakMinutes;
    Object.assign(this, inStorage((storage) => JSON.parse(storage.getItem(this.name) ?? "{}"), () => ({})));
  }

  /** @param {number} now ms */
  answered(now) {
    if (now - this.last > OVER_MS) Object.assign(this, { began: now, count: 0 });
    if (now - this.last > PAUSE_MS) this.rested = now;
    this.count += 1;
    this.last = now;
    this.#keep();
  }

  /** An answer was taken back. */
  undone() {
    this.count = Math.max(0, this.count - 1);
    this.#keep();
  }

  /** @param {Goal} goal without what is no goal */
  aim(goal) {
    this.goal = goal;
    this.#keep();
  }

  /** The goal as it is sent: images and minutes, null where there is none. */
  numbers() {
    return [this.goal.images ?? null, this.goal.minutes ?? null];
  }

  /**
   * One quiet line, or nothing.
   *
   * @param {number} now ms
   */
  words(now) {
    const { images, minutes } = this.goal;
    const on = now - this.last <= OVER_MS;
    const [count, spent] = on ? [this.count, Math.floor((now - this.began) / MINUTE)] : [0, 0];
    const parts = [];
    if (images) parts.push(count >= images ? `goal reached: ${images} images` : `${count} of ${images} images`);
    if (minutes) parts.push(spent >= minutes ? `goal reached: ${minutes} minutes` : `${spent} of ${minutes} minutes`);
    const worked = Math.floor((now - this.rested) / MINUTE);
    if (this.breakMinutes && now - this.last <= PAUSE_MS && worked >= this.breakMinutes)
      parts.push(`${worked} minutes without a pause: time for a break?`);
    return parts.join(", ");
  }

  #keep() {
    const { goal, began, rested, last, count } = this;
    inStorage((storage) => storage.setItem(this.name, JSON.stringify({ goal, began, rested, last, count })), () => {});
  }
}

export class GoalForm {
  /**
   * @param {HTMLElement} form with a number of images and one of minutes
   * @param {Sitting} sitting
   * @param {() => void} onChange
   * @param {AbortSignal} signal
   */
  constructor(form, sitting, onChange, signal) {
    const [images, minutes] = /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("input"));
    const show = () => [images.value, minutes.value] = sitting.numbers().map((each) => String(each ?? ""));
    show();
    /** @param {(number | null)[]} numbers of another browser */
    this.take = ([images, minutes]) => {
      sitting.aim({ images: images ?? undefined, minutes: minutes ?? undefined });
      show();
    };
    /** @param {HTMLInputElement} input */
    const number = ({ value, max }) => (Number(value) >= 1 ? Math.floor(Math.min(Number(value), Number(max))) : undefined);
    form.addEventListener("change", () => {
      sitting.aim({ images: number(images), minutes: number(minutes) });
      onChange();
    }, { signal });
  }
}
