// The bytes of the requests with which the load generator asks each kind of server for the same thing.

export type Api = 'plain' | 'etcd';
export type RequestKind = 'GET' | 'PUT' | 'transaction';

/**
 * A read of key `n`, a write of it, or a transaction that compares it and writes it. `plain` is the API of Chorus, which the
 * bare server speaks too as far as it goes; etcd's is the JSON gateway to its v3 API.
 */
export function requestFor(api: Api, kind: RequestKind, n: number, value: Buffer): Buffer {
  const key = `bench/${n}`;
  if (api === 'etcd') return etcdRequest(kind, Buffer.from(key).toString('base64'), value.toString('base64'));
  switch (kind) {
    case 'GET':
      return Buffer.from(`GET /v1/keys/${key} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    case 'PUT':
      return post(`PUT /v1/keys/${key}`, 'application/octet-stream', value);
    case 'transaction': {
      const put = { op: 'put', key, value: value.toString('latin1') };
      const body = { if: [{ key, exists: true }], then: [put] };
      return post('POST /v1/transactions', 'application/json', Buffer.from(JSON.stringify(body)));
    }
  }
}

/** Watches all keys that requestFor writes. */
export function watchRequest(api: Api): Buffer {
  if (api === 'plain') return Buffer.from('GET /v1/watch?prefix=bench/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  const [key, end] = ['bench/', 'bench0'].map((text) => Buffer.from(text).toString('base64'));
  const body = { create_request: { key, range_end: end } };
  return post('POST /v3/watch', 'application/json', Buffer.from(JSON.stringify(body)));
}

function etcdRequest(kind: RequestKind, key: string, value: string): Buffer {
  const compare = { key, target: 'CREATE', result: 'GREATER', create_revision: '0' };
  const [path, body] = {
    GET: ['range', { key }],
    PUT: ['put', { key, value }],
    transaction: ['txn', { compare: [compare], success: [{ request_put: { key, value } }] }],
  }[kind] as [string, object];
  return post(`POST /v3/kv/${path}`, 'application/json', Buffer.from(JSON.stringify(body)));
}

function post(line: string, type: string, body: Buffer): Buffer {
  const head = `${line} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}
