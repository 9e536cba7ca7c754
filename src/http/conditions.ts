// If-Match and If-None-Match (RFC 9110 §13.1) read into the condition that apply judges. Our ETag is the revision.
import type { IncomingHttpHeaders } from 'node:http';
import { ALWAYS, type Condition, type RevisionSet } from '../core/condition.ts';
import { Problem } from './problems.ts';

/** An ETag that is well formed but none of ours: no entry has this revision, so it never matches. */
const FOREIGN = 0;

// element = [ "W/" ] DQUOTE *etagc DQUOTE / 1*DIGIT; etagc = %x21 / %x23-7E / obs-text
const ELEMENT = /[ \t]*(?:(?:W\/)?"([\x21\x23-\x7e\x80-\xff]*)"|(\d+))?[ \t]*(,|$)/y;

export function etagOf(revision: number | bigint): string {
  return `"${revision}"`;
}

/** The condition of a request's two headers; undefined stands for a header that was not sent. */
export function conditionOf(match: string | undefined, noneMatch: string | undefined, maxRevisions: number): Condition {
  if (match === undefined && noneMatch === undefined) return ALWAYS;
  return {
    match: match === undefined ? 'none' : revisionSet('If-Match', match, maxRevisions),
    noneMatch: noneMatch === undefined ? 'none' : revisionSet('If-None-Match', noneMatch, maxRevisions),
  };
}

/** For requests that have no one entry: a condition that nobody judges must not seem to be kept. */
export function refuseConditions(headers: IncomingHttpHeaders): void {
  const field = headers['if-match'] !== undefined ? 'If-Match' : 'If-None-Match';
  if (headers[field.toLowerCase()] === undefined) return;
  throw new Problem('invalid-header', {
    field,
    detail: `${field} is for requests on one key; operations have "ifRevision".`,
  });
}

/** `*`, or a list of ETags: `"7"`, `W/"7"` (proxies weaken them) and a bare `7` are all revision 7. Never an empty list. */
export function revisionSet(field: string, text: string, maxRevisions: number): RevisionSet {
  if (text.trim() === '*') return 'any';
  const revisions: number[] = [];
  ELEMENT.lastIndex = 0;
  for (let isLast = false; !isLast; ) {
    const element = ELEMENT.exec(text);
    if (element === null) throw notEtags(field);
    const tag = element[1] ?? element[2];
    // Empty list elements are allowed (RFC 9110 §5.6.1.2).
    if (tag !== undefined) revisions.push(revisionIn(tag));
    isLast = element[3] === '';
  }
  if (revisions.length === 0) throw notEtags(field);
  if (revisions.length > maxRevisions) {
    throw new Problem('invalid-header', { field, detail: `${field} names at most ${maxRevisions} ETags.` });
  }
  return revisions;
}

function revisionIn(tag: string): number {
  const revision = /^[1-9]\d{0,15}$/.test(tag) ? Number(tag) : FOREIGN;
  return Number.isSafeInteger(revision) ? revision : FOREIGN;
}

function notEtags(field: string): Problem {
  return new Problem('invalid-header', { field, detail: `${field} must be * or a list of ETags such as "7".` });
}
