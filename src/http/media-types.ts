// Media types: what is stored with a value, and whether a client accepts it (RFC 9110 §8.3, §12.5.1).
import { Problem } from './problems.ts';

export const OCTETS = 'application/octet-stream';

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const MEDIA_TYPE = new RegExp(
  `^${TOKEN}/${TOKEN}(?:[ \\t]*;[ \\t]*(?:${TOKEN}=(?:${TOKEN}|"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\[\\t -\\x7e])*"))?)*$`,
);
const FORM = /^application\/x-www-form-urlencoded[ \t]*(?:;|$)/i;
const RANGE = new RegExp(`^(\\*|${TOKEN})/(\\*|${TOKEN})$`);

export function isMediaType(text: string): boolean {
  return MEDIA_TYPE.test(text);
}

/** The type stored with a body: what curl says of any data it sends means nothing, and so does silence. */
export function storedTypeOf(header: string | undefined, maxLength: number): string {
  if (header === undefined || header === '' || FORM.test(header)) return OCTETS;
  if (header.length > maxLength) {
    throw new Problem('unsupported-media-type', {
      field: 'Content-Type',
      detail: `Content-Type has at most ${maxLength} characters.`,
    });
  }
  if (!isMediaType(header)) {
    throw new Problem('unsupported-media-type', {
      field: 'Content-Type',
      detail: 'Content-Type is not a media type such as text/plain.',
    });
  }
  return header;
}

/** Whether an Accept header admits a type: the most specific range that fits decides. A header that cannot be read admits all. */
export function accepts(accept: string | undefined, mediaType: string): boolean {
  if (accept === undefined || accept === '*/*' || accept === '') return true;
  const [type = '', subtype = ''] = essence(mediaType).split('/');
  let best = -1;
  let isAccepted = false;
  for (const element of accept.split(',')) {
    const range = RANGE.exec(essence(element));
    if (range === null) return true;
    const specificity = specificityOf(range[1] ?? '', range[2] ?? '', type, subtype);
    if (specificity <= best) continue;
    best = specificity;
    isAccepted = !/;[ \t]*q=0(?:\.0{0,3})?[ \t]*(?:;|$)/i.test(element);
  }
  return isAccepted;
}

function essence(mediaType: string): string {
  const semicolon = mediaType.indexOf(';');
  return (semicolon === -1 ? mediaType : mediaType.slice(0, semicolon)).trim().toLowerCase();
}

/** -1: does not fit; 0: any; 1: `type/*`; 2: exactly. */
function specificityOf(rangeType: string, rangeSubtype: string, type: string, subtype: string): number {
  if (rangeType === '*') return rangeSubtype === '*' ? 0 : -1;
  if (rangeType !== type) return -1;
  if (rangeSubtype === '*') return 1;
  return rangeSubtype === subtype ? 2 : -1;
}
