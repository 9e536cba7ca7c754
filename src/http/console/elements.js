// What the parts of the page share to draw: elements, and figures as people read them.

export const at = (id) => document.getElementById(id);

/** Whatever comes from outside becomes text, never markup. */
export function make(tag, text, look = '', children = []) {
  const element = document.createElement(tag);
  element.textContent = text;
  if (look !== '') element.className = look;
  element.append(...children);
  return element;
}

export function facts(pairs) {
  return pairs.flatMap(([name, value]) => [make('dt', name), make('dd', value)]);
}

const COUNT = new Intl.NumberFormat('en');
export const countOf = (count) => COUNT.format(count);

export function bytesOf(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const figure = bytes / 1024 ** step;
  return `${step === 0 || figure >= 100 ? Math.round(figure) : figure.toFixed(1)} ${units[step]}`;
}

/** How long from now, or since then, in the largest unit that says enough. */
export function spanOf(milliseconds) {
  const seconds = Math.round(Math.abs(milliseconds) / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
