/** What helps beside the image: guidelines, two classes compared, images of the same thing, near copies, one's own pace. */
/** @import { DeckData, Entry, StandingAnswer } from "../shared/types.js" */
/** @import { DeckParts } from "./parts.js" */
/** @import { View } from "./view.js" */
import { Compare } from "./compare.js";
import { Likewise } from "./likewise.js";
import { Own } from "./own.js";
import { Guide } from "./panels.js";
import { Shelf } from "./shelf.js";
import { GoalForm, Sitting } from "./sitting.js";
import { Strip } from "./strip.js";

export class Aids {
  /**
   * @param {DeckParts} at
   * @param {DeckData} data
   * @param {View} view
   * @param {object} hooks
   * @param {() => void} hooks.onFollow the near copies are to be labelled
   * @param {() => void} hooks.onDecline
   * @param {() => void} hooks.onChoice a goal or a favourite was chosen, here or in another browser
   * @param {AbortSignal} hooks.signal
   */
  constructor(at, data, view, { onFollow, onDecline, onChoice, signal }) {
    this.at = at;
    this.view = view;
    this.guide = new Guide(at, data, signal);
    this.shelf = new Shelf(data.annotator, data.project);
    this.compare = new Compare(at, data, this.shelf, signal);
    this.guide.onOpen = () => this.compare.close(); // there is room for one of them
    this.compare.onOpen = () => this.guide.close();
    this.strip = new Strip(at, data.project, signal);
    this.likewise = new Likewise(at, data.project, { onAccept: onFollow, onDecline, signal });
    this.sitting = new Sitting(data.annotator, data.project, data.break_minutes);
    const form = new GoalForm(at.goal, this.sitting, () => chosen("goal"), signal);
    this.shelf.onChoice = () => chosen("favourites");
    this.own = new Own(data.annotator, data.project, {
      favourites: { numbers: () => this.shelf.favourites, take: (ids) => this.shelf.take(/** @type {number[]} */ (ids)) },
      goal: { numbers: () => this.sitting.numbers(), take: (numbers) => form.take(numbers) },
    });
    /** @param {"favourites" | "goal"} name */
    const chosen = (name) => {
      this.own.changed(name);
      onChoice();
    };
  }

  /** @param {Entry | null} entry another one, or none, is on screen */
  changed(entry) {
    this.strip.close();
    this.compare.follow(entry);
  }

  /** @param {number | null} classId of an answer that is given */
  answered(classId) {
    if (classId !== null) this.shelf.use(classId);
    this.sitting.answered(Date.now());
  }

  /**
   * What was beside the image, for the record.
   *
   * @param {Entry} entry
   */
  shown(entry) {
    const group = entry.group?.images.map(([id]) => id) ?? null;
    return { likely: entry.likely ?? null, group, compared: this.compare.shown };
  }

  /**
   * @param {Entry | null} entry on screen
   * @param {StandingAnswer[]} history newest first
   * @param {{token: string, item_ids: number[]} | undefined} offer of near copies of what was answered last
   */
  draw(entry, history, offer) {
    const { view } = this;
    this.at.sitting.textContent = this.sitting.words(Date.now());
    this.strip.show(entry, (id, class_id) => {
      const mine = history.find((answer) => answer.item_id === id);
      return mine ? view.said(mine) : (class_id !== null && view.names.get(class_id)) || "";
    });
    this.likewise.show(offer, history[0], offer ? view.said(history[0]) : "");
  }
}
