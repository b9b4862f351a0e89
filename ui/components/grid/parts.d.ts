/** The elements of grid.html that are named by `data-is`. */
export interface GridParts {
  class: HTMLSelectElement;
  summary: HTMLElement;
  pill: HTMLElement;
  tiles: HTMLElement;
  empty: HTMLElement;
  hint: HTMLElement;
  accept: HTMLButtonElement;
  undo: HTMLButtonElement;
  large: HTMLElement;
}
