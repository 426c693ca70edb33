type Attributes = Record<string, string | number | boolean | null>;

/** An element with attributes and children; strings become text, never markup. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  attach(element, attributes);
  element.append(...children);
  return element;
}

/** Set attributes; null and false take one away. */
export function attach(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : (value as string));
  }
}

/** Change a text only where it differs, so that a selection and a screen reader are left in peace. */
export function put(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function button(className: string, onClick: () => void, text = ""): HTMLButtonElement {
  const element = h("button", { type: "button", class: className }, text);
  element.addEventListener("click", onClick);
  return element;
}
