// What the contract says of watching, to whatever serves it: the events, their ids, and every way to go on.
import { expect, test } from 'vitest';
import { type Received, send } from '../unit/http/running-node.ts';
import { EventStream } from './event-stream.ts';
import { OpenApiDocument } from './open-api-document.ts';

export function watchContract(url: () => string): void {
  const document = new OpenApiDocument();
  const name = `watched/${Math.random()}/`;
  const write = (method: string, query: string, body?: string | Uint8Array): Promise<Received> =>
    send(url(), method, `/v1/keys/${name}${query}`, body === undefined ? {} : { body });
  const watch = (query = '', headers: Record<string, string> = {}) =>
    EventStream.open(url(), `/v1/watch?prefix=${name}${query}`, headers);

  test('a watch tells every kind of change as it is documented, each with the id that goes on from it', async () => {
    const stream = await watch();
    expect([stream.status, stream.headers['content-type']]).toEqual([200, 'text/event-stream']);
    expect(stream.headers).toMatchObject({ 'chorus-consistency': 'eventual', 'x-content-type-options': 'nosniff' });
    expect(stream.headers).not.toHaveProperty('content-encoding');
    await stream.until('first block', () => stream.lastId !== '');
    const before = Number(stream.lastId);
    await write('PUT', 'a?ttl=1h', 'text');
    await write('PUT', 'b', Uint8Array.of(255));
    await write('POST', 'n?op=increment');
    await write('POST', 'a?op=touch&ttl=none');
    await write('DELETE', 'b');
    const items = ['x', 'y'].map((key) => ({ op: 'put', key: name + key, value: key }));
    const headers = { 'content-type': 'application/json' };
    await send(url(), 'POST', '/v1/transactions', { headers, body: JSON.stringify({ then: items }) });
    const events = await stream.take(7);
    stream.close();
    const revision = expect.any(Number);
    const type = { contentType: 'application/octet-stream' };
    expect(events.map(({ event, data }) => [event, data])).toEqual([
      ['put', { key: `${name}a`, revision, value: 'text', expiresAt: expect.stringMatching(/Z$/), ...type }],
      ['put', { key: `${name}b`, revision, base64: '/w==', ...type }],
      ['put', { key: `${name}n`, revision, value: '1', contentType: expect.stringMatching(/^text\/plain/) }],
      ['touch', { key: `${name}a`, revision }],
      ['delete', { key: `${name}b`, revision }],
      ['put', { key: `${name}x`, revision, value: 'x', ...type }],
      ['put', { key: `${name}y`, revision, value: 'y', ...type }],
    ]);
    for (const { data } of events) expect(document.faults(document.component('schemas', 'Change'), data)).toBe('');
    expect(events.map(({ id }) => id)).toEqual(
      events.map(({ data }, at) => `${data.revision}.${at === events.length - 1 ? 1 : 0}`),
    );

    const [first, second, , , , x, y] = events.map(({ id }) => id);
    const whole = String(events[5]?.data.revision);
    const ways: readonly [query: string, headers: Record<string, string>, next: string | undefined][] = [
      [`&since=${before}`, {}, first],
      [`&since=${first}`, {}, second],
      [`&since=${first?.split('.')[0]}`, {}, second],
      [`&since=${x}`, {}, y],
      [`&since=${before}`, { 'Last-Event-ID': x ?? '' }, y],
      [`&since=${Number(whole) - 1}`, { 'Last-Event-ID': '' }, x],
    ];
    for (const [query, headers, next] of ways) {
      const resumed = await watch(query, headers);
      expect((await resumed.take(1))[0]?.id, `${query} ${JSON.stringify(headers)}`).toBe(next);
      resumed.close();
    }
    const ahead = await watch(`&since=${Number(whole) + 2}`);
    for (const key of ['p', 'q', 'r']) await write('PUT', key, key);
    const [event] = await ahead.take(1);
    ahead.close();
    expect(Number(event?.data.revision)).toBeGreaterThan(Number(whole) + 2);
  });
}
