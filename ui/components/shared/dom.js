/** Small things with elements. Every text goes in as text, never as markup. */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [name] its class
 * @param {string} [text]
 */
export function make(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
}

/**
 * The one element that must be there.
 *
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function one(root, selector) {
  const node = root.querySelector(selector);
  if (!(node instanceof HTMLElement)) throw new Error(`alflow: there is no ${selector}`);
  return node;
}

/**
 * The elements that the page names with `data-is`; the caller says which these are.
 *
 * @param {ParentNode} root
 * @returns {unknown}
 */
export function parts(root) {
  const named = /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-is]"));
  return Object.fromEntries([...named].map((node) => [node.dataset.is, node]));
}

/** @param {Event} event where it really happened, inside whatever shadow */
export const target = (event) => /** @type {HTMLElement} */ (event.composedPath()[0]);

/** @param {Event} event whether it is for a field that takes text */
export const isTyping = (event) =>
  /^(INPUT|TEXTAREA|SELECT)$/.test(target(event).tagName) || target(event).isContentEditable;
