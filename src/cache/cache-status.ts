// The Cache-Status field of RFC 9211 for an answer: one member for each tier that was asked, the nearest to the source first.
import type { TierReport } from './tiers.ts';

/** What is known of an answer besides its tiers. */
export type Served = {
  /** The tier whose entry was served; undefined: the source's answer. */
  readonly tier: string | undefined;
  /** Another request's load gave the answer. */
  readonly isCollapsed: boolean;
  /** Why the source did not answer, and a stale entry was served instead. */
  readonly failure: string | undefined;
};

/** `memory; fwd=uri-miss; stored`, or `redis; hit; ttl=3100, memcached; fwd=bypass; detail=breaker-open`. `hit` and `fwd` exclude each other. */
export function cacheStatus(reports: readonly TierReport[], served: Served): string {
  return reports
    .toReversed()
    .map((report) => memberOf(report, served))
    .join(', ');
}

function memberOf(report: TierReport, served: Served): string {
  const ttl = report.ttlMs === undefined ? [] : [`ttl=${Math.ceil(report.ttlMs / 1000)}`];
  if (report.name === served.tier) {
    const failure = served.failure === undefined ? [] : [`detail=${token(served.failure)}`];
    return [token(report.name), 'hit', ...ttl, ...failure].join('; ');
  }
  const detail = report.outcome === 'held' ? 'held' : report.detail;
  return [
    token(report.name),
    `fwd=${FORWARDED[report.outcome]}`,
    ...(report.isStored ? ['stored'] : []),
    ...(served.isCollapsed && served.tier === undefined ? ['collapsed'] : []),
    ...(detail === undefined ? [] : [`detail=${token(detail)}`]),
  ].join('; ');
}

/** A hit that was not served was undecodable, or older than another's. */
const FORWARDED: Readonly<Record<TierReport['outcome'], string>> = {
  hit: 'miss',
  miss: 'uri-miss',
  stale: 'stale',
  held: 'uri-miss',
  skipped: 'bypass',
};

/** An sf-token as it is, all else as an sf-string (RFC 8941). */
function token(text: string): string {
  if (/^[A-Za-z*][\w!#$%&'*+.^`|~:/-]*$/.test(text)) return text;
  return `"${text.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll(/["\\]/g, '\\$&')}"`;
}
