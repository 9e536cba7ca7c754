// What `npm start` says on the terminal: how far a start is, and what can be done once the cluster answers.
import { type Dispatcher, request } from 'undici';
import { programVersion } from '../base/version.ts';
import type { Settings } from '../settings.ts';
import type { NodePlan } from './node-process.ts';

export type Greeted = {
  readonly settings: Settings;
  readonly plans: readonly NodePlan[];
  readonly ready: ReadonlySet<string>;
  pidOf(id: string): number | undefined;
};

const PROGRESS_TIMEOUT_MS = 500;

/** One screen: where everything is, and the first commands to try. */
export function greeting({ settings, plans, ready, pidOf }: Greeted): string {
  const { log, dataDir, cluster } = settings;
  const gateway = (plans[0]?.origin ?? '').replace(/:\d+$/, `:${cluster.gatewayPort}`);
  const where = log.kind === 'kafka' ? `the Kafka topic ${log.kafka.topic}` : `the ${log.kind} log in ${dataDir}`;
  const width = Math.max(...plans.map(({ id }) => id.length), 'gateway'.length);
  const curl = `curl${curlFlags(settings.http.tls)}`;
  const lines = plans.map(({ id, origin, logPath }) => {
    const state = ready.has(id) ? '' : ', not ready yet';
    return `  ${id.padEnd(width)}  ${origin}   pid ${pidOf(id) ?? '–'}${state}, writes ${logPath}`;
  });
  return `
Chorus ${programVersion()} runs: ${plans.length === 1 ? 'one node' : `${plans.length} nodes`} over ${where}.

  ${'gateway'.padEnd(width)}  ${gateway}   round-robin over the nodes
${lines.join('\n')}

Try it:

  ${curl} -X PUT --data 'hello' ${gateway}/v1/keys/greeting
  ${curl} -i ${gateway}/v1/keys/greeting
  ${curl} ${gateway}/v1/cluster            # or look at it: ${gateway}/console
  kill -9 ${pidOf(plans[0]?.id ?? '') ?? '<pid>'}     # the gateway goes on; the node is started again and catches up

Ctrl-C stops all.
`;
}

/** Over TLS curl must be told whom to trust, and, where it is asked, who it is. */
function curlFlags({ certFile, clientAuth }: Settings['http']['tls']): string {
  if (certFile === '') return '';
  return clientAuth === 'required' ? ' --cacert <ca> --cert <certificate> --key <key>' : ' --cacert <ca>';
}

/** `node-1 replays the log: 43 %; node-2 is nearly ready` */
export async function progressLine(plans: readonly NodePlan[], dispatcher: Dispatcher): Promise<string> {
  const states = await Promise.all(
    plans.map(async ({ id, origin, logPath }) => {
      const percent = await percentOf(origin, dispatcher);
      if (percent === undefined) return `${id} does not answer yet (it writes ${logPath})`;
      return percent < 100 ? `${id} replays the log: ${Math.floor(percent)} %` : `${id} is nearly ready`;
    }),
  );
  return states.join('; ');
}

async function percentOf(origin: string, dispatcher: Dispatcher): Promise<number | undefined> {
  try {
    const signal = AbortSignal.timeout(PROGRESS_TIMEOUT_MS);
    const { body } = await request(`${origin}/readyz?verbose`, { dispatcher, signal });
    const said = (await body.json()) as { progress?: { percent?: unknown } };
    return typeof said.progress?.percent === 'number' ? said.progress.percent : undefined;
  } catch {
    return undefined;
  }
}
