// What the nodes say of themselves: readiness, process id, revision, key count, digests.
import { ask, type Target } from './requests.ts';

const TIMEOUT_MS = 2_000;
const CHECK_TIMEOUT_MS = 30_000;

export type Self = { readonly node: string; readonly pid: number; readonly revision: number; readonly keys: number };
export type DigestAnswer = {
  readonly agreed: boolean;
  readonly revision: number;
  readonly digests: Readonly<Record<string, string>>;
};

export async function isReady(target: Target): Promise<boolean> {
  const answer = await ask(target, { method: 'GET', path: '/readyz' }, TIMEOUT_MS);
  return answer.kind === 'answered' && answer.status === 200;
}

export async function allReady(targets: readonly Target[]): Promise<boolean> {
  return (await Promise.all(targets.map(isReady))).every(Boolean);
}

/** The node's own entry of /v1/cluster; undefined while it does not answer or is not a member yet. */
export async function selfOf(node: Target): Promise<Self | undefined> {
  const answer = await ask(node, { method: 'GET', path: '/v1/cluster' }, TIMEOUT_MS);
  if (answer.kind === 'lost' || answer.status !== 200) return undefined;
  const view = JSON.parse(answer.body) as { node: string; revision: number; members: readonly Self[] };
  const own = view.members.find((member) => member.node === view.node);
  return own === undefined ? undefined : { node: view.node, pid: own.pid, revision: view.revision, keys: own.keys };
}

/** The nodes' digests at one common place of the log; a sentence when they could not be had. */
export async function checkDigests(node: Target): Promise<DigestAnswer | string> {
  const path = '/v1/cluster?check=digests&timeout=20s';
  const answer = await ask(node, { method: 'GET', path }, CHECK_TIMEOUT_MS);
  if (answer.kind === 'lost') return answer.trouble;
  return answer.status === 200 ? (JSON.parse(answer.body) as DigestAnswer) : `${answer.status} ${answer.body}`;
}
