// Audit lines: who did or tried which act of an administrator, from where, when, and how it ended. At every level of the log but silent.
import { TLSSocket } from 'node:tls';
import { NEEDS, type Need, type Path } from './routes.ts';
import type { HttpService, Request, Response } from './service.ts';
import { pathOf } from './targets.ts';

/** Whether requests of this kind are told: whatever an administrator changes, and backups, which hold everything. */
export function isAct(path: Path, method: string): boolean {
  const needs: Readonly<Record<string, Need>> = NEEDS[path];
  return needs[method] === 'admin' && (method !== 'GET' || path === '/v1/snapshot');
}

/** To be called before the act is judged, so that what was refused is told too. `act`: method and path as in routes.ts. */
export function audit(service: HttpService, request: Request, response: Response, act: string): void {
  if (service.logger.level === 'silent') return;
  const begun = {
    audit: act,
    path: pathOf(response.locals.target),
    who: callerNameOf(service, request),
    certificate: certificateNameOf(request),
    from: request.socket.remoteAddress,
  };
  response.once('close', () => {
    const ended = { status: response.statusCode, outcome: outcomeOf(response) };
    service.logger.child(begun, { level: 'info' }).info(ended, 'an administrator’s act was answered');
  });
}

/** Its token may have been revoked since the request was let in. */
function callerNameOf(service: HttpService, request: Request): string | undefined {
  try {
    return service.access.callerOf(request).name;
  } catch {
    return undefined;
  }
}

/** The common name that the client's certificate says, where nodes ask for one. */
function certificateNameOf({ socket }: Request): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  return String(socket.getPeerCertificate().subject?.CN);
}

function outcomeOf(response: Response): 'done' | 'refused' | 'failed' | 'broken off' {
  if (!response.writableFinished) return 'broken off';
  if (response.statusCode < 400) return 'done';
  return response.statusCode < 500 ? 'refused' : 'failed';
}
