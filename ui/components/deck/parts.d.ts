/** The elements of deck.html that are named by `data-is`. */
export interface DeckParts {
  title: HTMLElement;
  round: HTMLElement;
  extra: HTMLElement;
  bar: HTMLElement;
  count: HTMLElement;
  pill: HTMLElement;
  queues: HTMLElement;
  guide_button: HTMLButtonElement;
  keys_button: HTMLButtonElement;
  banner: HTMLElement;
  guide: HTMLElement;
  frame: HTMLElement;
  stage: HTMLElement;
  zoom: HTMLElement;
  comment_tag: HTMLElement;
  note: HTMLFormElement;
  hint: HTMLElement;
  empty: HTMLElement;
  finder: HTMLElement;
  find: HTMLInputElement;
  classes: HTMLElement;
  tools: HTMLElement;
  undo: HTMLButtonElement;
  recent: HTMLElement;
  likewise: HTMLElement;
  sitting: HTMLElement;
  goal: HTMLElement;
  compare: HTMLElement;
  compare_button: HTMLButtonElement;
  strip: HTMLElement;
  peek: HTMLButtonElement;
  worth: HTMLElement;
  help: HTMLDialogElement;
}
