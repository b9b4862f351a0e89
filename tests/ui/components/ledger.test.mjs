/** The ledger: the server's word, changed by what is on its way, near copies that were labelled likewise among it. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Ledger } from "../../../ui/components/deck/ledger.js";
import { Outbox } from "../../../ui/components/deck/outbox.js";
import { page } from "./browser.mjs";

const ENTRY = { candidate_id: 1, item_id: 10 };
const ALONE = { candidate_id: null, item_id: 20 };
const answer = { kind: "answer", token: "a", candidate_id: 1, verdict: "class", class_id: 5 };
const likewise = { kind: "likewise", token: "b", answer: "a", candidate_id: null, class_id: 5, item_ids: [20, 21] };
const reply = (recent, queue = []) => ({ kind: "todo", queue, recent, round: null, awaited: "", aside: {} });

let ledger;
beforeEach(() => {
  page();
  ledger = new Ledger(new Outbox(1, 2));
});

test("near copies on their way are one answer for all, which is in no queue and counts for no round", () => {
  ledger.outbox.add(answer, ENTRY);
  ledger.outbox.add(likewise, ALONE);
  const [last, first] = ledger.history();
  assert.deepEqual([last.token, last.verdict, last.class_id, last.likewise, last.item_id], ["b", "class", 5, 2, 20]);
  assert.equal(first.token, "a");
  assert.deepEqual(ledger.sequence().map(({ candidate_id }) => candidate_id), [1]);
  assert.equal(ledger.pendingAnswers(), 1);
});

test("one that is taken back is gone at once, and no image comes on screen for it", () => {
  ledger.take(reply([{ ...answer, item_id: 10 }], []), "todo");
  ledger.outbox.add(likewise, ALONE);
  ledger.outbox.add({ kind: "undo", token: "b", candidate_id: null }, ALONE);
  assert.deepEqual(ledger.history().map(({ token }) => token), ["a"]);
  assert.deepEqual(ledger.entries(), []);
});

test("an answer on its way that no round asked for hides no stored one of that kind", () => {
  ledger.take(reply([{ ...answer, token: "map", candidate_id: null, item_id: 30 }]), "todo");
  ledger.outbox.add(likewise, ALONE);
  assert.deepEqual(ledger.history().map(({ token }) => token), ["b", "map"]);
});
