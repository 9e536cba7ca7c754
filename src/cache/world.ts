// What a cache may know of the outside: time, chance and ids; tests hand in their own.
import type { World } from '../base/world.ts';

export type CacheWorld = Pick<World, 'clock' | 'random' | 'newId'>;
