// PyCache: the cluster itself under PyCache's API, three nodes behind a gateway on this machine, as `npm start` runs them.
import { portIn, settingsOf } from '../shared/settings.ts';

const settings = settingsOf(process.env);
process.env.CHORUS_GATEWAY_PORT ??= String(portIn(settings, 8080));
process.env.CHORUS_HOST ??= settings('HOST') ?? '127.0.0.1';
process.env.CHORUS_DATA_DIR ??= 'data/pycache';

await import('chorus/start');
