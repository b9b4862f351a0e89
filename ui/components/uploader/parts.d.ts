/** The elements of uploader.html that are named by `data-is`. */
export interface UploaderParts {
  purpose: HTMLElement;
  shares: HTMLElement;
  test: HTMLInputElement;
  target: HTMLInputElement;
  zone: HTMLElement;
  call: HTMLElement;
  hint: HTMLElement;
  files: HTMLButtonElement;
  folder: HTMLButtonElement;
  chosen: HTMLInputElement;
  walked: HTMLInputElement;
  state: HTMLElement;
  bar: HTMLProgressElement;
  status: HTMLElement;
  stop: HTMLButtonElement;
  going: HTMLElement;
  read: HTMLElement;
  refused: HTMLElement;
}
