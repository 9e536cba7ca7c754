// The keyspace outside the heap: the contract of all keyspaces.
import { OffHeapKeyspace } from '../../../src/store/off-heap-keyspace.ts';
import { keyspaceContract } from '../../suites/keyspace.ts';
import { keyspaceWalkContract } from '../../suites/keyspace-walk.ts';

keyspaceContract('outside the heap', () => new OffHeapKeyspace(0x1234_5678_9abc));
keyspaceWalkContract('outside the heap', () => new OffHeapKeyspace(0x1234_5678_9abc));
