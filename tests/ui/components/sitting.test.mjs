/** A person's sitting: goal and break, told quietly and to nobody else. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Sitting } from "../../../ui/components/deck/sitting.js";
import { page, pageWithoutStorage } from "./browser.mjs";

const MINUTE = 60000;
const NOON = 1_700_000_000_000;
const work = (sitting, from, to) => {
  for (let minute = from; minute <= to; minute++) sitting.answered(NOON + minute * MINUTE);
};

beforeEach(() => page());

test("without a goal and a break nothing is said", () => {
  const sitting = new Sitting(1, 2, null);
  work(sitting, 0, 200);
  assert.equal(sitting.words(NOON + 200 * MINUTE), "");
});

test("images and minutes count towards the goal, one that is taken back does not, and a reload changes nothing", () => {
  const sitting = new Sitting(1, 2, null);
  sitting.aim({ images: 3, minutes: 10 });
  work(sitting, 0, 2);
  sitting.undone();
  assert.equal(sitting.words(NOON + 2 * MINUTE), "2 of 3 images, 2 of 10 minutes");
  const again = new Sitting(1, 2, null);
  work(again, 3, 10);
  assert.equal(again.words(NOON + 10 * MINUTE), "goal reached: 3 images, goal reached: 10 minutes");
  assert.equal(new Sitting(7, 2, null).words(NOON), "");
});

test("a sitting ends half an hour after its last answer", () => {
  const sitting = new Sitting(1, 2, null);
  sitting.aim({ images: 9 });
  work(sitting, 0, 5);
  assert.equal(sitting.words(NOON + 36 * MINUTE), "0 of 9 images");
  work(sitting, 40, 40);
  assert.equal(sitting.words(NOON + 40 * MINUTE), "1 of 9 images");
});

test("a break is suggested after so many minutes without a pause, and no more once there was one", () => {
  const sitting = new Sitting(1, 2, 20);
  work(sitting, 0, 19);
  assert.equal(sitting.words(NOON + 19 * MINUTE), "");
  work(sitting, 20, 22);
  assert.equal(sitting.words(NOON + 22 * MINUTE), "22 minutes without a pause: time for a break?");
  assert.equal(sitting.words(NOON + 28 * MINUTE), "");
  work(sitting, 29, 30);
  assert.equal(sitting.words(NOON + 30 * MINUTE), "");
});

test("a browser that keeps nothing still counts for the life of the page", () => {
  pageWithoutStorage();
  const sitting = new Sitting(1, 2, null);
  sitting.aim({ images: 2 });
  work(sitting, 0, 0);
  assert.equal(sitting.words(NOON), "1 of 2 images");
});
