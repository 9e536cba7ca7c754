// The keyspace on a Map fits the contract of all keyspaces: so it can be their model.
import { MapKeyspace } from '../../model/map-keyspace.ts';
import { keyspaceContract } from '../../suites/keyspace.ts';
import { keyspaceWalkContract } from '../../suites/keyspace-walk.ts';

keyspaceContract('a Map', () => new MapKeyspace());
keyspaceWalkContract('a Map', () => new MapKeyspace());
