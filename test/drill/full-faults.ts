// All faults of the full drill: each strikes, is healed again, and says what showed that it took effect; otherwise it rejects.

import { killBroker, killLeader, pauseLeader, rollBrokers } from './broker-faults.ts';
import { killFlusher, killSnapshotOwner } from './chore-faults.ts';
import { brokerClock, nodeClock } from './clock-faults.ts';
import { fullBroker, fullData } from './disk-faults.ts';
import type { FullScene } from './full-scene.ts';
import { killAll, killNode, pauseNode, rollNodes } from './node-faults.ts';
import { delayWay, dropWay, halfOpenWay, resetWay } from './way-faults.ts';

export type FullFault = {
  readonly about: string;
  readonly needs: 'kafka' | 'embedded' | 'any log';
  /** Whether processes of nodes end by it. */
  readonly endsNodes?: true;
  /** Resolves with what showed it, when it is healed: the cluster may still be catching up. */
  strike(scene: FullScene): Promise<string>;
};

export const FULL_FAULTS = {
  'node-kill': { about: 'SIGKILL of one node, started again', needs: 'any log', endsNodes: true, strike: killNode },
  'nodes-kill': { about: 'SIGKILL of all nodes at once', needs: 'any log', endsNodes: true, strike: killAll },
  'node-pause': { about: 'SIGSTOP of one node for seconds, then SIGCONT', needs: 'kafka', strike: pauseNode },
  'nodes-roll': { about: 'SIGTERM of each node in turn', needs: 'any log', endsNodes: true, strike: rollNodes },
  'broker-kill': { about: 'SIGKILL of a broker that does not lead', needs: 'kafka', strike: killBroker },
  'leader-kill': { about: 'SIGKILL of the broker that leads the log', needs: 'kafka', strike: killLeader },
  'leader-pause': { about: 'SIGSTOP of that broker for seconds, then SIGCONT', needs: 'kafka', strike: pauseLeader },
  'brokers-roll': { about: 'SIGTERM of each broker in turn', needs: 'kafka', strike: rollBrokers },
  'way-drop': { about: 'nothing passes between one node and the brokers', needs: 'kafka', strike: dropWay },
  'way-delay': { about: 'every byte between them comes late', needs: 'kafka', strike: delayWay },
  'way-half-open': { about: 'what one node sends arrives, no answer comes back', needs: 'kafka', strike: halfOpenWay },
  'way-reset': { about: 'its connections are reset in the midst of answers', needs: 'kafka', strike: resetWay },
  'broker-disk': { about: 'the disk of one broker is full', needs: 'kafka', strike: fullBroker },
  'data-disk': { about: 'the disk of the log and the nodes is full', needs: 'embedded', strike: fullData },
  'node-clock': {
    about: 'one node an hour ahead, then one an hour behind',
    needs: 'kafka',
    endsNodes: true,
    strike: nodeClock,
  },
  'broker-clock': { about: 'the leading broker is 20 s ahead', needs: 'kafka', strike: brokerClock },
  'snapshot-kill': {
    about: 'SIGKILL of a node that is saving a snapshot',
    needs: 'any log',
    endsNodes: true,
    strike: killSnapshotOwner,
  },
  'flush-kill': {
    about: 'SIGKILL of the duty node in mid-flush',
    needs: 'any log',
    endsNodes: true,
    strike: killFlusher,
  },
} as const satisfies Readonly<Record<string, FullFault>>;

export type FaultName = keyof typeof FULL_FAULTS;
export const FAULT_NAMES = Object.keys(FULL_FAULTS) as readonly FaultName[];
