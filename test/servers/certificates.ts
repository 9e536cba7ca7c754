// Certificates for tests, made by openssl: an authority, and what it signs; all of them are worthless after a day.
import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Issued = { readonly certFile: string; readonly keyFile: string };
export type Authority = {
  /** What those who trust it are given. */
  readonly caFile: string;
  /** For servers on this machine and for clients alike; `name` is the common name and names the files. Issued again it replaces them. */
  issue(name: string): Issued;
};

/** Makes an authority whose files lie in `directory`. */
export function createAuthority(directory: string, name = 'authority'): Authority {
  const caFile = join(directory, `${name}.pem`);
  const caKey = join(directory, `${name}.key`);
  openssl([...SELF_SIGNED, '-subj', `/CN=${name}`, '-keyout', caKey, '-out', caFile]);
  return {
    caFile,
    issue(common) {
      const [certFile, keyFile] = [join(directory, `${common}.pem`), join(directory, `${common}.key`)];
      const extensions = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
      const signed = ['-CA', caFile, '-CAkey', caKey, '-addext', 'basicConstraints=critical,CA:FALSE'];
      openssl([
        ...SELF_SIGNED,
        ...extensions,
        ...signed,
        '-subj',
        `/CN=${common}`,
        '-keyout',
        `${keyFile}.new`,
        '-out',
        `${certFile}.new`,
      ]);
      // As a careful operator does: whole files take the place of the old ones.
      renameSync(`${keyFile}.new`, keyFile);
      renameSync(`${certFile}.new`, certFile);
      return { certFile, keyFile };
    },
  };
}

/** Key and certificate in one file, as Kafka reads them. */
export function joined({ certFile, keyFile }: Issued, file: string): string {
  writeFileSync(file, readFileSync(keyFile, 'utf8') + readFileSync(certFile, 'utf8'));
  return file;
}

const SELF_SIGNED = [
  ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
  ...['-noenc', '-days', '1'],
];

function openssl(words: readonly string[]): void {
  execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] });
}
