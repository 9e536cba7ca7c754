// How the containers of docker-compose.yml are confined.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

type Service = {
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly privileged?: boolean;
  readonly read_only?: boolean;
  readonly ports?: readonly string[];
};

const root = resolve(import.meta.dirname, '../..');
const { services } = parse(readFileSync(resolve(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  services: Readonly<Record<string, Service>>;
};

test.each(Object.entries(services))('%s has no capabilities and can get none', (_, service) => {
  expect(service.cap_drop).toEqual(['ALL']);
  expect(service.security_opt).toContain('no-new-privileges:true');
  expect(service.privileged).toBeUndefined();
});

test.each(Object.entries(services).filter(([name]) => !name.startsWith('kafka')))(
  '%s cannot write its own files',
  (_, service) => {
    expect(service.read_only).toBe(true);
  },
);

test('only Nginx is published, and to this machine alone', () => {
  const published = Object.entries(services).flatMap(([name, { ports = [] }]) =>
    ports.map((port) => `${name} ${port}`),
  );
  expect(published).toHaveLength(1);
  expect(published[0]).toMatch(/^nginx 127\.0\.0\.1:/);
});

test('a node runs as a user of its own, not as root', () => {
  const users = [...readFileSync(resolve(root, 'Dockerfile'), 'utf8').matchAll(/^USER (.*)$/gm)].map(
    ([, user]) => user,
  );
  expect(users).toEqual(['node']);
});
