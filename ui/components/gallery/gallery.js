/** Draws cards; every text goes in as text, never as markup. */
/** @import { Card, GalleryData, Mounted } from "../shared/types.js" */
import { make, one } from "../shared/dom.js";
import { opener } from "./why.js";

/** @type {Record<string, string>} */
const ORIGINS = { person: "by hand", reserve: "extra", grid: "grid" };

/** @param {Card["believed"][number]} believed */
const bar = ({ name, value }) => {
  const row = make("div", "bar");
  const track = make("i");
  track.append(Object.assign(make("b"), { style: `width: ${(100 * value).toFixed(1)}%` }));
  row.append(make("span", "", name), track, make("span", "value", `${(100 * value).toFixed(0)}%`));
  return row;
};

/**
 * @param {Card} card
 * @param {(card: Card) => void} open
 */
const draw = (card, open) => {
  const { image, rank, origin, believed, facts, answers, verdict } = card;
  const node = make("article", `card ${verdict}`);
  const picture = make("div", "picture");
  picture.append(
    Object.assign(make("img"), { src: image, alt: `Candidate ${rank}`, loading: "lazy" }),
    make("span", "rank", `#${rank}`),
  );
  if (origin !== "strategy") picture.append(make("span", "origin", ORIGINS[origin] ?? origin));
  const reasons = make("dl");
  for (const [name, value] of facts) reasons.append(make("dt", "", name), make("dd", "", value));
  const given = make("p", "answers", answers.join(", ") || "not answered yet");
  node.append(picture, given, ...believed.map(bar), reasons);
  if (card.told) {
    const why = Object.assign(make("button", "why", "Why this image?"), { type: "button" });
    why.setAttribute("aria-haspopup", "dialog");
    why.setAttribute("aria-label", `Why this image? #${rank}`);
    why.addEventListener("click", () => open(card));
    node.append(why);
  }
  return node;
};

/** @param {Mounted<GalleryData>} mounted */
export default function ({ data, parentElement }) {
  const cards = one(parentElement, ".cards");
  const content = JSON.stringify(data);
  if (cards.dataset.content === content) return; // drawn already: do not make the images flicker
  cards.dataset.content = content;
  const open = opener(parentElement);
  cards.replaceChildren(...data.cards.map((card) => draw(card, open)));
}
