// Which addresses a node may be bound to, and for which hosts it answers: keeps other web pages' names (DNS rebinding) out.
import { isIP } from 'node:net';

export type Auth = 'none' | 'tokens';

/** Host names for which a node answers beside the loopback names and addresses; 'any': it does not look. */
export type HostRule = readonly string[] | 'any';

/** The sentence to be said at start when a node is open to others; undefined when it is not. */
export function openBindingWarning(host: string, auth: Auth): string | undefined {
  if (isLoopback(host) || auth !== 'none') return undefined;
  return `ATTENTION: this node listens on ${host} without authentication (auth: 'none'). Whoever reaches it can read, change and delete everything.`;
}

export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === 'localhost' || name === '::1' || name === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(name);
}

/**
 * Whether a node answers for a Host header (or the authority of an absolute target), whatever its port. A web page can make a
 * name of its own lead here (DNS rebinding), but no address.
 */
export function isHostAllowed(rule: HostRule, header: string): boolean {
  if (rule === 'any') return true;
  const name = hostNameOf(header);
  if (name === undefined) return false;
  return isIP(name) !== 0 || isLoopback(name) || rule.some((allowed) => allowed.toLowerCase() === name);
}

/** The name in `name:port`, `name` or `[address]:port`: lower case, without brackets. */
export function hostNameOf(header: string): string | undefined {
  const parts = /^(?:\[([0-9a-f:.]+)\]|([^\s:@/\\[\]?#]+))(?::\d{0,5})?$/i.exec(header);
  return (parts?.[1] ?? parts?.[2])?.toLowerCase();
}

/** Whether a request was sent by a web page of elsewhere: browsers say so with what is no mere read. */
export function isCrossOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return false;
  const authority = /^https?:\/\/([^/]+)$/i.exec(origin)?.[1];
  return authority?.toLowerCase() !== host?.toLowerCase();
}
