/**
 * Writes down what was on screen at every trusted key press and click on a class, without asking the deck: the element under the middle of
 * the window's image area by hit test, and the number its own pixels show.
 */
(() => {
  const BITS = 10;
  const SQUARE = 48;

  const deepest = (root, x, y) => {
    const hit = root.elementFromPoint(x, y);
    return hit?.shadowRoot && hit.shadowRoot.elementFromPoint(x, y) !== hit ? deepest(hit.shadowRoot, x, y) : hit;
  };

  const find = (root) => {
    const found = root.querySelector(".stage");
    if (found) return found;
    for (const node of root.querySelectorAll("*")) {
      const inside = node.shadowRoot && find(node.shadowRoot);
      if (inside) return inside;
    }
    return null;
  };

  const onScreen = () => {
    const stage = find(document);
    if (!stage) return null;
    const box = stage.getBoundingClientRect();
    const image = deepest(document, box.x + box.width / 2, box.y + box.height / 2);
    if (image?.tagName !== "IMG" || !image.complete || !image.naturalWidth) return null;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const y = canvas.height / 2 + SQUARE / 2;
    let number = 0;
    for (let bit = 0; bit < BITS; bit++) {
      const [red] = context.getImageData(bit * SQUARE + SQUARE / 2, y, 1, 1).data;
      if (red > 127) number |= 1 << bit;
    }
    return number;
  };

  window.witness = [];
  window.addEventListener("keydown", (event) => {
    if (event.isTrusted) window.witness.push({ what: "key", key: event.key, number: onScreen(), at: event.timeStamp });
  }, true);
  window.addEventListener("click", (event) => {
    const key = event.isTrusted && event.composedPath()[0].closest?.(".classes button")?.querySelector("kbd");
    if (key) window.witness.push({ what: "key", key: key.textContent, number: onScreen(), at: event.timeStamp });
  }, true);
  window.addEventListener("alflow", ({ detail }) => window.witness.push({ ...detail }));
})();
