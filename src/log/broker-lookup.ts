// Looks up the names of brokers, one question a name at a time: libuv has four threads for all lookups, and one for a name that nobody answers for can take ten seconds.
import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';

type Callback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;
type Ask = (host: string, options: LookupOptions, callback: Callback) => void;

/** For `net.connect`. Whoever asks for a name while it is being looked up waits for that answer. */
export function sharedLookup(ask: Ask = lookup): LookupFunction {
  const waiting = new Map<string, Callback[]>();
  return (host, options, callback) => {
    const question = `${host} ${options.family ?? 0} ${options.hints ?? 0} ${options.all === true}`;
    const already = waiting.get(question);
    if (already !== undefined) {
      already.push(callback);
      return;
    }
    const callbacks: Callback[] = [callback];
    waiting.set(question, callbacks);
    ask(host, options, (...answer) => {
      waiting.delete(question);
      for (const each of callbacks) each(...answer);
    });
  };
}
