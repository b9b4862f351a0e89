/** Feedback: what each answer was worth, and a hint for every check. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Feedback } from "../../../ui/components/deck/feedback.js";

test("what an answer was worth is known by its token, and checks are hinted at", () => {
  const hints = [];
  const feedback = new Feedback(new Map([[3, "cat"]]), (text, warn) => hints.push([text, warn]));
  const worth = { token: "t", class_id: 3, probability: 0.75, agrees: true, words: "" };
  feedback.take([{ key: "a", stored: true, worth }, { key: "b", stored: true, worth: null }]);
  feedback.take([{ key: "c", stored: true, check: { right: true, class_id: 3 } }, { key: "d", stored: false }]);
  feedback.take([{ key: "e", stored: true, check: { right: false, class_id: 3 } }]);
  assert.equal(feedback.of("t"), worth);
  assert.equal(feedback.of("other"), undefined);
  assert.equal(feedback.of(undefined), undefined);
  assert.deepEqual(hints, [
    ["This was a check, and you were right: cat", false],
    ["This was a check. Correct class: cat", true],
  ]);
});
