// Elements from descriptions, and the changing of what is shown into what is to be shown.
// Data becomes text and attributes, never markup.

export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  element.props = props ?? {};
  for (const [name, value] of Object.entries(element.props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on") || name === "value") element[name] = value;
    else if (name === "style") setStyle(element, value);
    else if (name !== "key" && name !== "keep") element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function setStyle(element, values) {
  for (const [name, value] of Object.entries(values)) element.style.setProperty(name, value);
}

// Make `shown` look like `wanted` and keep its elements, so that focus, selection and scroll
// positions stay. Elements with `keep` own their contents.
export function morph(shown, wanted) {
  const before = shown.props ?? {};
  shown.props = wanted.props;
  for (const { name } of [...shown.attributes]) {
    if (name !== "style" && name !== "open" && !wanted.hasAttribute(name)) shown.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (name !== "style" && shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  }
  for (const name of new Set([...Object.keys(before), ...Object.keys(wanted.props ?? {})])) {
    if (name.startsWith("on")) shown[name] = wanted.props[name] ?? null;
    if (name === "style") setStyle(shown, wanted.props.style ?? {});
  }
  if (!wanted.props?.keep) morphChildren(shown, [...wanted.childNodes]);
}

export function morphChildren(parent, wanted) {
  const keyed = new Map();
  for (const child of parent.children) {
    if (child.props?.key !== undefined) keyed.set(child.props.key, child);
  }
  let place = parent.firstChild;
  for (const next of wanted) {
    const key = next.props?.key;
    let found = key === undefined ? place : keyed.get(key);
    if (found && !alike(found, next)) found = null;
    if (!found) {
      parent.insertBefore(next, place);
      continue;
    }
    if (found === place) place = place.nextSibling;
    else parent.insertBefore(found, place);
    if (found === next) continue;
    if (found.nodeType === Node.TEXT_NODE) {
      if (found.data !== next.data) found.data = next.data;
    } else morph(found, next);
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
}

function alike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && one.props?.key === other.props?.key;
}
