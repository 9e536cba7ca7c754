// A real etcd for benchmarks: one member, durable as it comes, spoken to by its JSON gateway.
import { type ServerControls, startAlone } from './child-server.ts';
import { freePort, temporaryDirectory } from './places.ts';

type Etcd = ServerControls & { readonly port: number };

export async function startEtcd(): Promise<Etcd> {
  const [port, peerPort] = [await freePort(), await freePort()];
  const directory = temporaryDirectory('etcd');
  const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
  const clients = ['--listen-client-urls', client, '--advertise-client-urls', client];
  const peers = [
    '--listen-peer-urls',
    peer,
    '--initial-advertise-peer-urls',
    peer,
    '--initial-cluster',
    `bench=${peer}`,
  ];
  const controls = await startAlone({
    name: 'etcd',
    command: '/usr/bin/etcd',
    args: ['--name', 'bench', '--data-dir', directory, '--log-level', 'error', ...clients, ...peers],
    // On some processors it starts only when told that it may.
    environment: { ETCD_UNSUPPORTED_ARCH: process.arch },
    directory,
    isReady: async () => {
      const answer = await fetch(`${client}/health`, { signal: AbortSignal.timeout(1000) });
      return answer.ok && ((await answer.json()) as { health: string }).health === 'true';
    },
    readyTimeoutMs: 30_000,
  });
  return { port, ...controls };
}
