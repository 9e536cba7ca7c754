// A load on a cluster's gateway that remembers what was acknowledged, and the check that every node has exactly that.
import type { ChorusCluster } from '../servers/chorus.ts';
import { until } from '../servers/chorus.ts';

type Load = {
  /** Key to value of every write that was answered with success; a later write of a key replaces the earlier. */
  readonly acknowledged: Map<string, string>;
  /** Every answer but success, and every broken connection, as a sentence. */
  readonly failures: string[];
  /** Successful increments of `counter`. */
  increments: number;
  /** Values that a read through the gateway gave, older than an answered write before it. */
  readonly stale: string[];
  /** Writes answered so far. */
  writes: number;
  stop(): Promise<void>;
};

const WRITERS = 6;

/** Writers that put, read back and count, without a pause, until stopped; `endsAtFailure`: at the first failure, too. */
export function startLoad(gateway: string, name: string, options = { endsAtFailure: false }): Load {
  const load = {
    acknowledged: new Map<string, string>(),
    failures: [] as string[],
    increments: 0,
    stale: [] as string[],
    writes: 0,
  };
  let isOn = true;
  const write = async (writer: number) => {
    for (let n = 0; isOn && !(options.endsAtFailure && load.failures.length > 0); n++) {
      const key = `${name}/${writer}/${n % 50}`;
      const value = `${writer}-${n}`;
      const put = await send(`${gateway}/v1/keys/${key}`, { method: 'PUT', body: value }, load.failures);
      if (put === undefined) continue;
      load.acknowledged.set(key, value);
      load.writes++;
      const found = await send(`${gateway}/v1/keys/${key}`, {}, load.failures);
      if (found !== undefined && found !== value) load.stale.push(`${key}: ${found} instead of ${value}`);
      const counted = await send(`${gateway}/v1/keys/${name}/counter?op=increment`, { method: 'POST' }, load.failures);
      if (counted !== undefined) load.increments++;
    }
  };
  const writers = Array.from({ length: WRITERS }, (_, writer) => write(writer));
  return Object.assign(load, {
    async stop() {
      isOn = false;
      await Promise.all(writers);
    },
  });
}

/** Resolves when at least `count` further writes were answered. */
export function moreWrites(load: Load, count: number): Promise<void> {
  const target = load.writes + count;
  return until(`${count} more writes`, async () => load.writes >= target);
}

/** What differs between the acknowledged and what each node holds now, as sentences. Every node must be ready. */
export async function differences({ nodes }: ChorusCluster, load: Load, name: string): Promise<string[]> {
  const revision = await highestRevision(nodes);
  const found: string[] = [];
  for (const { id, url } of nodes) {
    const read = async (key: string) => {
      const answer = await fetch(`${url}/v1/keys/${key}`, { headers: { 'Chorus-Min-Revision': String(revision) } });
      const text = await answer.text();
      return answer.status === 200 ? text : `status ${answer.status}`;
    };
    for (const [key, value] of load.acknowledged) {
      const held = await read(key);
      if (held !== value) found.push(`${id} holds ${held} at ${key}, acknowledged was ${value}`);
    }
    const counter = await read(`${name}/counter`);
    if (counter !== String(load.increments)) found.push(`${id} counted ${counter} of ${load.increments} increments`);
  }
  return found;
}

/** Asks the cluster whether all digests agree. */
export async function digestsAgree(gateway: string): Promise<boolean> {
  const answer = await fetch(`${gateway}/v1/cluster?check=digests`);
  const said = (await answer.json()) as { agreed?: boolean; digests?: Record<string, string> };
  return said.agreed === true;
}

async function highestRevision(nodes: ChorusCluster['nodes']): Promise<number> {
  const answers = await Promise.all(nodes.map(({ url }) => fetch(`${url}/livez`)));
  return Math.max(...answers.map((answer) => Number(answer.headers.get('chorus-revision'))));
}

async function send(url: string, init: RequestInit, failures: string[]): Promise<string | undefined> {
  try {
    const answer = await fetch(url, init);
    const text = await answer.text();
    if (answer.ok) return text;
    failures.push(`${init.method ?? 'GET'} ${url}: ${answer.status} ${text}`);
  } catch (error) {
    failures.push(`${init.method ?? 'GET'} ${url}: ${String(error)}`);
  }
  return undefined;
}
