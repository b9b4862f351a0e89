/** The elements of map.html that are named by `data-is`. */
export interface MapParts {
  field: HTMLSelectElement;
  tools: HTMLElement;
  nearer: HTMLButtonElement;
  farther: HTMLButtonElement;
  fit: HTMLButtonElement;
  mode: HTMLSelectElement;
  seen: HTMLButtonElement;
  slices: HTMLElement;
  slice: HTMLSelectElement;
  stage: HTMLElement;
  canvas: HTMLCanvasElement;
  line: SVGPolygonElement;
  tip: HTMLElement;
  wait: HTMLElement;
  title: HTMLElement;
  legend: HTMLElement;
  count: HTMLElement;
  shown: HTMLElement;
  clear: HTMLButtonElement;
  tiles: HTMLElement;
}
