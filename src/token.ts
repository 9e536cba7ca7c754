// The command line for tokens: makes them, and creates, lists and revokes them at a cluster. A token is shown once, when it is made.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setDefaultCACertificates } from 'node:tls';
import { parseArgs } from 'node:util';
import { runCommand } from './base/command-line.ts';
import { EXIT, type ExitCode, FatalError, messageOf } from './base/errors.ts';

const HELP = `Makes tokens, and creates, lists and revokes them at a Chorus cluster.

  node src/token.ts new                                      makes a token; asks nobody
  node src/token.ts create <name> --scope <scope> [--scope …]  makes one and lets it in
  node src/token.ts list                                     names and scopes
  node src/token.ts revoke <name>                            lets it in no more

new and create print the token: once, and to nobody else. A cluster knows only its SHA-256. What new prints beside it goes into the
setting adminTokenSha256 of the nodes: so the first administrator comes in, who creates the others.

Scopes: admin                    everything
        read:<beginning>         keys that begin so: values, lists, watches, conditions
        write:<beginning>        keys that begin so: put, delete, append, touch (increment needs read as well)
        read-cache:<name>        a cache's entries
        write-cache:<name>       a cache's entries, invalidation
        An empty end is all: "read:" is over every key.

  --url <url>            a node, or what stands before them; default http://127.0.0.1:8001
  --ca-file <file>       PEM: whom to trust at an https address, instead of the authorities that Node.js trusts
  --token-file <file>    holds the administrator's token to ask with; default: the variable CHORUS_TOKEN (no flag: others see those)
  --help, -h             this text
Exit codes: 0 done, 64 wrong arguments, 69 nobody answered, 1 refused.
`;

const TIMEOUT_MS = 10_000;
const REFUSED = 1;

type Asked = { readonly url: string; readonly token: string | undefined };
type Json = Readonly<Record<string, unknown>>;

if (import.meta.main) await runCommand(main, REFUSED);

async function main(args: readonly string[]): Promise<ExitCode> {
  const { values, positionals } = parsed(args);
  const [what = 'help', name, ...more] = positionals;
  if (values.help === true || (what === 'help' && args.length === 0)) return print(HELP);
  const token =
    values['token-file'] === undefined
      ? process.env.CHORUS_TOKEN
      : fileNamed('token-file', values['token-file']).trim();
  if (values['ca-file'] !== undefined) trustOnly(values['ca-file']);
  const asked = { url: (values.url ?? 'http://127.0.0.1:8001').replace(/\/+$/, ''), token };
  const wantsName = what === 'create' || what === 'revoke';
  if (more.length > 0 || wantsName !== (name !== undefined))
    throw wrong(`${what} takes ${wantsName ? 'one name' : 'no name'}`);
  if (what !== 'create' && values.scope !== undefined) throw wrong('--scope is for create');
  switch (what) {
    case 'new': {
      const made = newToken();
      return print(`token ${made}`, `adminTokenSha256 ${digestOf(made)}`);
    }
    case 'create':
      return create(asked, name ?? '', values.scope ?? []);
    case 'list':
      return list(asked);
    case 'revoke':
      await ask(asked, 'DELETE', `/v1/tokens/${encodeURIComponent(name ?? '')}`);
      return print(`revoked ${name}`);
    default:
      throw wrong(`there is no "${what}"`);
  }
}

async function create(asked: Asked, name: string, scopes: readonly string[]): Promise<ExitCode> {
  if (scopes.length === 0) throw wrong('create needs at least one --scope');
  const made = newToken();
  await ask(asked, 'POST', '/v1/tokens', { name, sha256: digestOf(made), scopes });
  return print(`token ${made}`);
}

async function list(asked: Asked): Promise<ExitCode> {
  const { tokens } = await ask(asked, 'GET', '/v1/tokens');
  for (const { name, scopes, createdAt } of tokens as readonly Json[]) {
    console.log(`${name}  ${createdAt}  ${(scopes as readonly string[]).join(' ')}`);
  }
  return EXIT.stopped;
}

/** The body of a success; a refusal is thrown in the words of whoever refused. */
async function ask({ url, token }: Asked, method: string, path: string, body?: Json): Promise<Json> {
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  const headers = { ...authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const answer = await fetch(`${url}${path}`, { method, headers, signal, ...content }).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new FatalError(EXIT.logUnreachable, `${url} does not answer: ${messageOf(cause)}`);
  });
  const text = await answer.text();
  const said = (text === '' ? {} : JSON.parse(text)) as Json;
  if (answer.ok) return said;
  throw new Error(`refused with ${answer.status}: ${String(said.detail ?? said.title ?? 'no reason given')}`);
}

/** 256 random bits, behind a name by which they are found where they should not be. */
function newToken(): string {
  return `chorus_${randomBytes(32).toString('base64url')}`;
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** For all connections that this process makes. */
function trustOnly(path: string): void {
  const certificates = fileNamed('ca-file', path);
  try {
    setDefaultCACertificates([certificates]);
  } catch {
    throw wrong(`--ca-file: there is no certificate in ${path}`);
  }
}

function fileNamed(option: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw wrong(`--${option}: ${messageOf(error)}`);
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        scope: { type: 'string', multiple: true },
        url: { type: 'string' },
        'ca-file': { type: 'string' },
        'token-file': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw wrong(messageOf(error));
  }
}

function wrong(message: string): FatalError {
  return new FatalError(EXIT.badConfiguration, `${message}; node src/token.ts --help says more`);
}

function print(...lines: readonly string[]): ExitCode {
  for (const line of lines) process.stdout.write(`${line.trimEnd()}\n`);
  return EXIT.stopped;
}
