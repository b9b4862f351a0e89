/** The opened card: why this image, in words and pictures. The browser's own dialog keeps the focus; Escape closes it. */
/** @import { Card, Picture } from "../shared/types.js" */
import { make, one, target } from "../shared/dom.js";

/** @param {Picture} picture */
const figure = ({ image, name, caption }) => {
  const node = make("figure");
  node.append(
    Object.assign(make("img"), { src: image, alt: name, loading: "lazy" }),
    make("figcaption", "", caption),
  );
  return node;
};

/**
 * @param {string} title
 * @param {Picture[]} pictures
 */
const row = (title, pictures) => {
  const node = make("section");
  const strip = make("div", "strip");
  strip.append(...pictures.map(figure));
  node.append(make("h3", "", title), ...(pictures.length ? [strip] : []));
  return node;
};

/**
 * @param {string} title
 * @param {string[]} heads
 * @param {string[][]} rows
 */
const table = (title, heads, rows) => {
  const node = make("section");
  const body = make("table");
  const head = make("tr");
  head.append(...heads.map((text) => Object.assign(make("th", "", text), { scope: "col" })));
  body.append(head);
  for (const cells of rows) {
    const line = make("tr");
    line.append(...cells.map((text) => make("td", "", text)));
    body.append(line);
  }
  node.append(make("h3", "", title), body);
  return node;
};

/**
 * What opens a card.
 *
 * @param {ParentNode} root
 * @returns {(card: Card) => void}
 */
export const opener = (root) => {
  const dialog = /** @type {HTMLDialogElement} */ (one(root, "dialog"));
  const title = one(root, "#why-title");
  const reasons = one(root, ".reasons");
  one(root, ".close").onclick = () => dialog.close();
  dialog.onclick = (event) => {
    if (target(event) === dialog) dialog.close(); // beside it
  };
  return ({ image, rank, told }) => {
    if (!told) return;
    title.textContent = `Why image ${rank}?`;
    const words = make("div", "words");
    words.append(...told.sentences.map((text) => make("p", "", text)));
    const head = make("div", "head");
    head.append(Object.assign(make("img"), { src: image, alt: `Candidate ${rank}` }), words);
    reasons.replaceChildren(
      head,
      row(told.about, told.informs),
      row(told.alike, told.copies),
      table("What each answer would tell", ["Class", "Probability", "Gain"], told.answers),
      table("Its place by strategy", ["Strategy", "Place in the pool"], told.places),
    );
    dialog.showModal();
    dialog.scrollTop = 0;
  };
};
