/** The elements of grid.html that are named by `data-is`. */
export interface GridParts {
  source: HTMLSelectElement;
  class: HTMLSelectElement;
  size: HTMLSelectElement;
  words: HTMLElement;
  summary: HTMLElement;
  pill: HTMLElement;
  tiles: HTMLElement;
  empty: HTMLElement;
  hint: HTMLElement;
  accept: HTMLButtonElement;
  undo: HTMLButtonElement;
  large: HTMLElement;
}
