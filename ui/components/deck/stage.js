/**
 * The image on screen and the next ones behind it, decoded, so that the next shows within a frame.
 *
 * `ready` holds only while the current image has loaded and been painted: nobody can answer pixels not yet seen.
 */
/** @import { Entry } from "../shared/types.js" */

export class Stage {
  /** @type {Map<number, HTMLImageElement>} by item id */
  images = new Map();
  /** @type {Map<number, HTMLImageElement>} by item id, on no page */
  warmed = new Map();
  /** @type {Entry | null} */
  current = null;
  ready = false;
  shownAt = 0;

  /**
   * @param {HTMLElement} root
   * @param {object} hooks
   * @param {(entry: Entry) => string} hooks.source address of the image that fits a screen
   * @param {(entry: Entry) => void} hooks.onShown
   * @param {(entry: Entry | null) => void} hooks.onChange
   */
  constructor(root, { source, onShown, onChange }) {
    this.root = root;
    root.replaceChildren();
    this.source = source;
    this.onShown = onShown;
    this.onChange = onChange;
  }

  /**
   * Hold images for exactly these entries, the first of which will be shown next.
   *
   * @param {Entry[]} entries
   */
  hold(entries) {
    const wanted = new Set(entries.map((entry) => entry.item_id));
    for (const [id, image] of this.images) {
      if (!wanted.has(id) && id !== this.current?.item_id) {
        image.remove();
        this.images.delete(id);
      }
    }
    for (const entry of entries) this.#image(entry);
  }

  /**
   * Put an entry on screen, or nothing.
   *
   * @param {Entry | null} entry
   */
  show(entry) {
    if (entry && this.current?.candidate_id === entry.candidate_id) return;
    if (this.current) this.images.get(this.current.item_id)?.classList.remove("on");
    this.current = entry;
    this.ready = false;
    this.root.classList.toggle("loading", Boolean(entry));
    this.root.classList.remove("failed");
    this.onChange(entry);
    if (!entry) return;
    const image = this.#image(entry);
    image.classList.add("on");
    if (image.complete && image.naturalWidth) this.#painted(entry, image);
  }

  /**
   * Put all pixels of the image in place of those that fit a screen, without a blink; a busy server is asked once more.
   *
   * @param {(entry: Entry) => string} source
   */
  sharpen(source) {
    const image = this.current && this.images.get(this.current.item_id);
    if (!this.current || !image || image.dataset.sharp) return;
    image.dataset.sharp = "asked";
    const whole = new Image();
    const address = source(this.current);
    /** @param {number} tries */
    const ask = (tries) => {
      whole.onerror = () => setTimeout(() => image.isConnected && ask(tries + 1), Math.min(1000 * 2 ** tries, 15000));
      whole.src = address;
    };
    whole.onload = () => {
      if (image.isConnected) image.src = address;
    };
    ask(0);
  }

  /**
   * Have the browser's cache fetch images that may be wanted while the connection is lost; again where it failed.
   *
   * @param {Entry[]} entries
   */
  warm(entries) {
    const wanted = new Map(entries.map((entry) => [entry.item_id, entry]));
    for (const id of this.warmed.keys()) if (!wanted.has(id)) this.warmed.delete(id);
    for (const [id, entry] of wanted) {
      if (this.warmed.has(id)) continue;
      const image = Object.assign(new Image(), { fetchPriority: "low", src: this.source(entry) });
      image.onerror = () => this.warmed.get(id) === image && this.warmed.delete(id);
      this.warmed.set(id, image);
    }
  }

  /** @param {Entry[]} entries of which it is said how many can be shown without a connection */
  loaded(entries) {
    /** @param {HTMLImageElement} [image] */
    const is = (image) => Boolean(image?.complete && image.naturalWidth);
    return entries.filter(({ item_id }) => is(this.images.get(item_id)) || is(this.warmed.get(item_id))).length;
  }

  /** The connection is back: no image need wait for its next try. */
  retry() {
    for (const image of this.images.values()) if (image.complete && !image.naturalWidth) image.src = String(image.src);
  }

  /**
   * What was on screen, for the record that is stored with the answer.
   *
   * @param {Entry} entry
   */
  describe(entry) {
    const image = this.#image(entry);
    const box = image.getBoundingClientRect();
    return {
      item_id: Number(image.dataset.item),
      image: image.getAttribute("src"),
      width: Math.round(box.width),
      height: Math.round(box.height),
      pixel_ratio: window.devicePixelRatio,
    };
  }

  /** @param {Entry} entry */
  #image(entry) {
    const known = this.images.get(entry.item_id);
    if (known) return known;
    const image = document.createElement("img");
    image.alt = "Image to label";
    image.draggable = false;
    image.decoding = "sync";
    image.dataset.item = String(entry.item_id);
    image.dataset.tries = "0";
    image.onload = () => {
      image.decode?.().catch(() => {});
      if (this.current?.item_id === entry.item_id) this.#painted(this.current, image);
    };
    image.onerror = () => this.#reload(entry, image);
    image.src = this.source(entry);
    this.images.set(entry.item_id, image);
    this.root.append(image);
    return image;
  }

  /**
   * Ready once the frame that shows the image is out: after the next frame's callbacks and its paint.
   *
   * @param {Entry} entry
   * @param {HTMLImageElement} image
   */
  #painted(entry, image) {
    requestAnimationFrame(() =>
      setTimeout(() => {
        if (this.current?.candidate_id !== entry.candidate_id || !image.isConnected || this.ready) return;
        this.ready = true;
        this.shownAt = performance.now();
        this.root.classList.remove("loading", "failed");
        this.onShown(entry);
      }),
    );
  }

  /**
   * @param {Entry} entry
   * @param {HTMLImageElement} image
   */
  #reload(entry, image) {
    const tries = Number(image.dataset.tries) + 1;
    image.dataset.tries = String(tries);
    if (this.current?.item_id === entry.item_id && tries > 2) this.root.classList.add("failed");
    const retry = () => {
      if (image.isConnected && !image.naturalWidth) image.src = this.source(entry);
    };
    setTimeout(retry, Math.min(500 * 2 ** tries, 15000));
  }
}
