// Builds elements from data. Text stays text: nothing here parses markup.
const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

// el("td", { class: "number", "data-label": "Rows" }, 12); the keys of `on` are names of events.
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, { on = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

export function show(element, isShown) {
  element.hidden = !isShown;
}

// Updates the children of an element by key. Unchanged ones stay, and so keep the focus.
export function updateChildren(parent, items, keyOf, make) {
  const present = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const next = items.map((item) => {
    const key = String(keyOf(item));
    const facts = JSON.stringify(item);
    const known = present.get(key);
    if (known?.dataset.facts === facts) return known;
    const made = make(item, known === undefined);
    made.dataset.key = key;
    made.dataset.facts = facts;
    return made;
  });
  const same =
    next.length === parent.children.length && next.every((one, i) => one === parent.children[i]);
  if (!same) parent.replaceChildren(...next);
}

export function options(select, choices, chosen) {
  select.replaceChildren(...choices.map(([value, text]) => el("option", { value }, text)));
  select.value = choices.some(([value]) => value === chosen) ? chosen : (choices[0]?.[0] ?? "");
}
