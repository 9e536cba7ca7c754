// The commands that make and hold together the cluster: create-cluster, heartbeat.
import { Malformed } from '../../base/bytes.ts';
import { EVICTIONS } from '../../base/evictions.ts';
import { VERDICTS } from '../outcome.ts';
import type { State } from '../state.ts';
import type { CreateCluster, Heartbeat, StateLimits } from './command.ts';
import type { CommandSpec } from './spec.ts';

// In the log they stand in this order.
const ORDER = ['maxValueBytes', 'maxKeys', 'maxMemoryBytes', 'maxOutcomes', 'outcomeWindowMs', 'featureLevel'] as const;
type Bounds = Omit<StateLimits, 'eviction'>;

// create-cluster = cluster:text8 maxValueBytes:varint maxKeys:varint maxMemoryBytes:varint maxOutcomes:varint
//                  outcomeWindowMs:varint featureLevel:varint eviction:u8          version 1 ends before eviction
export const createCluster: CommandSpec<CreateCluster> = {
  number: 9,
  version: 2,
  write(writer, { cluster, limits }) {
    writer.text8(cluster);
    for (const name of ORDER) writer.varint(limits[name]);
    writer.u8(EVICTIONS.indexOf(limits.eviction));
  },
  read(reader, version) {
    const cluster = reader.text8();
    if (cluster === '') throw new Malformed('a cluster has no id');
    const bounds = ORDER.map((name) => [name, reader.varint()] as const);
    const eviction = version === 1 ? 'none' : EVICTIONS[reader.u8()];
    if (eviction === undefined) throw new Malformed('a policy of eviction is not known');
    return { type: 'create-cluster', cluster, limits: { ...(Object.fromEntries(bounds) as Bounds), eviction } };
  },
  apply(state, command) {
    if (state.cluster !== '') return VERDICTS['cluster-exists'];
    state.cluster = command.cluster;
    state.limits = command.limits;
    state.recent.begin(state.time.now);
    return VERDICTS.created;
  },
};

// heartbeat = cluster:text8 address:text8 pid:varint version:text8 featureLevel:varint ready:u8 revision:varint
//             lag:varint keys:varint bytes:varint ( 0:u8 | 1:u8 offset:varint revision:varint digest:u64 )
export const heartbeat: CommandSpec<Heartbeat> = {
  number: 10,
  version: 1,
  write(writer, command) {
    writer.text8(command.cluster);
    writer.text8(command.address);
    writer.varint(command.pid);
    writer.text8(command.version);
    writer.varint(command.featureLevel);
    writer.u8(command.isReady ? 1 : 0);
    writer.varint(command.revision);
    writer.varint(command.lagMs);
    writer.varint(command.keys);
    writer.varint(command.bytes);
    writer.u8(command.report === undefined ? 0 : 1);
    if (command.report === undefined) return;
    writer.varint(command.report.offset);
    writer.varint(command.report.revision);
    writer.u64(command.report.digest);
  },
  read: (reader) => ({
    type: 'heartbeat',
    cluster: reader.text8(),
    address: reader.text8(),
    pid: reader.varint(),
    version: reader.text8(),
    featureLevel: reader.varint(),
    isReady: reader.flag(),
    revision: reader.varint(),
    lagMs: reader.varint(),
    keys: reader.varint(),
    bytes: reader.varint(),
    report: reader.flag() ? { offset: reader.varint(), revision: reader.varint(), digest: reader.u64() } : undefined,
  }),
  apply(state, command, place) {
    if (command.cluster !== state.cluster) return VERDICTS['other-cluster'];
    state.members.heartbeat(place, command, state.revision, state.time.now);
    raiseFeatureLevel(state);
    return VERDICTS.done;
  },
};

// Once all live members know more than the cluster uses, it uses what they all know, and never less again.
function raiseFeatureLevel(state: State): void {
  const level = Math.min(...state.members.live().map(({ latest }) => latest?.featureLevel ?? 0));
  if (!Number.isFinite(level) || level <= state.rules.featureLevel) return;
  state.limits = { ...state.rules, featureLevel: level };
}
