/** The guard: no answer to an image that nobody can have looked at. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Guard } from "../../../ui/components/deck/guard.js";

const shown = { candidate_id: 1, item_id: 10 };

test("an answer is allowed to the image on screen, once it is painted", () => {
  const stage = { current: shown, ready: false };
  const guard = new Guard(stage);
  assert.equal(guard.allows(shown), false);
  assert.equal(guard.reason, "The image is still loading");
  stage.ready = true;
  assert.equal(guard.allows(shown), true);
  assert.equal(guard.allows({ ...shown }), false); // one like it is another
  assert.equal(guard.allows(null), false);
});

test("after a pause nothing is allowed for a moment", (context) => {
  let now = 1000;
  context.mock.method(performance, "now", () => now);
  const guard = new Guard({ current: shown, ready: true });
  guard.pause();
  now += 699;
  assert.equal(guard.allows(shown), false);
  assert.equal(guard.reason, "New image: look first");
  now += 1;
  assert.equal(guard.allows(shown), true);
});
