/** The line that asks for words: a comment on the image on screen, or what a class that fits would be called. */
const ASKS = {
  comment: ["Comment on this image", "It is stored with your answer"],
  none: ["None of these. What is it?", "A name for a class, if you know one; Enter stores the answer"],
};

class Notes {
  constructor(at, { onComment, onNone, signal }) {
    this.form = at.note;
    this.tag = at.comment_tag;
    [this.label, this.input] = [this.form.querySelector("label"), this.form.querySelector("input")];
    this.take = { comment: onComment, none: onNone };
    this.comments = new Map(); // candidate id -> what was said of it, until it is answered
    this.form.addEventListener("submit", (event) => this.#submit(event), { signal });
    this.form.querySelector("[type=button]").addEventListener("click", () => this.close(), { signal });
    this.input.addEventListener("keydown", (event) => event.key === "Escape" && this.close(), { signal });
  }

  /** Ask about this entry; the words stay with it, whatever comes on screen meanwhile. */
  ask(kind, entry) {
    [this.kind, this.entry] = [kind, entry];
    const [label, hint] = ASKS[kind];
    this.label.firstChild.textContent = label;
    this.input.placeholder = hint;
    this.input.maxLength = kind === "none" ? 200 : 2000;
    this.input.value = kind === "comment" ? this.of(entry) : "";
    this.form.hidden = false;
    this.input.focus();
  }

  close() {
    this.form.hidden = true;
    this.entry = null;
    this.input.blur();
  }

  of(entry) {
    return this.comments.get(entry?.candidate_id) ?? "";
  }

  /** The entry on screen changed: a line that asks about another one goes, its comment is shown. */
  follow(entry) {
    if (this.entry && this.entry.candidate_id !== entry?.candidate_id) this.close();
    this.tag.textContent = this.of(entry);
    this.tag.hidden = !this.tag.textContent;
  }

  #submit(event) {
    event.preventDefault();
    const { kind, entry } = this;
    const words = this.input.value.trim();
    this.close();
    if (kind === "comment") this.comments.set(entry.candidate_id, words);
    this.take[kind](entry, words);
  }
}
