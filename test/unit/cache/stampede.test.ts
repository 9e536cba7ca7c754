// The stampede upon the store in this process; test/integration/ has it upon real servers.
import { memory } from '../../../src/cache/public.ts';
import { stampede } from '../../suites/stampede.ts';

stampede('memory', (world) => memory({ world }));
