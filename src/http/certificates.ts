// The certificates of a server: read from their files, read again when these change, and never half of a change.
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions, type TlsOptions } from 'node:tls';
import { EXIT, FatalError, messageOf } from '../base/errors.ts';

/** Where they are; '' for a file that there is not. */
export type TlsFiles = {
  readonly certFile: string;
  readonly keyFile: string;
  /** What clients' certificates are signed with. */
  readonly caFile: string;
  readonly clientAuth: 'none' | 'required';
};

export class Certificates {
  readonly #files: TlsFiles;
  #current: SecureContextOptions;
  #lookedAt: string;

  /** Throws FatalError (64) when they cannot be used. */
  constructor(files: TlsFiles) {
    this.#files = files;
    this.#lookedAt = this.#look();
    try {
      this.#current = usable(files);
    } catch (error) {
      throw new FatalError(EXIT.badConfiguration, `http.tls: ${messageOf(error)}`, { cause: error });
    }
  }

  /** For a server, at its start and again after each `refresh` that said so. */
  get serverOptions(): TlsOptions {
    const isAsked = this.#files.clientAuth === 'required';
    return { ...this.#current, requestCert: isAsked, rejectUnauthorized: isAsked, minVersion: 'TLSv1.2' };
  }

  /** The server's own certificate, without those that signed it. */
  get own(): X509Certificate {
    return new X509Certificate(this.#current.cert as Buffer);
  }

  /** For one who shows the same certificate as a client. */
  get identity(): Pick<SecureContextOptions, 'cert' | 'key'> {
    const { cert, key } = this.#current;
    return { cert, key };
  }

  /** Reads the files if they are others than before; true: there are new ones. Throws when these cannot be used, and the old ones stay. */
  refresh(): boolean {
    const look = this.#look();
    if (look === this.#lookedAt) return false;
    this.#lookedAt = look;
    this.#current = usable(this.#files);
    return true;
  }

  /** What tells that a file was written or replaced, also by a link that points elsewhere. */
  #look(): string {
    const { certFile, keyFile, caFile } = this.#files;
    return [certFile, keyFile, caFile]
      .map((file) => (file === '' ? undefined : statSync(file, { throwIfNoEntry: false, bigint: true })))
      .map((stat) => (stat === undefined ? '-' : `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`))
      .join();
  }
}

/** Throws when a file is not there, or key and certificate do not belong together: one of them may be about to be written. */
function usable({ certFile, keyFile, caFile }: TlsFiles): SecureContextOptions {
  const material = {
    cert: readFileSync(certFile),
    key: readFileSync(keyFile),
    ...(caFile === '' ? {} : { ca: readFileSync(caFile) }),
  };
  createSecureContext(material);
  return material;
}
